//! Collecting the tokens of a row that reach a bound, after a scan has left the
//! maxima of its groups: the peaks. `peaks[i][lane]` is that of the tokens in
//! the same lane of the vectors of panel i.

use super::element::Lanes;
use super::plan::Plan;
use super::prefetch::Prefetcher;
use super::quads::QUAD;
use super::rank::Survivors;
use super::scan::{STRIPE, Stripes};
use crate::error::Error;
use crate::memory::resize;
use crate::scores::ScoreKind;
use crate::simd::{CACHE_LINE, F32_LANES, F32Lanes, Simd, prefetch};

/// Peaks that are compared together.
const TOGETHER: usize = 4;

/// Peaks whose groups are listed before the tokens of these are looked at.
const LISTED: usize = 32 * TOGETHER;

/// Numbers that are written before they are counted.
const AT_ONCE: usize = 4;

/// Quads whose peaks are compared before the tokens of these are looked at.
const WORD: usize = u64::BITS as usize;

/// The groups that reach a bound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Groups {
    /// Panel and lane, as one number.
    groups: Vec<u32>,
}

impl Groups {
    const LENGTH: usize = LISTED * F32_LANES + AT_ONCE;

    /// The bytes that [`Groups::reserve`] allocates.
    pub(crate) const BYTES_NEEDED: usize = Self::LENGTH * size_of::<u32>();

    pub(crate) fn reserve(&mut self, what: &'static str) -> Result<(), Error> {
        resize(&mut self.groups, Self::LENGTH, what)
    }
}

/// Appends the number of each set bit, counted from `first`, to the first `len` of a
/// list; returns the new length.
///
/// [`AT_ONCE`] of them are written first, without a branch: most often there are
/// fewer, and how many cannot be predicted.
#[inline(always)]
fn push(list: &mut [u32], len: usize, mut bits: u64, first: usize) -> usize {
    let count = bits.count_ones() as usize;
    let list = &mut list[len..];
    for number in &mut list[..AT_ONCE] {
        *number = first as u32 + bits.trailing_zeros();
        bits &= bits.wrapping_sub(1);
    }
    if bits != 0 {
        mark!("more numbers than are written at once");
        for number in &mut list[AT_ONCE..count] {
            *number = first as u32 + bits.trailing_zeros();
            bits &= bits - 1;
        }
    }
    len + count
}

/// The numbers of four vectors.
#[inline(always)]
fn load<S: Simd, E: Lanes>(simd: S, four: [&[E; F32_LANES]; 4]) -> [S::F32; 4] {
    let [a, b, c, d] = four;
    [
        E::load(simd, a),
        E::load(simd, b),
        E::load(simd, c),
        E::load(simd, d),
    ]
}

/// How many peaks there must be room for: what is compared together is whole.
pub(crate) fn padded(peaks: usize) -> usize {
    peaks.next_multiple_of(TOGETHER)
}

