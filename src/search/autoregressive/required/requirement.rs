//! Something that must occur.

use crate::error::{Error, Kind};

/// Something that must occur in the generated tokens of every hypothesis that finishes: a phrase,
/// or one of several.
///
/// ```
/// use widebeam::autoregressive::{MaximumLength, Request, Requirement};
///
/// let request = Request::new(8, MaximumLength(32))
///     .with_end_tokens([0])
///     .with_required_words([
///         Requirement::phrase([17, 4])?,
///         Requirement::any_of([vec![9], vec![12, 3]])?,
///     ]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "Vec<Vec<u32>>", into = "Vec<Vec<u32>>")
)]
pub struct Requirement {
    phrases: Vec<Vec<u32>>,
}

impl Requirement {
    /// Tokens that must occur one after the other.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn phrase(tokens: impl Into<Vec<u32>>) -> Result<Self, Error> {
        Self::any_of([tokens])
    }

    /// Phrases of which one must occur, such as the forms of a word.
    ///
    /// # Errors
    ///
    /// If there is no phrase, or one without tokens.
    pub fn any_of<P: Into<Vec<u32>>>(phrases: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let phrases: Vec<Vec<u32>> = phrases.into_iter().map(Into::into).collect();
        let empty = phrases.iter().position(Vec::is_empty);
        if empty.is_some() || phrases.is_empty() {
            return Err(Kind::EmptyRequirement { phrase: empty }.into());
        }
        Ok(Requirement { phrases })
    }

    /// The phrases of which one must occur.
    pub fn phrases(&self) -> &[Vec<u32>] {
        &self.phrases
    }
}

impl TryFrom<Vec<Vec<u32>>> for Requirement {
    type Error = Error;

    fn try_from(phrases: Vec<Vec<u32>>) -> Result<Self, Error> {
        Self::any_of(phrases)
    }
}

impl From<Requirement> for Vec<Vec<u32>> {
    fn from(requirement: Requirement) -> Self {
        requirement.phrases
    }
}
