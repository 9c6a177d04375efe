//! One block of a row, read once: the maxima of small groups of its tokens,
//! the check of its values, and for logits its part of the log-sum-exp.
//!
//! A row is the sum of its blocks: they can be scanned apart, by any threads,
//! and nothing that is found in one depends on another. The maxima then tell
//! where in the row the tokens above some bar are, without reading it again.

use super::element::Lanes;
use super::log_sum_exp::{BLOCK, Sum};
use super::logits;
use super::scan::{Ahead, COLUMNS, STRIPE, Stripes};
use crate::scores::ScoreKind;
use crate::simd::{F32_LANES, F32Lanes, Seen, Simd};

/// Neighbouring tokens that share a maximum.
pub(crate) const GROUP: usize = STRIPE;
/// Groups in a block.
pub(crate) const BLOCK_GROUPS: usize = BLOCK / GROUP;

/// Scans a block and writes the maximum of each of its groups; -infinity for
/// those that it does not have. `next` is what will be read next. Of scores that
/// are no logits nothing is summed. `None` if a score is invalid.
#[inline(always)]
pub(crate) fn scan_block<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    block: &[E],
    next: &[E],
    maxima: &mut [f32; BLOCK_GROUPS],
) -> Option<Sum> {
    let stripes = Stripes::new(block, next, kind);
    *maxima = [f32::NEG_INFINITY; BLOCK_GROUPS];
    if kind == ScoreKind::Logits {
        let mut prefetcher = Ahead::of_logits::<S, E>(false).prefetcher(block, next);
        return logits::scan_block(simd, &stripes, &mut prefetcher, maxima);
    }
    // A short row ends where the processor has just begun to prefetch.
    let (largest, invalid) = match block.len() < BLOCK {
        true => scan_stripes(
            simd,
            kind,
            &stripes,
            Ahead::First(1 << 10),
            maxima,
            (block, next),
        ),
        false => scan_stripes(
            simd,
            kind,
            &stripes,
            Ahead::of_scan::<S, E>(),
            maxima,
            (block, next),
        ),
    };
    let largest = largest.reduce_max();
    let valid = !invalid && kind.accepts(largest);
    valid.then_some(Sum {
        largest,
        ..Sum::default()
    })
}

/// The largest scores, and whether one is invalid.
#[inline(always)]
fn scan_stripes<S: Simd, E: Lanes>(
    simd: S,
    kind: ScoreKind,
    stripes: &Stripes<'_, E>,
    ahead: Ahead,
    maxima: &mut [f32; BLOCK_GROUPS],
    (block, next): (&[E], &[E]),
) -> (S::F32, bool) {
    let mut prefetcher = ahead.prefetcher(block, next);
    let mut largest = simd.f32_splat(f32::NEG_INFINITY);
    // NaN is below everything.
    let floor = simd.f32_splat(kind.impossible());
    let mut seen = simd.f32_unseen();
    for (index, maximum) in maxima.iter_mut().enumerate().take(stripes.len()) {
        let stripe = stripes.get(index);
        let peak = stripe_maxima(simd, stripe);
        largest = largest.max(peak);
        *maximum = peak.reduce_max();
        for lanes in stripe.as_chunks::<F32_LANES>().0 {
            seen = E::load(simd, lanes).see_below(floor, seen);
        }
        if ahead != Ahead::Nothing {
            prefetcher.step();
        }
    }
    (largest, seen.any())
}

