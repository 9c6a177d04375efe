//! Requests with additions, as the engine takes them.

use super::extended::Extended;
use crate::autoregressive::Request;

impl Extended {
    /// The request as the engine takes it.
    pub fn engine(&self) -> Request {
        self.draw(self.change_rows(self.plain.engine()))
    }
}
