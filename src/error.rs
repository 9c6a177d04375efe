//! The one error type of the library.

use std::fmt;

use crate::scores::ScoreKind;
use crate::simd::Level;

/// What went wrong, in one sentence that names the value and the limit.
///
/// Errors are about what the caller passed in or named in the environment, but
/// for one, [`Error::is_out_of_memory`].
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    EmptyVocabulary {
        shape: [usize; 3],
    },
    VocabularyTooLarge {
        vocab: usize,
        limit: usize,
    },
    SizeOverflow {
        shape: [usize; 3],
        strides: [usize; 2],
    },
    DataLength {
        shape: [usize; 3],
        needed: usize,
        given: usize,
    },
    DataTooShort {
        shape: [usize; 3],
        strides: [usize; 2],
        needed: usize,
        given: usize,
    },
    LengthsCount {
        batch: usize,
        given: usize,
    },
    SumLengths {
        terms: [usize; 2],
        sums: usize,
    },
    LengthTooLong {
        item: usize,
        length: usize,
        time: usize,
    },
    ZeroBeams,
    BeamsTooLarge {
        beams: usize,
        limit: usize,
    },
    InvalidScore {
        kind: ScoreKind,
        item: usize,
        step: usize,
        token: usize,
        value: f32,
    },
    LevelUnknown {
        name: String,
    },
    LevelFromEnvironment {
        reason: Box<Error>,
    },
    LevelUnavailable {
        level: Level,
        best: Level,
    },
    OutOfMemory {
        what: &'static str,
        bytes: usize,
    },
    ZeroLength,
    UnevenGroups {
        beams: usize,
        groups: usize,
    },
    BlankOutOfRange {
        blank: u32,
        vocab: usize,
    },
    InvalidSetting {
        what: &'static str,
        value: f64,
        limit: &'static str,
    },
    UnknownToken {
        what: &'static str,
        token: u32,
        vocab: usize,
    },
    StepShape {
        shape: [usize; 3],
        rows: usize,
        vocab: usize,
    },
    StepLengths,
    NothingRunning,
    StepScore {
        kind: ScoreKind,
        row: usize,
        step: usize,
        token: usize,
        value: f32,
    },
    AdjustedScore {
        step: usize,
        token: u32,
        value: f64,
    },
    NeedsLogits,
    StreamFinished {
        frames: usize,
    },
    StreamBatch {
        batch: usize,
    },
    StreamVocabulary {
        vocab: usize,
        expected: usize,
    },
    TooManyFrames {
        frames: usize,
        limit: usize,
    },
    Arpa {
        line: usize,
        what: String,
    },
    EmptySequence {
        index: usize,
    },
    SeparatorInWord {
        index: usize,
        separator: u32,
    },
    Unspellable {
        text: String,
        character: char,
    },
}

