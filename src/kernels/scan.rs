//! The one pass that reads a row from memory: maxima of groups of its tokens,
//! the check of its values, and for logits the log-sum-exp.

use super::element::Lanes;
use super::exp::exp_nonpositive_f32;
use super::log_sum_exp::{self, RunningSum, add_lanes};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Seen, Simd, prefetch};

/// Vectors in a stripe.
pub(crate) const COLUMNS: usize = 8;
/// Tokens in a stripe, the unit in which rows are scanned.
pub(crate) const STRIPE: usize = COLUMNS * F32_LANES;
/// Stripes in a block of the log-sum-exp.
const BLOCK_STRIPES: usize = log_sum_exp::BLOCK / STRIPE;

/// How far ahead of the reading the next scores are asked for. On long rows 512
/// bytes and 1 KB reached .91 to .99 of the roofline, 4 KB .80 to .89, in few
/// and noisy runs (Zen 4, two threads). The sums of logits ask while they work on a block that is in the cache, so that the
/// block after it will be.
const AHEAD_BYTES: usize = 1024;
const LOGITS_AHEAD_BYTES: usize = 8192;
const CACHE_LINE: usize = 64;

/// A row cut into whole stripes, the last filled up with impossible scores,
/// and the scores that will be read after it.
pub(crate) struct Stripes<'a, E> {
    pub(crate) whole: &'a [[E; STRIPE]],
    pub(crate) rest: Option<[E; STRIPE]>,
    pub(crate) next: &'a [E],
    /// How far ahead of the reading scores are asked for.
    ahead: usize,
}

impl<'a, E: Lanes> Stripes<'a, E> {
    #[inline(always)]
    pub(crate) fn new(row: &'a [E], next: &'a [E], kind: ScoreKind) -> Self {
        let (whole, rest) = row.as_chunks::<STRIPE>();
        let impossible = E::impossible(kind);
        let filled = (!rest.is_empty()).then(|| {
            let mut stripe = [impossible; STRIPE];
            stripe[..rest.len()].copy_from_slice(rest);
            stripe
        });
        Stripes {
            whole,
            rest: filled,
            next,
            ahead: match kind {
                ScoreKind::Logits => LOGITS_AHEAD_BYTES / size_of::<E>(),
                _ => AHEAD_BYTES / size_of::<E>(),
            },
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.whole.len() + usize::from(self.rest.is_some())
    }

    #[inline(always)]
    pub(crate) fn get(&self, index: usize) -> &[E; STRIPE] {
        match &self.rest {
            Some(rest) if index == self.whole.len() => rest,
            _ => &self.whole[index],
        }
    }

    /// Asks for the cache lines that lie that far past stripe `index`, which may
    /// be beyond the row.
    #[inline(always)]
    pub(crate) fn prefetch_after(&self, index: usize) {
        let start = index * STRIPE + self.ahead;
        let length = self.whole.len() * STRIPE;
        let (data, start) = if start < length {
            (self.whole.as_flattened(), start)
        } else {
            (self.next, start - length)
        };
        let mut line = 0;
        while line < STRIPE {
            prefetch(data, start + line);
            line += CACHE_LINE / size_of::<E>();
        }
    }
}

/// The maxima of two families of groups, and what the pass found besides.
pub(crate) struct Scan {
    /// Of the tokens in the same lane of the same column in all stripes: good
    /// groups, because sorted rows spread over them.
    pub(crate) columns: [[f32; F32_LANES]; COLUMNS],
    /// The largest score.
    pub(crate) max: f32,
    /// The log-sum-exp of logits, else 0.
    pub(crate) normaliser: f64,
}

/// Scans a row. `peaks` receives, for each panel of `panel` stripes (a divisor
/// of `BLOCK_STRIPES`), the maxima of the tokens in the same lane. `None` if a score is
/// invalid.
#[inline(always)]
pub(crate) fn scan<S: Simd, E: Lanes, const LOGITS: bool>(
    simd: S,
    kind: ScoreKind,
    stripes: &Stripes<'_, E>,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    // NaN is below everything.
    let floor = simd.f32_splat(kind.impossible());
    let lowest = simd.f32_splat(f32::NEG_INFINITY);
    let mut columns = [lowest; COLUMNS];
    let mut seen = simd.f32_unseen();
    let mut sum = RunningSum::EMPTY;

    let mut start = 0;
    while start < stripes.len() {
        let end = if LOGITS {
            stripes.len().min(start + BLOCK_STRIPES)
        } else {
            stripes.len()
        };
        let mut block_max = lowest;
        for first in (start..end).step_by(panel) {
            let mut peak = lowest;
            for index in first..end.min(first + panel) {
                let stripe = stripes.get(index).as_chunks::<F32_LANES>().0;
                for (column, lanes) in columns.iter_mut().zip(stripe) {
                    let lanes = E::load(simd, lanes);
                    *column = column.max(lanes);
                    peak = peak.max(lanes);
                    if !LOGITS {
                        seen = lanes.see_below(floor, seen);
                    }
                }
                if !LOGITS {
                    stripes.prefetch_after(index);
                }
            }
            if LOGITS {
                block_max = block_max.max(peak);
            }
            peak.store(&mut peaks[first / panel]);
        }
        if LOGITS {
            let max = block_max.reduce_max();
            let block = sum_block(simd, stripes, start, end, max);
            // A NaN anywhere makes the sum NaN, and so does +infinity.
            if block.is_nan() {
                return None;
            }
            sum.add(max, block);
        }
        start = end;
    }

    let mut largest = columns[0];
    let mut maxima = [[0.0; F32_LANES]; COLUMNS];
    for (column, out) in columns.iter().zip(&mut maxima) {
        largest = largest.max(*column);
        column.store(out);
    }
    let max = largest.reduce_max();
    if !LOGITS && (seen.any() || !kind.accepts(max)) {
        return None;
    }
    Some(Scan {
        columns: maxima,
        max,
        normaliser: if LOGITS { sum.ln() } else { 0.0 },
    })
}

/// The sum of e^(x - max) over the stripes of one block, in the order that
/// `log_sum_exp` defines. NaN if a score is NaN or +infinity.
#[inline(always)]
fn sum_block<S: Simd, E: Lanes>(
    simd: S,
    stripes: &Stripes<'_, E>,
    start: usize,
    end: usize,
    max: f32,
) -> f64 {
    const SUMS: usize = log_sum_exp::LANES / F32_LANES;
    // A finite maximum also where all is -infinity.
    let max = simd.f32_splat(if max == f32::NEG_INFINITY {
        f32::MIN
    } else {
        max
    });
    let mut sums = [simd.f32_splat(0.0); SUMS];
    for index in start..end {
        let stripe = stripes.get(index).as_chunks::<F32_LANES>().0;
        stripes.prefetch_after(index);
        for group in stripe.as_chunks::<SUMS>().0 {
            for (sum, lanes) in sums.iter_mut().zip(group) {
                *sum = *sum + exp_nonpositive_f32(E::load(simd, lanes) - max);
            }
        }
    }
    let mut lanes = [0.0; log_sum_exp::LANES];
    for (sum, out) in sums.iter().zip(lanes.as_chunks_mut::<F32_LANES>().0) {
        sum.store(out);
    }
    add_lanes(&lanes)
}
