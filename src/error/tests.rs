//! What is said of each thing that can go wrong.

use super::*;
use crate::score_kind::ScoreKind;

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
    let request = RequestId::new(0);
    let step = |kind, value| Kind::StepScore {
        request,
        kind,
        row: 1,
        step: 2,
        token: 3,
        value,
    };
    let joiner = |duration| Kind::JoinerScore {
        request,
        kind: Logits,
        row: 1,
        frame: 2,
        token: 3,
        duration,
        value: f32::NAN,
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
            Kind::ZeroTopK,
            "the best 0 of a row are none; k must be at least 1",
        ),
        (
            Kind::TopKBuffer {
                buffer: "indices",
                given: 7,
                rows: 2,
                k: 3,
            },
            "the buffer for indices has 7 places; the best 3 of each of 2 rows need exactly 6",
        ),
        (
            Kind::TopKNumber {
                row: 1,
                column: 2,
                value: f32::NAN,
            },
            "row 1, column 2: NaN cannot be ranked (it must be below +inf, and a number)",
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
                reason: Box::new(unknown()),
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
            Kind::ByteLimit {
                needed: 7,
                held: 0,
                limit: 5,
            },
            "the search may take up to 7 bytes, and its limit is 5",
        ),
        (
            Kind::ByteLimit {
                needed: 7,
                held: 2,
                limit: 8,
            },
            "the search may take up to 7 bytes beside the 2 of what it has taken in, and its limit is 8",
        ),
        (
            Kind::ZeroLength,
            "a maximum length of 0 tokens leaves nothing to search; at least 1 is needed",
        ),
        (
            Kind::NoAttention {
                rows: 3,
                sources: 7,
            },
            "a request with a coverage penalty needs the attention of 3 rows to 7 source positions; `advance_with` takes it",
        ),
        (
            Kind::AttentionShape {
                shape: [1, 2, 5],
                rows: 3,
                sources: 7,
            },
            "attention of shape [1, 2, 5] was given; this step needs [1, 3, sources] or [3, 1, sources] of at least 7 sources",
        ),
        (
            Kind::AttentionShape {
                shape: [1, 1, 5],
                rows: 1,
                sources: 7,
            },
            "attention of shape [1, 1, 5] was given; this step needs [1, 1, sources] of at least 7 sources",
        ),
        (
            Kind::StreamPanicked { frames: 7 },
            "frame 7: a scorer of the stream panicked; reset it first",
        ),
        (
            Kind::Cancelled {
                at: InterruptedAt::Item { item: 3, step: 17 },
            },
            "item 3, step 17: the search was cancelled",
        ),
        (
            Kind::DeadlinePassed {
                at: InterruptedAt::Frame(9),
            },
            "frame 9: the deadline passed",
        ),
        (
            Kind::Cancelled {
                at: InterruptedAt::Step {
                    taken: 0,
                    requests: 1,
                },
            },
            "after 0 of 1 requests of a step: the search was cancelled",
        ),
        (
            Kind::DeadlinePassed {
                at: InterruptedAt::Step {
                    taken: 1,
                    requests: 2,
                },
            },
            "after 1 of 2 requests of a step: the deadline passed",
        ),
        (Kind::AttentionScale, "attention is given as probabilities"),
        (
            Kind::Attention {
                request: RequestId::new(0),
                row: 2,
                step: 4,
                source: 6,
                value: -0.5,
            },
            "row 2, step 4, source 6: an attention of -0.5 is not valid; it must be a probability",
        ),
        (
            Kind::PermitsNothing {
                what: "the mask of permitted tokens",
            },
            "the mask of permitted tokens permits nothing, so no hypothesis can finish",
        ),
        (
            Kind::PermitsNoEnd {
                what: "the mask of permitted tokens",
            },
            "the mask of permitted tokens permits no end token, but the last token must be one, so no hypothesis can finish",
        ),
        (
            Kind::NoEndInTime {
                before: Some(5),
                max_length: 4,
            },
            "the last token must be an end token, but 5 tokens at least come before one and the maximum length is 4, so no hypothesis can finish",
        ),
        (
            Kind::NoEndInTime {
                before: None,
                max_length: 4,
            },
            "the last token must be an end token, but processors and constraints never permit one, so no hypothesis can finish",
        ),
        (
            Kind::NoFirstToken,
            "processors and constraints together permit no first token, so no hypothesis can finish",
        ),
        (
            Kind::DrawnWithinRow,
            "candidates that are drawn have no rank within their row, so none could finish by it",
        ),
        (
            Kind::SequencesInGroups { groups: 2 },
            "stochastic beams in 2 groups; only 1 draws sequences without replacement",
        ),
        (
            Kind::SequencesWiden {
                step: 1,
                before: 4,
                width: 8,
            },
            "stochastic beams that widen from 4 to 8 at step 1; what a narrower step has dropped cannot be drawn any more, so widths must not grow",
        ),
        (
            Kind::EmptyStop { index: 3 },
            "stop sequence 3 is empty; at least 1 token is needed",
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
            Kind::SparseData {
                shape: [2, 3],
                given: [6, 5],
            },
            "rows of shape [2, 3] need as many tokens and scores; 6 and 5 were given",
        ),
        (
            Kind::SparseLengths { rows: 2, given: 1 },
            "2 rows need 2 lengths, 1 were given",
        ),
        (
            Kind::SparseLengthTooLong {
                row: 1,
                length: 4,
                width: 3,
            },
            "row 1: length 4 is above the 3 tokens of a row",
        ),
        (
            Kind::SparseStep {
                given: [2, 9],
                rows: 3,
                vocab: 8,
            },
            "2 sparse rows of a vocabulary of 9 tokens were given; this step needs 3 of 8",
        ),
        (
            Kind::SparseToken {
                row: 1,
                token: 9,
                vocab: 8,
            },
            "row 1: token 9 is beyond the vocabulary of 8 tokens",
        ),
        (
            Kind::RepeatedToken { row: 1, token: 5 },
            "row 1: token 5 is given more than once",
        ),
        (
            Kind::NoStep,
            "no step has begun, so no scores are expected; `feed` begins one",
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
                request,
                step: 2,
                token: 3,
                value: f64::INFINITY,
            },
            "step 2, token 3: a logits processor set a score of inf; it must be a number below +inf",
        ),
        (
            Kind::NeedsLogits { request },
            "a logits processor before the log-softmax needs logits or log-probabilities, not probabilities",
        ),
        (
            Kind::SamplingNeedsLogits { request },
            "sampling needs logits or log-probabilities, not probabilities",
        ),
        (
            Kind::StreamFinished { frames: 3 },
            "the stream was finished after 3 frames; reset it first",
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
        (
            Kind::NoHypothesis { item: Some(4) },
            "item 4: no hypothesis is possible under these scores",
        ),
        (
            Kind::NoHypothesis { item: None },
            "no hypothesis is possible under these scores",
        ),
        (
            Kind::NoVocabulary,
            "a vocabulary of 0 tokens; at least 1 is needed",
        ),
        (
            Kind::EmptyRequirement { phrase: None },
            "required words: a requirement of 0 phrases; at least 1 is needed",
        ),
        (
            Kind::EmptyRequirement { phrase: Some(2) },
            "required words: phrase 2 has 0 tokens; at least 1 is needed",
        ),
        (
            Kind::RequiredDrawn,
            "required words do not go with stochastic beams, which draw sequences as they are",
        ),
        (
            Kind::RequiredImpossible { requirement: 1 },
            "required words: no phrase of requirement 1 can occur; each has a token that is forbidden, or that ends a hypothesis before the phrase is whole",
        ),
        (
            Kind::RequiredTooLong {
                missing: 7,
                max_length: 6,
            },
            "required words take 7 tokens at least, the maximum length is 6",
        ),
        (
            Kind::NgramBinary {
                offset: 88,
                what: "no".into(),
            },
            "KenLM file, byte 88: no",
        ),
        (
            Kind::TrieBytes {
                offset: 20,
                what: "tokens of 3 bytes; they have 2 or 4".into(),
            },
            "trie, byte 20: tokens of 3 bytes; they have 2 or 4",
        ),
        (
            Kind::Unreadable {
                line: 3,
                reason: "no disk".into(),
            },
            "ARPA file, line 3: no disk",
        ),
        (
            Kind::Refused {
                sentence: "no".into(),
            },
            "no",
        ),
        (
            Kind::OtherUnits {
                unit: "labels",
                counted: "it knows 0 of 3 labels".into(),
            },
            "the n-gram model is not one of labels: it knows 0 of 3 labels",
        ),
        (
            Kind::NoWordStrings,
            "a look-ahead needs the strings of the words, which the binary of this n-gram model \
             does not have",
        ),
        (
            Kind::NotInLexicon { place: 0 },
            "the tokens are no words of the lexicon, from token 0 on (counted from 0)",
        ),
        (
            joiner(None),
            "row 1, frame 2, token 3: NaN is not a valid logit (it must be below +inf, and a number)",
        ),
        (
            joiner(Some(4)),
            "row 1, frame 2, duration 4: NaN is not a valid logit (it must be below +inf, and a number)",
        ),
        (
            Kind::NoDurations,
            "there are no durations; at least 1 is needed",
        ),
        (
            Kind::ZeroDurations,
            "the durations are all 0; at least 1 must be above, or no token goes on",
        ),
        (
            Kind::DurationOrder {
                index: 2,
                duration: 3,
                before: 4,
            },
            "duration 2 is 3, after 4; durations must be strictly ascending",
        ),
        (
            Kind::DurationTooLong {
                duration: 9,
                limit: 8,
            },
            "a duration of 9 frames is above the limit of 8",
        ),
        (Kind::EmptySequence { index: 2 }, "word 2 is empty"),
        (
            Kind::SpaceInWord { index: 2 },
            "word 2 has a space in it; a lexicon has one word an entry",
        ),
        (
            Kind::TooManyNodes { nodes: 5, limit: 4 },
            "a trie of 5 nodes is above the limit of 4",
        ),
        (
            Kind::Unspellable {
                text: "a\u{1b}x".into(),
                character: '\u{1b}',
            },
            "no label spells '\\u{1b}' in \"a\\u{1b}x\"",
        ),
    ];
    let named = [
        (
            Kind::UnknownRequest { request },
            format!("{request} is not in this search: it was removed, or belongs to another"),
        ),
        (
            Kind::NoCompletion { request },
            format!("{request}: no hypothesis finished"),
        ),
        (
            Kind::StepPanicked { request },
            format!("{request}: a processor or a constraint panicked in its step"),
        ),
        (
            Kind::StepGivenUp { request },
            format!("{request}: its step was given up after other requests had taken their scores"),
        ),
        (
            Kind::ScorerPanicked { request },
            format!("{request}: a scorer panicked in its step"),
        ),
        (
            Kind::FramesEnded { request, frames: 7 },
            format!("{request}: its frames have ended, after 7"),
        ),
    ];
    let cases = cases.map(|(kind, expected)| (kind, expected.to_owned()));
    for (kind, expected) in cases.into_iter().chain(named) {
        let about_memory = matches!(kind, Kind::OutOfMemory { .. });
        let item = match kind {
            Kind::InvalidScore { .. } | Kind::LengthTooLong { .. } => Some(1),
            Kind::NoHypothesis { item } => item,
            Kind::Cancelled {
                at: InterruptedAt::Item { item, .. },
            } => Some(item),
            _ => None,
        };
        let error = Error::from(kind);
        assert_eq!(error.to_string(), expected);
        assert_eq!(format!("{error:?}"), expected);
        assert_eq!(error.is_out_of_memory(), about_memory, "{error}");
        assert_eq!(error.item(), item, "{error}");
    }
}

