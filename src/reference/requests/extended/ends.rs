//! What ends a hypothesis, for the engine.

use super::{EndsWhen, Extended};
use crate::autoregressive::Request;

impl Extended {
    pub(in crate::reference::requests) fn add_engine_ends(&self, request: Request) -> Request {
        let request = request.with_stop_sequences(self.stops.clone());
        match self.ends_when {
            None => request,
            Some(EndsWhen { divisor, rest }) => request.ends_when(move |tokens, token| {
                let sum: u32 = tokens.all().iter().sum::<u32>() + token;
                sum % divisor == rest
            }),
        }
    }
}
