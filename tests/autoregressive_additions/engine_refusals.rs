//! Requests that cannot end: the engine refuses on admission what the oracle finds nothing of,
//! whatever the scores.

use arbitrary::Unstructured;
use proptest::prelude::*;
use widebeam::ErrorKind;
use widebeam::autoregressive::{
    AtMaximum, AutoregressiveSearch, Ended, ForcedFirst, ForcedLast, ForcedScore, MaximumLength,
    MinimumLength, NoRepeatNgram, Normaliser, Request, Requirement, Rules, Sampling, Suppress,
    TokenMask, TokenTrie, WhisperTimestamps, processor_fn,
};
use widebeam::reference::requests::{Extended, Model, Permitted, Processor, Spec, Timestamps};
use widebeam_toy::{any_extended, any_request, seeded};

use crate::engine;
use crate::model::logits;

const VOCAB: usize = 9;

/// What is said of a request that is refused.
#[track_caller]
fn refused(request: Request) -> String {
    let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
    let error = search.admit(request.clone()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    assert_eq!(search.bytes_needed(&request).unwrap_err(), error);
    assert!(search.is_idle());
    error.to_string()
}

/// A request that is taken, and how many hypotheses it finds.
#[track_caller]
fn taken(request: Request) -> usize {
    let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
    let id = search.admit(request).unwrap();
    let model = logits(3, VOCAB, 2);
    search
        .run(|feed, scores| {
            let mut tokens = Vec::new();
            for (row, scores) in scores.chunks_mut(VOCAB).enumerate() {
                feed.sequence(row, &mut tokens);
                scores.copy_from_slice(&model.scores(&tokens));
            }
        })
        .unwrap();
    let outcome = search.outcome(id).unwrap().unwrap();
    let found = outcome.hypotheses().len();
    assert_eq!(found == 0, outcome.ended() == Ended::NothingFound);
    found
}

/// The last token must be the end token 0.
fn forced(length: usize) -> Request {
    Request::new(3, MaximumLength(length))
        .with_end_tokens([0])
        .with_rules(Rules::plain().with_at_maximum(AtMaximum::ForceEnd))
}

fn words(phrases: &[&[u32]]) -> Requirement {
    Requirement::any_of(phrases.iter().copied()).unwrap()
}

fn mask(tokens: &[u32]) -> TokenMask {
    tokens.iter().copied().collect()
}

#[test]
fn a_last_end_token_that_comes_too_late_is_refused() {
    let too_late = |before, length| {
        format!(
            "the last token must be an end token, but {before} tokens at least come before one \
             and the maximum length is {length}, so no hypothesis can finish"
        )
    };
    // A minimum length.
    let at_least = |length, least| forced(length).process_logits(MinimumLength(least));
    assert_eq!(refused(at_least(4, 4)), too_late(4, 4));
    assert_eq!(refused(at_least(4, 9)), too_late(9, 4));
    assert_eq!(taken(at_least(4, 3)), 3);
    let shared = std::sync::Arc::new(MinimumLength(4));
    assert_eq!(
        refused(forced(4).process_log_probabilities(shared)),
        too_late(4, 4)
    );
    // Without a forced end, live hypotheses finish at the maximum length.
    let cut = at_least(4, 4).with_rules(Rules::plain());
    assert_eq!(taken(cut), 3);
    // What ends a hypothesis otherwise may do so in time.
    assert!(taken(at_least(4, 4).with_stop_sequences([[3], [4], [5]])) > 0);
    assert!(taken(at_least(4, 4).ends_when(|_, token| token == 5)) > 0);
    // A certain last token is possible even where it was forbidden.
    let last = |score| at_least(4, 4).process_log_probabilities(ForcedLast::new(0, score));
    assert_eq!(taken(last(ForcedScore::Certain)), 3);
    assert_eq!(refused(last(ForcedScore::Own)), too_late(4, 4));
    // So may be what a processor of the caller says.
    let anything = processor_fn(|row| row.set(0, -1.0));
    assert_eq!(taken(at_least(4, 4).process_log_probabilities(anything)), 3);

    // Sequences of a trie.
    let trie = |length, sequences: &[&[u32]]| {
        forced(length).with_constraint(TokenTrie::new(sequences), Normaliser::WholeRow)
    };
    let (long, longer) = ([1, 2, 3, 4], [1, 2, 3, 4, 5, 6]);
    assert_eq!(refused(trie(4, &[&long, &longer])), too_late(4, 4));
    assert_eq!(refused(trie(3, &[&long, &longer])), too_late(3, 3));
    assert_eq!(taken(trie(5, &[&long, &longer])), 1);
    assert_eq!(refused(trie(6, &[&longer])), too_late(6, 6));
    assert_eq!(taken(trie(7, &[&longer])), 1);
    assert_eq!(taken(trie(4, &[&long, &[5, 6]])), 1);
    // An end token within a sequence ends it.
    assert_eq!(taken(trie(3, &[&[1, 2, 0, 4]])), 1);
    assert_eq!(refused(trie(2, &[&[1, 2, 0, 4]])), too_late(2, 2));
    assert_eq!(taken(trie(3, &[&[1, 2, 0, 4], &long, &[5, 6, 7, 8]])), 1);

    // Required words, behind which an end token must fit.
    let required = |length, words: Requirement| forced(length).with_required_words([words]);
    assert_eq!(refused(required(3, words(&[&[1, 2, 3]]))), too_late(3, 3));
    assert!(taken(required(4, words(&[&[1, 2, 3]]))) > 0);
    assert!(taken(required(3, words(&[&[1, 2, 3], &[4, 5]]))) > 0);
    assert!(taken(required(3, words(&[&[1, 2, 0]]))) > 0);
    // One token comes before the end, or only timestamps do.
    let first = forced(1).process_logits(ForcedFirst::new(5, ForcedScore::Own));
    assert_eq!(refused(first), too_late(1, 1));
    let whisper = forced(1).process_logits(WhisperTimestamps::new(6, 0).unwrap());
    assert_eq!(refused(whisper), too_late(1, 1));
}

#[test]
fn an_end_token_that_never_comes_is_refused() {
    let never = "the last token must be an end token, but processors and constraints never \
                 permit one, so no hypothesis can finish";
    let suppressed = |tokens: &[u32]| forced(4).process_logits(Suppress(tokens.to_vec()));
    assert_eq!(refused(suppressed(&[5, 0])), never);
    assert_eq!(taken(suppressed(&[5, 0]).with_end_tokens([0, 7])), 3);
    assert_eq!(
        refused(suppressed(&[5, 0, 7]).with_end_tokens([0, 7])),
        never
    );
    let last = |length| {
        let last = ForcedLast::new(5, ForcedScore::Certain);
        forced(length).process_log_probabilities(last)
    };
    assert_eq!(refused(last(1)), never);
    assert!(taken(last(3)) > 0, "it may end before");
    let once = || NoRepeatNgram::new(1).unwrap();
    assert_eq!(
        refused(forced(4).with_prompt([8, 0]).process_logits(once())),
        never
    );
    assert!(taken(forced(4).with_prompt([8]).process_logits(once())) > 0);
    let pairs = forced(4).with_prompt([8, 0]);
    assert!(taken(pairs.process_logits(NoRepeatNgram::new(2).unwrap())) > 0);
    let without = forced(4).with_constraint(mask(&[1, 2]), Normaliser::WholeRow);
    assert_eq!(
        refused(without),
        "the mask of permitted tokens permits no end token, but the last token must be one, so \
         no hypothesis can finish"
    );
}

#[test]
fn what_permits_no_first_token_is_refused() {
    let nothing = "processors and constraints together permit no first token, so no hypothesis \
                   can finish";
    let plain = || Request::new(3, MaximumLength(4)).with_end_tokens([0]);
    let by = |request: Request, tokens: &[u32]| {
        request.with_constraint(mask(tokens), Normaliser::WholeRow)
    };
    let trie = |request: Request, sequences: &[&[u32]]| {
        request.with_constraint(TokenTrie::new(sequences), Normaliser::WholeRow)
    };
    assert_eq!(refused(by(by(plain(), &[1, 2]), &[3, 4])), nothing);
    assert!(taken(by(by(plain(), &[1, 2]), &[2, 4])) > 0);
    assert_eq!(refused(trie(by(plain(), &[1, 2]), &[&[3, 1]])), nothing);
    assert!(taken(trie(by(plain(), &[1, 2, 0]), &[&[1, 2]])) > 0);
    let tries = |first: &[&[u32]], second: &[&[u32]]| {
        trie(trie(Request::new(3, MaximumLength(4)), first), second)
    };
    assert_eq!(refused(tries(&[&[1, 2]], &[&[2, 1]])), nothing);
    assert_eq!(refused(tries(&[&[], &[1, 2]], &[&[2, 1]])), nothing);
    assert_eq!(taken(tries(&[&[], &[1, 2]], &[&[], &[2, 1]])), 1);
    // An end token may follow the empty sequence.
    assert!(taken(trie(by(plain(), &[0]), &[&[], &[3, 1]])) > 0);
    assert_eq!(refused(trie(by(plain(), &[4]), &[&[], &[3, 1]])), nothing);
    let suppressed = |tokens: Vec<u32>| plain().process_logits(Suppress(tokens));
    assert_eq!(refused(suppressed((0..9).collect())), nothing);
    assert!(taken(suppressed((0..8).collect())) > 0);
    assert_eq!(refused(by(suppressed(vec![1, 2]), &[1, 2])), nothing);
    assert!(taken(by(suppressed(vec![1, 2]), &[1, 3])) > 0);
    let first = |token| ForcedFirst::new(token, ForcedScore::Own);
    let two = plain().process_logits(first(3));
    assert_eq!(refused(two.process_logits(first(4))), nothing);
    let certain = ForcedFirst::new(4, ForcedScore::Certain);
    assert!(taken(plain().process_log_probabilities(certain)) > 0);
    assert_eq!(
        refused(by(plain().process_logits(first(3)), &[1, 2])),
        nothing
    );
    let least = plain().process_logits(MinimumLength(1));
    assert_eq!(refused(by(least.clone(), &[0])), nothing);
    assert!(taken(by(least, &[0, 5])) > 0);
    let whisper = || plain().process_logits(WhisperTimestamps::new(6, 0).unwrap());
    assert_eq!(refused(by(whisper(), &[0, 1, 5])), nothing);
    let no_later = WhisperTimestamps::new(6, 0).unwrap().with_maximum_first(0);
    assert_eq!(refused(by(plain().process_logits(no_later), &[7])), nothing);
    assert!(taken(by(whisper(), &[0, 1, 5, 7])) > 0);
    assert_eq!(
        refused(by(plain(), &[])),
        "the mask of permitted tokens permits nothing, so no hypothesis can finish"
    );
    assert_eq!(
        refused(trie(plain(), &[])),
        "the trie of permitted sequences permits nothing, so no hypothesis can finish"
    );
}

/// The first token that may be lies behind many that may not.
#[test]
fn first_tokens_are_looked_for_in_the_whole_vocabulary() {
    for vocab in [64usize, 65, 5000] {
        for possible in [false, true] {
            let last = vocab as u32 - u32::from(possible);
            let mut search = AutoregressiveSearch::new(vocab).unwrap();
            let request = Request::new(2, MaximumLength(2));
            let admitted = search.admit(request.process_logits(Suppress((0..last).collect())));
            assert_eq!(admitted.is_ok(), possible, "{vocab} tokens");
        }
    }
}

#[test]
fn required_words_that_cannot_occur_are_refused() {
    let impossible = |requirement| {
        format!(
            "required words: no phrase of requirement {requirement} can occur; each has a token \
             that is forbidden, or that ends a hypothesis before the phrase is whole"
        )
    };
    let plain = |required: &[Requirement]| {
        let request = Request::new(3, MaximumLength(6)).with_end_tokens([0]);
        request.with_required_words(required.iter().cloned())
    };
    let suppress = || Suppress(vec![3, 4]);
    let either = words(&[&[1, 3], &[4]]);
    assert_eq!(
        refused(plain(&[words(&[&[1]]), either.clone()]).process_logits(suppress())),
        impossible(1)
    );
    assert!(taken(plain(&[words(&[&[1, 3], &[5]])]).process_logits(suppress())) > 0);
    let masked = plain(&[either]).with_constraint(mask(&[0, 1, 2, 5]), Normaliser::WholeRow);
    assert_eq!(refused(masked), impossible(0));
    // An end token, or a whole stop sequence, within a phrase.
    assert_eq!(refused(plain(&[words(&[&[1, 0, 2]])])), impossible(0));
    assert!(taken(plain(&[words(&[&[1, 2, 0]])])) > 0);
    let stops = |phrase: &[u32]| plain(&[words(&[phrase])]).with_stop_sequences([[5, 6]]);
    assert_eq!(refused(stops(&[5, 6, 1])), impossible(0));
    assert!(taken(stops(&[1, 5, 6])) > 0 && taken(stops(&[6, 5, 1])) > 0);
}

#[test]
fn sequences_are_drawn_by_one_group_whose_width_never_grows() {
    let request = |widths: &[usize]| {
        Request::new(4, MaximumLength(3))
            .with_widths(widths)
            .with_n_best(2)
            .with_sampling(Sampling::stochastic_beams(1))
    };
    for (widths, step, before, width) in [
        (&[2, 4][..], 1, 2, 4),
        (&[4, 4, 3, 4], 3, 3, 4),
        (&[1, 2, 3], 1, 1, 2),
    ] {
        let said = format!(
            "stochastic beams that widen from {before} to {width} at step {step}; what a narrower \
             step has dropped cannot be drawn any more, so widths must not grow"
        );
        assert_eq!(refused(request(widths)), said);
        let ranked = request(widths).with_sampling(Sampling::beam_sampling(1));
        assert_eq!(taken(ranked), 2);
    }
    for widths in [&[][..], &[3], &[2, 2], &[5, 3, 3, 2]] {
        assert_eq!(taken(request(widths)), 2);
    }
    let groups = |groups| request(&[]).with_diverse_groups(groups, 0.5);
    let said = "stochastic beams in 2 groups; only 1 draws sequences without replacement";
    assert_eq!(refused(groups(2)), said);
    assert_eq!(taken(groups(1)), 2);
    assert_eq!(
        taken(groups(2).with_sampling(Sampling::beam_sampling(1))),
        2
    );
}

fn any_processor(vocab: u32) -> impl Strategy<Value = Processor> {
    let score = prop::sample::select(vec![ForcedScore::Own, ForcedScore::Certain]);
    prop_oneof![
        (0usize..7).prop_map(Processor::MinimumLength),
        prop::collection::vec(0..vocab, 0..6).prop_map(Processor::Suppress),
        (0..vocab, score.clone()).prop_map(|(token, score)| Processor::First(token, score)),
        (0..vocab, score).prop_map(|(token, score)| Processor::Last(token, score)),
        (1usize..3).prop_map(Processor::Ngram),
        Just(Processor::Repetition(1.5)),
        Just(Processor::Hook(2, 0.125)),
    ]
}

fn any_permitted(vocab: u32) -> impl Strategy<Value = (Permitted, Normaliser)> {
    let normaliser = prop::sample::select(vec![Normaliser::WholeRow, Normaliser::Permitted]);
    let sequence = prop::collection::vec(0..vocab, 1..6);
    let permitted = prop_oneof![
        prop::collection::vec(sequence, 1..4).prop_map(Permitted::Trie),
        prop::collection::vec(0..vocab, 1..4).prop_map(Permitted::Mask),
    ];
    (permitted, normaliser)
}

/// Requests of few tokens, of which many contradict themselves.
fn any_contradiction() -> impl Strategy<Value = (Model, Extended)> {
    (2u32..6).prop_flat_map(|vocab| {
        let tokens = |most| prop::collection::vec(0..vocab, 0..most);
        let processors = || prop::collection::vec(any_processor(vocab), 0..3);
        let phrase = prop::collection::vec(0..vocab, 1..4);
        let phrases = prop::collection::vec(phrase, 1..3);
        let timestamps = prop::option::weighted(0.1, (1..vocab, any::<prop::sample::Index>()));
        (
            any::<u64>(),
            (1usize..6, 1usize..6, tokens(3), tokens(3)),
            prop::sample::select(vec![
                AtMaximum::ForceEnd,
                AtMaximum::ForceEnd,
                AtMaximum::Finish,
            ]),
            (processors(), processors(), timestamps),
            prop::collection::vec(any_permitted(vocab), 0..3),
            prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(phrases, 1..3)],
            prop_oneof![4 => Just(Vec::new()), 1 => prop::collection::vec(tokens(3), 1..2)],
        )
            .prop_map(
                move |(seed, shape, at_maximum, changes, constraints, required, mut stops)| {
                    let (beams, length, prompt, ends) = shape;
                    let (before, after, timestamps) = changes;
                    let mut plain = Spec::plain(beams, length, &ends);
                    plain.rules = plain.rules.with_at_maximum(at_maximum);
                    plain.prompt = prompt;
                    plain.before = before;
                    plain.after = after;
                    plain.constraints = constraints;
                    stops.retain(|stop| !stop.is_empty());
                    let timestamps = timestamps.map(|(begin, end)| Timestamps {
                        begin,
                        end: end.index(begin as usize) as u32,
                        none: None,
                        max_initial: Some(1),
                    });
                    let request = Extended {
                        required,
                        stops,
                        timestamps,
                        ..Extended::of(plain)
                    };
                    (logits(seed, vocab as usize, 2), request)
                },
            )
    })
}

