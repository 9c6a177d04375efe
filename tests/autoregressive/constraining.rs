//! Permitted tokens: masks around each word of their bits, tries, functions.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use widebeam::autoregressive::{
    AutoregressiveSearch, Constraint, Ended, MaximumLength, Normaliser, Request,
    StatefulConstraint, TokenMask, TokenTrie,
};
use widebeam::reference::requests::{Model, Permitted, Processor, Spec, alone_in_steps};
use widebeam::{Error, Level, ScoreKind, ScoresView};

const VOCABULARIES: [u32; 9] = [1, 2, 63, 64, 65, 127, 128, 129, 200];

/// Masks of a vocabulary that have all tokens, none, one, and all but one.
fn masks(vocab: u32) -> Vec<Vec<u32>> {
    let ends = [0, 1, 62, 63, 64, 65, 127, 128, vocab - 1];
    let within: BTreeSet<u32> = ends.into_iter().filter(|&token| token < vocab).collect();
    let mut all = vec![(0..vocab).collect(), Vec::new()];
    for &token in &within {
        all.push(vec![token]);
        all.push((0..vocab).filter(|&other| other != token).collect());
    }
    // Just more than half, and just less.
    all.push((0..vocab.div_ceil(2)).collect());
    all.push((0..vocab / 2).rev().collect());
    all.push((vocab / 2..vocab).collect());
    all
}

#[test]
fn masks_permit_exactly_their_tokens() {
    for vocab in VOCABULARIES {
        for (index, mask) in masks(vocab).into_iter().enumerate() {
            let kind = [
                ScoreKind::Logits,
                ScoreKind::LogProbabilities,
                ScoreKind::Probabilities,
            ][index % 3];
            let model = Model {
                seed: u64::from(vocab),
                vocab: vocab as usize,
                memory: 1,
                values: 0,
                impossible: 0,
                kind,
            };
            let normaliser = match kind == ScoreKind::Probabilities || index % 2 == 0 {
                true => Normaliser::WholeRow,
                false => Normaliser::Permitted,
            };
            let mut spec = Spec::plain(3, 2, &[vocab - 1]);
            if index % 5 == 0 {
                spec.after.push(Processor::Hook(3, 0.25));
            }
            spec.constraints = vec![(Permitted::Mask(mask), normaliser)];
            let expected = spec.expected_in_steps(&model);
            for level in Level::available() {
                let found = alone_in_steps(&spec, &model, level);
                assert_eq!(found, expected, "{vocab} tokens, mask {index}");
            }
        }
    }
}

#[test]
fn a_mask_is_a_set_of_tokens() {
    for vocab in VOCABULARIES {
        for tokens in masks(vocab) {
            let set: BTreeSet<u32> = tokens.iter().copied().collect();
            let mut mask: TokenMask = tokens.into_iter().collect();
            assert!(mask.iter().eq(set.iter().copied()));
            assert_eq!(mask.count(), set.len());
            for token in (0..vocab + 130).chain([u32::MAX]) {
                assert_eq!(mask.contains(token), set.contains(&token), "{token}");
            }
            mask.clear();
            assert_eq!((mask.count(), mask.iter().next()), (0, None));
            mask.insert(vocab);
            mask.insert(vocab);
            assert!(mask.iter().eq([vocab]));
        }
    }
}

#[test]
fn a_mask_of_words_has_their_bits() {
    let mask = TokenMask::from_words(vec![1 | 1 << 63, 0, 1 << 5]);
    assert_eq!(mask.iter().collect::<Vec<_>>(), [0, 63, 133]);
    assert_eq!(mask, [0, 63, 133].into_iter().collect());
    assert_eq!(TokenMask::from_words(Vec::new()).count(), 0);
}

/// One step of one request over a row of probabilities: why it ended and the tokens that
/// it found, or why it was refused.
fn step(request: Request, row: &[f32]) -> Result<(Ended, Vec<u32>), Error> {
    let mut search = AutoregressiveSearch::new(row.len()).unwrap();
    let id = search.admit(request).unwrap();
    search.feed();
    search
        .advance(&ScoresView::probabilities(row, [1, row.len()]).unwrap())
        .unwrap();
    let outcome = search.outcome(id)?.unwrap();
    let tokens = outcome.hypotheses().map(|found| found.tokens[0]).collect();
    Ok((outcome.ended(), tokens))
}

