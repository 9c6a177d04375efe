//! Rows that are read before it is known how good a token must be to matter, and of which
//! tokens are listed afterwards.

use crate::kernels::element::Lanes;
use crate::kernels::exp::exp_nonpositive_f64;
use crate::kernels::prefetch::Prefetcher;
use crate::kernels::threshold::ThresholdScan;
use crate::kernels::{log_probabilities, log_probability};
use crate::scores::{Data, Row, ScoreKind};
use crate::simd::{Kernel, ScalarF64, Simd};

/// A row, and what its scores mean.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) row: Row<'a>,
    pub(crate) kind: ScoreKind,
    /// Of a row of logits.
    pub(crate) normaliser: f64,
}

impl Source<'_> {
    /// The log-probability of a token.
    #[inline]
    pub(crate) fn log_probability(&self, token: u32) -> f64 {
        self.log_of(self.row.get(token as usize))
    }

    /// The log-probability of a score of the row.
    #[inline]
    pub(crate) fn log_of(&self, score: f32) -> f64 {
        log_probability(self.kind, score, self.normaliser)
    }

    /// A score that every token has which takes a prefix of mass `mass` to
    /// `bound`, whatever was rounded on the way there.
    pub(crate) fn least_score(&self, bound: f64, mass: f64) -> f32 {
        // The difference, and the sum that it stands for, were rounded to
        // within an ULP of the largest number that took part.
        let largest = bound.abs().max(mass.abs()).max(self.normaliser.abs());
        let least = bound - mass - (1e-9 + 4.0 * f64::EPSILON * largest);
        let score = match self.kind {
            ScoreKind::Probabilities => exp_nonpositive_f64(ScalarF64(least.min(0.0))).0,
            ScoreKind::LogProbabilities => least,
            ScoreKind::Logits => least + self.normaliser,
        };
        (score as f32).next_down()
    }
}

/// Reads a row, but lists no token yet. `None` if it holds an invalid score.
pub(crate) struct ScanRow<'a> {
    pub(crate) source: &'a Source<'a>,
    /// What will be read next.
    pub(crate) next: Row<'a>,
    /// On return it points into `next`.
    pub(crate) prefetcher: &'a mut Prefetcher,
    pub(crate) blank: u32,
    pub(crate) threshold: &'a mut ThresholdScan,
}

/// What a scan says of a row.
pub(crate) struct RowScan {
    pub(crate) normaliser: f64,
    /// The largest score, unless it is the blank's.
    pub(crate) best: Option<f32>,
}

impl ScanRow<'_> {
    #[inline(always)]
    fn scan<S: Simd, E: Lanes>(self, simd: S, row: &[E], next: &[E]) -> Option<RowScan> {
        let found = self.threshold.scan(simd, row, next, self.prefetcher)?;
        let blank = row[self.blank as usize].to_f32();
        Some(RowScan {
            normaliser: found.normaliser,
            best: (blank < found.max).then_some(found.max),
        })
    }
}

impl Kernel for ScanRow<'_> {
    type Output = Option<RowScan>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<RowScan> {
        match (self.source.row, self.next) {
            (Data::F32(row), Data::F32(next)) => self.scan(simd, row, next),
            (Data::F16(row), Data::F16(next)) => self.scan(simd, row, next),
            (Data::Bf16(row), Data::Bf16(next)) => self.scan(simd, row, next),
            // One tensor has one type.
            _ => None,
        }
    }
}

/// Finds the first token of the largest score of the row that was scanned last.
pub(crate) struct FirstToken<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) threshold: &'a ThresholdScan,
    pub(crate) largest: f32,
}

impl Kernel for FirstToken<'_> {
    type Output = Option<u32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Option<u32> {
        let (threshold, largest) = (self.threshold, self.largest);
        match self.source.row {
            Data::F32(row) => threshold.first_of(simd, row, largest),
            Data::F16(row) => threshold.first_of(simd, row, largest),
            Data::Bf16(row) => threshold.first_of(simd, row, largest),
        }
    }
}

/// Lists the tokens that reach a bound of the row that was scanned last, best first; of more
/// than there is room for, the best. Without a bound, as many as there is room for.
pub(crate) struct CollectTokens<'a> {
    pub(crate) source: &'a Source<'a>,
    pub(crate) bound: Option<f32>,
    pub(crate) threshold: &'a mut ThresholdScan,
    pub(crate) tokens: &'a mut [u32],
    pub(crate) log_probabilities: &'a mut [f64],
}

impl CollectTokens<'_> {
    #[inline(always)]
    fn collect<S: Simd, E: Lanes>(self, simd: S, row: &[E]) -> usize {
        let CollectTokens {
            source,
            bound,
            threshold,
            tokens,
            log_probabilities: logs,
        } = self;
        let kind = source.kind;
        let count = threshold.collect(simd, row, bound, tokens, logs);
        let found = &mut logs[..count];
        log_probabilities(simd, kind, found, count.max(1), &[source.normaliser]);
        count
    }
}

impl Kernel for CollectTokens<'_> {
    /// How many tokens there are.
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        match self.source.row {
            Data::F32(row) => self.collect(simd, row),
            Data::F16(row) => self.collect(simd, row),
            Data::Bf16(row) => self.collect(simd, row),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_score_below_the_least_takes_a_prefix_to_the_bound() {
        let masses = [0.0, -1e-300, -0.3, -17.25, -1e4, -3e8];
        let distances = [0.0, 1e-12, 0.1, 1.0, 20.0, 87.0, 95.0, 103.0, 200.0, 800.0];
        let kinds = [
            (ScoreKind::Probabilities, 0.0),
            (ScoreKind::LogProbabilities, 0.0),
            (ScoreKind::Logits, 12.5),
            (ScoreKind::Logits, -3e6),
        ];
        for (kind, normaliser) in kinds {
            let source = Source {
                row: Data::F32(&[]),
                kind,
                normaliser,
            };
            for mass in masses {
                for distance in distances {
                    let bound = mass - distance;
                    let below = source.least_score(bound, mass).next_down();
                    if kind == ScoreKind::Probabilities && below <= 0.0 {
                        continue;
                    }
                    let reached = mass + log_probability(kind, below, normaliser);
                    assert!(reached < bound, "{kind:?} {mass} {distance}");
                }
            }
        }
    }

    #[test]
    fn the_least_score_falls_short_of_the_bound_by_little_more_than_rounding() {
        for (kind, normaliser) in [
            (ScoreKind::Probabilities, 0.0),
            (ScoreKind::LogProbabilities, 0.0),
            (ScoreKind::Logits, 12.5),
            (ScoreKind::Logits, -300.0),
        ] {
            let source = Source {
                row: Data::F32(&[]),
                kind,
                normaliser,
            };
            for mass in [0.0, -0.3, -17.25, -1e4] {
                for distance in [1e-3, 0.1, 1.0, 20.0, 80.0] {
                    let bound = mass - distance;
                    let least = source.least_score(bound, mass);
                    let reached = mass + log_probability(kind, least, normaliser);
                    // An f32 of the score has 24 bits.
                    let size = match kind {
                        ScoreKind::Probabilities => 1.0,
                        _ => f64::from(least.abs()),
                    };
                    let short = bound - reached;
                    assert!(
                        short > 0.0 && short < 1e-8 + 3e-7 * size,
                        "{kind:?} {mass} {distance} {short}"
                    );
                }
            }
        }
    }
}
