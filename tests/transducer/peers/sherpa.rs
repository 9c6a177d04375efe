//! sherpa-onnx: its greedy search, and its `modified_beam_search` with and without hotwords.

use serde::Deserialize;
use widebeam::ScoreKind;
use widebeam::scorers::{Phrases, Scorer, Unscored};
use widebeam::transducer::{Blank, LengthNormalisation, Topology, TransducerSearch};

use super::one_symbol::{Hotwords, Path, Switches, forward, search};
use super::toy::Model;
use crate::driver::Driver;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

/// A search through a batch of utterances. A greedy one is one with a single path.
#[derive(Deserialize)]
struct Case {
    model: Model,
    paths: usize,
    #[serde(default)]
    hotwords: Vec<Vec<u32>>,
    /// Of each token of a hotword.
    #[serde(default)]
    boost: f64,
    utterances: Vec<Answer>,
}

/// What sherpa-onnx says of an utterance: its best hypothesis.
#[derive(Deserialize)]
struct Answer {
    frames: usize,
    tokens: Vec<u32>,
    at: Vec<u32>,
    log_probabilities: Vec<f64>,
}

/// More than the small models have, so that nothing is cut.
const ALL: usize = 2000;

fn cases() -> Vec<Case> {
    let json = include_str!("../../fixtures/sherpa_onnx.json");
    let fixture: Fixture = serde_json::from_str(json).unwrap();
    fixture.cases
}

impl Case {
    fn hotwords(&self) -> Hotwords<'_> {
        Hotwords {
            words: &self.hotwords,
            boost: self.boost,
        }
    }

    /// The published search, best hypothesis first.
    fn published(&self, frames: usize, switches: Switches) -> Vec<Path> {
        let hotwords = self.hotwords();
        let mut found = search(&self.model, frames, self.paths, &hotwords, switches);
        let rank = |path: &Path| self.rank(&path.tokens, path.mass);
        found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
        found
    }

    /// What a prefix of such a mass is ranked by at the end. Its score is divided by the tokens
    /// and the labels that fill the predictor's memory before the first one.
    fn rank(&self, tokens: &[u32], mass: f64) -> f64 {
        let score = mass + self.hotwords().at_the_end(tokens);
        score / (tokens.len() + self.model.context) as f64
    }

    /// What the engine finds in each utterance, best first.
    fn engine(&self) -> Vec<Vec<Found>> {
        let boosts = self.hotwords.iter().map(|word| {
            let boost = self.boost * word.len() as f64;
            (&word[..], boost)
        });
        let boosts: Vec<(&[u32], f64)> = boosts.collect();
        if boosts.is_empty() {
            self.engine_with(Unscored)
        } else {
            self.engine_with(Phrases::from_tokens(&boosts).unwrap())
        }
    }

    fn engine_with<S: Scorer + Sync>(&self, scorer: S) -> Vec<Vec<Found>> {
        let blank = Blank(self.model.blank);
        let search = TransducerSearch::new(self.model.vocab, blank, self.paths)
            .unwrap()
            .with_scorer(scorer)
            .with_topology(Topology::OneSymbol)
            .unwrap()
            // The division of a model whose predictor remembers one label.
            .with_length_normalisation(LengthNormalisation::PerToken);
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
            let found = outcome.hypotheses().map(|hypothesis| Found {
                tokens: hypothesis.tokens.to_vec(),
                frames: hypothesis.frames.to_vec(),
                score: hypothesis.log_mass + hypothesis.scorer_score,
            });
            let mut found: Vec<Found> = found.collect();
            if self.model.context > 1 {
                let rank =
                    |found: &Found| found.score / (found.tokens.len() + self.model.context) as f64;
                found.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
            }
            found
        };
        ids.iter().map(found).collect()
    }
}

struct Found {
    tokens: Vec<u32>,
    frames: Vec<u32>,
    score: f64,
}

/// So the models and the search that is written out here are those of sherpa-onnx. Its best
/// hypothesis is all that it tells, without a score.
#[test]
fn the_published_search_finds_what_sherpa_onnx_does() {
    let mut answers = 0;
    for case in cases() {
        for answer in &case.utterances {
            let best = &case.published(answer.frames, Switches::PUBLISHED)[0];
            let about = format!("{:?}, {} paths", case.model, case.paths);
            assert_eq!(best.tokens, answer.tokens, "{about}");
            assert_eq!(best.frames, answer.at, "{about}");
            let scores = best.log_probabilities.iter().zip(&answer.log_probabilities);
            assert_eq!(best.log_probabilities.len(), answer.log_probabilities.len());
            for (ours, theirs) in scores {
                assert!(
                    (ours - theirs).abs() < 1e-4,
                    "{about}: {ours}, not {theirs}"
                );
            }
            answers += 1;
        }
    }
    assert!(answers > 400, "{answers}");
}