/// A trie's tokens are all that is read, and are checked as they are read.
#[test]
fn an_invalid_score_of_a_permitted_token_is_found_late() {
    let trie = || TokenTrie::new([[3u32], [70], [1]]);
    let request =
        || Request::new(2, MaximumLength(1)).with_constraint(trie(), Normaliser::WholeRow);
    let mut row = vec![0.01f32; 100];
    row[70] = 0.5;
    assert_eq!(step(request(), &row), Ok((Ended::Length, vec![70, 1])));
    for (bad, shown) in [
        (2.0, "2 is not a valid probability"),
        (1.0011, "1.0011 is not"),
        (-0.25, "-0.25 is not"),
        (f32::NAN, "NaN is not"),
        (f32::INFINITY, "inf is not"),
    ] {
        for (token, is_read) in [(1, true), (3, true), (70, true), (0, false), (99, false)] {
            let mut row = row.clone();
            row[token] = bad;
            let found = step(request(), &row);
            if !is_read {
                assert_eq!(found, Ok((Ended::Length, vec![70, 1])));
                continue;
            }
            let error = found.unwrap_err();
            let place = format!("row 0, step 0, token {token}: {shown}");
            assert!(error.to_string().starts_with(&place), "{error}");
        }
    }
    row[3] = 1.0005;
    assert_eq!(step(request(), &row), Ok((Ended::Length, vec![3, 70])));
}

#[test]
fn a_function_is_asked_once_for_each_live_beam_with_an_empty_mask() {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let constraint = Constraint::function(move |tokens, mask| {
        assert_eq!(mask.count(), 0);
        assert_eq!(tokens.prompt(), [9, 9]);
        assert_eq!(tokens.all(), [tokens.prompt(), tokens.generated()].concat());
        seen.lock().unwrap().push(tokens.generated().to_vec());
        (0..66).for_each(|token| mask.insert(token));
        mask.insert(1_000_000);
    });
    let request = Request::new(2, MaximumLength(2))
        .with_prompt([9, 9])
        .with_constraint(constraint, Normaliser::WholeRow);
    let mut search = AutoregressiveSearch::new(70).unwrap();
    let id = search.admit(request).unwrap();
    let mut row: Vec<f32> = (0..70).map(|token| -1.0 - token as f32 / 64.0).collect();
    row[69] = -0.5;
    for rows in [1, 2] {
        let scores = ScoresView::log_probabilities(&row, [1, 70]).unwrap();
        let twice = [&row[..], &row[..]].concat();
        let both = ScoresView::log_probabilities(&twice, [2, 70]).unwrap();
        assert_eq!(search.feed().rows(), rows);
        search
            .advance(if rows == 1 { &scores } else { &both })
            .unwrap();
    }
    assert_eq!(*calls.lock().unwrap(), [vec![], vec![0], vec![1]]);
    let outcome = search.outcome(id).unwrap().unwrap();
    assert_eq!(outcome.best().unwrap().tokens, [0, 0]);
}

#[test]
fn a_trie_says_which_sequences_share_a_beginning() {
    let sequences: [&[u32]; 6] = [&[1, 2, 3], &[1, 2], &[1], &[1, 2, 9, 9], &[4], &[1, 2, 3]];
    let trie = TokenTrie::new(sequences);
    let table: [(&[u32], &[u32], bool); 9] = [
        (&[], &[1, 4], false),
        (&[1], &[2], true),
        (&[1, 2], &[3, 9], true),
        (&[1, 2, 3], &[], true),
        (&[1, 2, 9], &[9], false),
        (&[1, 2, 9, 9], &[], true),
        (&[4], &[], true),
        (&[2], &[], false),
        (&[4, 1], &[], false),
    ];
    for (prefix, next, complete) in table {
        assert!(trie.next(prefix).eq(next.iter().copied()), "{prefix:?}");
        assert_eq!(trie.contains(prefix), complete, "{prefix:?}");
    }
}

#[test]
fn constraints_are_named_when_they_are_printed() {
    let mask: Constraint = TokenMask::default().into();
    let trie: Constraint = TokenTrie::new([[1]]).into();
    let function = Constraint::function(|_, _| {});
    let stateful = Constraint::stateful(Anything);
    let shown = format!("{mask:?} {trie:?} {function:?} {stateful:?}");
    assert_eq!(
        shown,
        "Constraint::Mask Constraint::Trie Constraint::Function Constraint::Stateful"
    );
    let request = Request::new(4, MaximumLength(7))
        .with_prompt([8])
        .with_end_tokens([3, 2, 3])
        .with_diverse_groups(2, 0.5)
        .with_constraint(TokenMask::default(), Normaliser::Permitted)
        .with_constraint(TokenTrie::new([[1]]), Normaliser::WholeRow);
    let shown = format!("{request:?}");
    assert!(
        shown.starts_with("Request { beams: 4, max_length: 7, prompt: [8], end_tokens: [2, 3]")
    );
    assert!(shown.ends_with(
        "constraints: [(Constraint::Mask, Permitted), (Constraint::Trie, WholeRow)], \
         logits: 0, log_probabilities: 0 }"
    ));
}

struct Anything;

impl StatefulConstraint for Anything {
    type State = ();

    fn start(&self, _prompt: &[u32]) {}

    fn permit(&self, _state: &(), mask: &mut TokenMask) {
        (0..70).for_each(|token| mask.insert(token));
    }

    fn advance(&self, _state: &(), _token: u32) {}
}

