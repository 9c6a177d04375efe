//! Examples of decisions, and inputs that several tests share.

use proptest::prelude::*;
use widebeam::autoregressive::{
    AtMaximum, CountedLength, EndRank, Leader, LengthPenalty, Rules, Stopping, WhenFull,
};
use widebeam::reference::autoregressive::{Finish, Outcome};
use widebeam::reference::requests::{Extended, Model, Spec};

use crate::model::{exhaustive, logits};

fn any_rules() -> impl Strategy<Value = Rules> {
    let penalty = prop::sample::select(vec![
        LengthPenalty::None,
        LengthPenalty::Power { alpha: 1.0 },
        LengthPenalty::Power { alpha: -0.5 },
        LengthPenalty::Gnmt { alpha: 0.6 },
    ]);
    let counted = prop::sample::select(vec![
        CountedLength::Generated,
        CountedLength::WithoutEnd,
        CountedLength::WithPrompt,
    ]);
    let stopping = prop::sample::select(vec![
        Stopping::Heuristic {
            leader: Leader::Live,
        },
        Stopping::Heuristic {
            leader: Leader::Any,
        },
        Stopping::Exhaustive,
        Stopping::FirstFinished { patience: 1.5 },
        Stopping::BestFinished { hypotheses: 2 },
    ]);
    let rest = (
        prop::sample::select(vec![EndRank::WithinBeam, EndRank::Any]),
        prop::sample::select(vec![WhenFull::ReplaceWorst, WhenFull::Keep]),
        prop::sample::select(vec![
            AtMaximum::Finish,
            AtMaximum::FinishIfNoneEnded,
            AtMaximum::FinishUnlessDone,
        ]),
    );
    (penalty, counted, stopping, rest).prop_map(
        |(penalty, counted, stopping, (end_rank, when_full, at_maximum))| {
            Rules::plain()
                .with_length_penalty(penalty)
                .with_counted(counted)
                .with_stopping(stopping)
                .with_end_rank(end_rank)
                .with_when_full(when_full)
                .with_at_maximum(at_maximum)
        },
    )
}

/// A model, and a request of a narrow beam with end tokens and any rules.
pub(crate) fn model_and_spec() -> impl Strategy<Value = (Model, Spec)> {
    (
        (
            any::<u64>(),
            2usize..9,
            0usize..4,
            prop::sample::select(vec![0u64, 3]),
        ),
        (1usize..5, 1usize..3, 1usize..6),
        prop::collection::vec(0u32..9, 0..3),
        prop::collection::vec(0u32..9, 0..3),
        any_rules(),
    )
        .prop_map(
            |((seed, vocab, memory, values), (width, groups, length), ends, prompt, rules)| {
                let model = Model {
                    values,
                    ..logits(seed, vocab, memory)
                };
                let ends: Vec<u32> = ends.into_iter().map(|token| token % vocab as u32).collect();
                let mut spec = Spec::plain(width * groups, length, &ends);
                spec.groups = (groups, 0.25);
                spec.prompt = prompt;
                spec.rules = rules;
                (model, spec)
            },
        )
}

/// What finishes under a beam of all.
fn finishes(request: Extended, vocab: usize) -> Outcome {
    let mut request = request;
    request.plain.rules = exhaustive(LengthPenalty::None);
    request.expected(&logits(7, vocab, 2))
}

fn finish(outcome: &Outcome, tokens: &[u32]) -> Option<Finish> {
    let mut all = outcome.hypotheses.iter();
    let found = all.find(|hypothesis| hypothesis.found.tokens == tokens);
    found.map(|hypothesis| hypothesis.found.finish)
}

#[test]
fn of_stops_that_are_complete_at_once_the_longest_is_named_and_of_equal_ones_the_first() {
    let stops = vec![vec![1], vec![0, 1], vec![0, 1], vec![2, 0, 1]];
    // A shorter stop ends what a longer one would need, so only its end can be shared.
    let request = Extended {
        stops: stops[1..].to_vec(),
        ..Extended::of(Spec::plain(300, 3, &[]))
    };
    let outcome = finishes(request, 3);
    assert_eq!(finish(&outcome, &[0, 1]), Some(Finish::Stop(0)));
    assert_eq!(finish(&outcome, &[1, 0, 1]), Some(Finish::Stop(0)));
    assert_eq!(finish(&outcome, &[2, 0, 1]), Some(Finish::Stop(2)));
    let request = Extended {
        stops,
        ..Extended::of(Spec::plain(300, 3, &[]))
    };
    let outcome = finishes(request, 3);
    assert_eq!(finish(&outcome, &[0, 1]), Some(Finish::Stop(1)));
    assert_eq!(finish(&outcome, &[1]), Some(Finish::Stop(0)));
    assert_eq!(finish(&outcome, &[2, 0, 1]), Some(Finish::Stop(3)));
}