/// The maxima of the tokens in the same lane of a stripe's vectors.
#[inline(always)]
fn stripe_maxima<S: Simd, E: Lanes>(simd: S, stripe: &[E; STRIPE]) -> S::F32 {
    let vectors = stripe.as_chunks::<F32_LANES>().0;
    // A tree: a chain would make each wait for the one before.
    let mut maxima = [simd.f32_splat(0.0); COLUMNS / 2];
    for (maximum, [a, b]) in maxima.iter_mut().zip(vectors.as_chunks().0) {
        *maximum = E::load(simd, a).max(E::load(simd, b));
    }
    let [a, b, c, d] = maxima;
    a.max(b).max(c.max(d))
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

#[cfg(test)]
mod tests {
    use half::{bf16, f16};

    use super::super::log_sum_exp::{REACH, RunningSum};
    use super::*;
    use crate::kernels::top_k::cases::random;
    use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
    use crate::simd::{Dispatch, Kernel, Level};

    struct Scan<'a, E> {
        kind: ScoreKind,
        block: &'a [E],
        maxima: &'a mut [f32; BLOCK_GROUPS],
    }

    impl<E: Lanes> Kernel for Scan<'_, E> {
        type Output = Option<Sum>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Option<Sum> {
            scan_block(simd, self.kind, self.block, &[], self.maxima)
        }
    }

    struct Reaching<'a, E> {
        row: &'a [E],
        maxima: &'a [[f32; BLOCK_GROUPS]],
        least: f32,
    }

    impl<E: Lanes> Kernel for Reaching<'_, E> {
        type Output = Vec<(u32, f32)>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<(u32, f32)> {
            let (mut groups, mut found) = (Vec::new(), Vec::new());
            groups_reaching(simd, self.maxima, self.least, &mut groups);
            for group in groups {
                tokens_reaching(simd, self.row, group as usize, self.least, &mut found);
            }
            found
        }
    }

    /// Scans a row in blocks, and compares all that is found with what each
    /// definition says.
    fn check<E: Lanes>(kind: ScoreKind, row: &[E]) {
        let values: Vec<f32> = row.iter().map(|value| value.to_f32()).collect();
        let expected_maxima: Vec<f32> = values
            .chunks(GROUP)
            .map(|group| group.iter().copied().fold(f32::NEG_INFINITY, f32::max))
            .collect();
        for level in Level::available() {
            let dispatch = Dispatch::new(level).unwrap();
            let mut maxima = vec![[f32::NAN; BLOCK_GROUPS]; row.len().div_ceil(BLOCK)];
            let mut sum = RunningSum::EMPTY;
            for (block, maxima) in row.chunks(BLOCK).zip(&mut maxima) {
                let part = dispatch.run(Scan {
                    kind,
                    block,
                    maxima,
                });
                let part = part.unwrap();
                sum.add(part);
            }
            let (real, beyond) = maxima.as_flattened().split_at(expected_maxima.len());
            assert_eq!(real, expected_maxima, "{level} {kind:?} {}", row.len());
            assert!(beyond.iter().all(|&max| max == f32::NEG_INFINITY));
            if kind == Logits {
                let expected = crate::reference::log_sum_exp(&values);
                assert_eq!(sum.ln().to_bits(), expected.to_bits(), "{level}");
            }
            for least in [values[row.len() / 2], values[0].next_up(), f32::MIN] {
                let least = least.max(kind.least_possible());
                let found = dispatch.run(Reaching {
                    row,
                    maxima: &maxima,
                    least,
                });
                let all = (0..).zip(values.iter().copied());
                let expected: Vec<(u32, f32)> = all.filter(|&(_, x)| x >= least).collect();
                assert_eq!(found, expected, "{level} {kind:?} {}", row.len());
            }
        }
    }

    #[test]
    fn blocks_of_every_length() {
        let mut random = random(1);
        let lengths = (1..300).chain((300..BLOCK).step_by(61));
        for length in lengths.chain([BLOCK - 1, BLOCK, BLOCK + 1, 5000]) {
            let row: Vec<f32> = (0..length).map(|_| random()).collect();
            check(Probabilities, &row);
            let row: Vec<f32> = row.iter().map(|x| 20.0 * x - 21.0).collect();
            check(LogProbabilities, &row);
            check(Logits, &row);
            // The first scores are impossible, or far below the others.
            for low in [f32::NEG_INFINITY, -60.0] {
                let mut row = row.clone();
                row[..length.min(STRIPE + 7)].fill(low);
                check(Logits, &row);
            }
            check(
                Logits,
                &row.iter().map(|&x| f16::from_f32(x)).collect::<Vec<_>>(),
            );
            check(
                Logits,
                &row.iter().map(|&x| bf16::from_f32(x)).collect::<Vec<_>>(),
            );
        }
    }

    /// Just as far above a block's first scores as is allowed, and just above that.
    #[test]
    fn blocks_at_the_reach_of_their_reference() {
        let largest = 3.5f32;
        let lowest_reference = largest - REACH;
        // The first one lower whose distance, as f32, is more than that.
        let beyond = lowest_reference.next_down().next_down();
        assert!(largest - beyond > REACH);
        for reference in [lowest_reference, beyond, -13.0] {
            for length in [STRIPE + 1, 700, BLOCK, 3 * BLOCK, 8192 + 300] {
                let mut row: Vec<f32> = (0..length).map(|i| -14.0 - i as f32 * 1e-3).collect();
                for (number, block) in row.chunks_mut(BLOCK).enumerate() {
                    block[number] = reference;
                    if let Some(last) = block.get_mut(STRIPE..).and_then(<[f32]>::last_mut) {
                        *last = largest;
                    }
                }
                check(Logits, &row);
                let halves: Vec<f16> = row.iter().map(|&x| f16::from_f32(x)).collect();
                check(Logits, &halves);
            }
        }
    }

    #[test]
    fn one_invalid_score_refuses_a_block() {
        for (kind, invalid) in [
            (Probabilities, [f32::NAN, f32::INFINITY, -1e-30]),
            (LogProbabilities, [f32::NAN, f32::INFINITY, 0.01]),
            (Logits, [f32::NAN, -f32::NAN, f32::INFINITY]),
        ] {
            for length in [1usize, 127, 128, 129, BLOCK] {
                for at in (0..length).step_by(length.div_ceil(30)) {
                    for value in invalid {
                        let mut block = vec![0.0; length];
                        block[at] = value;
                        for level in Level::available() {
                            let found = Dispatch::new(level).unwrap().run(Scan {
                                kind,
                                block: &block,
                                maxima: &mut [0.0; BLOCK_GROUPS],
                            });
                            assert!(found.is_none(), "{level} {kind:?} {value} at {at}/{length}");
                        }
                    }
                }
            }
        }
    }
}
