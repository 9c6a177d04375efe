//! The best tokens of each position of a batch, with their log-probabilities: the first
//! phase of the independent search, and of a CTC search that does not read its rows late.
//!
//! It reads all scores once. Positions do not depend on each other, so it runs in
//! parallel over batch x time.

use crate::batch::{self, Divide, PerThread};
use crate::cancellation::{Cancellation, Interrupted};
use crate::error::{Error, InterruptedAt};
use crate::kernels::element::Lanes;
use crate::kernels::log_probabilities;
use crate::kernels::top_k::{Plan, REFUSED, ROWS, Room, TopK};
use crate::memory::resize_while;
use crate::phase;
use crate::scores::{Data, ScoreKind, ScoresView};
use crate::simd::{Dispatch, Kernel, Simd};

/// The best tokens of every position of a batch, in flat arrays that keep
/// their memory from one batch to the next.
#[derive(Debug, Default)]
pub(crate) struct Shortlists {
    time: usize,
    width: usize,
    /// Entries past an item's length are unspecified, here and in the arrays below: their
    /// rows are not read, but rows that are put in order together are written together.
    counts: Vec<u32>,
    normalisers: Vec<f64>,
    tokens: Vec<u32>,
    log_probabilities: Vec<f64>,
    top_k: PerThread<TopK>,
}

/// The best tokens of one position, best first. Impossible tokens are left
/// out, so there may be fewer than asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shortlist<'a> {
    pub(crate) tokens: &'a [u32],
    pub(crate) log_probabilities: &'a [f64],
    /// The log-sum-exp of the row for logits, else 0: what
    /// [`log_probability`](crate::kernels::log_probability) needs for any
    /// other token of the row.
    pub(crate) normaliser: f64,
}

/// Scores that one thread reads without asking for more work, in bytes: large
/// against the cost of a task, small against what there is for each thread.
pub(crate) const GRAIN_BYTES: usize = 128 << 10;

/// The rows of that, of so many bytes each. [`ROWS`] are put in order together,
/// for the price of one: where they are at most twice the grain it has all of
/// them.
pub(crate) fn grain(row_bytes: usize) -> usize {
    match GRAIN_BYTES / row_bytes {
        rows if rows >= ROWS / 2 => rows.max(ROWS),
        rows => rows,
    }
}

impl Shortlists {
    /// Bytes that [`Shortlists::fill`] allocates.
    pub(crate) fn bytes_needed(scores: &ScoresView<'_>, width: usize) -> usize {
        let rows = scores.batch().saturating_mul(scores.longest());
        Self::bytes_of_rows(rows, scores.vocab(), width, scores.kind())
    }

    /// [`Shortlists::bytes_needed`] for so many rows.
    pub(crate) fn bytes_of_rows(rows: usize, vocab: usize, width: usize, kind: ScoreKind) -> usize {
        let width = width.min(vocab);
        let row = size_of::<u32>() + size_of::<f64>();
        let rows = rows.saturating_mul(row.saturating_mul(width.saturating_add(1)));
        let scratch = TopK::bytes_needed(&Plan::top_k(width, vocab, kind));
        rows.saturating_add(batch::threads().saturating_mul(scratch))
    }

