//! The one pass that reads a long row from memory: maxima of groups of its tokens,
//! and the check of its values. (Rows of logits: `logits`; of up to some thousand
//! tokens: `quads`.)

use super::element::Lanes;
use crate::scores::ScoreKind;
use crate::simd::{CACHE_LINE, F32_LANES, F32Lanes, Seen, Simd, prefetch};

/// Vectors in a stripe.
pub(crate) const COLUMNS: usize = 8;
/// Tokens in a stripe, the unit in which rows are scanned.
pub(crate) const STRIPE: usize = COLUMNS * F32_LANES;

/// How far ahead of the reading the next scores are asked for. On long rows 512
/// bytes and 1 KB reached .91 to .99 of the roofline, 4 KB .80 to .89, in few
/// and noisy runs (Zen 4, two threads).
const AHEAD_BYTES: usize = 1024;
/// Logits are read in a loop that computes for as long as memory takes. In a loop of
/// its own (Zen 3, AVX2, one thread) it took 1.95 ns for eight logits 1 KB ahead, 1.87
/// at 2 KB, 1.77 at 4 KB and 1.81 at 8 KB; in the kernel 2 to 8 KB do not differ.
const LOGITS_AHEAD_BYTES: usize = 4 << 10;

/// A row cut into whole stripes, the last filled up with impossible scores,
/// and the scores that will be read after it.
pub(crate) struct Stripes<'a, E> {
    pub(crate) whole: &'a [[E; STRIPE]],
    rest: Option<[E; STRIPE]>,
    row: &'a [E],
    next: &'a [E],
    /// How far ahead of the reading scores are asked for.
    ahead: usize,
}

impl<'a, E: Lanes> Stripes<'a, E> {
    #[inline(always)]
    pub(crate) fn new(row: &'a [E], next: &'a [E], kind: ScoreKind) -> Self {
        let (whole, rest) = row.as_chunks::<STRIPE>();
        // What fills the last stripe is read first, and far from all that is in
        // the cache; so that of a next row like this one is asked for now.
        for line in (0..rest.len()).step_by(CACHE_LINE / size_of::<E>()) {
            prefetch(next, row.len() - rest.len() + line);
        }
        let impossible = E::impossible(kind);
        let filled = (!rest.is_empty()).then(|| {
            let mut stripe = [impossible; STRIPE];
            stripe[..rest.len()].copy_from_slice(rest);
            stripe
        });
        Stripes {
            whole,
            rest: filled,
            row,
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

    /// What lies so far past stripe `index`, which may be beyond the row.
    #[inline(always)]
    pub(crate) fn ahead_of(&self, index: usize) -> AheadOf<'a, E> {
        let start = index * STRIPE + self.ahead;
        let (data, start) = match start.checked_sub(self.row.len()) {
            None => (self.row, start),
            Some(start) => (self.next, start),
        };
        AheadOf { data, start }
    }

    /// Asks for all cache lines of [`Self::ahead_of`] a stripe.
    #[inline(always)]
    pub(crate) fn prefetch_after(&self, index: usize) {
        let ahead = self.ahead_of(index);
        let mut line = 0;
        while line < STRIPE {
            ahead.prefetch(line);
            line += CACHE_LINE / size_of::<E>();
        }
    }
}

/// Scores that will be read some time later.
#[derive(Clone, Copy)]
pub(crate) struct AheadOf<'a, E> {
    data: &'a [E],
    start: usize,
}

impl<E> AheadOf<'_, E> {
    /// Asks for the cache line of the score that many behind the first.
    #[inline(always)]
    pub(crate) fn prefetch(self, offset: usize) {
        prefetch(self.data, self.start + offset);
    }
}

/// The maxima of two families of groups, and what the pass found besides.
pub(crate) struct Scan {
    /// Of the tokens in the same lane of the same column in all stripes: good
    /// groups, because sorted rows spread over them.
    pub(crate) columns: [[f32; F32_LANES]; COLUMNS],
    /// How many columns there are; the rest is unused.
    pub(crate) width: usize,
    /// The largest score.
    pub(crate) max: f32,
    /// The log-sum-exp of logits, else 0.
    pub(crate) normaliser: f64,
}

impl Scan {
    #[inline(always)]
    pub(super) fn new<V: F32Lanes, const WIDTH: usize>(
        columns: &[V; WIDTH],
        normaliser: f64,
    ) -> Self {
        let mut largest = columns[0];
        let mut maxima = [[0.0; F32_LANES]; COLUMNS];
        for (column, out) in columns.iter().zip(&mut maxima) {
            largest = largest.max(*column);
            column.store(out);
        }
        Scan {
            columns: maxima,
            width: WIDTH,
            max: largest.reduce_max(),
            normaliser,
        }
    }
}

/// Scans a row of probabilities or their logarithms. `peaks` receives, for each
/// panel of `panel` stripes, the maxima of the tokens in the same lane. `None`
/// if a score is invalid.
///
/// `WIDTH` is the number of columns: all, or half of them, each of two vectors
/// of a stripe. Half of them fit into the registers of AVX2.
#[inline(always)]
pub(crate) fn scan<S: Simd, E: Lanes, const WIDTH: usize>(
    simd: S,
    kind: ScoreKind,
    stripes: &Stripes<'_, E>,
    panel: usize,
    peaks: &mut [[f32; F32_LANES]],
) -> Option<Scan> {
    // NaN is below everything.
    let floor = simd.f32_splat(kind.impossible());
    let lowest = simd.f32_splat(f32::NEG_INFINITY);
    let mut columns = [lowest; WIDTH];
    let mut seen = simd.f32_unseen();
    for (first, out) in (0..stripes.len()).step_by(panel).zip(peaks) {
        let mut peak = lowest;
        for index in first..stripes.len().min(first + panel) {
            let stripe = stripes.get(index).as_chunks::<F32_LANES>().0;
            for (i, column) in columns.iter_mut().enumerate() {
                let mut lanes = E::load(simd, &stripe[i]);
                seen = lanes.see_below(floor, seen);
                if WIDTH < COLUMNS {
                    let others = E::load(simd, &stripe[i + WIDTH]);
                    seen = others.see_below(floor, seen);
                    lanes = lanes.max(others);
                }
                *column = column.max(lanes);
                peak = peak.max(lanes);
            }
            stripes.prefetch_after(index);
        }
        peak.store(out);
    }
    const { assert!(WIDTH == COLUMNS || 2 * WIDTH == COLUMNS) };
    let scan = Scan::new(&columns, 0.0);
    (!seen.any() && kind.accepts(scan.max)).then_some(scan)
}
