//! Putting the few tokens that survived a scan in order.

use crate::order::{key_token, key_value, rank_key};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// Up to this many survivors are ordered by counting.
pub(crate) const COUNTING_MAX: usize = 128;

/// Tokens that may be among the best of a row, with their values.
///
/// In order of token id, unless the list was cut in between.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survivors {
    values: Vec<f32>,
    tokens: Vec<u32>,
    keys: Vec<u64>,
    len: usize,
    in_token_order: bool,
}

impl Survivors {
    /// An empty list with room for `capacity`.
    #[inline(always)]
    pub(crate) fn clear(&mut self, capacity: usize) {
        let padded = capacity.next_multiple_of(4 * F32_LANES);
        if self.values.len() < padded {
            self.values.resize(padded, 0.0);
            self.tokens.resize(padded, 0);
        }
        self.len = 0;
        self.in_token_order = true;
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn push(&mut self, value: f32, token: u32) {
        self.values[self.len] = value;
        self.tokens[self.len] = token;
        self.len += 1;
    }

    /// Keeps the best k of more than k; returns the value of the last of them.
    #[cold]
    pub(crate) fn keep_best(&mut self, k: usize) -> f32 {
        self.make_keys();
        let (_, &mut last, _) = self.keys.select_nth_unstable(k - 1);
        self.len = 0;
        for &key in &self.keys[..k] {
            self.values[self.len] = key_value(key);
            self.tokens[self.len] = key_token(key);
            self.len += 1;
        }
        self.in_token_order = false;
        key_value(last)
    }

    fn make_keys(&mut self) {
        self.keys.clear();
        let pairs = self.values[..self.len].iter().zip(&self.tokens[..self.len]);
        self.keys
            .extend(pairs.map(|(&value, &token)| rank_key(value, token)));
    }

    /// Writes the best, in order, to `tokens` and `values`, which have one
    /// length k; returns how many there are, at most k.
    #[inline(always)]
    pub(crate) fn rank_into<S: Simd>(
        &mut self,
        simd: S,
        tokens: &mut [u32],
        values: &mut [f32],
    ) -> usize {
        let k = tokens.len();
        if self.in_token_order && self.len <= COUNTING_MAX {
            self.rank_by_counting(simd, tokens, values);
        } else {
            self.rank_by_sorting(tokens, values);
        }
        self.len.min(k)
    }

    /// The rank of a token is the number of tokens above it. They are counted
    /// for sixteen tokens at a time; tokens of equal value count the same and
    /// take their places in the order they are in, that of token ids.
    #[inline(always)]
    fn rank_by_counting<S: Simd>(&mut self, simd: S, tokens: &mut [u32], values: &mut [f32]) {
        // Four counters at a time, because one would wait for itself.
        const WAYS: usize = 4;
        let k = tokens.len();
        let mut taken = [0u8; COUNTING_MAX];
        let (blocks, _) = self.values.as_chunks::<{ WAYS * F32_LANES }>();
        for (block, lanes) in blocks.iter().enumerate() {
            let start = block * WAYS * F32_LANES;
            if start >= self.len {
                break;
            }
            let mut own = [simd.f32_splat(0.0); WAYS];
            for (own, lanes) in own.iter_mut().zip(lanes.as_chunks::<F32_LANES>().0) {
                *own = simd.f32_load(lanes);
            }
            let mut counts = [simd.f32_splat(0.0); WAYS];
            for &value in &self.values[..self.len] {
                let value = simd.f32_splat(value);
                for (count, own) in counts.iter_mut().zip(own) {
                    *count = own.count_less(value, *count);
                }
            }
            let mut above = [0.0; WAYS * F32_LANES];
            for (count, out) in counts.iter().zip(above.as_chunks_mut::<F32_LANES>().0) {
                count.store(out);
            }
            let own_tokens = &self.tokens[start..self.len];
            for ((&count, &value), &token) in above.iter().zip(lanes).zip(own_tokens) {
                let count = count as usize % COUNTING_MAX;
                let rank = count + usize::from(taken[count]);
                taken[count] += 1;
                if rank < k {
                    tokens[rank] = token;
                    values[rank] = value;
                }
            }
        }
    }

    fn rank_by_sorting(&mut self, tokens: &mut [u32], values: &mut [f32]) {
        let k = tokens.len();
        self.make_keys();
        if self.keys.len() > k {
            self.keys.select_nth_unstable(k - 1);
            self.keys.truncate(k);
        }
        self.keys.sort_unstable();
        for ((&key, token), value) in self.keys.iter().zip(tokens).zip(values) {
            *token = key_token(key);
            *value = key_value(key);
        }
    }
}
