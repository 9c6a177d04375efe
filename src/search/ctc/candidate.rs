//! The total order of the candidates of a frame.
//!
//! Prefixes that may live on are ordered
//! - by score, highest first;
//! - by the rank of its source: a carried prefix's own, an extension's parent's; of a
//!   prefix that has both, the better;
//! - carried prefixes first;
//! - a carried prefix by its own rank, an extension by its token's rank in the row.

use crate::search::candidate::pack;
pub(super) use crate::search::candidate::{Candidate, keep_best, score};

/// Where a candidate comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Origin {
    /// The prefix of a rank, which is in the beam already.
    Carried { rank: usize },
    /// The prefix of a rank, extended by the token of a place in the frame.
    Extended { rank: usize, place: usize },
}

const EXTENDS: u64 = 1 << 32;

#[inline(always)]
pub(super) fn carried(score: f64, source: usize, rank: usize) -> Candidate {
    pack(score, (source as u64) << 33 | rank as u64)
}

#[inline(always)]
pub(super) fn extension(score: f64, rank: usize, place: usize) -> Candidate {
    pack(score, (rank as u64) << 33 | EXTENDS | place as u64)
}

#[inline(always)]
pub(super) fn unpack(candidate: Candidate) -> Origin {
    let tie = candidate as u64;
    let (rank, place) = ((tie >> 33) as usize, tie as u32 as usize);
    if tie & EXTENDS == 0 {
        Origin::Carried { rank: place }
    } else {
        Origin::Extended { rank, place }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_sort_by_score_source_origin_and_token() {
        let nothing = f64::NEG_INFINITY;
        let ordered = [
            carried(0.5, 3, 3),
            carried(0.0, 0, 0),
            carried(-0.0, 0, 7),
            extension(0.0, 0, 0),
            extension(-0.0, 0, 4),
            carried(0.0, 1, 1),
            carried(-1e-300, 0, 0),
            extension(-1.5, (1 << 20) - 1, u32::MAX as usize),
            extension(f64::MIN, 0, 0),
            carried(nothing, 0, 0),
        ];
        for pair in ordered.windows(2) {
            assert!(
                pair[0] < pair[1],
                "{:?} {:?}",
                unpack(pair[0]),
                unpack(pair[1])
            );
        }
        let last = Origin::Extended {
            rank: (1 << 20) - 1,
            place: u32::MAX as usize,
        };
        assert_eq!(unpack(ordered[7]), last);
        assert_eq!(unpack(ordered[2]), Origin::Carried { rank: 7 });
        let scores = [
            0.5,
            0.0,
            0.0,
            0.0,
            0.0,
            0.0,
            -1e-300,
            -1.5,
            f64::MIN,
            nothing,
        ];
        assert_eq!(ordered.map(score), scores);
    }
}
