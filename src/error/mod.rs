//! The one error type of the library.

mod error_kind;
mod interrupted_at;
mod kind;
#[cfg(test)]
mod tests;

use std::fmt;

pub use error_kind::ErrorKind;
pub(crate) use interrupted_at::InterruptedAt;
pub(crate) use kind::Kind;

use crate::request_id::RequestId;

/// What went wrong, in one sentence that names the value and the limit.
///
/// [`Error::kind`] tells the sorts of errors apart, and [`Error::item`],
/// [`Error::step`], [`Error::token`] and [`Error::request`] say where. Both `Display`
/// and `Debug` are the sentence, so that an error that `main` returns, or that `unwrap`
/// meets, can be read:
///
/// ```
/// use widebeam::{ErrorKind, ScoresView, beam_search};
///
/// let scores = ScoresView::probabilities(&[0.5f32, f32::NAN], [1, 1, 2])?;
/// let error = beam_search(&scores, 1)?.best(0).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidScore);
/// assert_eq!((error.item(), error.token()), (Some(0), Some(1)));
/// assert_eq!(
///     format!("{error:?}"),
///     "item 0, step 0, token 1: NaN is not a valid probability (limits: 0 and 1.001)"
/// );
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone)]
pub struct Error {
    kind: Kind,
}

impl Error {
    /// An error of a setting that the caller refuses, in a sentence that names the value and
    /// the limit: for a [`LogitsProcessor`](crate::autoregressive::LogitsProcessor) that
    /// checks its settings. Its kind is [`ErrorKind::InvalidSetting`].
    pub fn invalid_setting(sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Kind::Refused { sentence }.into()
    }

    /// The sort of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind.sort()
    }

    /// Whether the machine, not the input, is at fault: a buffer that the
    /// input asks for could not be allocated.
    pub fn is_out_of_memory(&self) -> bool {
        self.kind() == ErrorKind::OutOfMemory
    }

    /// The batch item at fault, or that a cancelled search had reached, if the error is about
    /// one. In a view of some items ([`ScoresView::items`](crate::ScoresView::items)) it counts
    /// from the first item of the whole.
    pub fn item(&self) -> Option<usize> {
        match self.kind {
            Kind::InvalidScore { item, .. } | Kind::LengthTooLong { item, .. } => Some(item),
            Kind::NoHypothesis { item } => item,
            Kind::Cancelled { at } | Kind::DeadlinePassed { at } => at.item(),
            _ => None,
        }
    }

    /// The time step at fault, or that a cancelled search had reached, if the error is about one:
    /// the step of an item, the frame of an utterance, or the number of tokens that a hypothesis
    /// of a request had generated.
    pub fn step(&self) -> Option<usize> {
        match self.kind {
            Kind::InvalidScore { step, .. }
            | Kind::StepScore { step, .. }
            | Kind::ProcessedScore { step, .. }
            | Kind::Attention { step, .. } => Some(step),
            Kind::JoinerScore { frame, .. } | Kind::StreamPanicked { frames: frame } => Some(frame),
            Kind::Cancelled { at } | Kind::DeadlinePassed { at } => at.step(),
            _ => None,
        }
    }

    /// The token at fault, if the error is about one.
    pub fn token(&self) -> Option<u32> {
        match self.kind {
            Kind::InvalidScore { token, .. } | Kind::StepScore { token, .. } => Some(token as u32),
            Kind::JoinerScore {
                token,
                duration: None,
                ..
            } => Some(token as u32),
            Kind::ProcessedScore { token, .. }
            | Kind::UnknownToken { token, .. }
            | Kind::SparseToken { token, .. }
            | Kind::RepeatedToken { token, .. } => Some(token),
            Kind::BlankOutOfRange { blank, .. } => Some(blank),
            _ => None,
        }
    }

    pub(crate) fn into_kind(self) -> Kind {
        self.kind
    }

    /// The same error; if it says that a search was cancelled, at another place.
    pub(crate) fn interrupted_at(mut self, place: InterruptedAt) -> Self {
        if let Kind::Cancelled { at } | Kind::DeadlinePassed { at } = &mut self.kind {
            *at = place;
        }
        self
    }

    /// The request at fault, if the error is about one.
    pub fn request(&self) -> Option<RequestId> {
        match self.kind {
            Kind::StepScore { request, .. }
            | Kind::ProcessedScore { request, .. }
            | Kind::NeedsLogits { request }
            | Kind::Attention { request, .. }
            | Kind::SamplingNeedsLogits { request }
            | Kind::StepPanicked { request }
            | Kind::JoinerScore { request, .. }
            | Kind::FramesEnded { request, .. }
            | Kind::ScorerPanicked { request }
            | Kind::StepGivenUp { request }
            | Kind::UnknownRequest { request }
            | Kind::NoCompletion { request } => Some(request),
            _ => None,
        }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Error { kind }
    }
}

impl std::error::Error for Error {}

/// Errors are equal that say the same of the same request, also about a NaN.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.request() == other.request() && self.to_string() == other.to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind, f)
    }
}

/// The sentence of `Display`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Error {
    /// The sentence.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