/// Constraints of each kind over 70 tokens. Any two leave something for a step or two.
fn kinds_of_constraints() -> [Permitted; 4] {
    let sequences = (0..48u32).map(|i| vec![i % 6, (3 * i) % 8, i % 4, 66 + i % 4]);
    [
        Permitted::Trie(sequences.collect()),
        // Less than half of the vocabulary, and more.
        Permitted::Mask((0..30).step_by(2).chain([3, 67]).collect()),
        Permitted::Mask((0..70).filter(|token| token % 9 != 4).collect()),
        Permitted::Function(3),
    ]
}

#[test]
fn two_constraints_of_any_kinds_permit_what_both_do() {
    let all_normalisers = [Normaliser::WholeRow, Normaliser::Permitted];
    let (mut found_some, mut fewer) = (0, 0);
    for kind in [
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ] {
        let normalisers = match kind {
            ScoreKind::Probabilities => &all_normalisers[..1],
            _ => &all_normalisers[..],
        };
        for (first, second) in pairs(&kinds_of_constraints()) {
            for (one, other) in pairs(normalisers) {
                for processed in [false, true] {
                    let model = Model {
                        seed: 5,
                        vocab: 70,
                        memory: 2,
                        values: 0,
                        impossible: 7,
                        kind,
                    };
                    let mut spec = Spec::plain(4, 4, &[2]);
                    spec.constraints = vec![(first.clone(), one), (second.clone(), other)];
                    if processed {
                        spec.groups = (2, 0.5);
                        spec.after.push(Processor::Hook(3, 0.25));
                        if kind != ScoreKind::Probabilities {
                            spec.before.push(Processor::Repetition(1.3));
                        }
                    }
                    let expected = spec.expected_in_steps(&model);
                    for level in Level::available() {
                        let found = alone_in_steps(&spec, &model, level);
                        assert_eq!(found, expected, "{kind:?} {:?}", spec.constraints);
                    }
                    found_some += usize::from(!expected.0.is_empty());
                    // Neither of them alone gives that.
                    let alone = |index: usize| {
                        let constraints = vec![spec.constraints[index].clone()];
                        let alone = Spec {
                            constraints,
                            ..spec.clone()
                        };
                        alone.expected_in_steps(&model)
                    };
                    fewer += usize::from(alone(0) != expected && alone(1) != expected);
                }
            }
        }
    }
    // All but the pairs of one constraint with itself.
    assert!(found_some > 200 && fewer > 150, "{found_some} {fewer}");
}

/// Every pair of them, in both orders, and of each with itself.
fn pairs<T: Clone>(all: &[T]) -> impl Iterator<Item = (T, T)> {
    let pair = |a: &T, b: &T| (a.clone(), b.clone());
    all.iter()
        .flat_map(move |a| all.iter().map(move |b| pair(a, b)))
}

#[test]
fn beside_another_constraint_a_trie_still_says_what_is_read() {
    let trie = || TokenTrie::new([[3u32], [70], [1]]);
    let mask = || (0..80).filter(|&token| token != 1).collect::<TokenMask>();
    let few = || [3u32, 5, 70].into_iter().collect::<TokenMask>();
    let mut row = vec![f32::NAN; 100];
    (row[3], row[70], row[1]) = (0.25, 0.5, 0.125);
    let whole = Normaliser::WholeRow;
    let request = || Request::new(3, MaximumLength(1));
    for request in [
        request()
            .with_constraint(trie(), whole)
            .with_constraint(mask(), whole),
        request()
            .with_constraint(mask(), whole)
            .with_constraint(trie(), whole),
        request()
            .with_constraint(trie(), whole)
            .with_constraint(few(), whole),
        request()
            .with_constraint(few(), whole)
            .with_constraint(trie(), whole),
    ] {
        assert_eq!(
            step(request.clone(), &row),
            Ok((Ended::Length, vec![70, 3]))
        );
        let mut row = row.clone();
        row[70] = 2.0;
        let error = step(request, &row).unwrap_err();
        assert_eq!((error.step(), error.token()), (Some(0), Some(70)));
    }
}

#[test]
fn constraints_that_share_no_token_leave_nothing() {
    // Of two masks it is known before, and the request is refused.
    let [a, b] = [[0u32, 1], [2, 3]].map(|tokens| {
        Constraint::function(move |_, mask| tokens.iter().for_each(|&token| mask.insert(token)))
    });
    let whole = Normaliser::WholeRow;
    let request = Request::new(3, MaximumLength(2))
        .with_constraint(a, whole)
        .with_constraint(b, whole);
    let found = step(request, &[0.25; 4]);
    assert_eq!(found, Ok((Ended::NothingFound, vec![])));
}

#[test]
fn a_request_shows_its_prompt() {
    assert_eq!(Request::new(3, MaximumLength(4)).prompt(), []);
    assert_eq!(
        Request::new(3, MaximumLength(4))
            .with_prompt([7, 0])
            .prompt(),
        [7, 0]
    );
}
