//! One block of a row, read once: the maxima of small groups of its tokens,
//! the check of its values, and for logits its part of the log-sum-exp.
//!
//! A row is the sum of its blocks: they can be scanned apart, by any threads,
//! and nothing that is found in one depends on another. The maxima then tell
//! where in the row the tokens above some bar are, without reading it again.

use super::element::Lanes;
use super::log_sum_exp::BLOCK;
use super::logits::sum_block;
use super::scan::{STRIPE, Stripes};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Seen, Simd};

/// Neighbouring tokens that share a maximum.
pub(crate) const GROUP: usize = STRIPE;
/// Groups in a block.
pub(crate) const BLOCK_GROUPS: usize = BLOCK / GROUP;

/// A block's largest score, and for logits the sum of its exponentials
/// relative to that: what a
/// [`RunningSum`](super::log_sum_exp::RunningSum) adds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Scanned {
    pub(crate) max: f32,
    pub(crate) sum: f64,
}

/// Scans a block and writes the maximum of each of its groups; -infinity for
/// those that it does not have. `next` is what will be read next. `None` if a
/// score is invalid.
#[inline(always)]
pub(crate) fn scan_block<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    block: &[E],
    next: &[E],
    maxima: &mut [f32; BLOCK_GROUPS],
) -> Option<Scanned> {
    let logits = kind == ScoreKind::Logits;
    let stripes = Stripes::new(block, next, kind);
    // NaN is below everything.
    let floor = simd.f32_splat(kind.impossible());
    let mut seen = simd.f32_unseen();
    *maxima = [f32::NEG_INFINITY; BLOCK_GROUPS];
    for (index, max) in maxima[..stripes.len()].iter_mut().enumerate() {
        let mut peak = simd.f32_splat(f32::NEG_INFINITY);
        for lanes in stripes.get(index).as_chunks::<F32_LANES>().0 {
            let lanes = E::load(simd, lanes);
            peak = peak.max(lanes);
            if !logits {
                seen = lanes.see_below(floor, seen);
            }
        }
        if !logits {
            stripes.prefetch_after(index);
        }
        *max = peak.reduce_max();
    }
    let max = simd.f32_load(maxima).reduce_max();
    if logits {
        // A NaN anywhere makes the sum NaN, and so does +infinity.
        let sum = sum_block(simd, &stripes, 0..stripes.len(), max);
        (!sum.is_nan()).then_some(Scanned { max, sum })
    } else {
        let valid = !seen.any() && kind.accepts(max);
        valid.then_some(Scanned { max, sum: 0.0 })
    }
}

/// Appends to `groups` the number of each group of a row with a token of at
/// least `least`, from the groups' `maxima`.
#[inline(always)]
pub(crate) fn groups_reaching<S: Simd>(
    simd: S,
    maxima: &[[f32; BLOCK_GROUPS]],
    least: f32,
    groups: &mut Vec<u32>,
) {
    let least = simd.f32_splat(least);
    for (block, maxima) in maxima.iter().enumerate() {
        let mut reached = simd.f32_load(maxima).ge(least);
        while reached != 0 {
            groups.push((block * BLOCK_GROUPS) as u32 + reached.trailing_zeros());
            reached &= reached - 1;
        }
    }
}

/// Appends to `found` the tokens of one group of `row` that are at least
/// `least`, with their values, in order.
#[inline(always)]
pub(crate) fn tokens_reaching<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    group: usize,
    least: f32,
    found: &mut Vec<(u32, f32)>,
) {
    let start = group * GROUP;
    let tokens = &row[start..row.len().min(start + GROUP)];
    let (vectors, rest) = tokens.as_chunks::<F32_LANES>();
    let bound = simd.f32_splat(least);
    let mut first = start as u32;
    for lanes in vectors {
        let mut reached = E::load(simd, lanes).ge(bound);
        while reached != 0 {
            let lane = reached.trailing_zeros();
            found.push((first + lane, lanes[lane as usize].to_f32()));
            reached &= reached - 1;
        }
        first += F32_LANES as u32;
    }
    for (token, value) in (first..).zip(rest) {
        let value = value.to_f32();
        if value >= least {
            found.push((token, value));
        }
    }
}
