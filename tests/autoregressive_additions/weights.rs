//! Stochastic beams: importance weights, thresholds, and what a seed means.

use widebeam::reference::autoregressive::Hypothesis;
use widebeam::reference::requests::Extended;

use crate::statistics::mean;
use crate::stochastic::{all, case, run, sampling, tokens};

/// For the estimate of any mean. Also: the sum of weights has the mean 1.
#[test]
fn weighted_samples_estimate_means_without_bias() {
    let (model, plain) = case();
    let values = |tokens: &[u32]| tokens.iter().map(|&t| f64::from(t * t) - 0.5).sum::<f64>();
    let exact: f64 = all(&model)
        .iter()
        .map(|leaf| leaf.log_probability.exp() * values(&leaf.tokens))
        .sum();
    for beams in [1, 2, 4] {
        let (mut estimates, mut weights) = (Vec::new(), Vec::new());
        for seed in 0..10_000 {
            let found = run(&model, &plain, beams, seed).hypotheses;
            let weight = |hypothesis: &Hypothesis| hypothesis.log_weight.unwrap().exp();
            let term = |h: &Hypothesis| weight(h) * values(&h.found.tokens);
            estimates.push(found.iter().map(term).sum());
            weights.push(found.iter().map(weight).sum());
        }
        for (estimates, exact) in [(estimates, exact), (weights, 1.0)] {
            let (mean, error) = mean(&estimates);
            assert!(
                (mean - exact).abs() < 4.0 * error,
                "{mean} +- {error}, not {exact}"
            );
            assert!(error < 0.15, "{error}");
        }
    }
}

#[test]
fn a_threshold_is_the_next_of_a_larger_sample() {
    let (model, plain) = case();
    for seed in 0..300 {
        let larger = run(&model, &plain, 5, seed);
        for beams in 1..5 {
            let sample = run(&model, &plain, beams, seed);
            assert_eq!(tokens(&sample), tokens(&larger)[..beams]);
            for (a, b) in sample.hypotheses.iter().zip(&larger.hypotheses) {
                assert_eq!(a.sampled, b.sampled);
            }
            let next = larger.hypotheses[beams].found.score;
            assert_eq!(sample.threshold, Some(next));
            // A shorter list is a smaller sample.
            let mut request = plain.clone();
            request.beams = 5;
            let short = Extended {
                n_best: Some(beams),
                sampling: sampling(seed, 1.0),
                ..Extended::of(request)
            };
            let short = short.expected(&model);
            assert_eq!(
                (short.hypotheses, short.threshold),
                (sample.hypotheses, sample.threshold)
            );
        }
    }
}

/// All sequences there are: nothing is left out, and weights are probabilities.
#[test]
fn a_sample_of_all_weighs_them_by_their_probabilities() {
    let (model, plain) = case();
    let outcome = run(&model, &plain, 50, 3);
    assert_eq!(outcome.threshold, Some(f64::NEG_INFINITY));
    assert_eq!(outcome.hypotheses.len(), all(&model).len());
    for hypothesis in &outcome.hypotheses {
        assert_eq!(
            hypothesis.log_weight,
            Some(hypothesis.sampled.unwrap().log_probability)
        );
        let (drawn, own) = (
            hypothesis.log_weight.unwrap(),
            hypothesis.found.log_probability,
        );
        assert!((drawn - own).abs() < 1e-12, "{drawn} {own}");
    }
}

/// e^-G of the best is an exponential variable.
#[test]
fn the_best_perturbed_value_is_a_gumbel_variable() {
    let (model, plain) = case();
    let inverse = |seed| (-run(&model, &plain, 2, seed).hypotheses[0].found.score).exp();
    let (mean, error) = mean(&(0..5000).map(inverse).collect::<Vec<f64>>());
    assert!((mean - 1.0).abs() < 4.0 * error, "{mean} +- {error}");
}

/// Bits that no later change may alter.
#[test]
fn a_seed_means_the_same_everywhere() {
    let (model, plain) = case();
    let outcome = run(&model, &plain, 3, 2026);
    let bits: Vec<_> = outcome
        .hypotheses
        .iter()
        .map(|h| {
            (
                h.found.tokens.clone(),
                h.found.score.to_bits(),
                h.log_weight.unwrap().to_bits(),
            )
        })
        .collect();
    let expected = [
        (vec![1, 0], 0xbfe9_bbcd_6477_91bf, 0xbff6_a88a_f250_9a71),
        (vec![2, 2, 0], 0xbff9_2de2_1b9f_b045, 0xc002_9330_3483_d32c),
        (vec![2, 2, 2], 0xbff9_df4d_60be_73a8, 0xbfe0_738f_e665_d99a),
    ];
    assert_eq!(bits, expected);
    let threshold = outcome.threshold.map(f64::to_bits);
    assert_eq!(threshold, Some(0xc002_fdc0_32c7_73c9));
}
