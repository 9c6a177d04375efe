//! The rules of Whisper and vLLM against those libraries' algorithms, written anew.

use proptest::prelude::*;
use widebeam::reference::autoregressive::{Outcome, Rules};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::{Extended, Model, Spec, Timestamps};
use widebeam_toy::seeded;

use crate::model::logits;

const END: u32 = 0;

type Scored = Vec<(Vec<u32>, f64)>;

fn best_first(list: &mut Scored) {
    list.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
}

/// The best tokens of a row and their log-probabilities.
fn top(model: &Model, history: &[u32], count: usize) -> Vec<(u32, f64)> {
    let row = log_probabilities(model.kind, &model.scores(history));
    let mut row: Vec<(u32, f64)> = (0..).zip(row).collect();
    row.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap());
    row.truncate(count);
    row
}

/// `BeamSearchDecoder` and `MaximumLikelihoodRanker` of `whisper/decoding.py`: the sequences
/// without end tokens, and what they are ranked by.
fn whisper(
    model: &Model,
    prompt: &[u32],
    beams: usize,
    patience: f64,
    penalty: Option<f64>,
    length: usize,
) -> Scored {
    let candidates = (beams as f64 * patience).round_ties_even() as usize;
    let mut live: Scored = vec![(Vec::new(), 0.0); beams];
    let mut finished: Scored = Vec::new();
    for _ in 0..length {
        let mut scores: Scored = Vec::new();
        for (tokens, sum) in &live {
            for (token, own) in top(model, &[prompt, tokens].concat(), beams + 1) {
                let longer = [&tokens[..], &[token]].concat();
                // A dictionary: the same sequence is there once.
                if !scores.iter().any(|(other, _)| *other == longer) {
                    scores.push((longer, sum + own));
                }
            }
        }
        best_first(&mut scores);
        let (mut next, mut ended) = (Vec::new(), Vec::new());
        for (tokens, sum) in scores {
            if tokens.last() == Some(&END) {
                ended.push((tokens, sum));
            } else {
                next.push((tokens, sum));
                if next.len() == beams {
                    break;
                }
            }
        }
        for ended in ended {
            if finished.len() >= candidates {
                break;
            }
            finished.push(ended);
        }
        live = next;
        if finished.len() >= candidates {
            break;
        }
    }
    if finished.len() < beams {
        best_first(&mut live);
        for (tokens, sum) in live {
            finished.push(([&tokens[..], &[END]].concat(), sum));
            if finished.len() >= beams {
                break;
            }
        }
    }
    let ranked = finished.into_iter().map(|(mut tokens, sum)| {
        tokens.pop();
        let length = tokens.len() as f64;
        let divisor = match penalty {
            None => length,
            Some(alpha) => ((5.0 + length) / 6.0).powf(alpha),
        };
        (tokens, sum / divisor)
    });
    let mut ranked: Scored = ranked.collect();
    best_first(&mut ranked);
    ranked
}

/// `BeamSearchOfflineMixin.beam_search` of vLLM.
fn vllm(model: &Model, prompt: &[u32], beams: usize, penalty: f64, length: usize) -> Scored {
    let score = |(tokens, sum): &(Vec<u32>, f64)| {
        let end = usize::from(tokens.last() == Some(&END));
        sum / ((prompt.len() + tokens.len() - end) as f64).powf(penalty)
    };
    let mut live: Scored = vec![(Vec::new(), 0.0)];
    let mut completed: Scored = Vec::new();
    for _ in 0..length {
        let mut next: Scored = Vec::new();
        for (tokens, sum) in &live {
            for (token, own) in top(model, &[prompt, tokens].concat(), 2 * beams) {
                let longer = ([&tokens[..], &[token]].concat(), sum + own);
                match token == END {
                    true => completed.push(longer),
                    false => next.push(longer),
                }
            }
        }
        next.sort_by(|a, b| score(b).partial_cmp(&score(a)).unwrap());
        next.truncate(beams);
        live = next;
    }
    completed.extend(live);
    let mut ranked: Scored = completed
        .iter()
        .map(|one| (one.0.clone(), score(one)))
        .collect();
    best_first(&mut ranked);
    ranked.truncate(beams);
    ranked
}

fn without_end(outcome: &Outcome) -> Scored {
    let answer = |hypothesis: &widebeam::reference::autoregressive::Hypothesis| {
        let found = &hypothesis.found;
        let text = found.tokens.len() - hypothesis.ending;
        (found.tokens[..text].to_vec(), found.score)
    };
    outcome.hypotheses.iter().map(answer).collect()
}

