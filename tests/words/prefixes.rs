//! Every short prefix, by the library and by the reference.

use widebeam::reference::scorers::PrefixScorer;
use widebeam::scorers::Scorer;

use crate::random::Random;

/// Compares the scores of every sequence of up to `longest` of the tokens 0 to
/// `vocab` - 1, as long as no token is forbidden, and of the end after each. No score
/// is above the bound that the scorer gives.
pub(crate) fn check_every_prefix<S: Scorer>(
    scorer: &S,
    naive: &impl PrefixScorer,
    vocab: usize,
    longest: usize,
) {
    let mut prefixes = vec![(Vec::new(), scorer.start())];
    while let Some((prefix, state)) = prefixes.pop() {
        let end = scorer.finish(&state);
        let expected = naive.end(&prefix);
        assert!(
            agree(end, expected),
            "{end} {expected}: the end after {prefix:?}"
        );
        if prefix.len() == longest {
            continue;
        }
        let bound = scorer.max_score(&state);
        // By the bound a search knows whether it must try every token.
        let bounded = bound < f64::INFINITY;
        assert_eq!(
            bounded,
            naive.tries_all(),
            "the bound {bound} after {prefix:?}"
        );
        for token in 0..vocab as u32 {
            let score = scorer.score(&state, token);
            let longer = [&prefix[..], &[token]].concat();
            let expected = naive.last(&longer);
            assert!(agree(score, expected), "{score} {expected}: {longer:?}");
            if score.is_finite() {
                assert!(score <= bound, "{score} is above {bound}: {longer:?}");
                assert!(may_follow(scorer, &state, token), "{longer:?}");
                prefixes.push((longer, scorer.advance(&state, token)));
            }
        }
    }
}

/// Compares the scores along some random prefixes of `longest` tokens, none of which is
/// forbidden.
pub(crate) fn check_long_prefixes<S: Scorer>(
    random: &mut Random,
    scorer: &S,
    naive: &impl PrefixScorer,
    vocab: usize,
    longest: usize,
) {
    for _ in 0..4 {
        let (mut prefix, mut state) = (Vec::new(), scorer.start());
        // A token that is forbidden is not taken.
        for _ in 0..3 * longest {
            let token = random.below(vocab) as u32;
            let score = scorer.score(&state, token);
            prefix.push(token);
            let expected = naive.last(&prefix);
            assert!(agree(score, expected), "{score} {expected}: {prefix:?}");
            if !score.is_finite() {
                prefix.pop();
                continue;
            }
            assert!(score <= scorer.max_score(&state), "{score}: {prefix:?}");
            assert!(may_follow(scorer, &state, token), "{prefix:?}");
            state = scorer.advance(&state, token);
            let (end, expected) = (scorer.finish(&state), naive.end(&prefix));
            assert!(
                agree(end, expected),
                "{end} {expected}: the end after {prefix:?}"
            );
            if prefix.len() == longest {
                break;
            }
        }
    }
}

/// Checks that the scores of the tokens and of the end add up to the score of the whole,
/// which `total` finds in another way.
pub(crate) fn check_totals(
    naive: &impl PrefixScorer,
    total: impl Fn(&[u32]) -> f64,
    vocab: usize,
    longest: usize,
) {
    let mut prefixes = vec![Vec::new()];
    while let Some(prefix) = prefixes.pop() {
        let (sum, end, total) = (naive.sum(&prefix), naive.end(&prefix), total(&prefix));
        match total.is_finite() {
            true => assert!(
                (sum + end - total).abs() < 1e-9,
                "{sum} {end} {total}: {prefix:?}"
            ),
            false => assert!(
                !(sum.is_finite() && end.is_finite()),
                "{sum} {end}: {prefix:?}"
            ),
        }
        if prefix.len() < longest && sum.is_finite() {
            prefixes.extend((0..vocab as u32).map(|token| [&prefix[..], &[token]].concat()));
        }
    }
}

/// Whether a scorer gives the hint that a token may follow.
fn may_follow<S: Scorer>(scorer: &S, state: &S::State, token: u32) -> bool {
    scorer.may_follow(state) >> (token % 64) & 1 != 0
}

/// Whether two scores have the same bits, or both forbid.
fn agree(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || !(a.is_finite() || b.is_finite())
}
