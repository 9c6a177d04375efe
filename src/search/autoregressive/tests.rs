//! The rare branches of a step, each aimed at, against the oracle.

use super::*;
use crate::marks;
use crate::reference::autoregressive as oracle;
use crate::reference::requests::{Permitted, Processor, Spec, found, score};
use crate::reference::toy;
use crate::scores::ScoreKind;
use crate::scores::ScoresView;
use crate::simd::Level;

/// Any function of the prompt and the generated tokens.
type Rows<'a> = &'a dyn Fn(&[u32]) -> Vec<f32>;

/// Compares what a request finds with the oracle, at a level.
fn check(level: Level, spec: &Spec, kind: ScoreKind, rows: Rows<'_>) {
    let vocab = rows(&[]).len();
    let mut search = AutoregressiveSearch::new(vocab)
        .unwrap()
        .with_level(level)
        .unwrap();
    let id = search.admit(spec.engine()).unwrap();
    let mut before = Vec::new();
    while !search.is_idle() {
        let data = score(&mut search, &mut before, |_, tokens| rows(tokens));
        let shape = [data.len() / vocab, vocab];
        let scores = ScoresView::new(kind, &data, shape).unwrap();
        search.advance(&scores).unwrap();
    }
    let expected = oracle::search(&spec.oracle(), kind, rows);
    assert_eq!(
        found(search.outcome(id).unwrap().unwrap()),
        expected,
        "{level}"
    );
}

/// Numbers in no order, from 0 to 1.
fn unordered(token: usize, state: u64) -> f32 {
    let bits = toy::mix(token as u64 ^ toy::mix(state + 1));
    (bits >> 40) as f32 / (1u64 << 24) as f32
}

fn state(history: &[u32]) -> u64 {
    let add = |state, &token: &u32| toy::mix(state + u64::from(token) + 1);
    history.iter().fold(5, add)
}

/// 313 groups a row, and room for 1048 totals.
#[test]
fn totals_of_many_groups_are_cut_before_the_last_row() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..40_000)
            .map(|token| -8.0 * unordered(token, state) - 0.1)
            .collect()
    };
    let mut touched = Spec::plain(6, 2, &[]);
    touched.after.push(Processor::Hook(9000, 0.5));
    for (spec, kind) in [
        (Spec::plain(6, 2, &[]), ScoreKind::LogProbabilities),
        (touched, ScoreKind::Logits),
    ] {
        marks::expect("totals are cut after a row", || {
            check(Level::best(), &spec, kind, &rows);
        });
    }
}

/// All tokens are equal, so a list is cut and filled again and again.
#[test]
fn a_list_of_equal_candidates_is_cut_and_filled_again() {
    let rows = |_: &[u32]| vec![-1.0; 3000];
    for level in Level::available() {
        let spec = Spec::plain(2, 2, &[]);
        let (_, cuts) = marks::count("candidates are cut to the best", || {
            marks::expect("a row goes on under a raised bar", || {
                check(level, &spec, ScoreKind::LogProbabilities, &rows);
            });
        });
        assert!(cuts >= 4, "{cuts} cuts");
    }
}

/// The first parent's tokens are equal and more than enough, but just too few for a
/// cut; the second parent's first group makes them so many.
#[test]
fn a_row_is_left_when_the_bar_rises_above_the_rest_of_it() {
    let rows = |history: &[u32]| match history {
        [] => (0..3000)
            .map(|token| if token < 2 { -1.0 } else { -9.0 })
            .collect(),
        [0] => (0..3000)
            .map(|token| if token < 1000 { -1.0 } else { -2.0 })
            .collect(),
        _ => vec![-1.0; 3000],
    };
    for level in Level::available() {
        marks::expect("the rest of a row no longer reaches the bar", || {
            let spec = Spec::plain(2, 2, &[]);
            check(level, &spec, ScoreKind::LogProbabilities, &rows);
        });
    }
}

/// The best tokens share groups, so that the bar starts too low; it rises above
/// groups that were to be looked at.
#[test]
fn a_group_is_passed_over_once_the_bar_has_risen_above_it() {
    let rows = |_: &[u32]| -> Vec<f32> {
        let value = |token: usize| match (token / 128, token % 128) {
            (0..2, 5 | 90 | 91) => -0.5 - token as f32 / 1024.0,
            (25, 7) => -0.25,
            _ => -1.0,
        };
        (0..128 * 30).map(value).collect()
    };
    for level in Level::available() {
        for beams in [2, 3] {
            marks::expect("a group no longer reaches the bar", || {
                let spec = Spec::plain(beams, 1, &[]);
                check(level, &spec, ScoreKind::LogProbabilities, &rows);
            });
        }
    }
}

