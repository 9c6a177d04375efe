//! RNN-T as the outline of the algorithm is written, line by line, where nothing ties.

use std::collections::HashMap;

use widebeam::ScoreKind;
use widebeam::reference::log_add;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::toy::Anything;
use widebeam::scorers::Unscored;

use crate::cases::{self, Case};

type Masses = HashMap<Vec<u32>, f64>;

/// The best prefixes by mass and score.
fn best(masses: Masses, beams: usize, scorer: &impl PrefixScorer) -> Vec<(Vec<u32>, f64)> {
    let total = |(prefix, mass): &(Vec<u32>, f64)| mass + scorer.sum(prefix);
    let mut ranked: Vec<(Vec<u32>, f64)> = masses.into_iter().collect();
    ranked.retain(|entry| total(entry).is_finite());
    ranked.sort_by(|a, b| total(b).total_cmp(&total(a)));
    ranked.truncate(beams);
    ranked
}

fn outline(case: &Case, beams: usize, scorer: &impl PrefixScorer) -> Vec<(Vec<u32>, f64)> {
    let blank = case.blank as usize;
    let mut b = vec![(vec![], 0.0)];
    for frame in 0..case.frames {
        let (mut a, mut c) = (b, Masses::new());
        for s in 0..=case.max_symbols() {
            for (y, mass) in &a {
                let left = mass + case.log_probabilities(frame, y).0[blank];
                let sum = c.entry(y.clone()).or_insert(f64::NEG_INFINITY);
                *sum = log_add(*sum, left);
            }
            let mut emitted = Masses::new();
            if s < case.max_symbols() {
                let full = best(c.clone(), beams, scorer);
                let least = full.get(beams - 1).map(|(y, mass)| mass + scorer.sum(y));
                for (y, mass) in &a {
                    for (v, score) in case.log_probabilities(frame, y).0.into_iter().enumerate() {
                        let longer = [&y[..], &[v as u32]].concat();
                        let total = mass + score + scorer.sum(&longer);
                        if v != blank && least.is_none_or(|least| total >= least) {
                            emitted.insert(longer, mass + score);
                        }
                    }
                }
            }
            a = best(emitted, beams, scorer);
        }
        b = best(c, beams, scorer);
    }
    b
}

/// Lets every prefix have rows of its own.
fn without_ties(case: &mut Case) {
    case.model.memory = usize::MAX;
    case.model.values = 0;
    case.model.kind = ScoreKind::Logits;
}

#[test]
fn rnn_t_is_what_the_outline_says() {
    for mut case in cases::standard(501, 120) {
        without_ties(&mut case);
        for beams in [1, 2, 3, 6] {
            let mut settings = case.settings();
            settings.beams = beams;
            let found = case.search(&settings, &Unscored).unwrap();
            let found: Vec<_> = found.into_iter().map(|h| (h.tokens, h.log_mass)).collect();
            assert_eq!(found, outline(&case, beams, &Unscored), "{case:?}");
        }
    }
}

/// A scorer ranks, and changes no mass. The vocabularies are so small that all tokens are
/// tried.
#[test]
fn a_scored_rnn_t_is_what_the_outline_says() {
    for mut case in cases::standard(502, 120) {
        without_ties(&mut case);
        for beams in [2, 3, 6] {
            let mut settings = case.settings();
            settings.beams = beams;
            let scorer = Anything {
                seed: case.model.seed,
                ends: false,
            };
            let found = case.search(&settings, &scorer).unwrap();
            let found: Vec<_> = found.into_iter().map(|h| (h.tokens, h.log_mass)).collect();
            assert_eq!(found, outline(&case, beams, &scorer), "{case:?}");
        }
    }
}
