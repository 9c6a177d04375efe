//! How a hypothesis of stochastic beams was drawn.

/// How a hypothesis was drawn without replacement
/// ([`Sampling::stochastic_beams`](super::super::Sampling::stochastic_beams)).
///
/// A sum over hypotheses of a function times the weight, e to the power of
/// [`Sampled::log_weight`], is an unbiased estimate of the mean of the function over all
/// sequences (Kool et al. 2019, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Sampled {
    /// Its log-probability under the distribution that was drawn from, at the temperature:
    /// the noise is no part of it.
    pub log_probability: f64,
    /// That, perturbed: what hypotheses are ranked by.
    pub perturbed: f64,
    /// The logarithm of its importance weight: its probability over the probability that its
    /// perturbed log-probability is above the threshold
    /// ([`Outcome::threshold`](super::super::Outcome::threshold)).
    pub log_weight: f64,
}