/// Collects the tokens of at least `bound` one group after the other: for a row
/// in which few groups reach it. What is in the [`padded`] `peaks` past those of
/// the row is overwritten. Panels are quads.
#[allow(clippy::too_many_arguments)]
#[inline(always)]
pub(crate) fn collect_groups<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    peaks: &mut [[f32; F32_LANES]],
    mut bound: f32,
    plan: &Plan,
    prefetcher: &mut Prefetcher<E>,
    groups: &mut Groups,
    survivors: &mut Survivors,
) {
    let quads = plan.peaks();
    peaks[quads..].fill([f32::NEG_INFINITY; F32_LANES]);
    let mut start = 0;
    'listed: while start < quads {
        let lanes = simd.f32_splat(bound);
        let first = start - start % TOGETHER;
        let end = peaks.len().min(first + LISTED);
        let fours = peaks[first..end].as_chunks::<TOGETHER>().0;
        // What was looked at before a bound was raised.
        let mut skipped = (start % TOGETHER * F32_LANES) as u32;
        let mut listed = 0;
        for (i, four) in fours.iter().enumerate() {
            let reached = S::F32::four_ge(load(simd, four.each_ref()), lanes);
            let reached = reached >> skipped << skipped;
            skipped = 0;
            let number = (first + i * TOGETHER) * F32_LANES;
            listed = push(&mut groups.groups, listed, reached, number);
            prefetcher.fetch::<2>();
        }
        let mut quad = usize::MAX;
        // Not read from memory and written to it for every token.
        let mut len = survivors.len();
        let tokens = survivors.room();
        for &group in &groups.groups[..listed] {
            let (group_quad, lane) = (group as usize / F32_LANES, group as usize % F32_LANES);
            // Not within a quad, whose tokens do not come in order.
            if len + QUAD > plan.capacity && group_quad != quad {
                mark!("groups fill the list");
                survivors.set_len(len);
                bound = survivors.keep_best(row, plan.k).next_up();
                start = group_quad;
                continue 'listed;
            }
            quad = group_quad;
            let first = quad * QUAD + lane;
            if let Some(values) = row.get(first..first + 3 * F32_LANES + 1) {
                let mut reached = 0;
                for i in 0..4 {
                    reached |= u32::from(values[i * F32_LANES].to_f32() >= bound) << i;
                }
                // Most often it is one of the four.
                while reached != 0 {
                    tokens[len] = first as u32 + reached.trailing_zeros() * F32_LANES as u32;
                    len += 1;
                    reached &= reached - 1;
                }
            } else {
                mark!("a group that the end of the row cuts");
                let values = row.iter().enumerate().skip(first).step_by(F32_LANES);
                for (token, value) in values {
                    tokens[len] = token as u32;
                    len += usize::from(value.to_f32() >= bound);
                }
            }
            prefetcher.fetch::<4>();
        }
        survivors.set_len(len);
        start = end;
    }
    survivors.put_in_order();
}

/// The row's last quad, filled up with impossible scores, if it is not whole.
#[inline(always)]
fn filled<E: Lanes>(kind: ScoreKind, rest: &[E]) -> Option<[E; QUAD]> {
    (!rest.is_empty()).then(|| {
        let mut last = [E::impossible(kind); QUAD];
        last[..rest.len()].copy_from_slice(rest);
        last
    })
}

/// Appends the tokens of a quad that are at least `bound` to the first `len` survivors;
/// returns the new length. If the room might not hold them, the survivors are cut to the
/// best first, and the bound is raised.
#[inline(always)]
fn push_quad<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    quad: (usize, &[E; QUAD]),
    bound: &mut S::F32,
    plan: &Plan,
    survivors: &mut Survivors,
    mut len: usize,
) -> usize {
    let (number, quad) = quad;
    if len + QUAD > plan.capacity {
        mark!("quads fill the list");
        survivors.set_len(len);
        *bound = simd.f32_splat(survivors.keep_best(row, plan.k).next_up());
        len = survivors.len();
    }
    let [a, b, c, d] = quad.as_chunks::<F32_LANES>().0 else {
        return len;
    };
    let reached = S::F32::four_ge(load(simd, [a, b, c, d]), *bound);
    push(survivors.room(), len, reached, number * QUAD)
}