#[test]
fn errors_are_equal_that_say_the_same() {
    let request = RequestId::new(0);
    let error = |value| -> Error {
        let (step, token) = (2, 3);
        let kind = Kind::ProcessedScore {
            request,
            step,
            token,
            value,
        };
        kind.into()
    };
    assert_eq!(error(f64::NAN), error(f64::NAN));
    assert_ne!(error(f64::NAN), error(f64::INFINITY));
    assert_ne!(error(f64::NAN), Kind::NeedsLogits { request }.into());
}

/// Where an error of each sort lies: item, step, token, and whether it names a request.
#[test]
fn errors_say_their_sort_and_where_they_lie() {
    let (request, value) = (RequestId::new(3), 2.0);
    let (kind, score) = (ScoreKind::Probabilities, f64::NAN);
    let invalid = Kind::InvalidScore {
        kind,
        item: 1,
        step: 2,
        token: 3,
        value,
    };
    let of_a_step = Kind::StepScore {
        request,
        kind,
        row: 1,
        step: 4,
        token: 5,
        value,
    };
    let processed = Kind::ProcessedScore {
        request,
        step: 6,
        token: 7,
        value: score,
    };
    let unknown = Kind::UnknownToken {
        what: "end tokens",
        token: 8,
        vocab: 8,
    };
    let joiner = |duration| Kind::JoinerScore {
        request,
        kind,
        row: 1,
        frame: 2,
        token: 9,
        duration,
        value,
    };
    let nothing = (None, None, None);
    let cases = [
        (
            invalid,
            ErrorKind::InvalidScore,
            (Some(1), Some(2), Some(3)),
            false,
        ),
        (
            of_a_step,
            ErrorKind::InvalidScore,
            (None, Some(4), Some(5)),
            true,
        ),
        (
            processed,
            ErrorKind::InvalidScore,
            (None, Some(6), Some(7)),
            true,
        ),
        (
            joiner(None),
            ErrorKind::InvalidScore,
            (None, Some(2), Some(9)),
            true,
        ),
        (
            joiner(Some(4)),
            ErrorKind::InvalidScore,
            (None, Some(2), None),
            true,
        ),
        (
            Kind::FramesEnded { request, frames: 1 },
            ErrorKind::OutOfOrder,
            nothing,
            true,
        ),
        (
            Kind::ScorerPanicked { request },
            ErrorKind::Panicked,
            nothing,
            true,
        ),
        (
            Kind::ZeroDurations,
            ErrorKind::InvalidSetting,
            nothing,
            false,
        ),
        (
            Kind::NeedsLogits { request },
            ErrorKind::InvalidScore,
            nothing,
            true,
        ),
        (
            unknown,
            ErrorKind::UnknownToken,
            (None, None, Some(8)),
            false,
        ),
        (
            Kind::BlankOutOfRange { blank: 9, vocab: 9 },
            ErrorKind::UnknownToken,
            (None, None, Some(9)),
            false,
        ),
        (
            Kind::UnknownRequest { request },
            ErrorKind::UnknownRequest,
            nothing,
            true,
        ),
        (
            Kind::NoCompletion { request },
            ErrorKind::NoHypothesis,
            nothing,
            true,
        ),
        (
            Kind::NoHypothesis { item: Some(1) },
            ErrorKind::NoHypothesis,
            (Some(1), None, None),
            false,
        ),
        (Kind::NoStep, ErrorKind::OutOfOrder, nothing, false),
        (
            Kind::StreamFinished { frames: 1 },
            ErrorKind::OutOfOrder,
            nothing,
            false,
        ),
        (Kind::ZeroBeams, ErrorKind::InvalidSetting, nothing, false),
        (
            Kind::TooManyFrames {
                frames: 2,
                limit: 1,
            },
            ErrorKind::LimitExceeded,
            nothing,
            false,
        ),
        (
            Kind::ByteLimit {
                needed: 2,
                held: 0,
                limit: 1,
            },
            ErrorKind::LimitExceeded,
            nothing,
            false,
        ),
        (
            Kind::OtherUnits {
                unit: "words",
                counted: String::new(),
            },
            ErrorKind::InvalidSetting,
            nothing,
            false,
        ),
        (
            Kind::StreamPanicked { frames: 7 },
            ErrorKind::Panicked,
            (None, Some(7), None),
            false,
        ),
        (
            Kind::StepGivenUp { request },
            ErrorKind::Cancelled,
            nothing,
            true,
        ),
        (
            Kind::Cancelled {
                at: InterruptedAt::Item { item: 3, step: 17 },
            },
            ErrorKind::Cancelled,
            (Some(3), Some(17), None),
            false,
        ),
        (
            Kind::DeadlinePassed {
                at: InterruptedAt::Frame(9),
            },
            ErrorKind::DeadlinePassed,
            (None, Some(9), None),
            false,
        ),
        (
            Kind::Cancelled {
                at: InterruptedAt::Step {
                    taken: 1,
                    requests: 2,
                },
            },
            ErrorKind::Cancelled,
            nothing,
            false,
        ),
        (
            Kind::NoWordStrings,
            ErrorKind::InvalidSetting,
            nothing,
            false,
        ),
        (
            Kind::NotInLexicon { place: 3 },
            ErrorKind::InvalidSetting,
            nothing,
            false,
        ),
        (Kind::StepLengths, ErrorKind::InvalidShape, nothing, false),
        (
            Kind::SparseLengths { rows: 2, given: 1 },
            ErrorKind::InvalidShape,
            nothing,
            false,
        ),
        (
            Kind::SparseToken {
                row: 1,
                token: 9,
                vocab: 8,
            },
            ErrorKind::UnknownToken,
            (None, None, Some(9)),
            false,
        ),
        (
            Kind::RepeatedToken { row: 1, token: 5 },
            ErrorKind::InvalidShape,
            (None, None, Some(5)),
            false,
        ),
        (
            Kind::Arpa {
                line: 1,
                what: String::new(),
            },
            ErrorKind::InvalidModel,
            nothing,
            false,
        ),
        (
            Kind::LevelUnavailable {
                level: "high",
                best: "low",
            },
            ErrorKind::InvalidLevel,
            nothing,
            false,
        ),
    ];
    for (kind, sort, place, of_request) in cases {
        let error = Error::from(kind);
        assert_eq!(error.kind(), sort, "{error}");
        assert_eq!(
            (error.item(), error.step(), error.token()),
            place,
            "{error}"
        );
        assert_eq!(error.request(), of_request.then_some(request), "{error}");
    }
}
