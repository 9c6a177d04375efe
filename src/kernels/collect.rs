//! Collects the tokens of a row that reach a bound, after a scan has written the peaks.
//! `peaks[i][lane]` is the maximum of the tokens in that lane of the vectors of panel i. In
//! a row that was scanned in quads, a panel is one quad.
//!
//! Tokens are compared a quad at a time. To compare only the groups of four that reach the
//! bound took .95 to 1.05 of the time (k up to 16, rows of 5000, Zen 3) and needed a list
//! of groups, so it was removed.

use super::element::Lanes;
use super::plan::Plan;
use super::prefetch::{Cache, Prefetcher};
use super::quads::QUAD;
use super::rank::Survivors;
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Ordered, Simd};

/// Panels whose peaks are compared before any of their tokens: one bit of a word for each.
const WORD: usize = u64::BITS as usize;

/// Indices that `push` writes without a branch, however few bits are set.
const AT_ONCE: usize = 4;

/// Collects the tokens that reach `bound` from the panels with a peak that does. It suits
/// rows in which few panels do.
#[inline(always)]
pub(crate) fn collect_panels<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    peaks: &[[f32; F32_LANES]],
    bound: f32,
    plan: &Plan,
    prefetcher: &mut Prefetcher,
    survivors: &mut Survivors,
) {
    let mut bound = E::Order::<S>::bound(simd, bound);
    let quads = Quads::new(row, plan.kind);
    let quads_of_a_panel = plan.quads_of_a_panel();
    let mut len = 0;
    for (word, peaks) in peaks.chunks(WORD).enumerate() {
        let mut reached = reaching(simd, peaks, bound.widen(simd), prefetcher);
        while reached != 0 {
            let panel = word * WORD + reached.trailing_zeros() as usize;
            reached &= reached - 1;
            let first = panel * quads_of_a_panel;
            for number in first..first + quads_of_a_panel {
                let Some(quad) = quads.get(number) else {
                    break;
                };
                let quad = (number, quad);
                len = push_quad(simd, row, quad, &mut bound, plan, survivors, len);
                prefetcher.prefetch_next::<2>();
            }
        }
    }
    survivors.set_len(len);
}

/// Collects the tokens that reach `bound` from all quads of a row. It suits rows that are
/// short, or in which many tokens reach the bound: to compare the peaks first would take
/// longer.
/// With each quad the same part of the `next` row is prefetched, because a short row is
/// read before prefetches of its own could arrive.
#[inline(always)]
pub(crate) fn collect_all<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    next: &[E],
    bound: f32,
    plan: &Plan,
    survivors: &mut Survivors,
) {
    let mut bound = E::Order::<S>::bound(simd, bound);
    let mut prefetcher = Prefetcher::at_distance(row, next, size_of_val(row), QUAD, Cache::First);
    let quads = Quads::new(row, plan.kind);
    let mut len = 0;
    for quad in quads.whole.iter().chain(&quads.last).enumerate() {
        len = push_quad(simd, row, quad, &mut bound, plan, survivors, len);
        prefetcher.step();
    }
    survivors.set_len(len);
}

/// The quads of a row, the last filled up with impossible scores.
struct Quads<'a, E> {
    whole: &'a [[E; QUAD]],
    last: Option<[E; QUAD]>,
}

impl<'a, E: Lanes> Quads<'a, E> {
    #[inline(always)]
    fn new(row: &'a [E], kind: ScoreKind) -> Self {
        let (whole, rest) = row.as_chunks::<QUAD>();
        let last = (!rest.is_empty()).then(|| {
            let mut last = [E::impossible(kind); QUAD];
            last[..rest.len()].copy_from_slice(rest);
            last
        });
        Quads { whole, last }
    }

    /// `None` past the end of the row.
    #[inline(always)]
    fn get(&self, number: usize) -> Option<&[E; QUAD]> {
        let last = self.last.as_ref().filter(|_| number == self.whole.len());
        self.whole.get(number).or(last)
    }
}

/// Which of up to [`WORD`] peaks reach a bound, found without a branch each.
#[inline(always)]
fn reaching<S: Simd>(
    simd: S,
    peaks: &[[f32; F32_LANES]],
    bound: S::F32,
    prefetcher: &mut Prefetcher,
) -> u64 {
    let mut reached = 0u64;
    let (fours, rest) = peaks.as_chunks::<4>();
    for (i, four) in fours.iter().enumerate() {
        for (j, peak) in four.iter().enumerate() {
            reached |= u64::from(simd.f32_load(peak).any_ge(bound)) << (4 * i + j);
        }
        prefetcher.prefetch_next::<2>();
    }
    for (i, peak) in rest.iter().enumerate() {
        reached |= u64::from(simd.f32_load(peak).any_ge(bound)) << (4 * fours.len() + i);
    }
    reached
}

/// Appends the tokens of a quad that are at least `bound` to the first `len` survivors;
/// returns the new length. If the room might not hold them, the survivors are cut to the
/// best first, and the bound is raised.
#[inline(always)]
fn push_quad<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    quad: (usize, &[E; QUAD]),
    bound: &mut E::Order<S>,
    plan: &Plan,
    survivors: &mut Survivors,
    mut len: usize,
) -> usize {
    let (number, quad) = quad;
    if len + QUAD > plan.capacity {
        mark!("quads fill the list");
        survivors.set_len(len);
        *bound = E::Order::<S>::bound(simd, survivors.keep_best(row, plan.k).next_up());
        len = survivors.len();
    }
    let [a, b, c, d] = quad.as_chunks::<F32_LANES>().0 else {
        return len;
    };
    let four = [
        E::order(simd, a),
        E::order(simd, b),
        E::order(simd, c),
        E::order(simd, d),
    ];
    let reached = E::Order::<S>::four_reach(four, *bound);
    push(simd, survivors.room(), len, reached, number * QUAD)
}

/// Appends the number of each set bit, counted from `first`, to the first `len` of a
/// list; returns the new length.
///
/// [`AT_ONCE`] of them are written first, without a branch: most often there are
/// fewer, and how many cannot be predicted.
///
/// # Panics
///
/// If there is no room for 64 numbers.
#[inline(always)]
fn push<S: Simd>(simd: S, list: &mut [u32], len: usize, bits: u64, first: usize) -> usize {
    let count = bits.count_ones() as usize;
    let list = &mut list[len..len + QUAD];
    if count <= AT_ONCE {
        let mut bits = bits;
        for number in &mut list[..AT_ONCE] {
            *number = first as u32 + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
    } else {
        mark!("more numbers than are written at once");
        let mut at = 0;
        for part in 0..QUAD / F32_LANES {
            let bits = (bits >> (part * F32_LANES)) as u32 & 0xffff;
            if let Some(out) = list[at..].first_chunk_mut() {
                simd.numbers_of_bits(bits, (first + part * F32_LANES) as u32, out);
            }
            at += bits.count_ones() as usize;
        }
    }
    len + count
}

#[cfg(test)]
mod tests;
