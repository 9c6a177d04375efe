//! The tokens of a row that reach a threshold, which the caller sets after the row has
//! been read.
//!
//! ```text
//! scan      reads the row once: peaks, the check of its values, and for logits
//!           the log-sum-exp                                      (`scan`)
//! ...       the caller learns the largest score, and sets a threshold
//! collect   takes the tokens that reach it from the stripes whose peaks do, in
//!           order                                     (`collect`, `rank`)
//! ```
//!
//! It is the top k of a row with a bound from outside. A good threshold leaves a
//! handful of tokens to sort in place of k.

use super::bound::lower_bound;
use super::collect::collect_panels;
use super::element::Lanes;
use super::plan::Plan;
use super::prefetch::{Cache, Prefetcher};
use super::rank::Survivors;
use super::scan::{STRIPE, Scan, Stripes};
use super::{logits, scan};
use crate::error::Error;
use crate::scores::ScoreKind;
use crate::simd::{CacheLines, F32_LANES, F32Lanes, Simd};

/// The peaks of a row, and room for the tokens that reach its threshold.
#[derive(Clone, Debug, Default)]
pub(crate) struct ThresholdScan {
    plan: Plan,
    peaks: CacheLines<[f32; F32_LANES]>,
    survivors: Survivors,
}

impl ThresholdScan {
    /// Makes room for up to `k` tokens of rows of `length` tokens, which are read from
    /// now on.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(crate) fn reserve(
        &mut self,
        kind: ScoreKind,
        length: usize,
        k: usize,
    ) -> Result<(), Error> {
        let plan = Plan::threshold(k, length, kind);
        let what = "the best tokens of a row";
        self.plan = plan;
        self.peaks.resize(plan.peaks(), what)?;
        self.survivors.reserve(plan.capacity, what)
    }

    /// Bytes that [`ThresholdScan::reserve`] allocates.
    pub(crate) fn bytes_needed(kind: ScoreKind, length: usize, k: usize) -> usize {
        let plan = Plan::threshold(k, length, kind);
        plan.peaks()
            .saturating_mul(size_of::<[f32; F32_LANES]>())
            .saturating_add(Survivors::bytes_needed(plan.capacity))
    }

    /// Reads a row; `next` is what will be read next. The `prefetcher` knows what of the
    /// row has been prefetched; on return it points into `next`. `None` if the row holds an
    /// invalid score.
    #[inline(always)]
    pub(crate) fn scan<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        row: &[E],
        next: &[E],
        prefetcher: &mut Prefetcher,
    ) -> Option<Scan> {
        debug_assert_eq!(row.len(), self.plan.length);
        let (kind, panel) = (self.plan.kind, self.plan.panel());
        let peaks = &mut self.peaks[..self.plan.peaks()];
        let stripes = Stripes::new(row, next, kind);
        if kind == ScoreKind::Logits {
            *prefetcher = scan::prefetcher::<S, E>(true, false, row, next);
            logits::scan::<S, E, 0>(simd, &stripes, prefetcher, panel, peaks)
        } else {
            // The second level was measured for rows that follow each other, not for these.
            *prefetcher = prefetcher.in_steps(row, next, stripes.len(), Cache::First);
            scan::scan::<S, E, 0>(simd, kind, &stripes, prefetcher, panel, peaks)
        }
    }

    /// The first token of the largest score of the row that was scanned last.
    #[inline(always)]
    pub(crate) fn first_of<S: Simd, E: Lanes>(
        &self,
        simd: S,
        row: &[E],
        largest: f32,
    ) -> Option<u32> {
        let panel = self.plan.panel() * STRIPE;
        let largest_lanes = simd.f32_splat(largest);
        for (index, (tokens, peak)) in row.chunks(panel).zip(&*self.peaks).enumerate() {
            if simd.f32_load(peak).ge(largest_lanes) == 0 {
                continue;
            }
            let first = index * panel;
            let (vectors, rest) = tokens.as_chunks::<F32_LANES>();
            for (number, lanes) in vectors.iter().enumerate() {
                let largest = E::load(simd, lanes).ge(largest_lanes);
                if largest != 0 {
                    let place = number * F32_LANES + largest.trailing_zeros() as usize;
                    return Some((first + place) as u32);
                }
            }
            if let Some(place) = rest.iter().position(|token| token.to_f32() == largest) {
                return Some((first + vectors.len() * F32_LANES + place) as u32);
            }
        }
        None
    }

    /// Writes the tokens of the row that was scanned last whose scores reach
    /// `bound`, best first, to the front of `tokens` and `values`, which have
    /// the same length k; the best k if there are more. Without a bound, the
    /// best k.
    #[inline(always)]
    pub(crate) fn collect<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        row: &[E],
        bound: Option<f32>,
        tokens: &mut [u32],
        values: &mut [f64],
    ) -> usize {
        let k = self.plan.k;
        debug_assert!(row.len() == self.plan.length && tokens.len() == k);
        let plan = &self.plan;
        let peaks = &self.peaks[..plan.peaks()];
        let nothing = &mut Prefetcher::default();
        let bound = match bound {
            Some(bound) => bound.max(plan.least),
            None => lower_bound(simd, peaks, k, plan.least, nothing),
        };
        self.survivors.clear();
        let survivors = &mut self.survivors;
        collect_panels(simd, row, peaks, bound, plan, nothing, survivors);
        survivors.sort_into(simd, row, tokens, values);
        survivors.len().min(k)
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::top_k::cases::{
        Rounded, in_order, limits, patterns, random, scores, sparse_patterns,
    };
    use crate::order::rank_key;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    struct Collect<'a, E> {
        kind: ScoreKind,
        row: &'a [E],
        bound: Option<f32>,
        k: usize,
    }

    impl<E: Lanes> Kernel for Collect<'_, E> {
        type Output = (Option<u32>, Vec<u32>, Vec<f32>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let Collect {
                kind,
                row,
                bound,
                k,
            } = self;
            let mut rows = ThresholdScan::default();
            rows.reserve(kind, row.len(), k).unwrap();
            let scanned = rows
                .scan(simd, row, &[], &mut Prefetcher::default())
                .unwrap();
            let expected = row.iter().map(|score| score.to_f32());
            assert_eq!(scanned.max, expected.fold(f32::NEG_INFINITY, f32::max));
            let first = rows.first_of(simd, row, scanned.max);
            let (mut tokens, mut values) = (vec![0; k], vec![0.0; k]);
            let count = rows.collect(simd, row, bound, &mut tokens, &mut values);
            tokens.truncate(count);
            let values = values[..count].iter().map(|&value: &f64| value as f32);
            (first, tokens, values.collect())
        }
    }

    #[test]
    fn what_reaches_the_bound_comes_in_order_and_no_more_than_k() {
        let mut random = random(7);
        for length in [1, 65, 128, 129, 700, 9000] {
            let coarse = length % 2 == 0;
            let mut row: Vec<f32> = (0..length).map(|_| random()).collect();
            if coarse {
                // Many equals.
                row.iter_mut().for_each(|x| *x = (*x * 8.0).floor() / 8.0);
            }
            for kind in [Probabilities, LogProbabilities, Logits] {
                let row: Vec<f32> = match kind {
                    Probabilities => row.clone(),
                    _ => row.iter().map(|x| x.ln()).collect(),
                };
                let mut all: Vec<(u32, f32)> = (0..).zip(row.iter().copied()).collect();
                all.retain(|&(_, value)| value != kind.impossible());
                all.sort_by_key(|&(token, value)| rank_key(value, token));
                for k in [1, 17, 101, length].map(|k| k.min(length)) {
                    let bounds = [0, k / 3, k - 1, all.len() - 1]
                        .map(|at| all.get(at).map(|&(_, value)| value));
                    for bound in bounds.into_iter().chain([None, Some(f32::NEG_INFINITY)]) {
                        let mut expected = all.clone();
                        expected.retain(|&(_, value)| bound.is_none_or(|bound| value >= bound));
                        expected.truncate(k);
                        for level in Level::available() {
                            let row = &row[..];
                            let collect = Collect {
                                kind,
                                row,
                                bound,
                                k,
                            };
                            let (first, tokens, values) =
                                Dispatch::new(level).unwrap().run(collect);
                            let found: Vec<(u32, f32)> = tokens.into_iter().zip(values).collect();
                            assert_eq!(found, expected, "{level} {kind:?} {length} {k} {bound:?}");
                            assert_eq!(first, all.first().map(|&(token, _)| token));
                        }
                    }
                }
            }
        }
    }

    /// Rows in which panels are cut short, with more tokens than room, or none.
    fn check<E: Rounded>(kind: ScoreKind, row: &[f32], k: usize) {
        let row = scores::<E>(kind, row);
        let all = in_order(kind, &row);
        let value = |place: usize| all.get(place).map(|&(_, value)| value);
        for bound in [None, value(0), value(k / 2), value(k), value(3 * k)] {
            let reach = all.iter().copied();
            let reach = reach.filter(|&(_, value)| bound.is_none_or(|bound| value >= bound));
            let expected: Vec<(u32, f32)> = reach.take(k).collect();
            for level in Level::available() {
                let row = &row[..];
                let (first, tokens, values) = Dispatch::new(level).unwrap().run(Collect {
                    kind,
                    row,
                    bound,
                    k,
                });
                let found: Vec<(u32, f32)> = tokens.into_iter().zip(values).collect();
                let case = format!("{level} {kind:?} {} {k} {bound:?}", row.len());
                assert_eq!(found, expected, "{case}");
                // Of a row in which all is impossible the first token.
                let best = all.first().map_or(0, |&(token, _)| token);
                assert_eq!(first, Some(best), "{case}");
            }
        }
    }

    #[test]
    fn the_best_of_rows_that_fill_the_list_or_hold_almost_nothing() {
        for (length, k) in [
            (1, 1),
            (127, 127),
            (129, 9),
            (1000, 65),
            (8191, 16),
            (8192, 3),
            (8193, 64),
            (8193, 163),
            (8400, 170),
        ] {
            let rows = patterns(length, k).into_iter();
            for (number, row) in rows.chain(sparse_patterns(length)).enumerate() {
                match (number + length) % 3 {
                    0 => check::<f32>(Probabilities, &row, k),
                    1 => check::<f16>(LogProbabilities, &row, k),
                    _ => check::<bf16>(Logits, &row, k),
                }
            }
        }
    }

    struct Accepts<'a, E> {
        kind: ScoreKind,
        row: &'a [E],
        k: usize,
    }

    impl<E: Lanes> Kernel for Accepts<'_, E> {
        type Output = bool;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> bool {
            let Accepts { kind, row, k } = self;
            let mut rows = ThresholdScan::default();
            rows.reserve(kind, row.len(), k).unwrap();
            rows.scan(simd, row, &[], &mut Prefetcher::default())
                .is_some()
        }
    }

    #[test]
    fn an_invalid_score_anywhere_refuses_the_row() {
        fn check<E: Rounded>(kind: ScoreKind, length: usize, at: usize, value: f32, valid: bool) {
            let mut row = scores::<E>(kind, &vec![0.25; length]);
            row[at] = E::rounded(value);
            for level in Level::available() {
                for k in [1, 64.min(length)] {
                    let row = &row[..];
                    let accepted = Dispatch::new(level).unwrap().run(Accepts { kind, row, k });
                    let case = format!("{level} {kind:?} {value} at {at} of {length}, {k}");
                    assert_eq!(accepted, valid, "{case}");
                }
            }
        }
        for length in [1, 17, 127, 128, 129, 513, 8191, 8192, 8321] {
            for at in [0, length / 2, (length - 1) / 128 * 128, length - 1] {
                for kind in [Probabilities, LogProbabilities, Logits] {
                    for (value, valid) in limits(kind) {
                        check::<f32>(kind, length, at, value, valid);
                    }
                    check::<f16>(kind, length, at, f32::INFINITY, false);
                    check::<bf16>(kind, length, at, f32::NAN, false);
                }
                check::<f32>(Probabilities, length, at, -0.0, true);
            }
        }
    }
}
