//! Scorers take part once for each token, and once at the end.

use std::f64::consts::LN_10;

use widebeam::reference::scorers::{BackoffModel, Ngrams, Phrases, PrefixScorer};
use widebeam::reference::toy::Anything;
use widebeam::reference::transducer::{Hypothesis, Topology};
use widebeam::scorers::{NgramUnit, Unscored};

use crate::cases;
use crate::table::{NO, STANDARD, Table, settings, tdt, tokens};

const MODEL: &str = "\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-99 <s> -0.25
-1.25 </s>
-0.75 a -0.5
-1.5 b -0.125
-0.5 c

\\2-grams:
-0.25 <s> b
-0.375 a b
-1.75 b b
-0.875 c </s>

\\end\\
";

const LABELS: [&str; 4] = ["a", "b", "c", "d"];

fn ngrams() -> Ngrams {
    Ngrams {
        model: BackoffModel::from_arpa(MODEL),
        labels: LABELS.map(str::to_owned).into(),
        unit: NgramUnit::Token,
        weight: 0.5,
        bonus: 0.75,
    }
}

/// The score of a whole sentence, by the model alone.
fn of_sentence(scorer: &Ngrams, tokens: &[u32]) -> f64 {
    let word = |&token: &u32| {
        let label = LABELS[token as usize].to_owned();
        scorer.model.has(&label).then_some(label)
    };
    let mut sentence = vec![Some("<s>".to_owned())];
    sentence.extend(tokens.iter().map(word));
    sentence.push(Some("</s>".to_owned()));
    let log10 = |at| f64::from(scorer.model.log10(&sentence[..at], &sentence[at]));
    let sum: f64 = (1..sentence.len()).map(log10).sum();
    scorer.weight * sum * LN_10 + scorer.bonus * tokens.len() as f64
}

fn phrases() -> Phrases {
    Phrases::of_tokens(&[
        (vec![0, 1], 1.5),
        (vec![1], 0.25),
        (vec![1, 1, 2], 4.0),
        (vec![2, 0, 3], -0.5),
    ])
}

/// The same prefixes with the same masses and alignments as without the scorer, to the bit,
/// each with the score that its tokens have as a whole.
fn check(seed: u64, scorer: &impl PrefixScorer, total: impl Fn(&[u32]) -> f64) {
    for case in cases::mixed(seed, 20) {
        let mut plain = case.open(&Unscored);
        plain.retain(|h| total(&h.tokens).is_finite());
        let mut found = case.open(scorer);
        let by_tokens = |a: &Hypothesis, b: &Hypothesis| a.tokens.cmp(&b.tokens);
        assert!(found.is_sorted_by(|a, b| a.score >= b.score), "{case:?}");
        plain.sort_by(by_tokens);
        found.sort_by(by_tokens);
        assert_eq!(found.len(), plain.len(), "{case:?}");
        for (found, plain) in found.into_iter().zip(plain) {
            let total = total(&found.tokens);
            assert!(
                (found.scorer_score - total).abs() < 1e-9,
                "{total}: {found:?}"
            );
            assert_eq!(found.score, found.log_mass + found.scorer_score);
            let unscored = Hypothesis {
                scorer_score: 0.0,
                score: found.log_mass,
                ..found
            };
            assert_eq!(unscored, plain, "{case:?}");
        }
    }
}

#[test]
fn n_grams_of_tokens_add_the_score_of_the_sentence_once() {
    let scorer = ngrams();
    check(201, &scorer, |tokens| of_sentence(&scorer, tokens));
}

#[test]
fn phrases_add_the_boost_of_each_occurrence_once() {
    let scorer = phrases();
    check(202, &scorer, |tokens| scorer.total(tokens));
}

#[test]
fn pairs_add_both() {
    let scorer = (ngrams(), phrases());
    check(203, &scorer, |tokens| {
        of_sentence(&scorer.0, tokens) + scorer.1.total(tokens)
    });
}

