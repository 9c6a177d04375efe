//! Many tokens of a row put in order: by digits, from the last to the first
//! (Knuth, "The Art of Computer Programming" 3, section 5.2.5, algorithm R).
//!
//! Every pass keeps the order of equals, so tokens that come in ascending order
//! stay so within a value, and the token is no part of what is sorted by.

use crate::error::Error;
use crate::memory::resize;
use crate::order::rank_key;

/// Fewer tokens than this are sorted by comparing: the counts of the digits
/// would be more work than they are.
pub(super) const FEW: usize = 128;

/// Memory for sorting.
#[derive(Clone, Debug, Default)]
pub(super) struct Sorter {
    keys: Vec<u64>,
    other: Vec<u64>,
}

impl Sorter {
    /// Makes room for `capacity` tokens.
    pub(super) fn reserve(&mut self, capacity: usize, what: &'static str) -> Result<(), Error> {
        resize(&mut self.keys, capacity, what)?;
        resize(&mut self.other, capacity, what)
    }

    /// The [`rank_key`]s of tokens with their values, of which there is room
    /// for all.
    #[inline(always)]
    fn keys(&mut self, pairs: impl Iterator<Item = (f32, u32)>) -> &mut [u64] {
        let mut count = 0;
        for (key, (value, token)) in self.keys.iter_mut().zip(pairs) {
            *key = rank_key(value, token);
            count += 1;
        }
        &mut self.keys[..count]
    }

    /// The key of the k-th best token of at least k.
    pub(super) fn kth(&mut self, pairs: impl Iterator<Item = (f32, u32)>, k: usize) -> u64 {
        *self.keys(pairs).select_nth_unstable(k - 1).1
    }

    /// The keys of all tokens, best first, if they come in ascending order.
    #[inline(always)]
    pub(super) fn sort(&mut self, pairs: impl Iterator<Item = (f32, u32)>) -> &[u64] {
        let keys = self.keys(pairs);
        let len = keys.len();
        if len < FEW {
            keys.sort_unstable();
            return &self.keys[..len];
        }
        let (from, to) = (&mut self.keys[..len], &mut self.other[..len]);
        let values = || from.iter().map(|key| (key >> 32) as u32);
        let least = values().min().unwrap_or(0);
        // Values of one row have much in common: only the rest is sorted by.
        let bits = u32::BITS - (values().max().unwrap_or(0) - least).leading_zeros();
        // More bits a digit are fewer passes, but more places to add up: no more than the
        // fewest passes need.
        let most = match len {
            0..1024 => 8,
            1024..8192 => 10,
            _ => 11,
        };
        match bits.div_ceil(bits.div_ceil(most).max(1)) {
            0..=8 => by_digits::<8, 256, 4>(from, to, least, bits),
            9 => by_digits::<9, 512, 4>(from, to, least, bits),
            10 => by_digits::<10, 1024, 4>(from, to, least, bits),
            _ => by_digits::<11, 2048, 3>(from, to, least, bits),
        }
    }
}

/// Sorts keys by the `bits` lowest of what their values are above `least`, `BITS` of them a
/// pass; in which of the two slices they then are.
#[inline(always)]
fn by_digits<'a, const BITS: u32, const DIGITS: usize, const PASSES: usize>(
    mut from: &'a mut [u64],
    mut to: &'a mut [u64],
    least: u32,
    bits: u32,
) -> &'a [u64] {
    const { assert!(DIGITS == 1 << BITS && PASSES == u32::BITS.div_ceil(BITS) as usize) };
    let passes = bits.div_ceil(BITS) as usize;
    let digit = |key: u64, pass: usize| {
        let value = (key >> 32) as u32 - least;
        (value >> (pass as u32 * BITS)) as usize % DIGITS
    };

    // Counts of every second key, and of the others: neighbours often share a digit, and a
    // count that is added to waits for the addition before.
    let (mut places, mut others) = ([[0u32; DIGITS]; PASSES], [[0u32; DIGITS]; PASSES]);
    let (twos, rest) = from.as_chunks::<2>();
    for [a, b] in twos {
        let counts = places.iter_mut().zip(&mut others).enumerate();
        for (pass, (places, others)) in counts.take(passes) {
            places[digit(*a, pass)] += 1;
            others[digit(*b, pass)] += 1;
        }
    }
    for &key in rest {
        for (pass, places) in places.iter_mut().enumerate().take(passes) {
            places[digit(key, pass)] += 1;
        }
    }
    let counts = places.iter_mut().zip(&others).enumerate();
    for (pass, (places, others)) in counts.take(passes) {
        let mut start = 0;
        for (place, other) in places.iter_mut().zip(others) {
            let count = *place + *other;
            *place = start;
            start += count;
        }
        let mut place_of = |key| {
            let place = &mut places[digit(key, pass)];
            *place += 1;
            *place as usize - 1
        };
        // The places of four keys are looked up before any of these is written:
        // a load that follows a write to an unknown place may wait for it.
        let (fours, rest) = from.as_chunks::<4>();
        for four in fours {
            let [a, b, c, d] = four.map(&mut place_of);
            to[a] = four[0];
            to[b] = four[1];
            to[c] = four[2];
            to[d] = four[3];
        }
        for &key in rest {
            to[place_of(key)] = key;
        }
        std::mem::swap(&mut from, &mut to);
    }
    from
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// Values that differ in any number of bits, and many that do not.
    #[test]
    fn sorts_as_a_comparison_does() {
        let mut random = Random::new(1);
        for bits in 0..=32 {
            for len in [0, 1, 2, FEW - 1, FEW, 300, 1023, 1024, 2001, 9000] {
                let mut sorter = Sorter::default();
                sorter.reserve(len, "a test").unwrap();
                let mut value = || {
                    let low = u64::from(random.bits()) & ((1 << bits) - 1);
                    let value = f32::from_bits(0x3f00_0000 ^ low as u32);
                    if value.is_nan() { 0.0 } else { value }
                };
                let pairs: Vec<(f32, u32)> =
                    (0..len as u32).map(|token| (value(), token)).collect();
                let keys = pairs.iter().map(|&(value, token)| rank_key(value, token));
                let mut expected: Vec<u64> = keys.collect();
                expected.sort_unstable();
                assert_eq!(sorter.sort(pairs.iter().copied()), expected);
                for k in [1, len / 2, len] {
                    if (1..=len).contains(&k) {
                        let kth = sorter.kth(pairs.iter().copied(), k);
                        assert_eq!(kth, expected[k - 1]);
                    }
                }
            }
        }
    }
}
