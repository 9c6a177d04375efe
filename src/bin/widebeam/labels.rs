//! The text of each token.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// One label for each token of a vocabulary.
#[derive(Debug)]
pub(crate) struct Labels(Vec<String>);

impl Labels {
    /// Labels of a text, one a line, the first of token 0. A label may be
    /// empty, or be white space.
    pub(crate) fn parse(text: &str) -> Self {
        Labels(text.lines().map(str::to_owned).collect())
    }

    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let bytes =
            fs::read(path).map_err(|error| Failure::reading(&error).about(path.display()))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            Failure::input(format!("{}: byte {at} is not UTF-8", path.display()))
        })?;
        Ok(Labels::parse(&text))
    }

    /// # Errors
    ///
    /// Unless there is exactly one label per token. One too many is an error
    /// like one too few: the usual cause, a missing blank or padding token,
    /// shifts every label by one.
    pub(crate) fn require(&self, vocab: usize) -> Result<(), Failure> {
        let given = self.0.len();
        if given == vocab {
            return Ok(());
        }
        Err(Failure::input(format!(
            "a vocabulary of {vocab} tokens needs {vocab} labels, the file of labels has {given}"
        )))
    }

    pub(crate) fn text(&self, tokens: &[u32]) -> String {
        tokens
            .iter()
            .map(|&token| self.0[token as usize].as_str())
            .collect()
    }
}
