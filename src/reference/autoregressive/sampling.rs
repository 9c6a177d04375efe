//! Whether and how continuations are drawn.

use super::random::{Key, Stream};
use crate::kernels::exp::exp_nonpositive_f64;
use crate::kernels::ln::ln;
use crate::simd::ScalarF64;

/// How continuations are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// What is drawn.
    pub method: Method,
    /// Chooses the random numbers.
    pub seed: u64,
    /// What log-probabilities are divided by before something is drawn.
    pub temperature: f64,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Whole sequences without replacement (Kool et al. 2019).
    StochasticBeams,
    /// The candidates of each step without replacement, which are then ranked as ever
    /// (`do_sample` with beams in Hugging Face transformers).
    BeamSampling,
}

/// How a hypothesis was drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    /// Its log-probability under the distribution that was drawn from.
    pub log_probability: f64,
    /// That, perturbed.
    pub perturbed: f64,
}

impl Sampling {
    /// How the empty hypothesis is drawn.
    pub(super) fn root(&self, key: Key) -> Option<Sampled> {
        let stream = Stream {
            seed: self.seed,
            key,
            length: 0,
        };
        (self.method == Method::StochasticBeams).then(|| Sampled {
            log_probability: 0.0,
            perturbed: stream.own_gumbel(0.0),
        })
    }
}

/// The logarithm of the importance weight of a hypothesis with this log-probability, in a
/// sample whose threshold is given: its probability over that of being above the threshold.
pub(super) fn log_weight(log_probability: f64, threshold: f64) -> f64 {
    if threshold == f64::NEG_INFINITY {
        return log_probability;
    }
    let distance = log_probability - threshold;
    let exp = |x: f64| exp_nonpositive_f64(ScalarF64(x)).0;
    let odds = match distance > 0.0 {
        true => 1.0 / exp(-distance),
        false => exp(distance),
    };
    // ln(1 - e^-odds); its series where that would cancel.
    let log_chance = if odds < 0.1 {
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
    use super::log_weight;

    #[test]
    fn weights_are_probabilities_over_those_of_being_in_the_sample() {
        assert_eq!(log_weight(-3.0, f64::NEG_INFINITY), -3.0);
        for step in -400..400 {
            let distance = f64::from(step) / 20.0;
            let log_probability = -2.5;
            let found = log_weight(log_probability, log_probability - distance);
            let chance = -(-distance.exp()).exp_m1();
            let expected = log_probability - chance.ln();
            assert!(
                (found - expected).abs() < 1e-13,
                "{distance}: {found} {expected}"
            );
        }
        // Beyond the range of an exponential.
        assert!((log_weight(-2.0, 900.0) - 900.0).abs() < 1e-9);
        assert_eq!(log_weight(-2.0, -900.0), -2.0);
    }
}
