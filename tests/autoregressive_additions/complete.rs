//! Complete permitted sequences that finish without an end token.

use proptest::prelude::*;
use widebeam::autoregressive::{LengthPenalty, Normaliser};
use widebeam::reference::autoregressive::{self as oracle, Finish};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::{Brackets, Extended, Model, Permitted, Spec};
use widebeam_toy::seeded;

use crate::model::{answers, assert_same, exhaustive, leaves, logits};

fn trie(beams: usize, length: usize, sequences: &[Vec<u32>]) -> Extended {
    let mut plain = Spec::plain(beams, length, &[]);
    plain.rules = exhaustive(LengthPenalty::None);
    plain.constraints = vec![(Permitted::Trie(sequences.to_vec()), Normaliser::WholeRow)];
    Extended {
        complete: true,
        ..Extended::of(plain)
    }
}

fn log_probability(model: &Model, tokens: &[u32]) -> f64 {
    let token = |at: usize| {
        let row = log_probabilities(model.kind, &model.scores(&tokens[..at]));
        row[tokens[at] as usize]
    };
    (0..tokens.len()).map(token).sum()
}

proptest! {
    #![proptest_config(seeded::cases(500))]

    /// All sequences come back, of whatever length, and the beginnings of longer ones.
    #[test]
    fn every_sequence_of_a_trie_is_found(
        seed: u64,
        sequences in prop::collection::btree_set(prop::collection::vec(0u32..4, 0..5), 1..12),
        max_length in 1usize..5,
    ) {
        let sequences: Vec<Vec<u32>> = sequences.into_iter().collect();
        let model = logits(seed, 4, 2);
        let outcome = trie(400, max_length, &sequences).expected(&model);
        let mut wanted: Vec<Vec<u32>> = sequences.clone();
        for sequence in &sequences {
            let cut = sequence[..sequence.len().min(max_length)].to_vec();
            wanted.push(cut);
        }
        wanted.retain(|tokens| tokens.len() <= max_length);
        wanted.sort();
        wanted.dedup();
        let expected: Vec<_> = wanted
            .into_iter()
            .map(|tokens| (tokens.clone(), log_probability(&model, &tokens)))
            .collect();
        assert_same(&answers(&outcome), &expected, "the whole list");
        for hypothesis in &outcome.hypotheses {
            let finish = match sequences.contains(&hypothesis.found.tokens) {
                true => Finish::Complete,
                false => Finish::Length,
            };
            prop_assert_eq!((hypothesis.found.finish, hypothesis.ending), (finish, 0));
        }
    }

    #[test]
    fn every_closed_sequence_of_a_grammar_is_found(seed: u64, max_length in 1usize..6) {
        let model = logits(seed, 3, 2);
        let brackets = Brackets { open: 0, close: 1, deepest: 2 };
        let mut plain = Spec::plain(400, max_length, &[]);
        plain.rules = exhaustive(LengthPenalty::None);
        let request = Extended {
            complete: true,
            grammar: Some((brackets, Normaliser::WholeRow)),
            ..Extended::of(plain)
        };
        let outcome = request.expected(&model);
        let depth = |tokens: &[u32]| -> Option<i32> {
            tokens.iter().try_fold(0, |depth, &token| match (token, depth) {
                (0, 2) | (1, 0) => None,
                (0, _) => Some(depth + 1),
                (1, _) => Some(depth - 1),
                _ => Some(depth),
            })
        };
        let mut expected = Vec::new();
        for length in 1..=max_length {
            for leaf in leaves(&model, length, &|_| false) {
                let depth = depth(&leaf.tokens);
                if depth == Some(0) || (depth.is_some() && length == max_length) {
                    expected.push((leaf.tokens, leaf.log_probability));
                }
            }
        }
        assert_same(&answers(&outcome), &expected, "the whole list");
    }

    /// Beams of few, sequences of which none begins another: a predicate says the same.
    #[test]
    fn where_nothing_may_follow_it_is_as_if_a_predicate_said_so(
        seed: u64,
        beams in 1usize..5,
        sequences in prop::collection::btree_set(prop::collection::vec(0u32..4, 1..5), 1..12),
    ) {
        let sequences: Vec<Vec<u32>> = sequences.into_iter().collect();
        let begins = |a: &Vec<u32>| sequences.iter().any(|b| b != a && b.starts_with(a));
        let sequences: Vec<Vec<u32>> =
            sequences.iter().filter(|sequence| !begins(sequence)).cloned().collect();
        let model = logits(seed, 4, 2);
        let found = trie(beams, 5, &sequences).expected(&model);
        let plain = trie(beams, 5, &sequences).plain;
        let mut request = plain.oracle();
        request.ends.predicate = Some(Box::new(move |place, token| {
            sequences.contains(&[place.generated, &[token]].concat())
        }));
        let expected = oracle::run(&request, model.kind, &|history| model.scores(history).into());
        prop_assert_eq!(answers(&found), answers(&expected));
    }
}

