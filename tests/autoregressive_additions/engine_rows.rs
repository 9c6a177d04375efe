//! Changes of rows in the engine, against the oracle: penalties, timestamps.

use proptest::prelude::*;
use widebeam::autoregressive::{
    AutoregressiveSearch, ForcedScore, FrequencyPenalty, MaximumLength, Normaliser,
    PresencePenalty, RepetitionPenalty, Request, RequestId, WhisperTimestamps,
};
use widebeam::reference::autoregressive::Found;
use widebeam::reference::requests::{
    Brackets, Extended, Model, Penalised, Penalty, Permitted, Processor, Spec, Timestamps, found,
    score,
};
use widebeam::{ErrorKind, Level, ScoreKind};
use widebeam_toy::seeded;

use crate::model::logits;

/// What requests find that run at once, the later ones admitted a step after each other.
fn together(requests: &[Extended], model: &Model, level: Level) -> Vec<Vec<Found>> {
    let search = AutoregressiveSearch::new(model.vocab).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut ids: Vec<RequestId> = Vec::new();
    let mut before = Vec::new();
    while ids.len() < requests.len() || !search.is_idle() {
        if let Some(request) = requests.get(ids.len()) {
            ids.push(search.admit(request.engine()).unwrap());
        }
        let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
        search.advance(&model.view(&data)).unwrap();
    }
    let outcome = |&id| found(search.outcome(id).unwrap().unwrap());
    ids.iter().map(outcome).collect()
}

/// Checks that requests find what the oracle does, alone and together, at every level and on
/// one to three threads.
fn check(requests: &[Extended], model: &Model) {
    let expected: Vec<Vec<Found>> = requests
        .iter()
        .map(|request| {
            let found = request.expected(model).hypotheses.into_iter();
            found.map(|hypothesis| hypothesis.found).collect()
        })
        .collect();
    for level in Level::available() {
        for (request, expected) in requests.iter().zip(&expected) {
            let found = together(std::slice::from_ref(request), model, level);
            assert_eq!(found[0], *expected, "alone at {level:?}: {request:?}");
        }
        assert_eq!(together(requests, model, level), expected, "{level:?}");
    }
    for threads in 1..=3 {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let level = Level::available().last().unwrap();
        let found = pool.install(|| together(requests, model, level));
        assert_eq!(found, expected, "{threads} threads");
    }
}

fn any_penalty(vocab: u32) -> impl Strategy<Value = Penalised> {
    let number = prop::sample::select(vec![-0.5, 0.25, 0.7, 1.0, 2.0]);
    let penalty = prop_oneof![
        prop::sample::select(vec![0.5, 1.0, 1.3, 4.0]).prop_map(Penalty::Repetition),
        number.clone().prop_map(Penalty::Frequency),
        number.prop_map(Penalty::Presence),
    ];
    let exempt = prop::collection::vec(0..vocab, 0..3);
    (penalty, any::<bool>(), exempt).prop_map(|(penalty, generated_only, exempt)| Penalised {
        penalty,
        generated_only,
        exempt,
    })
}

fn any_timestamps(vocab: u32) -> impl Strategy<Value = Timestamps> {
    (
        1..vocab,
        any::<prop::sample::Index>(),
        any::<Option<u32>>(),
        0u32..4,
    )
        .prop_map(move |(begin, end, none, most)| Timestamps {
            begin,
            end: end.index(begin as usize) as u32,
            none: none.map(|token| token % vocab),
            max_initial: most.checked_sub(1),
        })
}

fn any_permitted(vocab: u32) -> impl Strategy<Value = (Permitted, Normaliser)> {
    let sequence = prop::collection::vec(0..vocab, 0..5);
    let permitted = prop_oneof![
        // One of them has a token: a request of the empty sequence alone takes no step.
        prop::collection::vec(sequence, 0..30).prop_map(|mut sequences| {
            sequences.push(vec![0]);
            Permitted::Trie(sequences)
        }),
        prop::collection::vec(0..vocab, 0..vocab as usize * 2).prop_map(Permitted::Mask),
        (2u32..5).prop_map(Permitted::Function),
    ];
    let normaliser = prop::sample::select(vec![Normaliser::WholeRow, Normaliser::Permitted]);
    (permitted, normaliser)
}

fn any_grammar(vocab: u32) -> impl Strategy<Value = (Brackets, Normaliser)> {
    let normaliser = prop::sample::select(vec![Normaliser::WholeRow, Normaliser::Permitted]);
    let deepest = 0usize..3;
    (1..vocab, deepest, normaliser).prop_map(move |(close, deepest, normaliser)| {
        let open = close - 1;
        let brackets = Brackets {
            open,
            close,
            deepest,
        };
        (brackets, normaliser)
    })
}

fn any_processor(vocab: u32) -> impl Strategy<Value = Processor> {
    let score = prop::sample::select(vec![ForcedScore::Own, ForcedScore::Certain]);
    prop_oneof![
        prop::collection::vec(0..vocab, 0..4).prop_map(Processor::Suppress),
        (0..vocab, score).prop_map(|(token, score)| Processor::First(token, score)),
        (0usize..3).prop_map(Processor::MinimumLength),
    ]
}