    /// Reads all of `scores` and keeps the `width` best tokens of each
    /// position.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the search is cancelled.
    pub(crate) fn fill(
        &mut self,
        scores: &ScoresView<'_>,
        width: usize,
        dispatch: Dispatch,
        cancellation: &Cancellation,
    ) -> Result<(), Error> {
        let width = width.min(scores.vocab());
        let time = scores.longest();
        let rows = scores.batch() * time;
        self.time = time;
        self.width = width;
        let what = "the best tokens of each position";
        let item = scores.first_item();
        let look = || cancellation.check(|| InterruptedAt::Item { item, step: 0 });
        let places = rows.saturating_mul(width);
        resize_while(&mut self.counts, rows, what, look)?;
        resize_while(&mut self.normalisers, rows, what, look)?;
        resize_while(&mut self.tokens, places, what, look)?;
        resize_while(&mut self.log_probabilities, places, what, look)?;
        let plan = Plan::top_k(width, scores.vocab(), scores.kind());
        let plan = plan.of_tensor(scores.bytes());
        self.top_k.prepare_each(|top_k| top_k.reserve(plan))?;

        let top_k = &self.top_k;
        let work = Rows {
            first: 0,
            time,
            width,
            counts: &mut self.counts,
            normalisers: &mut self.normalisers,
            tokens: &mut self.tokens,
            log_probabilities: &mut self.log_probabilities,
        };
        let row_bytes = scores.row_bytes();
        let interrupted = Interrupted::default();
        batch::for_each_until(work, grain(row_bytes), &interrupted, &|rows: Rows<'_>| {
            if let Some(interrupt) = cancellation.interrupt() {
                let (item, step) = (rows.first / time, rows.first % time);
                return interrupted.note(item, step, interrupt);
            }
            let _scanning = phase::scan();
            top_k.with(|top_k| {
                if !plan.is_short() {
                    let fill = FillRows {
                        scores,
                        rows,
                        top_k,
                    };
                    return dispatch.run(fill);
                }
                match scores.data() {
                    Data::F32(data) => fill_short_rows(scores, data, rows, top_k, dispatch),
                    Data::F16(data) => fill_short_rows(scores, data, rows, top_k, dispatch),
                    Data::Bf16(data) => fill_short_rows(scores, data, rows, top_k, dispatch),
                }
            });
        });
        interrupted.check(scores.first_item())
    }

    /// The list of one position within the item's length, or `None` if its row
    /// was refused; [`ScoresView::invalid_score`] then says why.
    #[inline]
    pub(crate) fn get(&self, item: usize, step: usize) -> Option<Shortlist<'_>> {
        let row = item * self.time + step;
        if self.counts[row] == REFUSED {
            return None;
        }
        let start = row * self.width;
        let end = start + self.counts[row] as usize;
        Some(Shortlist {
            tokens: &self.tokens[start..end],
            log_probabilities: &self.log_probabilities[start..end],
            normaliser: self.normalisers[row],
        })
    }
}

/// Where the lists of some consecutive positions go.
struct Rows<'a> {
    /// The first of them, counted through the batch: item x time + step.
    first: usize,
    time: usize,
    width: usize,
    counts: &'a mut [u32],
    normalisers: &'a mut [f64],
    tokens: &'a mut [u32],
    log_probabilities: &'a mut [f64],
}

impl Divide for Rows<'_> {
    fn len(&self) -> usize {
        self.counts.len()
    }

    fn middle(&self) -> usize {
        match self.len() / 2 {
            // Whole groups of rows that are put in order together.
            middle if middle >= ROWS => middle - middle % ROWS,
            middle => middle,
        }
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let counts = self.counts.split_at_mut(middle);
        let normalisers = self.normalisers.split_at_mut(middle);
        let tokens = self.tokens.split_at_mut(middle * self.width);
        let logs = self.log_probabilities.split_at_mut(middle * self.width);
        let left = Rows {
            first: self.first,
            time: self.time,
            width: self.width,
            counts: counts.0,
            normalisers: normalisers.0,
            tokens: tokens.0,
            log_probabilities: logs.0,
        };
        let right = Rows {
            first: self.first + middle,
            time: self.time,
            width: self.width,
            counts: counts.1,
            normalisers: normalisers.1,
            tokens: tokens.1,
            log_probabilities: logs.1,
        };
        (left, right)
    }
}

struct FillRows<'a> {
    scores: &'a ScoresView<'a>,
    rows: Rows<'a>,
    top_k: &'a mut TopK,
}

impl Kernel for FillRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.scores.data() {
            Data::F32(data) => self.fill(simd, data),
            Data::F16(data) => self.fill(simd, data),
            Data::Bf16(data) => self.fill(simd, data),
        }
    }
}