/// Two tries permit what both do, and are complete where both are.
#[test]
fn what_is_complete_is_complete_for_all() {
    let model = logits(5, 4, 1);
    let mut request = trie(50, 3, &[vec![1], vec![1, 2], vec![2]]);
    let other = Permitted::Trie(vec![vec![1, 2], vec![1, 3], vec![2]]);
    request
        .plain
        .constraints
        .push((other, Normaliser::WholeRow));
    let mut found: Vec<_> = answers(&request.expected(&model))
        .into_iter()
        .map(|(t, _)| t)
        .collect();
    found.sort();
    assert_eq!(found, [vec![1, 2], vec![2]]);
}

#[test]
fn the_empty_sequence_is_an_answer_at_once() {
    let model = logits(5, 4, 1);
    let alone = trie(3, 4, &[vec![]]).expected(&model);
    assert_eq!(answers(&alone), [(vec![], 0.0)]);
    assert_eq!(alone.hypotheses[0].found.finish, Finish::Complete);
    let among = trie(3, 4, &[vec![], vec![2]]).expected(&model);
    let tokens: Vec<_> = answers(&among)
        .into_iter()
        .map(|(tokens, _)| tokens)
        .collect();
    assert_eq!(tokens, [vec![], vec![2]]);
}

/// Whatever may follow as far as others know; and it is a sequence that can be drawn.
#[test]
fn nothing_follows_an_empty_sequence_that_is_complete() {
    use widebeam::reference::autoregressive::{Completeness, Method, Sampling};
    let model = logits(5, 4, 1);
    for method in [
        None,
        Some(Method::StochasticBeams),
        Some(Method::BeamSampling),
    ] {
        for says in [Completeness::Complete, Completeness::MayEnd] {
            let mut request = oracle::Request::new(3, 2);
            request.rules = exhaustive(LengthPenalty::None).into();
            request.sampling = method.map(|method| Sampling {
                method,
                seed: 1,
                temperature: 1.0,
            });
            let at_first = move |place: &oracle::Place<'_>| match place.generated {
                [] => says,
                _ => Completeness::Incomplete,
            };
            request.ends.completeness.push(Box::new(at_first));
            let outcome = oracle::run(&request, model.kind, &|h| model.scores(h).into());
            let empty = outcome
                .hypotheses
                .iter()
                .filter(|h| h.found.tokens.is_empty());
            let leaf = says == Completeness::Complete;
            let drawn_on = method == Some(Method::StochasticBeams) && !leaf;
            assert_eq!(empty.count(), usize::from(!drawn_on), "{method:?} {says:?}");
            let alone = outcome.hypotheses.len() == 1;
            assert_eq!(alone, leaf, "{method:?} {says:?}");
        }
    }
}

/// With end tokens a complete sequence permits these, and does not finish by itself.
#[test]
fn with_end_tokens_a_complete_sequence_waits_for_one() {
    let model = logits(5, 4, 1);
    let mut request = trie(9, 4, &[vec![1], vec![1, 2]]);
    request.plain.ends = vec![3];
    let mut found: Vec<_> = answers(&request.expected(&model))
        .into_iter()
        .map(|(t, _)| t)
        .collect();
    found.sort();
    assert_eq!(found, [vec![1, 2, 3], vec![1, 3]]);
}
