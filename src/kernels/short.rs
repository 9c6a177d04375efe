//! Rows so short that all their tokens are put in order, eight rows together.
//!
//! ```text
//! for each row:
//!     copy it as f32; look for invalid scores, the log-sum-exp of logits
//! for each eight tokens:
//!     transpose them to keys, a row in each lane, and sort these  (`network`)
//! merge the sorted eights to the best k, and write them           (`rank`)
//! ```

use super::element::Lanes;
use super::exp::exp_f32;
use super::log_sum_exp::{LANES, RunningSum, Sum, add_lanes};
use super::network::{BLOCK, Entry, merge_largest, padded, sort_block};
use super::plan::{LONGEST_SHORT_ROW, Plan};
use super::rank::{Places, ROWS};
use crate::order::{RAISE, number_key};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, F64_LANES, Seen, Simd};

/// Where the best tokens of some rows go.
#[derive(Debug)]
pub(crate) struct Room<'a> {
    /// How many there are of each row, or [`REFUSED`].
    pub(crate) counts: &'a mut [u32],
    /// k a row.
    pub(crate) tokens: &'a mut [u32],
    pub(crate) values: &'a mut [f64],
}

/// In place of a count: the row holds an invalid score.
pub(crate) const REFUSED: u32 = u32::MAX;

/// A row as f32, filled up with impossible scores.
type FilledRow = [[f32; F32_LANES]; LONGEST_SHORT_ROW / F32_LANES];

/// Memory that is kept from rows to rows.
///
/// It is aligned and in order so that each vector of rows and keys has a cache line of its
/// own.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub(crate) struct Short {
    rows: [FilledRow; ROWS],
    keys: [Entry; LONGEST_SHORT_ROW],
    places: Places,
    /// What the rows are filled up for.
    filled_up: Option<(ScoreKind, usize)>,
}

impl Default for Short {
    fn default() -> Self {
        Short {
            rows: [[[0.0; F32_LANES]; LONGEST_SHORT_ROW / F32_LANES]; ROWS],
            filled_up: None,
            keys: [[0.0; F64_LANES]; LONGEST_SHORT_ROW],
            places: Places::default(),
        }
    }
}

impl Short {
    /// For up to eight rows, which are short. `NEGATIVE` unless the kind
    /// has no negative scores.
    #[inline(always)]
    pub(crate) fn rows<S: Simd, const NEGATIVE: bool>(
        &mut self,
        simd: S,
        plan: &Plan,
    ) -> ShortRows<'_, S, NEGATIVE> {
        let (kind, length) = (plan.kind, plan.length);
        debug_assert!(NEGATIVE || kind == ScoreKind::Probabilities);
        if self.filled_up != Some((kind, length)) {
            let impossible = [kind.impossible(); F32_LANES];
            self.rows.as_flattened_mut().fill(impossible);
            self.filled_up = Some((kind, length));
        }
        let floor = simd.f32_splat(kind.impossible());
        ShortRows {
            simd,
            kind,
            normalised: plan.normalised,
            length,
            short: self,
            floor,
            largest: floor,
            invalid: simd.f32_unseen(),
        }
    }
}

/// Up to eight rows that are read one after the other and put in order together.
pub(crate) struct ShortRows<'a, S: Simd, const NEGATIVE: bool> {
    simd: S,
    kind: ScoreKind,
    normalised: bool,
    length: usize,
    short: &'a mut Short,
    floor: S::F32,
    /// What the vectors of all rows have shown.
    largest: S::F32,
    invalid: <S::F32 as F32Lanes>::Seen,
}

