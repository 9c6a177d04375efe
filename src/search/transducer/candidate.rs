//! The total order of candidates, as a sortable key.

use crate::order::{from_sortable_f64, sortable_f64};

/// What may enter a beam, as a key that sorts ascending, best first: by score, highest
/// first, then by two numbers, lowest first.
///
/// - Tokens that are emitted: the rank of the prefix, then the rank of the token in its row.
/// - Prefixes of a bucket: the rank of the source, then the order of arrival.
pub(super) type Candidate = u128;

/// Zeros of both signs are equal. `first` is below 2^32.
#[inline(always)]
pub(super) fn pack(score: f64, first: usize, second: u32) -> Candidate {
    let tie = (first as u64) << 32 | u64::from(second);
    u128::from(!sortable_f64(score + 0.0)) << 64 | u128::from(tie)
}

/// The score of a candidate; a negative zero comes back as zero.
#[inline(always)]
pub(super) fn score(candidate: Candidate) -> f64 {
    from_sortable_f64(!((candidate >> 64) as u64))
}

/// The two numbers of a candidate.
#[inline(always)]
pub(super) fn numbers(candidate: Candidate) -> (usize, u32) {
    let tie = candidate as u64;
    ((tie >> 32) as usize, tie as u32)
}

/// Leaves the best `most` candidates, in no order but that the worst of them is the last.
/// Linear.
pub(super) fn keep_best(candidates: &mut Vec<Candidate>, most: usize) {
    if candidates.len() > most {
        candidates.select_nth_unstable(most - 1);
        candidates.truncate(most);
    }
}

/// Leaves the best `most` candidates, in order.
pub(super) fn sort_best(candidates: &mut Vec<Candidate>, most: usize) {
    keep_best(candidates, most);
    candidates.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

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

    #[test]
    fn the_best_are_kept_and_the_worst_of_them_is_the_last() {
        let mut random = Random::new(1);
        for length in 1..100usize {
            let number = |_| Candidate::from(random.bits());
            let all: Vec<Candidate> = (0..length).map(number).collect();
            for most in [1, length / 3 + 1, length, length + 1] {
                let (mut kept, mut best) = (all.clone(), all.clone());
                keep_best(&mut kept, most);
                best.sort_unstable();
                best.truncate(most);
                if length > most {
                    assert_eq!(kept.last(), best.last(), "{most} of {length}");
                }
                sort_best(&mut kept, most);
                assert_eq!(kept, best, "{most} of {length}");
            }
        }
    }
}
