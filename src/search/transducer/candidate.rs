//! The total order of candidates: by score, highest first, then by two numbers, lowest first.
//!
//! - Tokens that are emitted: the rank of the prefix, then the rank of the token in its row.
//! - Prefixes of a bucket: the rank of the source, then the order of arrival.

use crate::search::candidate;
pub(super) use crate::search::candidate::{Candidate, keep_best, score, sort_best};

/// `first` is below 2^32.
#[inline(always)]
pub(super) fn pack(score: f64, first: usize, second: u32) -> Candidate {
    candidate::pack(score, (first as u64) << 32 | u64::from(second))
}

/// The two numbers of a candidate.
#[inline(always)]
pub(super) fn numbers(candidate: Candidate) -> (usize, u32) {
    let tie = candidate as u64;
    ((tie >> 32) as usize, tie as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_sort_by_score_and_the_two_numbers() {
        let ordered = [
            pack(0.5, 3, 3),
            pack(0.0, 0, 0),
            pack(-0.0, 0, 7),
            pack(0.0, 1, 0),
            pack(-1e-300, 0, 0),
            pack(-1.5, (1 << 20) - 1, u32::MAX),
            pack(f64::MIN, 0, 0),
            pack(f64::NEG_INFINITY, 0, 0),
        ];
        for pair in ordered.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        assert_eq!(numbers(ordered[5]), ((1 << 20) - 1, u32::MAX));
        assert_eq!(numbers(ordered[2]), (0, 7));
        assert_eq!(score(ordered[5]), -1.5);
        assert_eq!(score(ordered[2]).to_bits(), 0);
    }
}
