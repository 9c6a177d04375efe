//! Requests with additions, as the engine takes them.

use super::extended::Extended;
use crate::autoregressive::Request;

impl Extended {
    /// The request as the engine takes it.
    pub fn engine(&self) -> Request {
        let request = self.change_rows(self.plain.engine());
        let request = self.draw(request);
        self.constrain_by_grammar(request)
    }
}