impl FillRows<'_> {
    #[inline(always)]
    fn fill<S: Simd, E: Lanes>(self, simd: S, data: &[E]) {
        let FillRows {
            scores,
            rows,
            top_k,
        } = self;
        let (kind, width) = (scores.kind(), rows.width);
        let (mut item, mut step) = (rows.first / rows.time, rows.first % rows.time);
        // Rows that are put in order together.
        let out = rows.counts.chunks_mut(ROWS);
        let out = out.zip(rows.normalisers.chunks_mut(ROWS));
        let out = out.zip(rows.tokens.chunks_mut(ROWS * width));
        let out = out.zip(rows.log_probabilities.chunks_mut(ROWS * width));
        for (((counts, normalisers), tokens), values) in out {
            top_k.begin(simd, counts.len());
            let out = counts.iter_mut().zip(normalisers.iter_mut());
            let out = out.zip(tokens.chunks_exact_mut(width));
            let out = out.zip(values.chunks_exact_mut(width)).enumerate();
            for (number, (((count, normaliser), tokens), values)) in out {
                if step < scores.length(item) {
                    let row = &data[scores.row_range(item, step)];
                    let next = &data[scores.after_row(item, step)];
                    let found = top_k.read(simd, number, row, next, tokens, values);
                    *count = found.map_or(REFUSED, |found| found.count as u32);
                    *normaliser = found.map_or(0.0, |found| found.normaliser);
                }
                step += 1;
                if step == rows.time {
                    (item, step) = (item + 1, 0);
                }
            }
            top_k.finish(simd, tokens, values);
            log_probabilities(simd, kind, values, width, normalisers);
        }
    }
}

/// [`FillRows`] of rows that are so short that all their tokens are put in order.
fn fill_short_rows<'a, E: Lanes>(
    scores: &'a ScoresView<'a>,
    data: &'a [E],
    rows: Rows<'a>,
    top_k: &'a mut TopK,
    dispatch: Dispatch,
) {
    match scores.kind() {
        ScoreKind::Probabilities => dispatch.run(FillShortRows::<E, false> {
            scores,
            data,
            rows,
            top_k,
        }),
        ScoreKind::LogProbabilities | ScoreKind::Logits => {
            dispatch.run(FillShortRows::<E, true> {
                scores,
                data,
                rows,
                top_k,
            });
        }
    }
}

struct FillShortRows<'a, E, const NEGATIVE: bool> {
    scores: &'a ScoresView<'a>,
    data: &'a [E],
    rows: Rows<'a>,
    top_k: &'a mut TopK,
}

