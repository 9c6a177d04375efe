//! What the benchmarks need besides the public interface. Not part of it.

use crate::batch::{self, Divide};
use crate::error::Error;
use crate::kernels::element::Lanes;
use crate::scores::{Data, ScoresView};
use crate::search::shortlist::Shortlists;
use crate::simd::{Dispatch, F32_LANES, F32Lanes, Kernel, Level, Simd, prefetch};

/// Phase one of a search by itself: the best tokens of every position.
#[derive(Debug)]
pub struct TopTokens {
    lists: Shortlists,
    dispatch: Dispatch,
}

impl TopTokens {
    /// At `level`.
    pub fn new(level: Level) -> Result<Self, Error> {
        Ok(TopTokens {
            lists: Shortlists::default(),
            dispatch: Dispatch::require(level)?,
        })
    }

    /// Finds the `k` best tokens of every position.
    pub fn fill(&mut self, scores: &ScoresView<'_>, k: usize) -> Result<(), Error> {
        self.lists.fill(scores, k, self.dispatch)
    }

    /// The best tokens of one position, their log-probabilities and the row's
    /// log-sum-exp; `None` if the row was refused.
    pub fn get(&self, item: usize, step: usize) -> Option<(&[u32], &[f64], f64)> {
        let list = self.lists.get(item, step)?;
        Some((list.tokens, list.log_probabilities, list.normaliser))
    }
}

/// The read roofline: the largest of all scores, NaN apart, in the fastest
/// scan we know, on the threads and the pieces of work a search uses.
pub fn read_all(scores: &ScoresView<'_>, level: Level) -> Result<f32, Error> {
    let dispatch = Dispatch::require(level)?;
    let largest = std::sync::Mutex::new(f32::NEG_INFINITY);
    let work = Positions {
        first: 0,
        len: scores.batch() * scores.time(),
    };
    batch::for_each(
        work,
        (128 << 10) / scores.row_bytes(),
        &|rows: Positions| {
            let found = dispatch.run(ReadRows { scores, rows });
            let mut largest = largest
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            *largest = largest.max(found);
        },
    );
    Ok(largest
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner()))
}

struct Positions {
    first: usize,
    len: usize,
}

impl Divide for Positions {
    fn len(&self) -> usize {
        self.len
    }

    fn split_at(self, middle: usize) -> (Self, Self) {
        let left = Positions {
            first: self.first,
            len: middle,
        };
        let right = Positions {
            first: self.first + middle,
            len: self.len - middle,
        };
        (left, right)
    }
}

struct ReadRows<'a> {
    scores: &'a ScoresView<'a>,
    rows: Positions,
}

impl Kernel for ReadRows<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> f32 {
        match self.scores.data() {
            Data::F32(data) => self.read(simd, data),
            Data::F16(data) => self.read(simd, data),
            Data::Bf16(data) => self.read(simd, data),
        }
    }
}

impl ReadRows<'_> {
    #[inline(always)]
    fn read<S: Simd, E: Lanes>(self, simd: S, data: &[E]) -> f32 {
        const SUMS: usize = 8;
        let mut largest = [simd.f32_splat(f32::NEG_INFINITY); SUMS];
        let mut rest = f32::NEG_INFINITY;
        for row in self.rows.first..self.rows.first + self.rows.len {
            let (item, step) = (row / self.scores.time(), row % self.scores.time());
            if step >= self.scores.length(item) {
                continue;
            }
            let range = self.scores.row_range(item, step);
            let row = &data[range.clone()];
            let (stripes, tail) = row.as_chunks::<{ SUMS * F32_LANES }>();
            for (index, stripe) in stripes.iter().enumerate() {
                let ahead = index * SUMS * F32_LANES + 4096 / size_of::<E>();
                let mut line = 0;
                while line < SUMS * F32_LANES {
                    prefetch(row, ahead + line);
                    line += 64 / size_of::<E>();
                }
                for (largest, lanes) in largest.iter_mut().zip(stripe.as_chunks::<F32_LANES>().0) {
                    *largest = largest.max(E::load(simd, lanes));
                }
            }
            for value in tail {
                rest = rest.max(value.to_f32());
            }
        }
        let mut all = largest[0];
        for lanes in largest {
            all = all.max(lanes);
        }
        rest.max(all.reduce_max())
    }
}