#[test]
fn touched_tokens_are_cut_to_the_best_too() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..2500)
            .map(|token| 4.0 * unordered(token, state))
            .collect()
    };
    let mut all = Spec::plain(3, 2, &[4]);
    all.after.push(Processor::Hook(1, 0.125));
    let mut two_thirds = Spec::plain(3, 2, &[4]);
    two_thirds.before.push(Processor::Hook(1, -0.5));
    let tokens = (0..2500).filter(|token| token % 3 > 0).collect();
    two_thirds.constraints = vec![(Permitted::Mask(tokens), Normaliser::Permitted)];
    for spec in [all, two_thirds] {
        for level in Level::available() {
            marks::expect("candidates are cut to the best", || {
                check(level, &spec, ScoreKind::Logits, &rows);
            });
        }
    }
}

/// Overrides on both sides of where a row is copied in blocks, and more permitted
/// tokens than a block holds.
#[test]
fn processed_rows_are_normalised_block_by_block() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..4200)
            .map(|token| 12.0 * unordered(token, state) - 6.0)
            .collect()
    };
    let edges = vec![0, 1, 2046, 2047, 2048, 2049, 4095, 4096, 4097, 4199];
    for kind in [ScoreKind::Logits, ScoreKind::LogProbabilities] {
        let rows = |history: &[u32]| -> Vec<f32> {
            let shift = if kind == ScoreKind::Logits { 0.0 } else { -6.0 };
            rows(history).into_iter().map(|x| x + shift).collect()
        };
        for case in 0..7 {
            let mut spec = Spec::plain(2, 2, &[3]);
            spec.before = vec![match case {
                0 => Processor::Suppress(edges.clone()),
                1 => Processor::Hook(2047, 20.0),
                2 => Processor::Hook(1, 0.25),
                3 => Processor::Hook(4096, 9.0),
                // Changed in no order.
                4 => Processor::Suppress(edges.iter().rev().copied().collect()),
                5 => Processor::Repetition(1.5),
                _ => Processor::MinimumLength(2),
            }];
            if case == 3 {
                let all_but_edges = (0..4200).filter(|token| !edges.contains(token));
                let permitted = Permitted::Mask(all_but_edges.collect());
                spec.constraints = vec![(permitted, Normaliser::Permitted)];
            }
            spec.prompt = vec![4100, 1, 2050, 4199];
            for level in Level::available() {
                check(level, &spec, kind, &rows);
            }
        }
    }
}

#[test]
fn hypotheses_outlive_the_sweeps_of_their_tree() {
    // Long hypotheses become better, so that those that finished late push out others.
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(&history[history.len().saturating_sub(2)..]);
        let shrink = 1.0 / (1.0 + history.len() as f32);
        (0..9)
            .map(|token| -(0.1 + unordered(token, state)) * shrink)
            .collect()
    };
    let mut spec = Spec::plain(4, 40, &[2]);
    spec.rules.stopping = Stopping::FirstFinished { patience: 25.0 };
    let mut grouped = Spec::plain(6, 30, &[2, 3]);
    grouped.groups = (3, 0.25);
    grouped.rules = spec.rules;
    for spec in [spec, grouped] {
        marks::expect("the tree of hypotheses is swept", || {
            marks::expect("a full pool gives up its worst", || {
                check(Level::best(), &spec, ScoreKind::LogProbabilities, &rows);
            });
        });
    }
}

#[test]
fn candidates_that_can_neither_finish_nor_go_on_are_left() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..20).map(|token| 4.0 * unordered(token, state)).collect()
    };
    marks::expect("no later candidate can finish or go on", || {
        let spec = Spec::plain(3, 4, &[5, 6]);
        check(Level::best(), &spec, ScoreKind::Logits, &rows);
    });
}