impl<E: Lanes, const NEGATIVE: bool> Kernel for FillShortRows<'_, E, NEGATIVE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let FillShortRows {
            scores,
            data,
            rows,
            top_k,
        } = self;
        let (kind, vocab) = (scores.kind(), scores.vocab());
        let (time, width) = (rows.time, rows.width);
        let (mut item, mut step) = (rows.first / rows.time, rows.first % rows.time);
        let mut length = scores.length(item);
        let mut start = scores.row_range(item, step).start;
        let mut rest = rows;
        while rest.len() > 0 {
            let middle = rest.len().min(ROWS);
            let (rows, after) = rest.split_at(middle);
            rest = after;
            let mut together = top_k.short_rows::<S, NEGATIVE>(simd);
            for (number, normaliser) in rows.normalisers.iter_mut().enumerate() {
                if step < length {
                    *normaliser = together.read(number, &data[start..start + vocab]);
                }
                step += 1;
                // What lies past the last row may lie past all addresses.
                start = start.wrapping_add(scores.step_stride());
                if step == time && item + 1 < scores.batch() {
                    (item, step) = (item + 1, 0);
                    length = scores.length(item);
                    start = scores.row_range(item, 0).start;
                }
            }
            let room = Room {
                counts: rows.counts,
                tokens: rows.tokens,
                values: &mut *rows.log_probabilities,
            };
            together.finish(width, room);
            let values = rows.log_probabilities;
            log_probabilities(simd, kind, values, width, rows.normalisers);
        }
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::kernels::log_probability;
    use crate::kernels::top_k::cases::{
        Rounded, in_order, patterns, random, scores, sparse_patterns,
    };
    use crate::reference;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::scores::{Element, Layout};
    use crate::simd::Level;

    /// Checks each list against the row's tokens in order.
    fn check<E: Rounded + Element>(
        lists: &mut Shortlists,
        data: &[E],
        view: &ScoresView<'_>,
        width: usize,
        level: Level,
    ) {
        let dispatch = Dispatch::new(level).unwrap();
        lists
            .fill(view, width, dispatch, &Cancellation::default())
            .unwrap();
        let kind = view.kind();
        for item in 0..view.batch() {
            for step in 0..view.length(item) {
                let row = &data[view.row_range(item, step)];
                let case = format!(
                    "{level} {kind:?} {width} of {}, item {item}, step {step} of {:?}",
                    row.len(),
                    view.lengths()
                );
                let found = lists.get(item, step);
                if !row.iter().all(|score| kind.accepts(score.to_f32())) {
                    assert!(found.is_none(), "{case}");
                    continue;
                }
                let found = found.expect(&case);
                let normaliser = match kind {
                    Logits => {
                        let row: Vec<f32> = row.iter().map(|score| score.to_f32()).collect();
                        reference::log_sum_exp(&row)
                    }
                    _ => 0.0,
                };
                let mut expected = in_order(kind, row);
                expected.truncate(width);
                let tokens = expected.iter().map(|&(token, _)| token);
                assert!(tokens.eq(found.tokens.iter().copied()), "{case}");
                let logs = expected
                    .iter()
                    .map(|&(_, value)| log_probability(kind, value, normaliser).to_bits());
                let found_logs = found.log_probabilities.iter().map(|log| log.to_bits());
                assert!(logs.eq(found_logs), "{case}");
                if !expected.is_empty() {
                    assert_eq!(found.normaliser, normaliser, "{case}");
                }
            }
        }
    }

    /// Rows that are bad to find a bound in, or hold almost nothing, or an invalid
    /// score, so many behind one another.
    fn rows<E: Rounded>(kind: ScoreKind, count: usize, vocab: usize) -> Vec<E> {
        let rows = sparse_patterns(vocab).into_iter();
        let rows: Vec<Vec<f32>> = rows.chain(patterns(vocab, 8)).collect();
        let mut data = Vec::new();
        for number in 0..count {
            let mut row = scores::<E>(kind, &rows[number % rows.len()]);
            if number % 7 == 5 {
                row[number % vocab] = E::rounded([f32::NAN, f32::INFINITY][number % 2]);
            }
            data.extend(row);
        }
        data
    }

    /// Eight positions are put in order together, over the ends of items, and some of
    /// them lie past their item's length.
    #[test]
    fn items_of_mixed_lengths_have_the_lists_of_their_rows() {
        let mut lists = Shortlists::default();
        let lengths: &[&[usize]] = &[
            &[1],
            &[7],
            &[8],
            &[9],
            &[3, 0, 5],
            &[0, 2, 8],
            &[1, 1, 1, 1, 1, 1, 1, 1, 1],
            &[16, 1],
            &[0, 0],
            &[2, 4, 3, 1],
        ];
        for (number, lengths) in lengths.iter().enumerate() {
            let (batch, time) = (lengths.len(), lengths.iter().max().unwrap() + number % 2);
            for (vocab, width) in [(1, 1), (5, 3), (64, 16), (65, 9), (130, 70), (1100, 17)] {
                let mut kinds = [Probabilities, LogProbabilities, Logits];
                kinds.rotate_left((number + width) % 3);
                let shape = [batch, time, vocab];
                let layouts = [
                    Layout::contiguous(shape),
                    Layout::strided(shape, [vocab, batch * vocab]),
                ];
                for (kind, layout) in kinds.into_iter().zip(layouts) {
                    let data = rows::<f32>(kind, batch * time, vocab);
                    let view = ScoresView::new(kind, &data, layout).unwrap();
                    let view = view.with_lengths(lengths).unwrap();
                    for level in Level::available() {
                        check(&mut lists, &data, &view, width, level);
                    }
                }
                let data = rows::<f16>(kinds[2], batch * time, vocab);
                let view = ScoresView::new(kinds[2], &data, shape).unwrap();
                let view = view.with_lengths(lengths).unwrap();
                check(&mut lists, &data, &view, width, Level::best());
                let data = rows::<bf16>(kinds[0], batch * time, vocab);
                let view = ScoresView::new(kinds[0], &data, shape).unwrap();
                check(&mut lists, &data, &view, width, Level::best());
            }
        }
    }

    /// Batches that are divided, at rows within an item too.
    #[test]
    fn batches_of_more_rows_than_a_grain() {
        let mut lists = Shortlists::default();
        for (batch, time, vocab, width) in [(7, 100, 64, 3), (9, 11, 700, 5), (5, 4, 8200, 9)] {
            let mut random = random(vocab as u32);
            let mut data: Vec<f32> = (0..batch * time * vocab).map(|_| random()).collect();
            // All that the rows have in common, and one that is refused.
            for (number, row) in data.chunks_mut(vocab).enumerate() {
                row[number % 7] = 0.0;
            }
            data[(time + 2) * vocab + 1] = 2.0;
            let lengths: Vec<usize> = (0..batch).map(|item| time - item % 3).collect();
            let view = ScoresView::probabilities(&data, [batch, time, vocab]).unwrap();
            let view = view.with_lengths(&lengths).unwrap();
            assert!(batch * time > grain(view.row_bytes()));
            check(&mut lists, &data, &view, width, Level::best());
        }
    }

    #[test]
    fn a_grain_is_of_so_many_bytes_or_of_rows_that_are_ordered_together() {
        for (row_bytes, rows) in [
            (4, 32_768),
            (4096, 32),
            (16_384, 8),
            (16_388, 8),
            (32_768, 8),
            (32_772, 3),
            (65_536, 2),
            (131_072, 1),
            (131_076, 0),
        ] {
            assert_eq!(grain(row_bytes), rows, "{row_bytes}");
        }
    }

    #[test]
    fn rows_are_divided_between_those_that_are_ordered_together() {
        for (len, middle) in [
            (1, 0),
            (2, 1),
            (15, 7),
            (16, 8),
            (17, 8),
            (31, 8),
            (32, 16),
            (50, 24),
        ] {
            let rows = Rows {
                first: 0,
                time: 1,
                width: 1,
                counts: &mut vec![0; len],
                normalisers: &mut vec![0.0; len],
                tokens: &mut vec![0; len],
                log_probabilities: &mut vec![0.0; len],
            };
            assert_eq!(rows.middle(), middle, "{len}");
        }
    }

    #[test]
    fn bytes_needed_count_each_position_and_each_thread() {
        let data = [0.5f32; 3 * 4 * 100];
        let view = ScoresView::probabilities(&data, [3, 4, 100]).unwrap();
        for (lengths, longest) in [([4, 4, 4], 4), ([1, 2, 0], 2)] {
            let view = view.with_lengths(&lengths).unwrap();
            for (width, kept) in [(1, 1), (100, 100), (500, 100)] {
                let scratch = TopK::bytes_needed(&Plan::top_k(kept, 100, Probabilities));
                // A token and its log-probability; a count and a normaliser.
                let expected = 3 * longest * 12 * (kept + 1) + batch::threads() * scratch;
                assert_eq!(Shortlists::bytes_needed(&view, width), expected, "{width}");
            }
        }
    }
}