#[test]
fn an_end_token_wins_and_a_stop_that_holds_one_earlier_never_completes() {
    let request = Extended {
        stops: vec![vec![0, 2], vec![2, 1]],
        ..Extended::of(Spec::plain(300, 3, &[2]))
    };
    let outcome = finishes(request, 3);
    assert_eq!(finish(&outcome, &[0, 2]), Some(Finish::End));
    assert_eq!(finish(&outcome, &[2]), Some(Finish::End));
    assert_eq!(finish(&outcome, &[2, 1]), None);
}

/// The prompt ends with what the stop begins with.
#[test]
fn the_prompt_is_no_part_of_a_stop() {
    let mut plain = Spec::plain(300, 2, &[]);
    plain.prompt = vec![0];
    let request = Extended {
        stops: vec![vec![0, 1]],
        ..Extended::of(plain)
    };
    let outcome = finishes(request, 2);
    assert_eq!(finish(&outcome, &[1]), None);
    assert_eq!(finish(&outcome, &[1, 1]), Some(Finish::Length));
    assert_eq!(finish(&outcome, &[0, 1]), Some(Finish::Stop(0)));
}

/// K is 2k for one token that ends, whatever the number of sequences that end with it: with
/// 3k, the third best token of the row would finish too.
#[test]
fn tokens_that_end_are_counted_once() {
    // All log-probabilities fall with the token.
    let row = [-0.5f32, -1.0, -1.5, -2.0, -2.5];
    let run = |stops: Vec<Vec<u32>>, ends: &[u32]| {
        let mut plain = Spec::plain(1, 1, ends);
        plain.rules = Rules::plain()
            .with_end_rank(EndRank::Any)
            .with_at_maximum(AtMaximum::FinishIfNoneEnded);
        let request = Extended {
            stops,
            ..Extended::of(plain)
        }
        .oracle();
        let kind = widebeam::ScoreKind::LogProbabilities;
        widebeam::reference::autoregressive::search(&request, kind, &|_| row.to_vec())
    };
    // Token 2 has rank 2: beyond K = 2.
    let found = run(vec![vec![2], vec![0, 2], vec![1, 2]], &[]);
    assert_eq!(
        (&found[0].tokens[..], found[0].finish),
        (&[0][..], Finish::Length)
    );
    let found = run(vec![vec![2], vec![0, 2]], &[2]);
    assert_eq!(found[0].finish, Finish::Length);
    // A second token that ends makes it K = 3.
    let found = run(vec![vec![2], vec![0, 4]], &[]);
    assert_eq!(
        (&found[0].tokens[..], found[0].finish),
        (&[2][..], Finish::Stop(0))
    );
}

/// A beam whose pool is full at once, and that is then filled up with what is live.
#[test]
fn a_pool_that_is_too_small_is_filled_up_with_live_hypotheses() {
    use widebeam::reference::autoregressive::{Request, Rules, run};
    let row = [-1.0f32, -0.5, -1.5, -2.0];
    let mut request = Request::new(3, 5);
    request.end_tokens = vec![0];
    request.rules = Rules::whisper(None, 0.4);
    let kind = widebeam::ScoreKind::LogProbabilities;
    let outcome = run(&request, kind, &|_| row.to_vec().into());
    // One has finished, in the first step, and that is enough.
    assert_eq!(outcome.steps.len(), 5);
    let found: Vec<_> = outcome
        .hypotheses
        .iter()
        .map(|h| (h.found.tokens.clone(), h.found.score, h.found.finish))
        .collect();
    let expected = [
        (vec![1], -0.5, Finish::Live),
        (vec![0], -1.0, Finish::End),
        (vec![2], -1.5, Finish::Live),
    ];
    assert_eq!(found, expected);
    assert!(outcome.steps[1..].iter().all(|step| step.live.is_empty()));
}

/// Required words within each group's own share of the beam.
#[test]
fn groups_share_out_their_own_beams() {
    let mut plain = Spec::plain(4, 4, &[0]);
    plain.groups = (2, 1.5);
    let request = Extended {
        required: vec![vec![vec![2]], vec![vec![3, 1]]],
        ..Extended::of(plain)
    };
    let outcome = request.expected(&logits(3, 5, 2));
    let has_words = |tokens: &[u32]| tokens.contains(&2) && tokens.windows(2).any(|t| t == [3, 1]);
    for group in 0..2 {
        let of_group = outcome.hypotheses.iter().filter(|h| h.group == group);
        let tokens: Vec<_> = of_group.map(|h| &h.found.tokens).collect();
        assert!(!tokens.is_empty() && tokens.iter().all(|tokens| has_words(tokens)));
    }
}
