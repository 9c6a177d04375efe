//! Scores with tie-breaks as sortable keys: the order of a beam.

use crate::order::{from_sortable_f64, sortable_f64};

/// What may enter a beam, as a key that sorts ascending, best first: by score, highest first,
/// then by a number that breaks ties, lowest first.
pub(crate) type Candidate = u128;

/// Zeros of both signs are equal.
#[inline(always)]
pub(crate) fn pack(score: f64, tie: u64) -> Candidate {
    u128::from(!sortable_f64(score + 0.0)) << 64 | u128::from(tie)
}

/// The score of a candidate; a negative zero comes back as zero.
#[inline(always)]
pub(crate) fn score(candidate: Candidate) -> f64 {
    from_sortable_f64(!((candidate >> 64) as u64))
}

/// Leaves the best `most` candidates, in no order but that the worst of them is the last, if
/// there were more. Linear.
pub(crate) fn keep_best(candidates: &mut Vec<Candidate>, most: usize) {
    if candidates.len() > most {
        candidates.select_nth_unstable(most - 1);
        candidates.truncate(most);
    }
}

/// Leaves the best `most` candidates, in order.
pub(crate) fn sort_best(candidates: &mut Vec<Candidate>, most: usize) {
    keep_best(candidates, most);
    candidates.sort_unstable();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn candidates_sort_by_score_and_tie() {
        let ordered = [
            pack(0.5, 3),
            pack(0.0, 0),
            pack(-0.0, 7),
            pack(-1e-300, 0),
            pack(-1.5, u64::MAX),
            pack(f64::MIN, 0),
            pack(f64::NEG_INFINITY, 0),
        ];
        for pair in ordered.windows(2) {
            assert!(pair[0] < pair[1], "{pair:?}");
        }
        let scores = [0.5, 0.0, 0.0, -1e-300, -1.5, f64::MIN, f64::NEG_INFINITY];
        assert_eq!(ordered.map(score), scores);
        assert_eq!(score(ordered[2]).to_bits(), 0);
    }

    #[test]
    fn the_best_are_kept_and_the_worst_of_them_is_the_last() {
        let mut random = Random::new(1);
        for length in 1..150usize {
            let number = |_| Candidate::from(random.bits());
            let all: Vec<Candidate> = (0..length).map(number).collect();
            for most in [1, length / 3 + 1, length / 2 + 1, length, length + 1] {
                let (mut kept, mut best) = (all.clone(), all.clone());
                keep_best(&mut kept, most);
                best.sort_unstable();
                best.truncate(most);
                // What is bounded by the last would else lose candidates.
                if length > most {
                    assert_eq!(kept.last(), best.last(), "{most} of {length}");
                }
                sort_best(&mut kept, most);
                assert_eq!(kept, best, "{most} of {length}");
            }
        }
    }
}