proptest! {
    #![proptest_config(seeded::cases(1000))]

    #[test]
    fn whispers_rules_find_what_whisper_does(
        seed: u64,
        beams in 1usize..6,
        more in 1usize..7,
        patience in prop::sample::select(vec![0.5, 1.0, 1.5, 2.0, 2.5]),
        penalty in prop::sample::select(vec![None, Some(0.0), Some(0.6), Some(1.0)]),
        length in 1usize..9,
        prompt in prop::collection::vec(0u32..5, 0..3),
    ) {
        let model = logits(seed, beams + more, 3);
        // With beams x patience that round to 0 Whisper refuses to run; without a penalty it
        // divides by a length of 0, which only the first step can have.
        prop_assume!((beams as f64 * patience).round_ties_even() >= 1.0);
        let best = top(&model, &prompt, beams + 1);
        prop_assume!(penalty.is_some() || best.iter().all(|&(token, _)| token != END));
        let mut plain = Spec::plain(beams, length, &[END]);
        plain.prompt.clone_from(&prompt);
        let rules = Some(Rules::whisper(penalty, patience));
        let found = without_end(&Extended { rules, ..Extended::of(plain) }.expected(&model));
        let expected = whisper(&model, &prompt, beams, patience, penalty, length);
        prop_assert_eq!(&found[..], &expected[..beams.min(expected.len())]);
    }

    #[test]
    fn vllms_rules_find_what_vllm_does(
        seed: u64,
        beams in 1usize..6,
        more in 1usize..12,
        penalty in prop::sample::select(vec![0.0, 0.6, 1.0, 2.0]),
        length in 1usize..7,
        prompt in prop::collection::vec(0u32..5, 1..4),
    ) {
        let model = logits(seed, beams + more, 3);
        let mut plain = Spec::plain(beams, length, &[END]);
        plain.prompt.clone_from(&prompt);
        let rules = Some(Rules::vllm(penalty));
        let outcome = Extended { rules, ..Extended::of(plain) }.expected(&model);
        let found = crate::model::answers(&outcome);
        prop_assert_eq!(found, vllm(&model, &prompt, beams, penalty, length));
    }
}

/// 0 to 4 are text, 5 ends, 6 stands for no timestamps, and 7 to 11 are timestamps.
const TIMESTAMPS: Timestamps = Timestamps {
    begin: 7,
    end: 5,
    none: Some(6),
    max_initial: Some(2),
};

/// The tokens that are possible after others, with logits of text and timestamps.
fn possible(tokens: &[u32], text: f32, timestamp: f32) -> Vec<u32> {
    let mut plain = Spec::plain(12, tokens.len() + 1, &[]);
    plain.rules = crate::model::exhaustive(widebeam::autoregressive::LengthPenalty::None);
    let mut request = Extended {
        timestamps: Some(TIMESTAMPS),
        ..Extended::of(plain)
    }
    .oracle();
    let forced = tokens.to_vec();
    // After the rules, so that only the last row shows them.
    request.before.push(Box::new(move |place, row| {
        if let Some(&token) = forced.get(place.generated.len()) {
            row.scores = vec![f32::NEG_INFINITY; 12];
            row.scores[token as usize] = 0.0;
        }
    }));
    let row: Vec<f32> = (0..12)
        .map(|token| if token < 7 { text } else { timestamp })
        .collect();
    let kind = widebeam::ScoreKind::Logits;
    let outcome = widebeam::reference::autoregressive::run(&request, kind, &|_| row.clone().into());
    let last = |h: &widebeam::reference::autoregressive::Hypothesis| h.found.tokens[tokens.len()];
    let mut possible: Vec<u32> = outcome.hypotheses.iter().map(last).collect();
    possible.sort_unstable();
    possible
}

#[test]
fn timestamps_follow_whispers_rules() {
    let (likely, unlikely) = (5.0, 0.0);
    let after = |tokens: &[u32]| possible(tokens, likely, unlikely);
    // A timestamp begins, no later than it may be.
    assert_eq!(after(&[]), [7, 8, 9]);
    // One timestamp at the beginning counts as a pair.
    assert_eq!(after(&[8]), [0, 1, 2, 3, 4, 5]);
    // After text: text, the end, or a later timestamp.
    assert_eq!(after(&[8, 0]), [0, 1, 2, 3, 4, 5, 9, 10, 11]);
    // After text and a timestamp: the end, or a timestamp that is no earlier; not 6.
    assert_eq!(after(&[8, 0, 10]), [5, 10, 11]);
    // After a pair: text or the end.
    assert_eq!(after(&[8, 0, 10, 10]), [0, 1, 2, 3, 4, 5]);
    // After the pair and text: later than its last.
    assert_eq!(after(&[8, 0, 10, 10, 1]), [0, 1, 2, 3, 4, 5, 11]);
    // All timestamps together are more likely than any text: then one must come.
    assert_eq!(possible(&[8, 0], 1.0, 0.0), [9, 10, 11]);
    assert_eq!(possible(&[8, 0], 1.2, 0.0), [0, 1, 2, 3, 4, 5, 9, 10, 11]);
    // ln 2 is what two have.
    assert_eq!(possible(&[8, 0, 10], 0.6, 0.0), [10, 11]);
    assert_eq!(possible(&[8, 0, 10], 0.8, 0.0), [5, 10, 11]);
}
