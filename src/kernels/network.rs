//! Eight lists put in order together, one in each lane of an f64 vector.
//!
//! The entries are [`number_key`](crate::order::number_key)s: a score and its
//! token in one f64, so a comparison of two entries in all eight lists is one
//! `max` and one `min`, and there is no branch to mispredict.
//!
//! ```text
//! let K = k rounded up to a power of two, at least 8
//! sort each K entries: blocks of 8 by a network of 19 comparators,
//!                      two blocks by an odd-even merge, more by bitonic merges
//!                      (both Batcher, 1968)
//! for each further K entries:
//!     best[i] = max(best[i], further[K - 1 - i])     the best K of 2K, bitonic
//!     merge best
//! ```
//!
//! The last K entries may be fewer, whole blocks of them: those that lack are -infinity, and
//! as each comparator puts the larger entry in front, it has nothing to do where its second
//! one lacks. So the cost has no steps at the powers of two.
//!
//! Up to 16 entries go through a network as straight code, most of them in
//! registers. An odd-even merge of two blocks takes 25 comparators where a bitonic
//! one takes 32; for the best half alone both take as many.

use crate::simd::{F64_LANES, F64Part, Simd};

/// One entry of each list.
pub(crate) type Entry = [f64; F64_LANES];

/// Entries that are sorted in registers.
pub(crate) const BLOCK: usize = 8;

/// Two blocks.
const PAIR: usize = 2 * BLOCK;

/// How many entries a list of `len` must be filled up to for [`sort_largest`].
#[inline(always)]
pub(crate) fn padded(len: usize) -> usize {
    len.next_multiple_of(BLOCK)
}

#[inline(always)]
fn group(k: usize) -> usize {
    k.next_power_of_two().max(BLOCK)
}

/// Moves the `k` largest entries of each list to the front, descending. The
/// number of entries is one that [`padded`] returns, and at least k.
#[inline(always)]
pub(crate) fn sort_largest<S: Simd>(simd: S, lists: &mut [Entry], k: usize) {
    for block in lists.as_chunks_mut::<BLOCK>().0 {
        in_registers::<S, true>(simd, block);
    }
    merge_largest(simd, lists, k);
}

/// [`sort_largest`] of lists whose blocks are sorted already.
#[inline(always)]
pub(crate) fn merge_largest<S: Simd>(simd: S, lists: &mut [Entry], k: usize) {
    let group = group(k);
    if group == BLOCK {
        return best_block(simd, lists);
    }
    for entries in lists.chunks_mut(group) {
        merge_blocks(simd, entries);
    }
    let (best, others) = lists.split_at_mut(group.min(lists.len()));
    for other in others.chunks(group) {
        if let (Ok(best), Ok(other)) =
            (<&mut [Entry; PAIR]>::try_from(&mut *best), other.try_into())
        {
            best_pair(simd, best, other);
            continue;
        }
        for (best, other) in best.iter_mut().rev().zip(other) {
            for part in 0..S::F64Part::PARTS {
                let other = simd.f64_load_part(other, part);
                simd.f64_load_part(best, part).max(other).store(best, part);
            }
        }
        merge(simd, best);
    }
}

/// The best block of all.
#[inline(always)]
fn best_block<S: Simd>(simd: S, lists: &mut [Entry]) {
    let Some((best, others)) = lists.as_chunks_mut::<BLOCK>().0.split_first_mut() else {
        return;
    };
    for part in 0..S::F64Part::PARTS {
        let mut entries = load_part(simd, best, part);
        for other in others.iter() {
            for (entry, other) in entries.iter_mut().rev().zip(other) {
                *entry = entry.max(simd.f64_load_part(other, part));
            }
            merge_eight(&mut entries);
        }
        store_part(entries, best, part);
    }
}

