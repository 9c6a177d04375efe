//! The coverage penalty.

use widebeam::ScoreKind;
use widebeam::autoregressive::{LengthPenalty, Rules, Stopping};
use widebeam::reference::autoregressive::{self as oracle, Scored, Scores};

/// Attention follows the last token: token t looks at source t alone, before any token at all
/// sources alike.
fn attention(history: &[u32]) -> Vec<f32> {
    match history.last() {
        None => vec![0.25; 4],
        Some(&last) => (0..4)
            .map(|source| if source == last { 0.5 } else { 0.125 })
            .collect(),
    }
}

#[test]
fn the_term_is_that_of_wu_et_al() {
    let mut request = oracle::Request::new(200, 3);
    request.end_tokens = vec![3];
    request.rules = Rules::plain()
        .with_length_penalty(LengthPenalty::Gnmt { alpha: 0.6 })
        .with_stopping(Stopping::Exhaustive)
        .into();
    request.coverage = Some(0.2);
    let row = [-0.7f32, -1.2, -1.9, -2.3];
    let scored = |history: &[u32]| Scored {
        scores: Scores::Dense(row.to_vec()),
        attention: attention(history),
    };
    let outcome = oracle::run(&request, ScoreKind::LogProbabilities, &scored);
    assert_eq!(outcome.hypotheses.len(), 1 + 3 + 9 + 27);
    for hypothesis in &outcome.hypotheses {
        let tokens = &hypothesis.found.tokens;
        let mut sums = [0.0f64; 4];
        for at in 0..tokens.len() {
            for (sum, own) in sums.iter_mut().zip(attention(&tokens[..at])) {
                *sum += f64::from(own);
            }
        }
        let term = 0.2 * sums.iter().map(|sum| sum.min(1.0).ln()).sum::<f64>();
        assert!((hypothesis.coverage - term).abs() < 1e-12);
        let penalty = ((5.0 + tokens.len() as f64) / 6.0).powf(0.6);
        let score = hypothesis.found.log_probability / penalty + term;
        assert!((hypothesis.found.score - score).abs() < 1e-12);
    }
    let scores: Vec<f64> = outcome.hypotheses.iter().map(|h| h.found.score).collect();
    assert!(scores.is_sorted_by(|a, b| a >= b));
}

/// A source that nothing looked at does not make a score of -infinity, and one that all looked
/// at is no more than covered.
#[test]
fn sums_are_held_between_the_least_f32_and_1() {
    let mut request = oracle::Request::new(1, 2);
    request.coverage = Some(1.0);
    let scored = |_: &[u32]| Scored {
        scores: Scores::Dense(vec![-0.5, -1.0]),
        attention: vec![0.0, 0.9, 0.25],
    };
    let outcome = oracle::run(&request, ScoreKind::LogProbabilities, &scored);
    let expected = f64::from(f32::MIN_POSITIVE).ln() + 0.0 + 0.5f64.ln();
    assert!((outcome.hypotheses[0].coverage - expected).abs() < 1e-9);
}
