//! What a request says of sampling.

use crate::error::{Error, Kind};

/// Continuations that are drawn, not ranked
/// ([`Request::with_sampling`](super::super::Request::with_sampling)).
///
/// The random numbers follow from the seed, the hypothesis and its length alone. So a request
/// finds the same to the last bit for every thread count, batch and level.
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, Request, Sampling};
///
/// // Eight different sequences, each drawn from the model.
/// let sampling = Sampling::stochastic_beams(42).with_temperature(0.8)?;
/// let request = Request::new(8, MaximumLength(64)).with_sampling(sampling);
/// # assert_eq!(request.beams(), 8);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(try_from = "Fields"))]
pub struct Sampling {
    method: SamplingMethod,
    seed: u64,
    temperature: f64,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum SamplingMethod {
    /// See [`Sampling::stochastic_beams`].
    StochasticBeams,
    /// See [`Sampling::beam_sampling`].
    BeamSampling,
}

impl Sampling {
    /// The least temperature.
    pub const MIN_TEMPERATURE: f64 = 1e-3;
    /// The largest temperature.
    pub const MAX_TEMPERATURE: f64 = 1e3;

    /// As many whole sequences as beams, drawn without replacement, exactly distributed
    /// (stochastic beam search, Kool, van Hoof and Welling 2019, algorithm 1).
    ///
    /// Each sequence has a Gumbel variable at its log-probability, and the search finds the
    /// largest ones: no stopping rule, end rank or length penalty plays a part. They come
    /// back in the order of their perturbed log-probabilities, which are their scores, with
    /// [`Sampled`](super::super::Sampled) beside. Constraints and processors change the
    /// distribution that is drawn from.
    ///
    /// A sequence that others begin with is drawn only where nothing goes on from it, or the
    /// maximum length ends it: a [`Completeness::MayEnd`](super::super::Completeness::MayEnd)
    /// goes on. Widths may shrink from step to step. Those that grow, several groups, and
    /// required words are refused on admission: what a narrow step has dropped does not come
    /// back, and groups draw apart, so neither would be a sample without replacement. Coverage is
    /// reported, and changes no score here.
    ///
    /// Requests of one batch that are to differ need a seed each: the noise depends on the seed,
    /// the group and the tokens, not on the prompt.
    #[must_use]
    pub const fn stochastic_beams(seed: u64) -> Self {
        Sampling {
            method: SamplingMethod::StochasticBeams,
            seed,
            temperature: 1.0,
        }
    }

    /// The candidates of each step drawn without replacement, from all live hypotheses and
    /// tokens together; the rules then rank them by score as ever (`do_sample` with
    /// `num_beams` of Hugging Face transformers).
    #[must_use]
    pub const fn beam_sampling(seed: u64) -> Self {
        Sampling {
            method: SamplingMethod::BeamSampling,
            seed,
            temperature: 1.0,
        }
    }

    /// The same with log-probabilities divided by `temperature` before something is drawn.
    /// Each row is normalised anew by stochastic beams; scores and token scores stay those
    /// of temperature 1.
    ///
    /// # Errors
    ///
    /// If it is not from [`Sampling::MIN_TEMPERATURE`] to [`Sampling::MAX_TEMPERATURE`].
    pub fn with_temperature(self, temperature: f64) -> Result<Self, Error> {
        let sampling = Sampling {
            temperature,
            ..self
        };
        sampling.check()?;
        Ok(sampling)
    }

    /// What is drawn.
    pub fn method(&self) -> SamplingMethod {
        self.method
    }

    /// What chooses the random numbers.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The temperature.
    pub fn temperature(&self) -> f64 {
        self.temperature
    }

    pub(in crate::search::autoregressive) fn check(&self) -> Result<(), Error> {
        let range = Self::MIN_TEMPERATURE..=Self::MAX_TEMPERATURE;
        if range.contains(&self.temperature) {
            return Ok(());
        }
        let (value, limit) = (self.temperature, "from 0.001 to 1000");
        let what = "the temperature";
        Err(Kind::InvalidSetting { what, value, limit }.into())
    }

    /// What values are multiplied by before something is drawn.
    pub(in crate::search::autoregressive) fn factor(&self) -> f32 {
        (1.0 / self.temperature) as f32
    }
}

#[cfg(feature = "serde")]
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    method: SamplingMethod,
    seed: u64,
    temperature: f64,
}

#[cfg(feature = "serde")]
impl TryFrom<Fields> for Sampling {
    type Error = Error;

    /// What [`Sampling::with_temperature`] refuses is refused.
    fn try_from(fields: Fields) -> Result<Self, Error> {
        let Fields {
            method,
            seed,
            temperature,
        } = fields;
        let sampling = Sampling {
            method,
            seed,
            temperature,
        };
        sampling.check()?;
        Ok(sampling)
    }
}
