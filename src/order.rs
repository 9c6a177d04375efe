//! The order of numbers, and where ties are decided.
//!
//! A row ranks its tokens by value, highest first, then by token id, lowest
//! first. Hypotheses are ranked by score, highest first, and each search says what
//! decides between equal scores. Zeros of both signs are equal everywhere.
//!
//! This module compares numbers and makes keys that sort in the order of a row. The
//! rules of the searches are written where candidates are compared. To change a rule,
//! change every place that has it:
//!
//! | place | what it decides |
//! |---|---|
//! | `kernels/network.rs`, `kernels/short.rs`, `kernels/rank.rs` | the order of a row's tokens, by [`number_key`] and [`rank_key`] |
//! | `kernels/sorter.rs` | the same; it sorts by value alone and keeps the order of equal tokens, which come by id |
//! | `kernels/threshold.rs` | the best token of a row: the first of the largest |
//! | `search/merge.rs` | independent search: of equal continuations the one of the lower parent |
//! | `search/ctc/candidate.rs` | CTC: rank of the source, a carried prefix before an extension, rank of the token |
//! | `search/ctc/carried.rs` | CTC: the source of a prefix that is carried and also entered |
//! | `search/ctc/frame.rs` | the order of tokens that a list lacked, by [`rank_key`]: `list_more` |
//! | `search/ctc/beam.rs` | the best alignment: `best`, `leaving`, `enter` |
//! | `search/ctc/decoder.rs` | the results, ranked again with the scores of the end of input: `write` |
//! | `search/ctc/by_text.rs` | results by text: the first hypothesis of a text stays, and texts of equal scores keep their order |
//! | `search/transducer/bucket.rs` | transducers: the rank of a prefix by source and order of arrival; the best alignment, of equals the first |
//! | `search/transducer/selection.rs`, `search/transducer/one_symbol.rs` | transducers: tokens by the rank of their prefix, then their own; prefixes that stay before those that are extended |
//! | `search/transducer/stages.rs` | transducers: the order of arrival: blanks, then tokens by duration |
//! | `search/transducer/results.rs` | transducers: the results, ranked again with the scores of the end and the lengths |
//! | `scorers/spelling_lexicon/readings.rs`, `scorers/spelling_lexicon/mod.rs` | readings of a prefix, and those of all its tokens: of equal values the first, by the rank of the reading before, then by place in the lexicon |
//! | `search/autoregressive/candidates.rs` | autoregressive search: `compare`; `Bar` compares score and parent alone |
//! | `search/autoregressive/pool.rs` | finished hypotheses: the earlier one |
//! | `search/autoregressive/ends.rs` | of stop sequences that are complete at once the longest, of equal ones the first |
//! | `reference.rs`, `reference/ctc.rs`, `reference/autoregressive/candidate.rs`, `reference/autoregressive/step.rs`, `reference/autoregressive/group.rs`, `reference/transducer/bucket.rs`, `reference/transducer/frame.rs`, `reference/scorers/spellings.rs` | all of these by definition, without this module |
//!
//! Other places rely on a rule:
//!
//! | place | what it relies on |
//! |---|---|
//! | `kernels/bound.rs` | tokens equal to a bound are kept |
//! | `kernels/collect.rs` | tokens come by id, so once k are held an equal one is worse |
//! | `search/ctc/settings.rs` | the proof of `extended_by` counts the candidates that win a tie |
//! | `search/ctc/extensions.rs`, `search/ctc/scored_extensions.rs`, `search/ctc/decoder.rs` | candidates equal to a bound are kept |
//! | `search/ctc/frame.rs`, `search/transducer/lists.rs` | `list_more` goes on behind the last token of the list, so places in it stay ranks |
//! | `search/transducer/selection.rs` | candidates equal to a bound are kept; the tokens of a row come by rank |
//! | `search/ctc/carried.rs` | the beam is updated in place only where no two scores are equal: `keep_their_order` |
//! | `search/autoregressive/expand/select.rs` | candidates equal to the bar are kept |
//! | `search/autoregressive/group/done.rs` | a request is done where its live hypotheses could at best equal the worst of a full pool |

use std::cmp::Ordering;

/// Scores of hypotheses, highest first, -0.0 as 0.0. Not for NaN.
#[inline(always)]
pub(crate) fn descending(a: f64, b: f64) -> Ordering {
    debug_assert!(!a.is_nan() && !b.is_nan());
    b.partial_cmp(&a).unwrap_or(Ordering::Equal)
}

/// An integer of the order of f32: `a < b` as numbers is `sortable(a) <
/// sortable(b)`, and -0.0 has the integer of 0.0. Not for NaN.
#[inline(always)]
pub(crate) fn sortable(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let sign = ((bits as i32) >> 31) as u32;
    bits ^ (sign | 0x8000_0000)
}

/// The number that [`sortable`] turned into `key`.
#[inline(always)]
pub(crate) fn from_sortable(key: u32) -> f32 {
    let sign = ((!key as i32) >> 31) as u32;
    f32::from_bits(key ^ (sign | 0x8000_0000))
}

