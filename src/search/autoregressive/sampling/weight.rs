//! Importance weights of hypotheses that were drawn without replacement.

use crate::kernels::exp::exp_nonpositive_f64;
use crate::kernels::ln::ln;
use crate::simd::ScalarF64;

/// The logarithm of the importance weight of a sequence: its probability over the probability
/// that its perturbed log-probability is above the threshold, 1 - exp(-exp(p - threshold))
/// (Kool et al. 2019, section 4.2). Without a threshold, all that is possible was drawn.
pub(in crate::search::autoregressive) fn log_weight(log_probability: f64, threshold: f64) -> f64 {
    if threshold == f64::NEG_INFINITY {
        return log_probability;
    }
    let exp = |x: f64| exp_nonpositive_f64(ScalarF64(x)).0;
    let distance = log_probability - threshold;
    let odds = if distance > 0.0 {
        1.0 / exp(-distance)
    } else {
        exp(distance)
    };
    let log_chance = if odds < 0.1 {
        // The series of ln((1 - e^-x) / x), where 1 - e^-x would cancel.
        let square = odds * odds;
        distance - odds / 2.0 + square / 24.0 - square * square / 2880.0
            + square * square * square / 181_440.0
    } else {
        ln(1.0 - exp(-odds))
    };
    log_probability - log_chance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_probabilities_over_those_of_being_drawn() {
        assert_eq!(log_weight(-3.0, f64::NEG_INFINITY), -3.0);
        for step in -300..300 {
            let distance = f64::from(step) / 15.0;
            let found = log_weight(-1.5, -1.5 - distance);
            let chance = -(-distance.exp()).exp_m1();
            let expected = -1.5 - chance.ln();
            assert!(
                (found - expected).abs() < 1e-13,
                "{distance}: {found} {expected}"
            );
        }
        assert_eq!(log_weight(-2.0, -900.0), -2.0);
    }
}