/// The best two blocks of four, of which each two are sorted.
#[inline(always)]
fn best_pair<S: Simd>(simd: S, best: &mut [Entry; PAIR], other: &[Entry; PAIR]) {
    for part in 0..S::F64Part::PARTS {
        let zero = simd.f64_load_part(&best[0], part);
        let (mut high, mut low) = ([zero; BLOCK], [zero; BLOCK]);
        for i in 0..BLOCK {
            let a = simd.f64_load_part(&best[i], part);
            let a = a.max(simd.f64_load_part(&other[PAIR - 1 - i], part));
            let b = simd.f64_load_part(&best[i + BLOCK], part);
            let b = b.max(simd.f64_load_part(&other[BLOCK - 1 - i], part));
            high[i] = a.max(b);
            low[i] = a.min(b);
        }
        merge_eight(&mut high);
        merge_eight(&mut low);
        for (i, (high, low)) in high.into_iter().zip(low).enumerate() {
            high.store(&mut best[i], part);
            low.store(&mut best[i + BLOCK], part);
        }
    }
}

/// Sorts entries whose blocks are sorted, descending.
#[inline(always)]
fn merge_blocks<S: Simd>(simd: S, entries: &mut [Entry]) {
    for pair in entries.as_chunks_mut::<PAIR>().0 {
        merge_pair(simd, pair);
    }
    let mut run = PAIR;
    while run < entries.len() {
        for pair in entries.chunks_mut(2 * run) {
            if let Some((left, right)) = pair.split_at_mut_checked(run) {
                // The last of the left with the first of the right, and so on.
                for (a, b) in left.iter_mut().rev().zip(right.iter_mut()) {
                    compare(simd, a, b);
                }
                merge(simd, left);
                merge(simd, right);
            }
        }
        run *= 2;
    }
}

/// Sorts two sorted blocks, by an odd-even merge.
#[inline(always)]
fn merge_pair<S: Simd>(simd: S, pair: &mut [Entry; PAIR]) {
    for part in 0..S::F64Part::PARTS {
        let mut entries = load_part(simd, pair, part);
        let (low, high) = (
            [(0, 8), (1, 9), (2, 10), (3, 11)],
            [(4, 12), (5, 13), (6, 14), (7, 15)],
        );
        exchange(&mut entries, low);
        exchange(&mut entries, high);
        exchange(&mut entries, [(4, 8), (5, 9), (6, 10), (7, 11)]);
        exchange(
            &mut entries,
            [(2, 4), (3, 5), (6, 8), (7, 9), (10, 12), (11, 13)],
        );
        exchange(
            &mut entries,
            [(1, 2), (3, 4), (5, 6), (7, 8), (9, 10), (11, 12), (13, 14)],
        );
        store_part(entries, pair, part);
    }
}

/// Sorts entries that are of a bitonic order if they are filled up to a power of two,
/// descending.
#[inline(always)]
fn merge<S: Simd>(simd: S, entries: &mut [Entry]) {
    let mut distance = entries.len().next_power_of_two() / 2;
    while distance >= BLOCK {
        for pair in entries.chunks_mut(2 * distance) {
            if let Some((left, right)) = pair.split_at_mut_checked(distance) {
                for (a, b) in left.iter_mut().zip(right) {
                    compare(simd, a, b);
                }
            }
        }
        distance /= 2;
    }
    for block in entries.as_chunks_mut::<BLOCK>().0 {
        in_registers::<S, false>(simd, block);
    }
}

#[inline(always)]
fn compare<S: Simd>(simd: S, a: &mut Entry, b: &mut Entry) {
    for part in 0..S::F64Part::PARTS {
        let (x, y) = (simd.f64_load_part(a, part), simd.f64_load_part(b, part));
        x.max(y).store(a, part);
        x.min(y).store(b, part);
    }
}

/// Sorts a block, of any order or (unless `ANY`) of a bitonic one. A function
/// passed in for the network would not be inlined into a level's entry.
#[inline(always)]
fn in_registers<S: Simd, const ANY: bool>(simd: S, block: &mut [Entry; BLOCK]) {
    for part in 0..S::F64Part::PARTS {
        let mut entries = load_part(simd, block, part);
        if ANY {
            sort_eight(&mut entries);
        } else {
            merge_eight(&mut entries);
        }
        store_part(entries, block, part);
    }
}

/// Sorts a block that is in registers.
#[inline(always)]
pub(crate) fn sort_block<S: Simd>(simd: S, block: [S::F64; BLOCK], out: &mut [Entry; BLOCK]) {
    for part in 0..S::F64Part::PARTS {
        let mut entries = [simd.f64_part(block[0], part); BLOCK];
        for (entry, from) in entries.iter_mut().zip(block) {
            *entry = simd.f64_part(from, part);
        }
        sort_eight(&mut entries);
        store_part(entries, out, part);
    }
}

