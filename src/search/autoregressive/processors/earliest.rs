//! When tokens can be generated at the earliest, whatever the scores.

/// How many tokens a request generates at least before each of some tokens, whatever the scores:
/// `usize::MAX` if it never generates that token. Processors say so one after the other
/// ([`LogitsProcessor::find_earliest`](super::LogitsProcessor::find_earliest)).
#[derive(Debug)]
pub struct Earliest<'a> {
    pub(in super::super) prompt: &'a [u32],
    pub(in super::super) end_tokens: &'a [u32],
    pub(in super::super) max_length: usize,
    /// Ascending, each once.
    pub(in super::super) tokens: &'a [u32],
    pub(in super::super) counts: &'a mut [usize],
}

impl Earliest<'_> {
    /// The prompt of the request.
    pub fn prompt(&self) -> &[u32] {
        self.prompt
    }

    /// The end tokens of the request, ascending.
    pub fn end_tokens(&self) -> &[u32] {
        self.end_tokens
    }

    /// The largest number of generated tokens.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Says that so many tokens at least come before a token; `usize::MAX`: it never comes.
    /// What has been said of a larger number stays.
    pub fn raise(&mut self, token: u32, count: usize) {
        if let Ok(at) = self.tokens.binary_search(&token) {
            self.counts[at] = self.counts[at].max(count);
        }
    }

    /// Changes what has been said of each token.
    pub fn update(&mut self, change: impl Fn(u32, usize) -> usize) {
        for (&token, count) in self.tokens.iter().zip(&mut *self.counts) {
            *count = change(token, *count);
        }
    }
}
