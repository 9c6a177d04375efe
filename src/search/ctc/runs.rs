//! Sorting what is made of a few sorted runs.

use super::candidate::Candidate;
use crate::error::Error;
use crate::memory::{reserve, resize};

/// Memory of the sort, kept from frame to frame.
#[derive(Clone, Debug, Default)]
pub(super) struct RunSort {
    /// Where each run ends.
    ends: Vec<usize>,
    /// As long as the most candidates there are.
    spare: Vec<Candidate>,
}

impl RunSort {
    /// Makes room for `most` candidates.
    pub(super) fn reserve(&mut self, most: usize) -> Result<(), Error> {
        let what = "the candidates of a frame";
        self.ends.clear();
        reserve(&mut self.ends, most / Self::LEAST_MEAN + 1, what)?;
        resize(&mut self.spare, most, what)
    }

    /// Runs shorter than this on average are not worth looking for.
    const LEAST_MEAN: usize = 4;

    /// Sorts, and leaves the `best` first. The candidates of a frame are the
    /// prefixes of the beam, which nearly kept their order, and for each token
    /// the extensions by it, which follow the order of the beam; where that
    /// leaves few ascending runs, they are merged by pairs: n log(runs) steps
    /// without a branch to mispredict.
    pub(super) fn sort(&mut self, candidates: &mut Vec<Candidate>, best: usize) {
        self.ends.clear();
        let most = candidates.len() / Self::LEAST_MEAN;
        for (index, pair) in candidates.windows(2).enumerate() {
            if pair[1] < pair[0] {
                if self.ends.len() == most {
                    mark!("too many runs");
                    candidates.sort_unstable();
                    return candidates.truncate(best);
                }
                self.ends.push(index + 1);
            }
        }
        let length = candidates.len();
        self.ends.push(length);
        let (mut from, mut to) = (&mut candidates[..], &mut self.spare[..length]);
        let mut moved = false;
        while self.ends.len() > 2 {
            merge_pairs(&mut self.ends, from, to);
            std::mem::swap(&mut from, &mut to);
            moved = !moved;
        }
        let best = best.min(length);
        if let [middle, _] = self.ends[..] {
            let (a, b) = from.split_at(middle);
            merge(a, b, &mut to[..best]);
            moved = !moved;
        }
        if moved {
            candidates[..best].copy_from_slice(&self.spare[..best]);
        }
        candidates.truncate(best);
    }
}

/// Merges the runs that end at `ends` by pairs.
fn merge_pairs(ends: &mut Vec<usize>, from: &[Candidate], to: &mut [Candidate]) {
    let (mut start, mut merged) = (0, 0);
    for first in (0..ends.len()).step_by(2) {
        let middle = ends[first];
        let end = match ends.get(first + 1) {
            Some(&end) => end,
            None => {
                mark!("a run that none is left to merge with");
                middle
            }
        };
        merge(
            &from[start..middle],
            &from[middle..end],
            &mut to[start..end],
        );
        ends[merged] = end;
        (start, merged) = (end, merged + 1);
    }
    ends.truncate(merged);
}

/// Merges two ascending runs, as far as `out` has room.
fn merge(a: &[Candidate], b: &[Candidate], out: &mut [Candidate]) {
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() && i + j < out.len() {
        let (x, y) = (a[i], b[j]);
        let first = x < y;
        out[i + j] = if first { x } else { y };
        i += usize::from(first);
        j += usize::from(!first);
    }
    let rest = &mut out[i + j..];
    // One of the two is used up, or there is no room.
    let left = if i < a.len() { &a[i..] } else { &b[j..] };
    rest.copy_from_slice(&left[..rest.len()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;
    use crate::random::Random;

    #[test]
    fn any_number_of_runs_of_any_length_is_sorted() {
        let mut sort = RunSort::default();
        sort.reserve(300).unwrap();
        let mut random = Random::new(1);
        for case in 0..2000 {
            let length = random.below(300);
            let mean = 1 + random.below(1 + case % 100);
            let mut candidates: Vec<Candidate> = Vec::new();
            while candidates.len() < length {
                let start = candidates.len();
                let run = 1 + random.below(2 * mean);
                candidates.extend((0..run).map(|_| Candidate::from(random.bits())));
                candidates[start..].sort_unstable();
            }
            candidates.truncate(length);
            let mut expected = candidates.clone();
            expected.sort_unstable();
            let best = [length, length / 2, length + 1, 1][case % 4];
            expected.truncate(best);
            sort.sort(&mut candidates, best);
            assert_eq!(candidates, expected);
        }
    }

    /// Sorts runs of 4 numbers each, `rest` after the last.
    fn sorts(runs: usize, rest: usize, sort: &mut RunSort) {
        let value = |at: usize| ((runs - at / 4) * 10 + at % 4) as Candidate;
        let all: Vec<Candidate> = (0..4 * runs + rest)
            .map(|at| {
                if at < 4 * runs {
                    value(at)
                } else {
                    5_000 + at as Candidate
                }
            })
            .collect();
        let mut expected = all.clone();
        expected.sort_unstable();
        for best in 0..=all.len() + 1 {
            let mut candidates = all.clone();
            sort.sort(&mut candidates, best);
            assert_eq!(
                candidates,
                expected[..best.min(all.len())],
                "{runs} runs, {best}"
            );
        }
    }

    #[test]
    fn runs_are_merged_up_to_the_most_that_are_worth_it() {
        let mut sort = RunSort::default();
        sort.reserve(100).unwrap();
        let rooms = [sort.ends.capacity(), sort.spare.capacity()];
        marks::expect("a run that none is left to merge with", || {
            for runs in 1..=24 {
                sorts(runs, 0, &mut sort);
                sorts(runs, 3, &mut sort);
            }
        });
        let (_, others) = marks::count("too many runs", || sorts(24, 0, &mut sort));
        assert_eq!(others, 0);
        // One more descent than one in four.
        let mut candidates: Vec<Candidate> = vec![9, 8, 7, 6, 5, 4, 3, 2];
        marks::expect("too many runs", || sort.sort(&mut candidates, 3));
        assert_eq!(candidates, [2, 3, 4]);
        assert_eq!(rooms, [sort.ends.capacity(), sort.spare.capacity()]);
    }
}
