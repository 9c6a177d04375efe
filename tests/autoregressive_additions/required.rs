//! Required words against exhaustive search.

use proptest::prelude::*;
use widebeam::autoregressive::{LengthPenalty, Normaliser};
use widebeam::reference::autoregressive::{Hypothesis, Request, Requirement};
use widebeam::reference::requests::{EndsWhen, Extended, Model, Permitted, Spec};
use widebeam::reference::toy::mix;
use widebeam_toy::seeded;

use crate::engine::alone;
use crate::model::{Leaf, answers, assert_same, exhaustive, leaves, logits};

pub(crate) type Required = Vec<Vec<Vec<u32>>>;

fn contains(tokens: &[u32], phrase: &[u32]) -> bool {
    tokens.windows(phrase.len()).any(|part| part == phrase)
}

fn satisfies(tokens: &[u32], required: &Required) -> bool {
    let is_met = |phrases: &Vec<Vec<u32>>| phrases.iter().any(|phrase| contains(tokens, phrase));
    required.iter().all(is_met)
}

pub(crate) fn any_required() -> impl Strategy<Value = Required> {
    let phrase = prop::collection::vec(1u32..4, 1..4);
    let alternatives = prop::collection::vec(phrase, 1..3);
    prop::collection::vec(alternatives, 1..4)
}

proptest! {
    #![proptest_config(seeded::cases(300))]

    #[test]
    fn a_beam_of_all_finds_all_that_have_the_words(
        seed: u64,
        required in any_required(),
        with_end: bool,
        max_length in 2usize..6,
        alpha in prop::sample::select(vec![0.0, 1.0]),
    ) {
        let model = logits(seed, 4, 2);
        let ends = if with_end { &[0u32][..] } else { &[] };
        let mut plain = Spec::plain(1200, max_length, ends);
        plain.rules = exhaustive(LengthPenalty::Power { alpha });
        let request = Extended { required: required.clone(), ..Extended::of(plain) };
        let outcome = request.expected(&model);
        let all = leaves(&model, max_length, &|tokens| tokens.last() == ends.first() && with_end);
        let expected: Vec<_> = all
            .iter()
            .filter(|leaf| satisfies(&leaf.tokens, &required))
            .map(|leaf| {
                let length = leaf.tokens.len() as f64;
                (leaf.tokens.clone(), leaf.log_probability / length.powf(alpha))
            })
            .collect();
        assert_same(&answers(&outcome), &expected, "the whole list");
    }

    #[test]
    fn all_that_comes_back_has_the_words(
        seed: u64,
        required in any_required(),
        stops in prop::collection::vec(prop::collection::vec(0u32..6, 1..3), 0..2),
        beams in 1usize..8,
    ) {
        let model = logits(seed, 6, 2);
        let plain = Spec::plain(beams, 8, &[0]);
        let request = Extended { required: required.clone(), stops, ..Extended::of(plain) };
        for hypothesis in request.expected(&model).hypotheses {
            prop_assert!(satisfies(&hypothesis.found.tokens, &required));
        }
    }
}