impl<S: Simd, const NEGATIVE: bool> ShortRows<'_, S, NEGATIVE> {
    /// Whether scores are compared as integers: a negative one or NaN is larger
    /// than all that are valid, and so is -0.0, which is worth a closer look.
    const BY_BITS: bool = !NEGATIVE && S::UNSIGNED_MAX;

    /// Reads a row, of the given number among the eight. The log-sum-exp of
    /// logits, else 0.
    #[inline(always)]
    pub(crate) fn read<E: Lanes>(&mut self, number: usize, row: &[E]) -> f64 {
        let mut largest = self.floor;
        let row = &row[..self.length];
        let (whole, rest) = row.as_chunks::<F32_LANES>();
        for (vector, place) in whole.iter().zip(0..) {
            self.add(
                E::load(self.simd, vector),
                &mut largest,
                number,
                place * F32_LANES,
            );
        }
        match row.last_chunk() {
            _ if rest.is_empty() => {}
            Some(last) => {
                // Copied token by token to a vector, it could not be loaded before
                // all of that has reached the cache.
                let place = self.length - F32_LANES;
                self.add(E::load(self.simd, last), &mut largest, number, place);
            }
            None => {
                let mut last = [E::impossible(self.kind); F32_LANES];
                for (last, &rest) in last.iter_mut().zip(rest) {
                    *last = rest;
                }
                self.add(E::load(self.simd, &last), &mut largest, number, 0);
            }
        }
        self.largest = if Self::BY_BITS {
            self.largest.max_bits(largest)
        } else {
            self.largest.max(largest)
        };
        if NEGATIVE && self.normalised {
            let row = &self.short.rows[number];
            log_sum_exp(self.simd, largest.reduce_max(), row, self.length)
        } else {
            0.0
        }
    }

    /// Adds some lanes of a row, from a place of it on.
    #[inline(always)]
    fn add(&mut self, lanes: S::F32, largest: &mut S::F32, number: usize, place: usize) {
        if Self::BY_BITS {
            *largest = largest.max_bits(lanes);
        } else {
            *largest = largest.max(lanes);
            self.invalid = lanes.see_below(self.floor, self.invalid);
        }
        // Of zeros of both signs one: in the order they are equal. (Where none is
        // negative, they are impossible.)
        let stored = if NEGATIVE {
            lanes + self.simd.f32_splat(0.0)
        } else {
            lanes
        };
        let row = self.short.rows[number].as_flattened_mut();
        if let Some(out) = row[place..].first_chunk_mut() {
            stored.store(out);
        }
    }

    /// Finds the best `k` tokens of all rows that have been read.
    #[inline(always)]
    pub(crate) fn finish(self, k: usize, room: Room<'_>) {
        let (simd, kind) = (self.simd, self.kind);
        let Short {
            rows, keys, places, ..
        } = self.short;
        sort_blocks::<S, NEGATIVE>(simd, rows, self.length, keys);
        let keys = &mut keys[..padded(self.length)];
        for block in &mut keys[self.length.next_multiple_of(BLOCK)..] {
            *block = [f64::NEG_INFINITY; F64_LANES];
        }
        merge_largest(simd, keys, k);
        places.write(simd, keys, k, u32::MAX, k, room.tokens, room.values);

        let least = number_key(kind.least_possible(), u32::MAX);
        if keys[k - 1].iter().all(|&key| key >= least) {
            room.counts.fill(k as u32);
        } else {
            mark!("short rows of fewer possible tokens than k");
            for (row, count) in room.counts.iter_mut().enumerate() {
                let possible = keys[..k].iter().map(|keys| u32::from(keys[row] >= least));
                *count = possible.sum();
            }
        }
        let valid = if Self::BY_BITS {
            self.largest.reduce_max_bits() <= ScoreKind::MAX_PROBABILITY.to_bits()
        } else {
            !self.invalid.any() && kind.accepts(self.largest.reduce_max())
        };
        if !valid {
            mark!("short rows that seem invalid");
            for (row, count) in rows.iter().zip(room.counts) {
                let mut scores = row.as_flattened().iter();
                if !scores.all(|&score| kind.accepts(score)) {
                    *count = REFUSED;
                }
            }
        }
    }
}

/// Makes the number keys of all tokens, and sorts them by eights.
#[inline(always)]
fn sort_blocks<S: Simd, const NEGATIVE: bool>(
    simd: S,
    rows: &[FilledRow; ROWS],
    length: usize,
    keys: &mut [Entry; LONGEST_SHORT_ROW],
) {
    // The low bits of a key of a value that is not negative.
    static BITS: [u32; LONGEST_SHORT_ROW] = {
        let mut bits = [0; LONGEST_SHORT_ROW];
        let mut token = 0;
        while token < LONGEST_SHORT_ROW {
            bits[token] = !(token as u32);
            token += 1;
        }
        bits
    };
    let blocks = keys.as_chunks_mut::<BLOCK>().0.iter_mut();
    let blocks = blocks.zip(BITS.as_chunks().0).enumerate();
    for (block, (out, bits)) in blocks.take(length.div_ceil(BLOCK)) {
        let mut parts = [&[0.0; F64_LANES]; F64_LANES];
        for (part, row) in parts.iter_mut().zip(rows) {
            *part = &row.as_flattened().as_chunks().0[block];
        }
        let keys = simd.f64_columns::<NEGATIVE>(parts, RAISE, bits);
        sort_block(simd, keys, out);
    }
}

