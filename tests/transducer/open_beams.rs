//! A beam of all prefixes, against all alignments and the forward algorithms.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::reference::transducer::{Hypothesis, Topology};
use widebeam::scorers::Unscored;

use crate::alignments;
use crate::cases::{self, Case, DURATIONS};
use crate::forward;
use crate::model::Model;

/// Compares all hypotheses of an open beam with all labellings.
fn check(case: &Case) {
    let found = case.open(&Unscored);
    let mut all = alignments::all(case);
    assert_eq!(found.len(), all.len(), "{case:?}");
    let (mut mass, mut total) = (0.0, 0.0);
    for hypothesis in &found {
        let near = |a: f64, b: f64| {
            assert!((a - b).abs() < 1e-9, "{a} {b}: {hypothesis:?} {case:?}");
        };
        let labelling = all
            .remove(&hypothesis.tokens)
            .expect("it is there, and once");
        near(hypothesis.log_mass, labelling.mass.ln());
        near(hypothesis.alignment_score, labelling.best());
        let path = (hypothesis.frames.clone(), hypothesis.durations.clone());
        near(labelling.paths[&path], labelling.best());
        assert_eq!(hypothesis.score, hypothesis.log_mass);
        assert_eq!(hypothesis.scorer_score, 0.0);
        mass += hypothesis.log_mass.exp();
        total += labelling.mass;
        // No limit cuts these short.
        if hypothesis.tokens.len() <= case.max_symbols() || case.topology == Topology::OneSymbol {
            let forward = forward::probability(case, &hypothesis.tokens);
            near(hypothesis.log_mass, forward.ln());
        }
    }
    assert!((mass - total).abs() < 1e-9, "{mass} {total}: {case:?}");
    assert!(found.is_sorted_by(|a, b| a.score >= b.score), "{case:?}");
}

#[test]
fn rnn_t_finds_every_prefix_with_all_of_its_mass() {
    cases::standard(101, 90).iter().for_each(check);
}

#[test]
fn one_symbol_a_frame_finds_every_prefix_with_all_of_its_mass() {
    cases::one_symbol(102, 90).iter().for_each(check);
}

#[test]
fn tdt_finds_every_prefix_with_all_of_its_mass() {
    for durations in DURATIONS {
        cases::tdt(103, 60, durations).iter().for_each(check);
    }
}

/// Where nothing limits the symbols of a frame, an alignment goes on until the end.
#[test]
fn the_mass_of_all_prefixes_is_1_where_no_limit_cuts_any_short() {
    let tdt = [&[1][..], &[1, 2, 4]];
    let tdt = tdt
        .iter()
        .flat_map(|durations| cases::tdt(105, 30, durations));
    for mut case in cases::one_symbol(104, 30).into_iter().chain(tdt) {
        case.model.impossible = 0;
        let found = case.open(&Unscored);
        let mass: f64 = found.iter().map(|h| h.log_mass.exp()).sum();
        assert!((mass - 1.0).abs() < 1e-6, "{mass}: {case:?}");
    }
}

/// With 40 symbols a frame no sequence of a few tokens is cut short: their masses are those of
/// the forward algorithms, and all of them make up almost all.
#[test]
fn what_a_high_limit_leaves_out_is_little() {
    let one_token = |topology, durations| Case {
        model: Model {
            seed: 5,
            vocab: 2,
            durations,
            memory: 3,
            values: 0,
            impossible: 0,
            spread: 1.0,
            kind: ScoreKind::Logits,
        },
        topology,
        frames: 4,
        blank: 0,
    };
    let max_symbols = 40;
    let tdt = Topology::Tdt {
        durations: vec![0, 1, 2],
        max_symbols,
    };
    for case in [
        one_token(Topology::Standard { max_symbols }, 0),
        one_token(tdt, 3),
    ] {
        let found = case.open(&Unscored);
        let mass: f64 = found.iter().map(|h| h.log_mass.exp()).sum();
        assert!((mass - 1.0).abs() < 1e-6, "{mass}: {case:?}");
        for hypothesis in found.iter().filter(|h| h.tokens.len() <= max_symbols) {
            let forward = forward::probability(&case, &hypothesis.tokens).ln();
            assert!(
                (hypothesis.log_mass - forward).abs() < 1e-9,
                "{hypothesis:?}"
            );
        }
    }
}

/// The tokens and the durations of a row are normalised apart, by a softmax written here.
#[test]
fn logits_are_normalised_by_a_softmax_each() {
    let softmax = |scores: &[f32]| {
        let sum: f64 = scores.iter().map(|&x| f64::from(x).exp()).sum();
        scores
            .iter()
            .map(move |&x| f64::from(x) - sum.ln())
            .collect()
    };
    for mut case in cases::tdt(106, 12, &[0, 2, 3]) {
        case.model.kind = ScoreKind::Logits;
        case.frames = 1;
        let row = case.model.row(0, &[]);
        let (tokens, durations) = row.split_at(case.model.vocab);
        let tokens: Vec<f64> = softmax(tokens);
        let durations: Vec<f64> = softmax(durations);
        for h in case.open(&Unscored).iter().filter(|h| h.tokens.len() == 1) {
            if h.durations[0] > 0 {
                let token = tokens[h.tokens[0] as usize];
                let most = f64::max(durations[1], durations[2]);
                assert!(
                    (h.alignment_score - (token + most)).abs() < 1e-5,
                    "{case:?}"
                );
            }
        }
    }
}

fn bits(hypotheses: &[Hypothesis]) -> HashMap<(Vec<u32>, Vec<u32>), [u64; 3]> {
    let scores = |h: &Hypothesis| [h.score, h.log_mass, h.alignment_score].map(f64::to_bits);
    let key = |h: &Hypothesis| (h.tokens.clone(), h.frames.clone());
    hypotheses.iter().map(|h| (key(h), scores(h))).collect()
}

/// One symbol a frame is TDT whose only duration is 1; RNN-T is TDT whose only one is 0.
#[test]
fn a_single_duration_is_another_topology() {
    let one_symbol = cases::one_symbol(107, 30).into_iter();
    let standard = cases::standard(108, 30).into_iter();
    for mut case in one_symbol.chain(standard) {
        // The logarithm of 1, exactly, for the only duration.
        case.model.kind = ScoreKind::Logits;
        case.model.impossible = 0;
        let expected = bits(&case.open(&Unscored));
        let max_symbols = case.max_symbols();
        let duration = u32::from(case.topology == Topology::OneSymbol);
        case.model.durations = 1;
        case.topology = Topology::Tdt {
            durations: vec![duration],
            max_symbols,
        };
        assert_eq!(bits(&case.open(&Unscored)), expected, "{case:?}");
    }
}