proptest! {
    #![proptest_config(seeded::cases(1500))]

    /// `is_admitted` fails where the oracle finds something that the engine refuses.
    #[test]
    fn nothing_is_refused_that_can_end((model, request) in any_contradiction()) {
        if request.is_admitted(&model) {
            engine::check(&request, &model);
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(600))]

    #[test]
    fn requests_with_any_settings_are_as_the_oracle_says_or_cannot_end(
        input in prop::collection::vec(any::<u8>(), 400),
    ) {
        let mut u = Unstructured::new(&input);
        let model = any_request::model(&mut u).unwrap();
        let request = any_extended::request(&mut u, &model).unwrap();
        let request = Extended { given: None, ..request };
        if request.is_admitted(&model) {
            engine::check(&request, &model);
        }
    }
}

/// Of contradictions that find nothing most are known before, and refused.
#[test]
fn most_requests_that_cannot_end_are_refused() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut refused, mut nothing) = (0, 0);
    for _ in 0..2000 {
        let case = any_contradiction().new_tree(&mut runner).unwrap();
        let (model, request) = case.current();
        if !request.is_admitted(&model) {
            refused += 1;
        } else if request.expected(&model).hypotheses.is_empty() {
            nothing += 1;
        }
    }
    println!("{refused} refused, {nothing} taken that find nothing");
    assert!(
        refused > 500 && nothing < refused / 2,
        "{refused} {nothing}"
    );
}

/// Nothing may be generated, and a word must be: nothing is found, and it says so.
#[test]
fn a_complete_empty_sequence_lacks_a_required_word() {
    let empty = TokenTrie::new([[0u32; 0]]);
    let request = Request::new(3, MaximumLength(3))
        .with_constraint(empty, Normaliser::WholeRow)
        .with_required_words([words(&[&[1]])]);
    assert_eq!(taken(request), 0);
}

/// Each score is a number, and their sum is none.
#[test]
fn scores_of_processors_whose_sum_is_infinite_are_refused() {
    let huge = processor_fn(|row| row.set(1, 1e308));
    let request = Request::new(2, MaximumLength(4)).process_log_probabilities(huge);
    let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
    let id = search.admit(request).unwrap();
    search.run(|_, scores| scores.fill(0.0)).unwrap();
    let error = search.outcome(id).unwrap_err();
    assert_eq!((error.step(), error.token()), (Some(1), Some(1)));
}