/// The log-sum-exp of the first `length` tokens of a row, of which `max` is the
/// largest.
#[inline(always)]
fn log_sum_exp<S: Simd>(simd: S, max: f32, row: &FilledRow, length: usize) -> f64 {
    let max_lanes = simd.f32_splat(max);
    let mut sums = simd.f32_splat(0.0);
    for lanes in row.iter().take(length.div_ceil(F32_LANES)) {
        sums = sums + exp_f32(simd.f32_load(lanes) - max_lanes);
    }
    let mut lanes = [0.0; LANES];
    sums.store(&mut lanes);
    let mut sum = RunningSum::EMPTY;
    sum.add(Sum {
        reference: max,
        largest: max,
        sum: add_lanes(&lanes),
    });
    sum.ln()
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::top_k::cases::{
        Rounded, in_order, limits, patterns, scores, sparse_patterns,
    };
    use crate::marks;
    use crate::simd::{Dispatch, Kernel, Level};

    /// The order of all tokens of a row.
    struct OrderOf<'a> {
        short: &'a mut Short,
        kind: ScoreKind,
        row: &'a [f32],
    }

    impl Kernel for OrderOf<'_> {
        type Output = Vec<u32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<u32> {
            let k = self.row.len();
            let mut rows = self
                .short
                .rows::<S, true>(simd, &Plan::top_k(k, k, self.kind));
            rows.read(0, self.row);
            let (mut counts, mut tokens) = ([0], vec![0; k]);
            let room = Room {
                counts: &mut counts,
                tokens: &mut tokens,
                values: &mut vec![0.0; k],
            };
            rows.finish(k, room);
            tokens.truncate(counts[0] as usize);
            tokens
        }
    }

    #[test]
    fn rows_of_another_kind_or_length_leave_nothing_behind() {
        use ScoreKind::{LogProbabilities, Logits, Probabilities};
        for level in Level::available() {
            let dispatch = Dispatch::new(level).unwrap();
            let short = &mut Short::default();
            for (kind, length) in [
                (Logits, 64),
                (Probabilities, 5),
                (LogProbabilities, 40),
                (Probabilities, 33),
                (LogProbabilities, 33),
                (Logits, 17),
                (Probabilities, 17),
                (Logits, 3),
            ] {
                let row: Vec<f32> = match kind {
                    Probabilities => (0..length).map(|i| (length - i) as f32 / 64.0).collect(),
                    LogProbabilities | Logits => (0..length).map(|i| -3e38 - i as f32).collect(),
                };
                let row = &row[..];
                let found = dispatch.run(OrderOf { short, kind, row });
                let expected: Vec<u32> = (0..length as u32).collect();
                assert_eq!(found, expected, "{level} {kind:?} {length}");
            }
        }
    }

    /// The best k of rounds of up to eight rows, read with the same memory.
    struct Best<'a, E> {
        kind: ScoreKind,
        rounds: &'a [&'a [Vec<E>]],
        k: usize,
    }

    /// Of each row its best, `None` if it is refused.
    type Found = Vec<Option<Vec<(u32, f32)>>>;

    impl<E: Lanes> Kernel for Best<'_, E> {
        type Output = Found;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Found {
            let short = &mut Short::default();
            let mut found = Vec::new();
            for rows in self.rounds {
                match self.kind {
                    ScoreKind::Probabilities => {
                        self.best::<S, false>(simd, short, rows, &mut found);
                    }
                    _ => self.best::<S, true>(simd, short, rows, &mut found),
                }
            }
            found
        }
    }

    impl<E: Lanes> Best<'_, E> {
        #[inline(always)]
        fn best<S: Simd, const NEGATIVE: bool>(
            &self,
            simd: S,
            short: &mut Short,
            rows: &[Vec<E>],
            found: &mut Found,
        ) {
            let mut together =
                short.rows::<S, NEGATIVE>(simd, &Plan::top_k(1, rows[0].len(), self.kind));
            for (number, row) in rows.iter().enumerate() {
                together.read(number, row);
            }
            let (mut counts, size) = (vec![7; rows.len()], rows.len() * self.k);
            let (mut tokens, mut values) = (vec![7; size], vec![7.0; size]);
            let room = Room {
                counts: &mut counts,
                tokens: &mut tokens,
                values: &mut values,
            };
            together.finish(self.k, room);
            let lists = tokens.chunks(self.k).zip(values.chunks(self.k));
            for (count, (tokens, values)) in counts.into_iter().zip(lists) {
                let values = values.iter().map(|&value| value as f32);
                let pairs = tokens.iter().copied().zip(values);
                found.push((count != REFUSED).then(|| pairs.take(count as usize).collect()));
            }
        }
    }

    fn check<E: Rounded>(level: Level, kind: ScoreKind, rounds: &[&[Vec<E>]], k: usize) {
        let rows = rounds.iter().flat_map(|rows| rows.iter());
        let expected: Found = rows
            .map(|row| {
                let valid = row.iter().all(|score| kind.accepts(score.to_f32()));
                valid.then(|| {
                    let mut best = in_order(kind, row);
                    best.truncate(k);
                    best
                })
            })
            .collect();
        let found = Dispatch::new(level).unwrap().run(Best { kind, rounds, k });
        let length = rounds[0][0].len();
        for (row, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let case = format!("{level} {kind:?} {k} of {length}, row {row}");
            assert_eq!(found, expected, "{case}");
        }
    }

    fn check_patterns<E: Rounded>(level: Level, kind: ScoreKind, length: usize, k: usize) {
        let rows = patterns(length, k).into_iter();
        let rows: Vec<Vec<E>> = rows
            .chain(sparse_patterns(length))
            .map(|row| scores(kind, &row))
            .collect();
        let (eight, others) = rows.split_at(8);
        let rounds = [eight, &others[..3], &others[3..], &eight[4..]];
        check(level, kind, &rounds, k);
    }

    /// Rows that have k possible tokens, fewer, and none.
    #[test]
    fn rows_of_any_number_of_possible_tokens_side_by_side() {
        use ScoreKind::{LogProbabilities, Logits, Probabilities};
        for level in Level::available() {
            for length in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 63, 64] {
                for k in [1, 2, 8, 9, 16, 17, 33, length].map(|k| k.min(length)) {
                    marks::expect("short rows of fewer possible tokens than k", || {
                        check_patterns::<f32>(level, Probabilities, length, k);
                    });
                    marks::expect("short rows of fewer possible tokens than k", || {
                        check_patterns::<f16>(level, LogProbabilities, length, k);
                    });
                    marks::expect("short rows of fewer possible tokens than k", || {
                        check_patterns::<bf16>(level, Logits, length, k);
                    });
                }
            }
        }
    }

    /// Whether a score is valid is known when the rows have been put in order.
    #[test]
    fn an_invalid_score_refuses_its_row_and_no_other() {
        use ScoreKind::{LogProbabilities, Logits, Probabilities};
        fn check_at<E: Rounded>(kind: ScoreKind, length: usize, at: usize, value: f32) {
            let row = |i: usize| scores::<E>(kind, &vec![(i + 1) as f32 / 16.0; length]);
            let valid: Vec<Vec<E>> = (0..ROWS).map(row).collect();
            for number in [0, 3, 7] {
                let mut rows = valid.clone();
                rows[number][at] = E::rounded(value);
                let few = &rows[number.min(3)..=number];
                let rounds = [&rows, &valid, few, &valid[..2]];
                for level in Level::available() {
                    let check = || check(level, kind, &rounds, length.min(3));
                    // A negative zero is too large as an unsigned integer. The
                    // baseline of some processors does not compare these.
                    let too_large_as_bits = kind == Probabilities
                        && value.to_bits() == (-0f32).to_bits()
                        && level > Level::Baseline;
                    if kind.accepts(value) && !too_large_as_bits {
                        check();
                    } else {
                        marks::expect("short rows that seem invalid", check);
                    }
                }
            }
        }
        for length in [1, 15, 16, 17, 40, 63, 64] {
            for at in [0, length / 2, length - 1] {
                for kind in [Probabilities, LogProbabilities, Logits] {
                    for (value, _) in limits(kind) {
                        check_at::<f32>(kind, length, at, value);
                    }
                    check_at::<f16>(kind, length, at, f32::INFINITY);
                    check_at::<bf16>(kind, length, at, f32::NAN);
                    check_at::<f32>(kind, length, at, -0.0);
                }
            }
        }
    }
}
