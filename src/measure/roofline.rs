//! The read roofline: what no search over a tensor can be faster than.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use crate::batch::{self, Divide};
use crate::error::Error;
use crate::kernels::element::Lanes;
use crate::kernels::top_k::UNCACHED_BYTES;
use crate::scores::{Data, ScoresView};
use crate::search::shortlist::grain;
use crate::simd::{Dispatch, F32_LANES, F32Lanes, Kernel, Level, Simd};

/// The largest of all scores in use, or -infinity if there is none: the
/// fastest scan we know, on the threads and in the pieces of work of a search.
/// No score may be NaN.
///
/// # Errors
///
/// If this processor does not have `level`.
pub fn read_all(scores: &ScoresView<'_>, level: Level) -> Result<f32, Error> {
    let dispatch = Dispatch::require(level)?;
    let largest = Mutex::new(f32::NEG_INFINITY);
    let work = Positions(0..scores.batch() * scores.time());
    batch::for_each(work, grain(scores.row_bytes()), &|work: Positions| {
        let found = dispatch.run(Largest { scores, work });
        let mut largest = largest.lock().unwrap_or_else(PoisonError::into_inner);
        *largest = largest.max(found);
    });
    Ok(largest.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Consecutive positions, counted through the batch: item x time + step.
struct Positions(Range<usize>);

impl Divide for Positions {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let middle = self.0.start + middle;
        (
            Positions(self.0.start..middle),
            Positions(middle..self.0.end),
        )
    }
}

struct Largest<'a> {
    scores: &'a ScoresView<'a>,
    work: Positions,
}

impl Kernel for Largest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        if self.scores.bytes() >= UNCACHED_BYTES {
            self.read_scores(simd.streaming())
        } else {
            self.read_scores(simd)
        }
    }
}

impl Largest<'_> {
    #[inline(always)]
    fn read_scores<S: Simd>(self, simd: S) -> f32 {
        match self.scores.data() {
            Data::F32(data) => self.read(simd, data),
            Data::F16(data) => self.read(simd, data),
            Data::Bf16(data) => self.read(simd, data),
        }
    }

    #[inline(always)]
    fn read<S: Simd, E: Lanes>(self, simd: S, data: &[E]) -> f32 {
        let Largest { scores, work } = self;
        let time = scores.time();
        let (mut position, end) = (work.0.start, work.0.end);
        let mut largest = Maxima::new(simd);
        while position < end {
            let (item, step) = (position / time, position % time);
            let steps = step..(step + end - position).min(scores.length(item));
            match rows_in_one(scores, item, &steps) {
                Some(range) => largest.read(simd, &data[range]),
                None => {
                    for step in steps {
                        largest.read(simd, &data[scores.row_range(item, step)]);
                    }
                }
            }
            position = end.min((item + 1) * time);
        }
        largest.largest()
    }
}

/// Where consecutive rows of an item lie, if no gap parts them: what lies
/// together is read as one, since short rows end in incomplete vectors.
#[inline(always)]
fn rows_in_one(scores: &ScoresView<'_>, item: usize, steps: &Range<usize>) -> Option<Range<usize>> {
    let last = steps.clone().next_back()?;
    let all = scores.row_range(item, steps.start).start..scores.row_range(item, last).end;
    (all.len() == steps.len() * scores.vocab()).then_some(all)
}

/// As many vectors as it takes to wait for none of them.
const VECTORS: usize = 8;

/// Running maxima of what has been read.
struct Maxima<S: Simd> {
    lanes: [S::F32; VECTORS],
    rest: f32,
}

impl<S: Simd> Maxima<S> {
    #[inline(always)]
    fn new(simd: S) -> Self {
        Maxima {
            lanes: [simd.f32_splat(f32::NEG_INFINITY); VECTORS],
            rest: f32::NEG_INFINITY,
        }
    }

    #[inline(always)]
    fn read<E: Lanes>(&mut self, simd: S, values: &[E]) {
        const STRIPE: usize = VECTORS * F32_LANES;
        let mut lanes = self.lanes;
        let (stripes, rest) = values.as_chunks::<STRIPE>();
        for stripe in stripes {
            for (max, vector) in lanes.iter_mut().zip(stripe.as_chunks::<F32_LANES>().0) {
                *max = max.max(E::load(simd, vector));
            }
        }
        let (vectors, rest) = rest.as_chunks::<F32_LANES>();
        for (max, vector) in lanes.iter_mut().zip(vectors) {
            *max = max.max(E::load(simd, vector));
        }
        for value in rest {
            self.rest = self.rest.max(value.to_f32());
        }
        self.lanes = lanes;
    }

    #[inline(always)]
    fn largest(self) -> f32 {
        let mut all = self.lanes[0];
        for lanes in self.lanes {
            all = all.max(lanes);
        }
        self.rest.max(all.reduce_max())
    }
}

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::*;
    use crate::scores::{Element, Layout};
    use crate::search::shortlist::GRAIN_BYTES;

    /// The largest score sits at every index in turn, at every level; larger
    /// ones lie in the gaps and beyond the lengths, where nothing may look.
    fn finds_it_everywhere<T: Element>(from: fn(f32) -> T, vocab: usize, gap: usize) {
        let (batch, time) = (2, 3);
        let strides = [time * (vocab + gap), vocab + gap];
        let lengths = [3, 2];
        for level in Level::available() {
            for item in 0..batch {
                for step in 0..lengths[item] {
                    for token in 0..vocab {
                        let mut data = vec![from(9.0); batch * strides[0]];
                        for (item, &length) in lengths.iter().enumerate() {
                            for step in 0..length {
                                let start = item * strides[0] + step * strides[1];
                                data[start..start + vocab].fill(from(-2.0));
                            }
                        }
                        data[item * strides[0] + step * strides[1] + token] = from(-1.0);
                        let layout = Layout::strided([batch, time, vocab], strides);
                        let scores = ScoresView::logits(&data, layout).unwrap();
                        let scores = scores.with_lengths(&lengths).unwrap();
                        let found = read_all(&scores, level).unwrap();
                        assert_eq!(found, -1.0, "{level} {item} {step} {token}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_largest_is_found_wherever_it_lies() {
        for vocab in [1, 15, 33, 150] {
            for gap in [0, 3] {
                finds_it_everywhere(|x| x, vocab, gap);
                finds_it_everywhere(f16::from_f32, vocab, gap);
                finds_it_everywhere(bf16::from_f32, vocab, gap);
            }
        }
    }

    #[test]
    fn work_that_is_cut_in_pieces_is_all_read() {
        let mut data = vec![0f32; 3 * 5 * 40_000];
        let scores = |data| ScoresView::logits(data, [3, 5, 40_000]).unwrap().bytes();
        assert!(scores(&data) > 4 * GRAIN_BYTES);
        for row in 0..15 {
            data[row * 40_000 + 39_999] = row as f32 + 1.0;
            for level in Level::available() {
                let scores = ScoresView::logits(&data, [3, 5, 40_000]).unwrap();
                assert_eq!(read_all(&scores, level).unwrap(), row as f32 + 1.0);
            }
        }
    }

    #[test]
    fn nothing_in_use_has_no_largest() {
        let scores = ScoresView::logits(&[1f32; 6], [2, 1, 3]).unwrap();
        let scores = scores.with_lengths(&[0, 0]).unwrap();
        assert_eq!(
            read_all(&scores, Level::Baseline).unwrap(),
            f32::NEG_INFINITY
        );
    }
}
