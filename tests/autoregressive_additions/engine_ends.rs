//! Ends of several tokens, predicates and complete sequences: the engine against the oracle.

use proptest::prelude::*;
use widebeam::ScoreKind;
use widebeam::autoregressive::{CountedLength, LengthPenalty, Normaliser, Rules, Stopping};
use widebeam::reference::requests::{Brackets, EndsWhen, Extended, Model, Permitted, Spec};
use widebeam_toy::seeded;

use crate::decisions::model_and_spec;
use crate::engine::{check, check_batch};

fn any_stops(vocab: u32) -> impl Strategy<Value = Vec<Vec<u32>>> {
    let token = 0..vocab.min(4);
    prop::collection::vec(prop::collection::vec(token, 1..4), 0..4)
}

/// A model and a request with every kind of end.
pub(crate) fn model_and_request() -> impl Strategy<Value = (Model, Extended)> {
    let kind = prop::sample::select(vec![ScoreKind::Logits, ScoreKind::LogProbabilities]);
    let normaliser = || prop::sample::select(vec![Normaliser::WholeRow, Normaliser::Permitted]);
    let sequence = || prop::collection::vec(0u32..4, 0..5);
    let trie = (prop::collection::vec(sequence(), 0..20), normaliser());
    let brackets = (1usize..3, normaliser(), any::<bool>());
    (
        (model_and_spec(), kind),
        any_stops(9),
        prop::option::weighted(0.4, (2u32..5, 0u32..2)),
        prop::option::weighted(0.3, trie),
        prop::option::weighted(0.3, brackets),
    )
        .prop_map(
            |(((model, mut plain), kind), stops, ends_when, trie, brackets)| {
                let vocab = model.vocab as u32;
                let model = Model { kind, ..model };
                let constraints = &mut plain.constraints;
                constraints.extend(trie.map(|(sequences, by)| (Permitted::Trie(sequences), by)));
                for (permitted, _) in constraints.iter_mut() {
                    if let Permitted::Trie(sequences) = permitted {
                        sequences
                            .iter_mut()
                            .flatten()
                            .for_each(|token| *token %= vocab);
                    }
                }
                let mut request = Extended::of(plain);
                request.stops = stops;
                request
                    .stops
                    .iter_mut()
                    .flatten()
                    .for_each(|token| *token %= vocab);
                request.ends_when = ends_when.map(|(divisor, rest)| EndsWhen { divisor, rest });
                if let Some((deepest, normaliser, complete)) = brackets {
                    let brackets = Brackets {
                        open: 0,
                        close: 1,
                        deepest,
                    };
                    request.grammar = Some((brackets, normaliser));
                    request.complete = complete;
                }
                (model, request)
            },
        )
        .prop_filter("it can end", |(model, request)| request.is_admitted(model))
}

proptest! {
    #![proptest_config(seeded::cases(600))]

    #[test]
    fn every_kind_of_end_is_as_the_oracle_says((model, request) in model_and_request()) {
        check(&request, &model);
    }

    /// Neighbours of every kind, which come at different steps.
    #[test]
    fn ends_do_not_depend_on_neighbours(
        (model, first) in model_and_request(),
        others in prop::collection::vec((model_and_request(), 0usize..4), 1..4),
    ) {
        let mut visits = vec![(first, 0)];
        visits.extend(others.into_iter().map(|((_, request), start)| (request, start)));
        let vocab = model.vocab as u32;
        for (request, _) in &mut visits {
            fit(request, vocab);
            prop_assume!(request.is_admitted(&model));
        }
        check_batch(&visits, &model, widebeam::Level::best(), 2);
    }
}

/// Brings all tokens into a vocabulary.
pub(crate) fn fit(request: &mut Extended, vocab: u32) {
    let stops = request.stops.iter_mut().flatten();
    let ends = request.plain.ends.iter_mut();
    stops.chain(ends).for_each(|token| *token %= vocab);
    for (permitted, _) in &mut request.plain.constraints {
        if let Permitted::Trie(sequences) = permitted {
            sequences
                .iter_mut()
                .flatten()
                .for_each(|token| *token %= vocab);
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(1000))]

    /// The maximum length is where a stop sequence could just end.
    #[test]
    fn stop_sequences_at_the_edge_of_the_maximum_length(
        seed: u64,
        stops in prop::collection::vec(prop::collection::vec(0u32..4, 1..4), 1..4),
        ends in prop::collection::vec(0u32..5, 0..2),
        beams in 1usize..6,
        edge in 0usize..2,
        alpha in prop::sample::select(vec![0.0, 1.0]),
        counted in prop::sample::select(vec![CountedLength::Generated, CountedLength::WithoutEnd]),
        values in prop::sample::select(vec![0u64, 3]),
    ) {
        let model = Model { values, ..crate::model::logits(seed, 5, 2) };
        let longest = stops.iter().map(Vec::len).max().unwrap();
        let mut plain = Spec::plain(beams, longest + edge, &ends);
        plain.rules = Rules::plain()
            .with_length_penalty(LengthPenalty::Power { alpha })
            .with_counted(counted)
            .with_stopping(Stopping::Exhaustive);
        let request = Extended { stops, ..Extended::of(plain) };
        check_batch(&[(request, 0)], &model, widebeam::Level::best(), 1);
    }
}

/// More blocks than one, and walks that have to look further than K.
#[test]
fn long_rows_of_which_most_tokens_end() {
    for (seed, rest) in [(1, 0), (2, 1)] {
        let model = crate::model::logits(seed, 290, 2);
        for beams in [1, 7, 40] {
            let mut request = Extended::of(Spec::plain(beams, 4, &[]));
            request.ends_when = Some(EndsWhen { divisor: 2, rest });
            request.stops = vec![vec![5], vec![17, 3], vec![200, 4, 4]];
            check(&request, &model);
        }
    }
}
