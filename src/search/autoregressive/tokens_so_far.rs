//! The tokens of a hypothesis, as functions of the caller see them.

/// The tokens of a hypothesis so far: those of the prompt, then the generated ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokensSoFar<'a> {
    all: &'a [u32],
    prompt: usize,
}

impl<'a> TokensSoFar<'a> {
    /// All tokens, of which the first `prompt` are the prompt.
    pub(super) fn new(all: &'a [u32], prompt: usize) -> Self {
        TokensSoFar { all, prompt }
    }

    /// The prompt and the generated tokens.
    pub fn all(&self) -> &'a [u32] {
        self.all
    }

    /// The prompt of the request.
    pub fn prompt(&self) -> &'a [u32] {
        &self.all[..self.prompt]
    }

    /// The generated tokens.
    pub fn generated(&self) -> &'a [u32] {
        &self.all[self.prompt..]
    }
}