#[test]
fn a_mask_of_most_tokens_forbids_the_others() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..130)
            .map(|token| 4.0 * unordered(token, state))
            .collect()
    };
    for left_out in [0, 1, 63, 64, 65, 127, 128, 129] {
        let tokens = (0..130).filter(|&token| token != left_out).collect();
        let mut spec = Spec::plain(3, 2, &[5]);
        spec.constraints = vec![(Permitted::Mask(tokens), Normaliser::WholeRow)];
        marks::expect("a mask forbids what it leaves out", || {
            check(Level::best(), &spec, ScoreKind::Logits, &rows);
        });
    }
}

/// The error of one step of one request.
fn error(request: Request, scores: &ScoresView<'_>) -> String {
    let mut search = AutoregressiveSearch::new(scores.vocab()).unwrap();
    let id = search.admit(request).unwrap();
    assert_eq!(search.feed().rows(), 1);
    search.advance(scores).unwrap();
    search.outcome(id).unwrap_err().to_string()
}

#[test]
fn invalid_scores_are_found_by_the_scan_and_where_only_permitted_tokens_are_read() {
    for bad in [3, 400] {
        let mut row = vec![0.001f32; 500];
        row[bad] = 2.0;
        let scores = ScoresView::probabilities(&row, [1, 500]).unwrap();
        let expected = format!("row 0, step 0, token {bad}: 2 is not a valid probability");
        let scanned = marks::expect("a row is refused", || {
            error(Request::new(2, MaximumLength(2)), &scores)
        });
        assert!(scanned.starts_with(&expected), "{scanned}");
        let trie = TokenTrie::new([[3], [400]]);
        let request = Request::new(2, MaximumLength(2)).with_constraint(trie, Normaliser::WholeRow);
        let processed = request.clone().process_log_probabilities(Suppress(vec![7]));
        let late = marks::expect("a permitted token's score is invalid", || {
            error(processed, &scores)
        });
        assert!(late.starts_with(&expected), "{late}");
        let late = marks::expect("a token that a trie permits has an invalid score", || {
            error(request, &scores)
        });
        assert!(late.starts_with(&expected), "{late}");
    }
}

/// All tokens but the last five end, and these are the worst of each row.
#[test]
fn a_walk_goes_on_until_enough_candidates_do() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..2500)
            .map(|token| -0.01 * (token as f32) - 0.001 * unordered(token, state))
            .collect()
    };
    let request = Spec::plain(3, 2, &[]);
    let mut oracle = request.oracle();
    oracle.ends.predicate = Some(Box::new(|_, token| token < 2495));
    for level in Level::available() {
        marks::expect("too few of the best candidates go on", || {
            let mut search = AutoregressiveSearch::new(2500)
                .unwrap()
                .with_level(level)
                .unwrap();
            let engine = request.engine().ends_when(|_, token| token < 2495);
            let id = search.admit(engine).unwrap();
            let mut before = Vec::new();
            while !search.is_idle() {
                let data = score(&mut search, &mut before, |_, tokens| rows(tokens));
                let shape = [data.len() / 2500, 2500];
                let scores = ScoresView::log_probabilities(&data, shape).unwrap();
                search.advance(&scores).unwrap();
            }
            let expected = oracle::search(&oracle, ScoreKind::LogProbabilities, &rows);
            assert_eq!(found(search.outcome(id).unwrap().unwrap()), expected);
        });
    }
}

/// Two beams, each of which thousands of tokens complete, and none of which goes on: the best
/// are enough.
#[test]
fn complete_sequences_are_not_looked_for_beyond_the_best() {
    let rows = |history: &[u32]| -> Vec<f32> {
        let state = state(history);
        (0..3000)
            .map(|token| -0.1 - unordered(token, state))
            .collect()
    };
    let pairs = |goes_on: bool| {
        let pairs = [1u32, 2].map(|first| (0..2900u32).map(move |second| vec![first, second]));
        let longer = goes_on.then_some(vec![1, 2899, 0]);
        pairs
            .into_iter()
            .flatten()
            .chain(longer)
            .collect::<Vec<_>>()
    };
    let check = |level, goes_on| {
        let mut spec = Spec::plain(2, 3, &[]);
        spec.constraints = vec![(Permitted::Trie(pairs(goes_on)), Normaliser::WholeRow)];
        check(level, &spec, ScoreKind::LogProbabilities, &rows);
    };
    for level in Level::available() {
        marks::expect("no token may follow the candidates of a step", || {
            check(level, false);
        });
        marks::expect("too few of the best candidates go on", || {
            check(level, true);
        });
    }
}
