//! Everything that can go wrong, and in which words it is said.

use std::fmt;

use super::error_kind::ErrorKind;
use super::interrupted_at::InterruptedAt;
use crate::request_id::RequestId;
use crate::score_kind::ScoreKind;

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
    ZeroTopK,
    TopKBuffer {
        buffer: &'static str,
        given: usize,
        rows: usize,
        k: usize,
    },
    TopKNumber {
        row: usize,
        column: usize,
        value: f32,
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
        reason: Box<Kind>,
    },
    LevelUnavailable {
        level: &'static str,
        best: &'static str,
    },
    OutOfMemory {
        what: &'static str,
        bytes: usize,
    },
    ByteLimit {
        needed: usize,
        held: usize,
        limit: usize,
    },
    NoAttention {
        rows: usize,
        sources: usize,
    },
    AttentionShape {
        shape: [usize; 3],
        rows: usize,
        sources: usize,
    },
    AttentionScale,
    Attention {
        request: RequestId,
        row: usize,
        step: usize,
        source: usize,
        value: f32,
    },
    PermitsNothing {
        what: &'static str,
    },
    PermitsNoEnd {
        what: &'static str,
    },
    /// No end token is possible, or only behind so many tokens.
    NoEndInTime {
        before: Option<usize>,
        max_length: usize,
    },
    NoFirstToken,
    DrawnWithinRow,
    SequencesInGroups {
        groups: usize,
    },
    /// The width of a step, counted from 0, is above that of the step before.
    SequencesWiden {
        step: usize,
        before: usize,
        width: usize,
    },
    ZeroLength,
    EmptyStop {
        index: usize,
    },
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
    SparseData {
        shape: [usize; 2],
        given: [usize; 2],
    },
    SparseLengths {
        rows: usize,
        given: usize,
    },
    SparseLengthTooLong {
        row: usize,
        length: usize,
        width: usize,
    },
    SparseStep {
        given: [usize; 2],
        rows: usize,
        vocab: usize,
    },
    SparseToken {
        row: usize,
        token: u32,
        vocab: usize,
    },
    RepeatedToken {
        row: usize,
        token: u32,
    },
    NoStep,
    StepScore {
        request: RequestId,
        kind: ScoreKind,
        row: usize,
        step: usize,
        token: usize,
        value: f32,
    },
    ProcessedScore {
        request: RequestId,
        step: usize,
        token: u32,
        value: f64,
    },
    NeedsLogits {
        request: RequestId,
    },
    SamplingNeedsLogits {
        request: RequestId,
    },
    UnknownRequest {
        request: RequestId,
    },
    /// Of an item; of a stream there is no item.
    NoHypothesis {
        item: Option<usize>,
    },
    NoCompletion {
        request: RequestId,
    },
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
    EmptyRequirement {
        phrase: Option<usize>,
    },
    RequiredDrawn,
    RequiredImpossible {
        requirement: usize,
    },
    RequiredTooLong {
        missing: usize,
        max_length: usize,
    },
    NgramBinary {
        offset: u64,
        what: String,
    },
    TrieBytes {
        offset: u64,
        what: String,
    },
    Unreadable {
        line: usize,
        reason: String,
    },
    NoVocabulary,
    StepPanicked {
        request: RequestId,
    },
    /// Of a row of a transducer: of a token, or of a duration.
    JoinerScore {
        request: RequestId,
        kind: ScoreKind,
        row: usize,
        frame: usize,
        token: usize,
        duration: Option<u32>,
        value: f32,
    },
    FramesEnded {
        request: RequestId,
        frames: usize,
    },
    NoDurations,
    ZeroDurations,
    DurationOrder {
        index: usize,
        duration: u32,
        before: u32,
    },
    DurationTooLong {
        duration: u32,
        limit: u32,
    },
    ScorerPanicked {
        request: RequestId,
    },
    /// In words of the caller.
    Refused {
        sentence: String,
    },
    OtherUnits {
        unit: &'static str,
        counted: String,
    },
    NoWordStrings,
    NotInLexicon {
        place: usize,
    },
    EmptySequence {
        index: usize,
    },
    SpaceInWord {
        index: usize,
    },
    TooManyNodes {
        nodes: usize,
        limit: usize,
    },
    Unspellable {
        text: String,
        character: char,
    },
    Cancelled {
        at: InterruptedAt,
    },
    DeadlinePassed {
        at: InterruptedAt,
    },
    StreamPanicked {
        frames: usize,
    },
    StepGivenUp {
        request: RequestId,
    },
}

