//! The one error type of the library.

use std::fmt;

use crate::score_kind::ScoreKind;

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
        levels: &'static str,
    },
    LevelFromEnvironment {
        variable: &'static str,
        reason: Box<Error>,
    },
    LevelUnavailable {
        level: &'static str,
        best: &'static str,
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
    ProcessedScore {
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
            Kind::LevelFromEnvironment { variable, reason } => {
                write!(f, "environment variable {variable}: {reason}")
            }
            Kind::LevelUnknown { name, levels } => write!(
                f,
                "{name:?} is not an instruction-set level; the levels are {levels}"
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
            Kind::ProcessedScore { step, token, value } => write!(
                f,
                "step {step}, token {token}: a logits processor set a score of {value}; it must be a number below +inf"
            ),
            Kind::NeedsLogits => write!(
                f,
                "a logits processor before the log-softmax needs logits or log-probabilities, not probabilities"
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of each thing that can go wrong.
    #[test]
    fn every_message_names_the_value_and_the_limit() {
        use ScoreKind::{LogProbabilities, Logits, Probabilities};
        let invalid = |kind, value| Kind::InvalidScore {
            kind,
            item: 1,
            step: 2,
            token: 3,
            value,
        };
        let step = |kind, value| Kind::StepScore {
            kind,
            row: 1,
            step: 2,
            token: 3,
            value,
        };
        let shape = [2, 3, 4];
        let unknown = || Kind::LevelUnknown {
            name: "sse".into(),
            levels: "low and high",
        };
        let cases = [
            (
                Kind::EmptyVocabulary { shape },
                "shape [2, 3, 4] has a vocabulary of 0 tokens; at least 1 is needed",
            ),
            (
                Kind::VocabularyTooLarge { vocab: 9, limit: 8 },
                "a vocabulary of 9 tokens is above the limit of 8",
            ),
            (
                Kind::SizeOverflow {
                    shape,
                    strides: [5, 6],
                },
                "shape [2, 3, 4] with strides [5, 6] spans more elements than memory can address",
            ),
            (
                Kind::DataLength {
                    shape,
                    needed: 24,
                    given: 23,
                },
                "shape [2, 3, 4] needs exactly 24 values, 23 were given",
            ),
            (
                Kind::DataTooShort {
                    shape,
                    strides: [5, 6],
                    needed: 21,
                    given: 20,
                },
                "shape [2, 3, 4] with strides [5, 6] reaches 21 values, 20 were given",
            ),
            (
                Kind::LengthsCount { batch: 2, given: 3 },
                "a batch of 2 items needs 2 lengths, 3 were given",
            ),
            (
                Kind::SumLengths {
                    terms: [1, 2],
                    sums: 3,
                },
                "1 and 2 logarithms cannot be added into 3 sums; the lengths must be the same",
            ),
            (
                Kind::LengthTooLong {
                    item: 1,
                    length: 5,
                    time: 4,
                },
                "item 1: length 5 is above the 4 time steps of the scores",
            ),
            (
                Kind::ZeroBeams,
                "a beam width of 0 finds nothing; at least 1 is needed",
            ),
            (
                Kind::BeamsTooLarge { beams: 9, limit: 8 },
                "a beam width of 9 is above the limit of 8",
            ),
            (
                invalid(Probabilities, -0.5),
                "item 1, step 2, token 3: -0.5 is not a valid probability (limits: 0 and 1.001)",
            ),
            (
                invalid(LogProbabilities, 0.5),
                "item 1, step 2, token 3: 0.5 is not a valid log-probability (limits: -inf and 0.001)",
            ),
            (
                invalid(Logits, f32::NAN),
                "item 1, step 2, token 3: NaN is not a valid logit (it must be below +inf, and a number)",
            ),
            (
                unknown(),
                "\"sse\" is not an instruction-set level; the levels are low and high",
            ),
            (
                Kind::LevelFromEnvironment {
                    variable: "LEVEL",
                    reason: Box::new(unknown().into()),
                },
                "environment variable LEVEL: \"sse\" is not an instruction-set level; the levels are low and high",
            ),
            (
                Kind::LevelUnavailable {
                    level: "avx512",
                    best: "baseline",
                },
                "this processor has no level avx512; its best is baseline",
            ),
            (
                Kind::OutOfMemory {
                    what: "the beam",
                    bytes: 7,
                },
                "no memory for the beam: 7 bytes could not be allocated",
            ),
            (
                Kind::ZeroLength,
                "a maximum length of 0 tokens leaves nothing to search; at least 1 is needed",
            ),
            (
                Kind::UnevenGroups {
                    beams: 5,
                    groups: 2,
                },
                "5 beams cannot be split evenly into 2 groups of at least 1",
            ),
            (
                Kind::BlankOutOfRange { blank: 5, vocab: 5 },
                "the blank is token 5, beyond a vocabulary of 5 tokens",
            ),
            (
                Kind::InvalidSetting {
                    what: "the weight",
                    value: f64::NAN,
                    limit: "finite",
                },
                "the weight is NaN; it must be finite",
            ),
            (
                Kind::UnknownToken {
                    what: "end tokens",
                    token: 7,
                    vocab: 6,
                },
                "end tokens: token 7 is beyond the vocabulary of 6 tokens",
            ),
            (
                Kind::StepShape {
                    shape,
                    rows: 1,
                    vocab: 5,
                },
                "scores of shape [2, 3, 4] were given; this step needs [1, 1, 5]",
            ),
            (
                Kind::StepShape {
                    shape,
                    rows: 2,
                    vocab: 5,
                },
                "scores of shape [2, 3, 4] were given; this step needs [1, 2, 5] or [2, 1, 5]",
            ),
            (
                Kind::StepLengths,
                "the scores of a step have no lengths per item",
            ),
            (
                Kind::NothingRunning,
                "no request is running, so no scores are expected",
            ),
            (
                step(Probabilities, 2.0),
                "row 1, step 2, token 3: 2 is not a valid probability (limits: 0 and 1.001)",
            ),
            (
                step(Logits, f32::INFINITY),
                "row 1, step 2, token 3: inf is not a valid logit (it must be below +inf, and a number)",
            ),
            (
                Kind::ProcessedScore {
                    step: 2,
                    token: 3,
                    value: f64::INFINITY,
                },
                "step 2, token 3: a logits processor set a score of inf; it must be a number below +inf",
            ),
            (
                Kind::NeedsLogits,
                "a logits processor before the log-softmax needs logits or log-probabilities, not probabilities",
            ),
            (
                Kind::StreamFinished { frames: 3 },
                "frames were fed to a stream that was finished after 3 frames; reset it first",
            ),
            (
                Kind::StreamBatch { batch: 2 },
                "a stream takes the frames of 1 item at a time, a batch of 2 was given",
            ),
            (
                Kind::StreamVocabulary {
                    vocab: 4,
                    expected: 5,
                },
                "frames of 4 tokens were fed to a stream that began with 5",
            ),
            (
                Kind::TooManyFrames {
                    frames: 9,
                    limit: 8,
                },
                "9 frames are above the limit of 8",
            ),
            (
                Kind::Arpa {
                    line: 3,
                    what: "no".into(),
                },
                "ARPA file, line 3: no",
            ),
            (Kind::EmptySequence { index: 2 }, "word 2 has no tokens"),
            (
                Kind::SeparatorInWord {
                    index: 2,
                    separator: 4,
                },
                "word 2 holds token 4, the separator of words",
            ),
            (
                Kind::Unspellable {
                    text: "a\u{1b}x".into(),
                    character: '\u{1b}',
                },
                "no label spells '\\u{1b}' in \"a\\u{1b}x\"",
            ),
        ];
        for (kind, expected) in cases {
            let about_memory = matches!(kind, Kind::OutOfMemory { .. });
            let item = match kind {
                Kind::InvalidScore { .. } | Kind::LengthTooLong { .. } => Some(1),
                _ => None,
            };
            let error = Error::from(kind);
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.is_out_of_memory(), about_memory, "{error}");
            assert_eq!(error.item(), item, "{error}");
        }
    }

    #[test]
    fn errors_are_equal_that_say_the_same() {
        let error = |value| -> Error {
            let (step, token) = (2, 3);
            Kind::ProcessedScore { step, token, value }.into()
        };
        assert_eq!(error(f64::NAN), error(f64::NAN));
        assert_ne!(error(f64::NAN), error(f64::INFINITY));
        assert_ne!(error(f64::NAN), Kind::NeedsLogits.into());
    }
}