#[test]
fn the_engine_finds_what_the_published_search_does_with_the_switches_turned() {
    for case in cases() {
        for (answer, found) in case.utterances.iter().zip(case.engine()) {
            let expected = case.published(answer.frames, Switches::ENGINE);
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.tokens, expected.tokens);
                assert_eq!(found.frames, expected.frames);
                let score = expected.mass + case.hotwords().at_the_end(&expected.tokens);
                assert!((found.score - score).abs() < 1e-6);
            }
        }
    }
}

/// Nothing merges before the end of a frame if there is one path, and nothing is cut if there
/// are enough.
#[test]
fn the_engine_finds_what_sherpa_onnx_does_with_one_path_or_all() {
    let mut answers = 0;
    for case in cases() {
        if [1, ALL].contains(&case.paths) {
            for (answer, found) in case.utterances.iter().zip(case.engine()) {
                assert_eq!(found[0].tokens, answer.tokens);
                // Which frames are kept can change with hotwords, since they weigh in there.
                if case.hotwords.is_empty() {
                    assert_eq!(found[0].frames, answer.at);
                }
                answers += 1;
            }
        }
    }
    assert!(answers > 200, "{answers}");
}

/// How many answers change if one switch is turned.
#[derive(Debug, Default, PartialEq)]
struct Changes {
    answers: usize,
    tokens: usize,
    /// The frames of the same tokens.
    frames: usize,
}

/// What changes if one switch is turned in all searches with hotwords, or all without.
fn changes(with_hotwords: bool, turn: impl Fn(&mut Switches)) -> Changes {
    let mut turned = Switches::PUBLISHED;
    turn(&mut turned);
    let mut changes = Changes::default();
    for case in cases() {
        if case.hotwords.is_empty() != with_hotwords {
            for answer in &case.utterances {
                let best = &case.published(answer.frames, turned)[0];
                changes.answers += 1;
                changes.tokens += usize::from(best.tokens != answer.tokens);
                let same = best.tokens == answer.tokens;
                changes.frames += usize::from(same && best.frames != answer.at);
            }
        }
    }
    changes
}

#[test]
fn each_switch_changes_answers() {
    let of = |answers, tokens, frames| Changes {
        answers,
        tokens,
        frames,
    };
    let merge_first = |switches: &mut Switches| switches.cuts_first = false;
    assert_eq!(changes(false, merge_first), of(408, 34, 1));
    assert_eq!(changes(true, merge_first), of(96, 41, 0));
    let boost_at_once = |switches: &mut Switches| switches.boosts_late = false;
    assert_eq!(changes(false, boost_at_once), of(408, 0, 0));
    assert_eq!(changes(true, boost_at_once), of(96, 42, 7));
    let best_alignment = |switches: &mut Switches| switches.keeps_first = false;
    assert_eq!(changes(false, best_alignment), of(408, 0, 3));
    assert_eq!(changes(true, best_alignment), of(96, 0, 7));
}

/// Of so many answers, how many are not the engine's, and of how many of those the engine's
/// has the better rank if all alignments count.
fn others(paths: usize, with_hotwords: bool) -> [usize; 3] {
    let (mut answers, mut other, mut better) = (0, 0, 0);
    for case in cases() {
        if case.paths == paths && case.hotwords.is_empty() != with_hotwords {
            for (answer, found) in case.utterances.iter().zip(case.engine()) {
                let rank =
                    |tokens: &[u32]| case.rank(tokens, forward(&case.model, answer.frames, tokens));
                let ours = &found[0].tokens;
                answers += 1;
                other += usize::from(*ours != answer.tokens);
                better += usize::from(rank(ours) > rank(&answer.tokens) + 1e-9);
            }
        }
    }
    [answers, other, better]
}

#[test]
fn with_some_paths_the_answers_are_not_always_the_same() {
    assert_eq!(others(2, false), [72, 12, 10]);
    assert_eq!(others(4, false), [72, 15, 7]);
    assert_eq!(others(8, false), [72, 7, 5]);
    assert_eq!(others(4, true), [72, 41, 32]);
}