/// Collects the tokens of at least `bound` from the quads that have one, all of a
/// quad together: for a row in which many groups reach it, so that to look at these
/// one by one would take longer.
#[inline(always)]
pub(crate) fn collect_quads<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    peaks: &[[f32; F32_LANES]],
    bound: f32,
    plan: &Plan,
    prefetcher: &mut Prefetcher<E>,
    survivors: &mut Survivors,
) {
    let mut bound = simd.f32_splat(bound);
    let (quads, rest) = row.as_chunks::<QUAD>();
    let mut len = 0;
    let words = quads.chunks(WORD).zip(peaks[..quads.len()].chunks(WORD));
    for (word, (quads, peaks)) in words.enumerate() {
        // Which of 64 quads to look into, found without a branch each.
        let mut reached = 0u64;
        let (fours, rest) = peaks.as_chunks::<4>();
        for (i, four) in fours.iter().enumerate() {
            for (j, peak) in four.iter().enumerate() {
                reached |= u64::from(simd.f32_load(peak).any_ge(bound)) << (4 * i + j);
            }
            prefetcher.fetch::<2>();
        }
        for (i, peak) in rest.iter().enumerate() {
            reached |= u64::from(simd.f32_load(peak).any_ge(bound)) << (4 * fours.len() + i);
        }
        while let Some(quad) = quads.get(reached.trailing_zeros() as usize) {
            let number = word * WORD + reached.trailing_zeros() as usize;
            reached &= reached - 1;
            len = push_quad(simd, row, (number, quad), &mut bound, plan, survivors, len);
            prefetcher.fetch::<2>();
        }
    }
    if let Some(quad) = &filled(plan.kind, rest) {
        let quad = (quads.len(), quad);
        len = push_quad(simd, row, quad, &mut bound, plan, survivors, len);
    }
    survivors.set_len(len);
}

/// Collects the tokens of at least `bound` from all of a row: for one that is so
/// short, or has so many of them, that to look where they are would take longer.
/// Meanwhile the `next` row is prefetched as a whole: a short row is read before prefetches
/// of its own could arrive.
#[inline(always)]
pub(crate) fn collect_all<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    next: &[E],
    bound: f32,
    plan: &Plan,
    survivors: &mut Survivors,
) {
    let mut bound = simd.f32_splat(bound);
    let (quads, rest) = row.as_chunks::<QUAD>();
    let last = filled(plan.kind, rest);
    let last = last.as_ref();
    let mut len = 0;
    for (i, quad) in quads.iter().chain(last).enumerate() {
        len = push_quad(simd, row, (i, quad), &mut bound, plan, survivors, len);
        for line in (0..QUAD).step_by(CACHE_LINE / size_of::<E>()) {
            prefetch(next, i * QUAD + line);
        }
    }
    survivors.set_len(len);
}

/// Collects the tokens of at least `bound` from the panels that have one, all
/// of a panel together: for a row in which many reach it.
#[inline(always)]
pub(crate) fn collect_panels<S: Simd, E: Lanes>(
    simd: S,
    row: &[E],
    stripes: &Stripes<'_, E>,
    peaks: &[[f32; F32_LANES]],
    bound: f32,
    plan: &Plan,
    survivors: &mut Survivors,
) {
    let mut bound = simd.f32_splat(bound);
    let mut upcoming = stripes.len();
    let mut len = 0;
    let panel_stripes = plan.panel();
    for (group, peaks) in peaks.chunks(64).enumerate() {
        // Which of 64 panels to look into, found without a branch each.
        let mut panels = 0u64;
        for (i, peak) in peaks.iter().enumerate() {
            panels |= u64::from(simd.f32_load(peak).ge(bound) != 0) << i;
        }
        while panels != 0 {
            let panel = group * 64 + panels.trailing_zeros() as usize;
            panels &= panels - 1;
            let first = panel * panel_stripes;
            for index in first..stripes.len().min(first + panel_stripes) {
                let stripe = stripes.get(index);
                stripes.prefetch_after(upcoming);
                upcoming += 1;
                let vectors = stripe.as_chunks::<F32_LANES>().0;
                for (i, [a, b, c, d]) in vectors.as_chunks::<4>().0.iter().enumerate() {
                    let reached = S::F32::four_ge(load(simd, [a, b, c, d]), bound);
                    let first = index * STRIPE + i * 4 * F32_LANES;
                    len = push(survivors.room(), len, reached, first);
                }
                if len + STRIPE > plan.capacity {
                    mark!("panels fill the list");
                    survivors.set_len(len);
                    bound = simd.f32_splat(survivors.keep_best(row, plan.k).next_up());
                    len = survivors.len();
                }
            }
        }
    }
    survivors.set_len(len);
}

#[cfg(test)]
mod tests;
