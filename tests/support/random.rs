//! A generator of pseudo-random numbers, the same at every run.

// Each user draws some kinds of numbers.
#![allow(dead_code)]

/// Marsaglia's xorshift generator of 64 bits.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// From a small seed the first one or two numbers are 0.
    ///
    /// # Panics
    ///
    /// If the seed is 0, after which all numbers would be 0.
    pub(crate) fn new(seed: u64) -> Self {
        assert_ne!(seed, 0);
        Random(seed)
    }

    /// The upper half of the next state.
    pub(crate) fn bits(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    /// A number from 0 to `limit` - 1, which may be below 2^32.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.bits() as usize % limit
    }

    /// Whether an event happens that has a chance of one in `chance`.
    pub(crate) fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }

    /// A number from 0 up to, but not including, 1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }
}
