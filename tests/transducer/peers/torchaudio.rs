//! torchaudio: its `RNNTBeamSearch`, with the default ranking and with one by score.

use serde::Deserialize;
use widebeam::ScoreKind;
use widebeam::transducer::{Blank, Topology, TransducerSearch};

use super::standard::{Prefix, Ranking, search};
use super::toy::Model;
use crate::driver::Driver;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

/// A search through some utterances.
#[derive(Deserialize)]
struct Case {
    model: Model,
    beams: usize,
    max_symbols: usize,
    key: Key,
    utterances: Vec<Answer>,
}

/// The argument `hypo_sort_key`.
#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Key {
    Default,
    Score,
}

/// What torchaudio finds in an utterance, best first.
#[derive(Deserialize)]
struct Answer {
    frames: usize,
    hypotheses: Vec<Prefix>,
}

fn cases() -> Vec<Case> {
    let json = include_str!("../../fixtures/torchaudio.json");
    let fixture: Fixture = serde_json::from_str(json).unwrap();
    fixture.cases
}

impl Case {
    fn published(&self, frames: usize, ranking: Ranking) -> Vec<Prefix> {
        search(&self.model, frames, self.beams, self.max_symbols, ranking)
    }

    /// What the engine finds in each utterance, best first.
    fn engine(&self) -> Vec<Vec<Prefix>> {
        let max_symbols = self.max_symbols;
        let blank = Blank(self.model.blank);
        let search = TransducerSearch::new(self.model.vocab, blank, self.beams)
            .unwrap()
            .with_topology(Topology::Standard { max_symbols })
            .unwrap();
        let mut driver = Driver::new(search);
        let ids = self.utterances.iter();
        let ids: Vec<_> = ids
            .map(|answer| driver.search.admit(answer.frames).unwrap())
            .collect();
        driver.run(ScoreKind::Logits, |_, frame, prefix| {
            self.model.logits(frame, prefix)
        });
        let found = |&id| {
            let outcome = driver.search.outcome(id).unwrap().expect("it is done");
            let found = outcome.hypotheses();
            found
                .map(|found| (found.tokens.to_vec(), found.score))
                .collect()
        };
        ids.iter().map(found).collect()
    }
}

/// The same hypotheses in the same order, and the scores equal up to `error`.
fn check(found: &[Prefix], expected: &[Prefix], error: f64, about: &Case) {
    let about = format!("{:?}, {} beams", about.model, about.beams);
    assert_eq!(found.len(), expected.len(), "{about}");
    for ((tokens, score), (expected, mass)) in found.iter().zip(expected) {
        assert_eq!(tokens, expected, "{about}");
        assert!((score - mass).abs() < error, "{about}: {score}, not {mass}");
    }
}

#[test]
fn the_engine_finds_what_torchaudio_does_if_it_ranks_by_score() {
    let mut hypotheses = 0;
    for case in cases() {
        if case.key == Key::Score {
            for (answer, found) in case.utterances.iter().zip(case.engine()) {
                check(&found, &answer.hypotheses, 1e-4, &case);
                hypotheses += found.len();
            }
        }
    }
    assert!(hypotheses > 1000, "{hypotheses}");
}

/// So its ranking in the midst of the search is all that differs.
#[test]
fn the_published_search_finds_what_torchaudio_does_by_default() {
    for case in cases() {
        if case.key == Key::Default {
            for answer in &case.utterances {
                let expected = case.published(answer.frames, Ranking::Divided);
                check(&answer.hypotheses, &expected, 1e-4, &case);
            }
        }
    }
}

#[test]
fn the_engine_finds_what_the_published_search_does_if_it_ranks_by_mass() {
    for case in cases() {
        for (answer, found) in case.utterances.iter().zip(case.engine()) {
            let expected = case.published(answer.frames, Ranking::Mass);
            check(&found, &expected, 1e-6, &case);
        }
    }
}

/// Ranked in the end as torchaudio ranks them, by default its best hypotheses are not always
/// those of the engine: in the midst of the search it prefers long prefixes, for theirs are
/// the quotients nearest to zero.
#[test]
fn ranked_by_default_the_answers_are_not_always_the_same() {
    let (mut answers, mut other) = (0, 0);
    for case in cases() {
        if case.key == Key::Default {
            for (answer, mut found) in case.utterances.iter().zip(case.engine()) {
                let rank = |prefix: &Prefix| Ranking::Divided.of(prefix);
                found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
                answers += 1;
                other += usize::from(found[0].0 != answer.hypotheses[0].0);
            }
        }
    }
    assert_eq!([answers, other], [198, 92]);
}