/// With a beam of all prefixes all tokens are tried, even by a scorer without a bound.
#[test]
fn a_scorer_may_forbid_tokens_and_ends() {
    for seed in 1..4 {
        let scorer = Anything { seed, ends: true };
        check(203 + seed, &scorer, |tokens| match scorer.sum(tokens) {
            sum if sum.is_finite() => sum + scorer.end(tokens),
            _ => f64::NAN,
        });
    }
}

/// A token of the second rank, with a boost of 2, enters a beam of 1.
#[test]
fn a_boost_ranks_tokens_where_they_are_emitted() {
    let scorer = Phrases::of_tokens(&[(vec![2], 2.0)]);
    let others = [-1.0, NO, NO];
    let rows: [(usize, &[u32], &[f32]); 1] = [(0, &[], &[-4.0, -1.0, -2.0])];
    for topology in [STANDARD, Topology::OneSymbol] {
        let settings = settings(1, topology);
        let mut table = Table::new(&rows, &others);
        let plain = table.search(&settings, 2, &Unscored).unwrap();
        assert_eq!(plain[0].tokens, [1]);
        let found = table.search(&settings, 2, &scorer).unwrap();
        assert_eq!(
            (&found[0].tokens[..], found[0].scorer_score),
            (&[2][..], 2.0)
        );
    }
}

/// Token 2 is the better one in its row, token 1 has the larger boost; their sums are equal.
#[test]
fn equal_sums_go_by_the_rank_in_the_row() {
    let scorer = Phrases::of_tokens(&[(vec![1], 1.0), (vec![2], 0.5)]);
    for topology in [STANDARD, Topology::OneSymbol, tdt(&[1])] {
        let rows: [(usize, &[u32], &[f32]); 1] = match topology {
            Topology::Tdt { .. } => [(0, &[], &[-9.0, -2.0, -1.5, 0.0])],
            _ => [(0, &[], &[-9.0, -2.0, -1.5])],
        };
        let mut table = Table::new(&rows, &[0.0, NO, NO]);
        let settings = settings(2, topology);
        let found = table.search(&settings, 1, &scorer).unwrap();
        assert_eq!(tokens(&found), [&[2][..], &[1]]);
        assert_eq!(found[0].score, found[1].score);
    }
}

/// Without a bound a token below the `beams` + 2 best of its row is not tried, however good
/// its score, unless its prefix is there already.
#[test]
fn a_scorer_without_a_bound_tries_the_best_tokens_of_a_row() {
    struct Favours(u32);
    impl PrefixScorer for Favours {
        fn last(&self, prefix: &[u32]) -> f64 {
            if prefix.ends_with(&[self.0]) {
                50.0
            } else {
                0.0
            }
        }

        fn end(&self, _: &[u32]) -> f64 {
            0.0
        }
    }
    let row = [-1.0, -2.0, -3.0, -4.0, -5.0];
    for topology in [STANDARD, Topology::OneSymbol, tdt(&[1])] {
        let timed = matches!(topology, Topology::Tdt { .. });
        let row = if timed {
            [&row[..], &[0.0]].concat()
        } else {
            row.to_vec()
        };
        let settings = settings(1, topology);
        let best = |favoured| {
            let mut table = Table::new(&[], &row);
            let found = table.search(&settings, 1, &Favours(favoured)).unwrap();
            found[0].tokens.clone()
        };
        assert_eq!(best(2), [2]);
        assert!(best(3).is_empty());
    }
    // The second frame enters [3] once more from the empty prefix: -1 - 1.5 beside -0.5.
    let mut table = Table::new(
        &[
            (0, &[], &[-1.0, NO, NO, -0.5, NO]),
            (1, &[], &[-1.0, -1.1, -1.2, -1.5, -1.3]),
            (1, &[3], &[0.0, NO, NO, NO, NO]),
        ],
        &[],
    );
    let found = table
        .search(&settings(2, Topology::OneSymbol), 2, &Favours(9))
        .unwrap();
    assert_eq!(found[0].tokens, [3]);
    let mass = (-0.5f64).exp() + (-2.5f64).exp();
    assert!((found[0].log_mass - mass.ln()).abs() < 1e-12);
}