proptest! {
    #![proptest_config(seeded::cases(200))]

    /// What would end without the words is no answer, and does not go on.
    #[test]
    fn predicates_and_complete_sequences_wait_for_the_words(
        seed: u64,
        required in any_required(),
        rest in 0u32..3,
    ) {
        let model = logits(seed, 4, 2);
        let mut plain = Spec::plain(1200, 4, &[]);
        plain.rules = exhaustive(LengthPenalty::None);
        let ends_when = Some(EndsWhen { divisor: 4, rest });
        let request = Extended { required: required.clone(), ends_when, ..Extended::of(plain.clone()) };
        let ends = |tokens: &[u32]| tokens.iter().sum::<u32>() % 4 == rest;
        let all = leaves(&model, 4, &ends);
        let with_words = all.iter().filter(|leaf| satisfies(&leaf.tokens, &required));
        let expected: Vec<_> = with_words
            .map(|leaf| (leaf.tokens.clone(), leaf.log_probability))
            .collect();
        assert_same(&answers(&request.expected(&model)), &expected, "a predicate");

        // All sequences of four tokens, and those of fewer that end with 3.
        let shorter = leaves(&model, 3, &|_| true).into_iter().map(|leaf| leaf.tokens);
        let longest = leaves(&model, 4, &|_| false).into_iter().map(|leaf| leaf.tokens);
        let two = leaves(&model, 2, &|_| false).into_iter().map(|leaf| leaf.tokens);
        let short = shorter.chain(two).filter(|tokens| tokens.ends_with(&[3]));
        let sequences: Vec<Vec<u32>> = short.chain(longest).collect();
        plain.constraints = vec![(Permitted::Trie(sequences.clone()), Normaliser::WholeRow)];
        let request = Extended { required: required.clone(), complete: true, ..Extended::of(plain) };
        let mut found: Vec<_> = answers(&request.expected(&model)).into_iter().map(|(t, _)| t).collect();
        let with_words = sequences.into_iter().filter(|tokens| satisfies(tokens, &required));
        let mut expected: Vec<Vec<u32>> = with_words.collect();
        found.sort();
        expected.sort();
        prop_assert_eq!(found, expected);
    }
}

/// Of 300 random cases of two phrases: in how many 8 beams find the best of all sequences that
/// have them, and in how many the list of a plain beam has it. `search` finds hypotheses, best
/// first.
fn best_found(
    (vocab, longest, max_length): (usize, u64, usize),
    search: impl Fn(&Extended, &Model) -> Vec<Hypothesis>,
) -> (usize, usize) {
    let (mut found, mut listed, mut cases) = (0, 0, 0);
    for seed in 1.. {
        let mut state = mix(seed);
        let mut next = |limit: u64| {
            state = mix(state + 1);
            (state >> 33) % limit
        };
        let mut phrase = || -> Vec<u32> {
            let length = 1 + next(longest);
            (0..length)
                .map(|_| 1 + next(vocab as u64 - 1) as u32)
                .collect()
        };
        let required: Required = vec![vec![phrase()], vec![phrase()]];
        let model = logits(seed, vocab, 2);
        let all = leaves(&model, max_length, &|tokens| tokens.last() == Some(&0));
        let with_words = all.iter().filter(|leaf| satisfies(&leaf.tokens, &required));
        let better = |a: &&Leaf, b: &&Leaf| a.log_probability.total_cmp(&b.log_probability);
        let Some(best) = with_words.max_by(better) else {
            continue;
        };
        let mut plain = Spec::plain(8, max_length, &[0]);
        plain.rules = exhaustive(LengthPenalty::None);
        let is_best = |hypothesis: &Hypothesis| hypothesis.found.tokens == best.tokens;
        let list = search(&Extended::of(plain.clone()), &model);
        listed += usize::from(list.iter().any(is_best));
        let request = Extended {
            required,
            ..Extended::of(plain)
        };
        let answers = search(&request, &model);
        for hypothesis in &answers {
            assert!(satisfies(&hypothesis.found.tokens, &request.required));
        }
        found += usize::from(answers.first().is_some_and(is_best));
        cases += 1;
        if cases == 300 {
            break;
        }
    }
    (found, listed)
}

#[test]
fn eight_beams_find_the_best_nearly_always() {
    for case in [(5, 3, 5), (4, 3, 6)] {
        let by_oracle = |request: &Extended, model: &Model| request.expected(model).hypotheses;
        for (found, listed) in [best_found(case, by_oracle), best_found(case, alone)] {
            println!("{found} with required words, {listed} in the plain list");
            assert!(found >= 285, "{found} of 300");
            assert!(listed <= 110, "the cases are too easy: {listed} of 300");
        }
    }
}

fn missing(required: Required, tokens: &[u32]) -> usize {
    let mut request = Request::new(1, 9);
    request.required = required.into_iter().map(Requirement).collect();
    request.missing(tokens)
}