impl Error {
    /// Whether the machine, not the input, is at fault: a buffer that the
    /// input asks for could not be allocated.
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self.kind, Kind::OutOfMemory { .. })
    }

    /// The batch item at fault, where the error is about one.
    pub fn item(&self) -> Option<usize> {
        match self.kind {
            Kind::InvalidScore { item, .. } | Kind::LengthTooLong { item, .. } => Some(item),
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

/// Errors are equal that say the same, also about a NaN.
impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::EmptyVocabulary { shape } => write!(
                f,
                "shape {shape:?} has a vocabulary of 0 tokens; at least 1 is needed"
            ),
            Kind::VocabularyTooLarge { vocab, limit } => {
                write!(
                    f,
                    "a vocabulary of {vocab} tokens is above the limit of {limit}"
                )
            }
            Kind::SizeOverflow { shape, strides } => write!(
                f,
                "shape {shape:?} with strides {strides:?} spans more elements than memory can address"
            ),
            Kind::DataLength {
                shape,
                needed,
                given,
            } => write!(
                f,
                "shape {shape:?} needs exactly {needed} values, {given} were given"
            ),
            Kind::DataTooShort {
                shape,
                strides,
                needed,
                given,
            } => write!(
                f,
                "shape {shape:?} with strides {strides:?} reaches {needed} values, {given} were given"
            ),
            Kind::SumLengths {
                terms: [a, b],
                sums,
            } => write!(
                f,
                "{a} and {b} logarithms cannot be added into {sums} sums; the lengths must be the same"
            ),
            Kind::LengthsCount { batch, given } => write!(
                f,
                "a batch of {batch} items needs {batch} lengths, {given} were given"
            ),
            Kind::LengthTooLong { item, length, time } => write!(
                f,
                "item {item}: length {length} is above the {time} time steps of the scores"
            ),
            Kind::ZeroBeams => write!(f, "a beam width of 0 finds nothing; at least 1 is needed"),
            Kind::BeamsTooLarge { beams, limit } => {
                write!(f, "a beam width of {beams} is above the limit of {limit}")
            }
            Kind::InvalidScore {
                kind,
                item,
                step,
                token,
                value,
            } => {
                write!(f, "item {item}, step {step}, token {token}: ")?;
                write_not_valid(f, *kind, *value)
            }
            Kind::LevelFromEnvironment { reason } => {
                write!(f, "environment variable {}: {reason}", Level::VARIABLE)
            }
            Kind::LevelUnknown { name } => write!(
                f,
                "{name:?} is not an instruction-set level; the levels are {}",
                Level::NAMES
            ),
            Kind::LevelUnavailable { level, best } => {
                write!(f, "this processor has no level {level}; its best is {best}")
            }
            Kind::OutOfMemory { what, bytes } => {
                write!(
                    f,
                    "no memory for {what}: {bytes} bytes could not be allocated"
                )
            }
            Kind::ZeroLength => write!(
                f,
                "a maximum length of 0 tokens leaves nothing to search; at least 1 is needed"
            ),
            Kind::UnevenGroups { beams, groups } => write!(
                f,
                "{beams} beams cannot be split evenly into {groups} groups of at least 1"
            ),
            Kind::UnknownToken { what, token, vocab } => write!(
                f,
                "{what}: token {token} is beyond the vocabulary of {vocab} tokens"
            ),
            Kind::StepShape { shape, rows, vocab } => {
                write!(
                    f,
                    "scores of shape {shape:?} were given; this step needs [1, {rows}, {vocab}]"
                )?;
                match rows {
                    1 => Ok(()),
                    _ => write!(f, " or [{rows}, 1, {vocab}]"),
                }
            }
            Kind::StepLengths => write!(f, "the scores of a step have no lengths per item"),
            Kind::NothingRunning => write!(f, "no request is running, so no scores are expected"),
            Kind::StepScore {
                kind,
                row,
                step,
                token,
                value,
            } => {
                write!(f, "row {row}, step {step}, token {token}: ")?;
                write_not_valid(f, *kind, *value)
            }
            Kind::AdjustedScore { step, token, value } => write!(
                f,
                "step {step}, token {token}: an adjustment set a score of {value}; it must be a number below +inf"
            ),
            Kind::NeedsLogits => write!(
                f,
                "an adjustment before the log-softmax needs logits or log-probabilities, not probabilities"
            ),
            Kind::BlankOutOfRange { blank, vocab } => write!(
                f,
                "the blank is token {blank}, beyond a vocabulary of {vocab} tokens"
            ),
            Kind::InvalidSetting { what, value, limit } => {
                write!(f, "{what} is {value}; it must be {limit}")
            }
            Kind::StreamFinished { frames } => write!(
                f,
                "frames were fed to a stream that was finished after {frames} frames; reset it first"
            ),
            Kind::StreamBatch { batch } => write!(
                f,
                "a stream takes the frames of 1 item at a time, a batch of {batch} was given"
            ),
            Kind::StreamVocabulary { vocab, expected } => write!(
                f,
                "frames of {vocab} tokens were fed to a stream that began with {expected}"
            ),
            Kind::TooManyFrames { frames, limit } => {
                write!(f, "{frames} frames are above the limit of {limit}")
            }
            Kind::Arpa { line, what } => write!(f, "ARPA file, line {line}: {what}"),
            Kind::EmptySequence { index } => write!(f, "word {index} has no tokens"),
            Kind::SeparatorInWord { index, separator } => write!(
                f,
                "word {index} holds token {separator}, the separator of words"
            ),
            Kind::Unspellable { text, character } => {
                write!(f, "no label spells {character:?} in {text:?}")
            }
        }
    }
}

fn write_not_valid(f: &mut fmt::Formatter<'_>, kind: ScoreKind, value: f32) -> fmt::Result {
    write!(f, "{value} is not a valid ")?;
    match kind {
        ScoreKind::Probabilities => {
            write!(
                f,
                "probability (limits: 0 and {})",
                ScoreKind::MAX_PROBABILITY
            )
        }
        ScoreKind::LogProbabilities => write!(
            f,
            "log-probability (limits: -inf and {})",
            ScoreKind::MAX_LOG_PROBABILITY
        ),
        ScoreKind::Logits => write!(f, "logit (it must be below +inf, and a number)"),
    }
}