/// [`sortable`] of an f64 that is neither NaN nor -0.0; no number has 0.
#[inline(always)]
pub(crate) fn sortable_f64(value: f64) -> u64 {
    let bits = value.to_bits();
    let sign = ((bits as i64) >> 63) as u64;
    bits ^ (sign | 1 << 63)
}

/// The number that [`sortable_f64`] turned into `key`.
#[inline(always)]
pub(crate) fn from_sortable_f64(key: u64) -> f64 {
    let sign = ((!key as i64) >> 63) as u64;
    f64::from_bits(key ^ (sign | 1 << 63))
}

/// Sorts ascending in the order of ranks: the best token has the least key.
#[inline(always)]
pub(crate) fn rank_key(value: f32, token: u32) -> u64 {
    u64::from(!sortable(value)) << 32 | u64::from(token)
}

/// The token of a [`rank_key`].
#[inline(always)]
pub(crate) fn key_token(key: u64) -> u32 {
    key as u32
}

/// The value of a [`rank_key`]; a negative zero comes back as zero.
#[inline(always)]
pub(crate) fn key_value(key: u64) -> f32 {
    from_sortable(!((key >> 32) as u32))
}

/// What [`number_key`] adds to the bits of its f32, so that no key is a subnormal number. A
/// host library may have told the processor to flush subnormal numbers to 0, and the token
/// in the key would be lost.
pub(crate) const RAISE: u32 = 1 << 20;

/// A key that is a number, so that `min` and `max` put it in order with the
/// token it carries: the best token has the largest. Not for NaN.
///
/// The upper half of the key is the bits of the f32 plus [`RAISE`]: such keys are finite and
/// have the order of the f32. The lower half is the token, with its bits flipped unless the
/// f32 is negative. So of equal values the lower token has the larger key.
#[inline(always)]
pub(crate) fn number_key(value: f32, token: u32) -> f64 {
    let bits = (value + 0.0).to_bits();
    let sign = ((bits as i32) >> 31) as u32;
    let low = token ^ !sign;
    f64::from_bits(u64::from(bits.wrapping_add(RAISE)) << 32 | u64::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rank_by_value_then_token_with_zeros_equal() {
        let values = [
            f32::INFINITY,
            f32::MAX,
            1.0,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            0.0,
            -f32::from_bits(1),
            -1.0,
            f32::MIN,
            f32::NEG_INFINITY,
        ];
        for pair in values.windows(2) {
            assert!(rank_key(pair[0], 9) < rank_key(pair[1], 3), "{pair:?}");
            assert_eq!(from_sortable(sortable(pair[0])), pair[0]);
        }
        assert_eq!(rank_key(-0.0, 7), rank_key(0.0, 7));
        assert!(rank_key(-0.0, 7) < rank_key(0.0, 8));
        assert_eq!(key_token(rank_key(-2.5, 77)), 77);
        assert_eq!(key_value(rank_key(-2.5, 77)), -2.5);
    }

    #[test]
    fn scores_descend_and_zeros_of_both_signs_tie() {
        let scores = [f64::MAX, 1.0, 0.0, -1e-310, -1.0, f64::NEG_INFINITY];
        for pair in scores.windows(2) {
            assert_eq!(descending(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(descending(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(descending(-0.0, 0.0), Ordering::Equal);
        assert_eq!(descending(0.0, -0.0), Ordering::Equal);
    }

    #[test]
    fn numbers_of_f64_have_their_order_above_0() {
        let values = [f64::NEG_INFINITY, f64::MIN, -1e-310, 0.0, 1e-310, 1.0, 1.5];
        assert!(sortable_f64(values[0]) > 0);
        for pair in values.windows(2) {
            assert!(sortable_f64(pair[0]) < sortable_f64(pair[1]), "{pair:?}");
            assert_eq!(from_sortable_f64(sortable_f64(pair[0])), pair[0]);
        }
    }

    #[test]
    fn number_keys_rank_alike() {
        let values = [
            f32::INFINITY,
            f32::MAX,
            1.0,
            1.0f32.next_down(),
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            0.0,
            -f32::from_bits(1),
            -1.0f32.next_down(),
            -1.0,
            f32::MIN,
            f32::NEG_INFINITY,
        ];
        let last = u32::MAX;
        for pair in values.windows(2) {
            assert!(
                number_key(pair[0], last) > number_key(pair[1], 0),
                "{pair:?}"
            );
        }
        for value in values {
            for tokens in [[0, 1], [7, 8], [last - 1, last]] {
                let keys = tokens.map(|token| number_key(value, token));
                assert!(keys[0] > keys[1], "{value} {tokens:?}");
                assert!(
                    keys[0].is_normal() && keys[1].is_normal(),
                    "{value} {tokens:?}"
                );
            }
        }
        let zeros = [number_key(0.0, 5), number_key(-0.0, 5)];
        assert_eq!(zeros[0].to_bits(), zeros[1].to_bits());
    }
}