#[inline(always)]
fn load_part<S: Simd, const N: usize>(simd: S, block: &[Entry; N], part: usize) -> [S::F64Part; N] {
    let mut entries = [simd.f64_load_part(&block[0], part); N];
    for (entry, from) in entries.iter_mut().zip(block) {
        *entry = simd.f64_load_part(from, part);
    }
    entries
}

#[inline(always)]
fn store_part<P: F64Part, const N: usize>(entries: [P; N], block: &mut [Entry; N], part: usize) {
    for (entry, out) in entries.into_iter().zip(block) {
        entry.store(out, part);
    }
}

/// Nineteen comparators, the fewest there can be (Knuth, "The Art of Computer
/// Programming" 3, section 5.3.4).
#[inline(always)]
fn sort_eight<P: F64Part>(entries: &mut [P; BLOCK]) {
    exchange(entries, [(0, 2), (1, 3), (4, 6), (5, 7)]);
    exchange(entries, [(0, 4), (1, 5), (2, 6), (3, 7)]);
    exchange(entries, [(0, 1), (2, 3), (4, 5), (6, 7)]);
    exchange(entries, [(2, 4), (3, 5)]);
    exchange(entries, [(1, 4), (3, 6)]);
    exchange(entries, [(1, 2), (3, 4), (5, 6)]);
}

/// Sorts eight of a bitonic order.
#[inline(always)]
fn merge_eight<P: F64Part>(entries: &mut [P; BLOCK]) {
    exchange(entries, [(0, 4), (1, 5), (2, 6), (3, 7)]);
    exchange(entries, [(0, 2), (1, 3), (4, 6), (5, 7)]);
    exchange(entries, [(0, 1), (2, 3), (4, 5), (6, 7)]);
}

/// One layer of comparators. In one table with the others it would be a loop
/// over memory: only loops as short as this are unrolled into registers.
#[inline(always)]
fn exchange<P: F64Part, const M: usize, const N: usize>(
    entries: &mut [P; M],
    pairs: [(usize, usize); N],
) {
    for &(i, j) in &pairs {
        let (x, y) = (entries[i], entries[j]);
        entries[i] = x.max(y);
        entries[j] = x.min(y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::simd::{Dispatch, Kernel, Level};

    struct SortLargest<'a>(&'a mut [Entry], usize);

    impl Kernel for SortLargest<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            sort_largest(simd, self.0, self.1);
        }
    }

    fn check(lists: &[Entry], k: usize) {
        for level in Level::available() {
            let mut found = lists.to_vec();
            Dispatch::new(level)
                .unwrap()
                .run(SortLargest(&mut found, k));
            for lane in 0..F64_LANES {
                let mut expected: Vec<f64> = lists.iter().map(|entry| entry[lane]).collect();
                expected.sort_by(|a, b| b.total_cmp(a));
                let found: Vec<f64> = found.iter().map(|entry| entry[lane]).collect();
                assert_eq!(found[..k], expected[..k], "{level} k {k}");
            }
        }
    }

    /// A network that sorts all zeros and ones sorts everything.
    #[test]
    fn blocks_of_all_zeros_and_ones() {
        for bits in (0..1u32 << PAIR).step_by(F64_LANES) {
            let mut lists = [[0.0; F64_LANES]; PAIR];
            for (i, entry) in lists.iter_mut().enumerate() {
                for (lane, number) in entry.iter_mut().enumerate() {
                    *number = f64::from((bits + lane as u32) >> i & 1);
                }
            }
            check(&lists, PAIR);
            check(&lists, BLOCK);
        }
    }

    #[test]
    fn every_size_and_k() {
        let mut random = Random::new(1);
        for len in (1..=140).chain([200, 257, 400, 513]) {
            for k in 1..=len {
                if len > 140 && k % 37 != 1 && k != len {
                    continue;
                }
                let padded = padded(len);
                assert!(padded >= len && padded >= k);
                let mut lists = vec![[f64::NEG_INFINITY; F64_LANES]; padded];
                for number in lists[..len].as_flattened_mut() {
                    *number = random.below(256) as f64;
                }
                check(&lists, k);
            }
        }
    }
}