fn any_request(vocab: u32, kind: ScoreKind) -> impl Strategy<Value = Extended> {
    let tokens = || prop::collection::vec(0..vocab, 0..4);
    let penalties = || prop::collection::vec(any_penalty(vocab), 0..3);
    let changes = (
        prop::collection::vec(any_processor(vocab), 0..2),
        prop_oneof![
            2 => Just(Vec::new()),
            1 => prop::collection::vec(any_permitted(vocab), 1..4)
        ],
        prop_oneof![3 => Just(None), 1 => any_grammar(vocab).prop_map(Some)],
        penalties(),
        penalties(),
        prop_oneof![Just(None), any_timestamps(vocab).prop_map(Some)],
    );
    let shape = (1usize..8, 1usize..6, prop::sample::select(vec![1, 1, 2]));
    (shape, tokens(), tokens(), changes).prop_map(
        move |((beams, length, groups), prompt, ends, changes)| {
            let (processors, permitted, grammar, before, after, timestamps) = changes;
            let mut plain = Spec::plain(beams * groups, length, &ends);
            plain.groups = (groups, 0.25);
            plain.prompt = prompt;
            plain.constraints = permitted;
            let mut request = Extended {
                grammar,
                penalties_after: after,
                ..Extended::of(plain)
            };
            if kind == ScoreKind::Probabilities {
                let constraints = request.plain.constraints.iter_mut();
                let grammar = request.grammar.iter_mut();
                let normalisers = constraints.map(|(_, own)| own);
                for own in normalisers.chain(grammar.map(|(_, own)| own)) {
                    *own = Normaliser::WholeRow;
                }
            } else {
                request.plain.before = processors;
                request.penalties_before = before;
                request.timestamps = timestamps;
            }
            request
        },
    )
}

pub(crate) fn any_case() -> impl Strategy<Value = (Model, Vec<Extended>)> {
    let kinds = vec![
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ];
    let vocab = prop_oneof![4 => 2u32..12, 1 => Just(300u32), 1 => Just(2500)];
    let model = (
        vocab,
        prop::sample::select(kinds),
        any::<u64>(),
        0u64..4,
        0u64..5,
    );
    model.prop_flat_map(|(vocab, kind, seed, values, impossible)| {
        let model = Model {
            seed,
            vocab: vocab as usize,
            memory: 2,
            values: 3 * values,
            impossible,
            kind,
        };
        let can_end = move |request: &Extended| request.is_admitted(&model);
        let request = any_request(vocab, kind).prop_filter("it can end", can_end);
        (Just(model), prop::collection::vec(request, 1..4))
    })
}

proptest! {
    #![proptest_config(seeded::cases(400))]

    #[test]
    fn penalties_and_timestamps_are_those_of_the_oracle((model, requests) in any_case()) {
        check(&requests, &model);
    }
}

/// Rows so long that blocks lie within text, within timestamps and across.
#[test]
fn timestamps_of_a_vocabulary_like_whispers() {
    let model = logits(3, 9000, 3);
    for (begin, end) in [(7000, 6900), (4096, 4000), (2048, 2047), (8999, 100)] {
        let mut plain = Spec::plain(4, 6, &[end]);
        plain.prompt = vec![end + 1];
        let request = Extended {
            timestamps: Some(Timestamps {
                begin,
                end,
                none: Some(begin - 1),
                max_initial: Some(50),
            }),
            ..Extended::of(plain)
        };
        check(&[request], &model);
    }
}

#[test]
fn what_is_out_of_range_is_refused() {
    let timestamps = |first, end| WhisperTimestamps::new(first, end);
    assert_eq!(
        timestamps(5, 5).unwrap_err().to_string(),
        "the end token of Whisper's timestamps is 5; it must be below the first timestamp"
    );
    assert_eq!(
        FrequencyPenalty::new(f64::NAN).unwrap_err().to_string(),
        "the frequency penalty is NaN; it must be finite"
    );
    assert_eq!(
        PresencePenalty::new(f64::INFINITY).unwrap_err().to_string(),
        "the presence penalty is inf; it must be finite"
    );
    let mut search = AutoregressiveSearch::new(9).unwrap();
    let mut refused = |request: Request| {
        let error = search.admit(request).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownToken);
        error.to_string()
    };
    let request = || Request::new(1, MaximumLength(2));
    let exempt = RepetitionPenalty::new(2.0).unwrap().with_exempt([9, 1]);
    assert_eq!(
        refused(request().process_logits(exempt)),
        "the tokens exempt from a penalty: token 9 is beyond the vocabulary of 9 tokens"
    );
    assert_eq!(
        refused(request().process_logits(timestamps(9, 1).unwrap())),
        "the first timestamp: token 9 is beyond the vocabulary of 9 tokens"
    );
    let none = timestamps(8, 1).unwrap().with_no_timestamps(11);
    assert_eq!(
        refused(request().process_logits(none)),
        "the token of no timestamps: token 11 is beyond the vocabulary of 9 tokens"
    );
}
