//! What is drawn, as the engine takes it.

use super::extended::Extended;
use crate::autoregressive::{Request, Sampling};
use crate::reference::autoregressive::Method;

impl Extended {
    /// The request with what is drawn.
    ///
    /// # Panics
    ///
    /// If the engine has no such temperature.
    pub(super) fn draw(&self, request: Request) -> Request {
        let Some(sampling) = self.sampling else {
            return request;
        };
        let drawn = match sampling.method {
            Method::StochasticBeams => Sampling::stochastic_beams(sampling.seed),
            Method::BeamSampling => Sampling::beam_sampling(sampling.seed),
        };
        let drawn = drawn.with_temperature(sampling.temperature);
        request.with_sampling(drawn.expect("a temperature within the limits"))
    }
}