#[test]
fn what_is_missing_counts_the_progress_of_the_one_that_is_furthest_along() {
    let phrase = |tokens: &[u32]| vec![tokens.to_vec()];
    let one = vec![phrase(&[1, 1, 2])];
    for (tokens, left) in [
        (&[][..], 3),
        (&[1], 2),
        (&[1, 1], 1),
        // A mismatch keeps what a shorter beginning still matches, or loses all.
        (&[1, 1, 1], 1),
        (&[1, 1, 3], 3),
        (&[1, 1, 2], 0),
        (&[1, 1, 2, 3], 0),
    ] {
        assert_eq!(missing(one.clone(), tokens), left, "{tokens:?}");
    }
    // Those that share a beginning do not both claim it.
    let two = vec![phrase(&[1, 2, 3]), phrase(&[1, 2, 4])];
    for (tokens, left) in [
        (&[][..], 6),
        (&[1, 2], 4),
        (&[1, 2, 3], 3),
        (&[1, 2, 3, 1], 2),
        (&[1, 2, 3, 1, 2, 4], 0),
    ] {
        assert_eq!(missing(two.clone(), tokens), left, "{tokens:?}");
    }
    // Phrases that overlap share their tokens; the same one twice is met once.
    let overlapping = vec![phrase(&[1, 2]), phrase(&[2, 3]), phrase(&[1, 2])];
    for (tokens, left) in [
        (&[][..], 3),
        (&[1], 2),
        (&[1, 2], 1),
        (&[1, 2, 3], 0),
        (&[2, 3], 2),
    ] {
        assert_eq!(missing(overlapping.clone(), tokens), left, "{tokens:?}");
    }
    // What is inside another comes with it.
    let inside = vec![phrase(&[2]), phrase(&[1, 2, 3]), phrase(&[3, 3])];
    for (tokens, left) in [(&[][..], 4), (&[2], 4), (&[1, 2, 3], 1), (&[3, 3], 3)] {
        assert_eq!(missing(inside.clone(), tokens), left, "{tokens:?}");
    }
    // Of alternatives the nearest counts, and what one needs is the shortest.
    let alternatives = vec![vec![vec![1, 2, 3], vec![4, 5]]];
    for (tokens, left) in [
        (&[][..], 2),
        (&[1], 2),
        (&[1, 2], 1),
        (&[4], 1),
        (&[4, 5], 0),
    ] {
        assert_eq!(missing(alternatives.clone(), tokens), left, "{tokens:?}");
    }
}

/// One good token and a row of bad ones: a beam of 2 has a place for the word, whose bank is
/// its own, and a place for the rest.
#[test]
fn each_bank_has_its_share() {
    let mut request = Request::new(4, 3);
    request.required = vec![Requirement(vec![vec![5, 6]])];
    let row = [-0.5f32, -1.0, -1.5, -2.0, -2.5, -9.0, -9.5];
    let kind = widebeam::ScoreKind::LogProbabilities;
    let run = widebeam::reference::autoregressive::run(&request, kind, &|_| row.to_vec().into());
    let live = |step: usize| -> Vec<Vec<u32>> {
        run.steps[step]
            .live
            .iter()
            .map(|live| live.tokens.clone())
            .collect()
    };
    // Two tokens missing: no more than three, of which the word takes two. Only [5], and those
    // after which two tokens are left to go.
    assert_eq!(live(0), [vec![0], vec![1], vec![2], vec![5]]);
    // After the second step one token may be missing: [x, 5] and [5, 6].
    assert_eq!(live(1), [vec![0, 5], vec![1, 5], vec![2, 5], vec![5, 6]]);
    let found: Vec<_> = answers(&run)
        .into_iter()
        .map(|(tokens, _)| tokens)
        .collect();
    assert_eq!(found.len(), 4);
    assert!(found.contains(&vec![0, 5, 6]) && found.contains(&vec![5, 6, 0]));
}