impl Kind {
    /// What sort of mistake it is.
    pub(super) fn sort(&self) -> ErrorKind {
        match self {
            Kind::EmptyVocabulary { .. }
            | Kind::NoVocabulary
            | Kind::SizeOverflow { .. }
            | Kind::DataLength { .. }
            | Kind::DataTooShort { .. }
            | Kind::TopKBuffer { .. }
            | Kind::LengthsCount { .. }
            | Kind::SumLengths { .. }
            | Kind::LengthTooLong { .. }
            | Kind::StepShape { .. }
            | Kind::StepLengths
            | Kind::SparseData { .. }
            | Kind::SparseLengths { .. }
            | Kind::SparseLengthTooLong { .. }
            | Kind::SparseStep { .. }
            | Kind::RepeatedToken { .. }
            | Kind::NoAttention { .. }
            | Kind::AttentionShape { .. }
            | Kind::AttentionScale
            | Kind::StreamBatch { .. }
            | Kind::StreamVocabulary { .. } => ErrorKind::InvalidShape,
            Kind::VocabularyTooLarge { .. }
            | Kind::BeamsTooLarge { .. }
            | Kind::TooManyFrames { .. }
            | Kind::TooManyNodes { .. }
            | Kind::ByteLimit { .. }
            | Kind::DurationTooLong { .. } => ErrorKind::LimitExceeded,
            Kind::InvalidScore { .. }
            | Kind::StepScore { .. }
            | Kind::JoinerScore { .. }
            | Kind::ProcessedScore { .. }
            | Kind::Attention { .. }
            | Kind::TopKNumber { .. }
            | Kind::NeedsLogits { .. }
            | Kind::SamplingNeedsLogits { .. } => ErrorKind::InvalidScore,
            Kind::ZeroBeams
            | Kind::ZeroTopK
            | Kind::ZeroLength
            | Kind::EmptyStop { .. }
            | Kind::DrawnWithinRow
            | Kind::SequencesInGroups { .. }
            | Kind::SequencesWiden { .. }
            | Kind::PermitsNothing { .. }
            | Kind::PermitsNoEnd { .. }
            | Kind::NoEndInTime { .. }
            | Kind::NoFirstToken
            | Kind::RequiredImpossible { .. }
            | Kind::UnevenGroups { .. }
            | Kind::InvalidSetting { .. }
            | Kind::OtherUnits { .. }
            | Kind::NoWordStrings
            | Kind::NotInLexicon { .. }
            | Kind::EmptySequence { .. }
            | Kind::EmptyRequirement { .. }
            | Kind::RequiredDrawn
            | Kind::RequiredTooLong { .. }
            | Kind::Refused { .. }
            | Kind::NoDurations
            | Kind::ZeroDurations
            | Kind::DurationOrder { .. }
            | Kind::SpaceInWord { .. } => ErrorKind::InvalidSetting,
            Kind::BlankOutOfRange { .. }
            | Kind::UnknownToken { .. }
            | Kind::SparseToken { .. }
            | Kind::Unspellable { .. } => ErrorKind::UnknownToken,
            Kind::LevelUnknown { .. }
            | Kind::LevelFromEnvironment { .. }
            | Kind::LevelUnavailable { .. } => ErrorKind::InvalidLevel,
            Kind::NoStep | Kind::StreamFinished { .. } | Kind::FramesEnded { .. } => {
                ErrorKind::OutOfOrder
            }
            Kind::UnknownRequest { .. } => ErrorKind::UnknownRequest,
            Kind::NoHypothesis { .. } | Kind::NoCompletion { .. } => ErrorKind::NoHypothesis,
            Kind::Arpa { .. } | Kind::NgramBinary { .. } | Kind::TrieBytes { .. } => {
                ErrorKind::InvalidModel
            }
            Kind::Unreadable { .. } => ErrorKind::Unreadable,
            Kind::StepPanicked { .. }
            | Kind::ScorerPanicked { .. }
            | Kind::StreamPanicked { .. } => ErrorKind::Panicked,
            Kind::OutOfMemory { .. } => ErrorKind::OutOfMemory,
            Kind::Cancelled { .. } | Kind::StepGivenUp { .. } => ErrorKind::Cancelled,
            Kind::DeadlinePassed { .. } => ErrorKind::DeadlinePassed,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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
            Kind::ZeroTopK => write!(f, "the best 0 of a row are none; k must be at least 1"),
            Kind::TopKBuffer {
                buffer,
                given,
                rows,
                k,
            } => write!(
                f,
                "the buffer for {buffer} has {given} places; the best {k} of each of {rows} rows need exactly {}",
                rows.saturating_mul(*k)
            ),
            Kind::TopKNumber { row, column, value } => write!(
                f,
                "row {row}, column {column}: {value} cannot be ranked (it must be below +inf, and a number)"
            ),
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
            Kind::ByteLimit {
                needed,
                held: 0,
                limit,
            } => write!(
                f,
                "the search may take up to {needed} bytes, and its limit is {limit}"
            ),
            Kind::ByteLimit {
                needed,
                held,
                limit,
            } => write!(
                f,
                "the search may take up to {needed} bytes beside the {held} of what it has taken in, and its limit is {limit}"
            ),
            Kind::ZeroLength => write!(
                f,
                "a maximum length of 0 tokens leaves nothing to search; at least 1 is needed"
            ),
            Kind::NoAttention { rows, sources } => write!(
                f,
                "a request with a coverage penalty needs the attention of {rows} rows to {sources} source positions; `advance_with` takes it"
            ),
            Kind::AttentionShape {
                shape,
                rows,
                sources,
            } => {
                write!(
                    f,
                    "attention of shape {shape:?} was given; this step needs [1, {rows}, sources]"
                )?;
                if *rows != 1 {
                    write!(f, " or [{rows}, 1, sources]")?;
                }
                write!(f, " of at least {sources} sources")
            }
            Kind::AttentionScale => write!(f, "attention is given as probabilities"),
            Kind::Attention {
                request: _,
                row,
                step,
                source,
                value,
            } => write!(
                f,
                "row {row}, step {step}, source {source}: an attention of {value} is not valid; it must be a probability"
            ),
            Kind::PermitsNothing { what } => {
                write!(f, "{what} permits nothing, so no hypothesis can finish")
            }
            Kind::PermitsNoEnd { what } => write!(
                f,
                "{what} permits no end token, but the last token must be one, so no hypothesis can finish"
            ),
            Kind::NoEndInTime {
                before: Some(before),
                max_length,
            } => write!(
                f,
                "the last token must be an end token, but {before} tokens at least come before one and the maximum length is {max_length}, so no hypothesis can finish"
            ),
            Kind::NoEndInTime { before: None, .. } => write!(
                f,
                "the last token must be an end token, but processors and constraints never permit one, so no hypothesis can finish"
            ),
            Kind::NoFirstToken => write!(
                f,
                "processors and constraints together permit no first token, so no hypothesis can finish"
            ),
            Kind::DrawnWithinRow => write!(
                f,
                "candidates that are drawn have no rank within their row, so none could finish by it"
            ),
            Kind::SequencesInGroups { groups } => write!(
                f,
                "stochastic beams in {groups} groups; only 1 draws sequences without replacement"
            ),
            Kind::SequencesWiden {
                step,
                before,
                width,
            } => write!(
                f,
                "stochastic beams that widen from {before} to {width} at step {step}; what a narrower step has dropped cannot be drawn any more, so widths must not grow"
            ),
            Kind::EmptyStop { index } => write!(
                f,
                "stop sequence {index} is empty; at least 1 token is needed"
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
            Kind::SparseData { shape, given } => write!(
                f,
                "rows of shape {shape:?} need as many tokens and scores; {} and {} were given",
                given[0], given[1]
            ),
            Kind::SparseLengths { rows, given } => {
                write!(f, "{rows} rows need {rows} lengths, {given} were given")
            }
            Kind::SparseLengthTooLong { row, length, width } => write!(
                f,
                "row {row}: length {length} is above the {width} tokens of a row"
            ),
            Kind::SparseStep { given, rows, vocab } => write!(
                f,
                "{} sparse rows of a vocabulary of {} tokens were given; this step needs {rows} of {vocab}",
                given[0], given[1]
            ),
            Kind::SparseToken { row, token, vocab } => write!(
                f,
                "row {row}: token {token} is beyond the vocabulary of {vocab} tokens"
            ),
            Kind::RepeatedToken { row, token } => {
                write!(f, "row {row}: token {token} is given more than once")
            }
            Kind::NoStep => write!(
                f,
                "no step has begun, so no scores are expected; `feed` begins one"
            ),
            Kind::StepScore {
                request: _,
                kind,
                row,
                step,
                token,
                value,
            } => {
                write!(f, "row {row}, step {step}, token {token}: ")?;
                write_not_valid(f, *kind, *value)
            }
            Kind::ProcessedScore {
                request: _,
                step,
                token,
                value,
            } => write!(
                f,
                "step {step}, token {token}: a logits processor set a score of {value}; it must be a number below +inf"
            ),
            Kind::NeedsLogits { request: _ } => write!(
                f,
                "a logits processor before the log-softmax needs logits or log-probabilities, not probabilities"
            ),
            Kind::SamplingNeedsLogits { request: _ } => write!(
                f,
                "sampling needs logits or log-probabilities, not probabilities"
            ),
            Kind::UnknownRequest { request } => {
                write!(
                    f,
                    "{request} is not in this search: it was removed, or belongs to another"
                )
            }
            Kind::NoHypothesis { item } => {
                if let Some(item) = item {
                    write!(f, "item {item}: ")?;
                }
                write!(f, "no hypothesis is possible under these scores")
            }
            Kind::NoCompletion { request } => {
                write!(f, "{request}: no hypothesis finished")
            }
            Kind::BlankOutOfRange { blank, vocab } => write!(
                f,
                "the blank is token {blank}, beyond a vocabulary of {vocab} tokens"
            ),
            Kind::InvalidSetting { what, value, limit } => {
                write!(f, "{what} is {value}; it must be {limit}")
            }
            Kind::StreamFinished { frames } => write!(
                f,
                "the stream was finished after {frames} frames; reset it first"
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
            Kind::EmptyRequirement { phrase: None } => {
                write!(
                    f,
                    "required words: a requirement of 0 phrases; at least 1 is needed"
                )
            }
            Kind::EmptyRequirement {
                phrase: Some(phrase),
            } => write!(
                f,
                "required words: phrase {phrase} has 0 tokens; at least 1 is needed"
            ),
            Kind::RequiredDrawn => write!(
                f,
                "required words do not go with stochastic beams, which draw sequences as they are"
            ),
            Kind::RequiredImpossible { requirement } => write!(
                f,
                "required words: no phrase of requirement {requirement} can occur; each has a token that is forbidden, or that ends a hypothesis before the phrase is whole"
            ),
            Kind::RequiredTooLong {
                missing,
                max_length,
            } => write!(
                f,
                "required words take {missing} tokens at least, the maximum length is {max_length}"
            ),
            Kind::NgramBinary { offset, what } => {
                write!(f, "KenLM file, byte {offset}: {what}")
            }
            Kind::TrieBytes { offset, what } => write!(f, "trie, byte {offset}: {what}"),
            Kind::Unreadable { line, reason } => write!(f, "ARPA file, line {line}: {reason}"),
            Kind::NoVocabulary => write!(f, "a vocabulary of 0 tokens; at least 1 is needed"),
            Kind::StepPanicked { request } => {
                write!(
                    f,
                    "{request}: a processor or a constraint panicked in its step"
                )
            }
            Kind::JoinerScore {
                request: _,
                kind,
                row,
                frame,
                token,
                duration,
                value,
            } => {
                write!(f, "row {row}, frame {frame}, ")?;
                match duration {
                    None => write!(f, "token {token}: ")?,
                    Some(duration) => write!(f, "duration {duration}: ")?,
                }
                write_not_valid(f, *kind, *value)
            }
            Kind::FramesEnded { request, frames } => {
                write!(f, "{request}: its frames have ended, after {frames}")
            }
            Kind::NoDurations => write!(f, "there are no durations; at least 1 is needed"),
            Kind::ZeroDurations => write!(
                f,
                "the durations are all 0; at least 1 must be above, or no token goes on"
            ),
            Kind::DurationOrder {
                index,
                duration,
                before,
            } => write!(
                f,
                "duration {index} is {duration}, after {before}; durations must be strictly ascending"
            ),
            Kind::DurationTooLong { duration, limit } => {
                write!(
                    f,
                    "a duration of {duration} frames is above the limit of {limit}"
                )
            }
            Kind::ScorerPanicked { request } => {
                write!(f, "{request}: a scorer panicked in its step")
            }
            Kind::Refused { sentence } => f.write_str(sentence),
            Kind::OtherUnits { unit, counted } => {
                write!(f, "the n-gram model is not one of {unit}: {counted}")
            }
            Kind::NoWordStrings => write!(
                f,
                "a look-ahead needs the strings of the words, which the binary of this n-gram \
                 model does not have"
            ),
            Kind::NotInLexicon { place } => write!(
                f,
                "the tokens are no words of the lexicon, from token {place} on (counted from 0)"
            ),
            Kind::EmptySequence { index } => write!(f, "word {index} is empty"),
            Kind::SpaceInWord { index } => {
                write!(
                    f,
                    "word {index} has a space in it; a lexicon has one word an entry"
                )
            }
            Kind::TooManyNodes { nodes, limit } => {
                write!(f, "a trie of {nodes} nodes is above the limit of {limit}")
            }
            Kind::Unspellable { text, character } => {
                write!(f, "no label spells {character:?} in {text:?}")
            }
            Kind::Cancelled { at } => write!(f, "{at}: the search was cancelled"),
            Kind::StreamPanicked { frames } => write!(
                f,
                "frame {frames}: a scorer of the stream panicked; reset it first"
            ),
            Kind::StepGivenUp { request } => write!(
                f,
                "{request}: its step was given up after other requests had taken their scores"
            ),
            Kind::DeadlinePassed { at } => write!(f, "{at}: the deadline passed"),
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
