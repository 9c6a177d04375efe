//! Putting the few tokens that survived a scan in order.

use crate::order::{key_token, key_value, rank_key};
use crate::simd::{F32_LANES, F32Lanes, Simd};

/// Up to this many survivors are ordered by counting.
const COUNTING_MAX: usize = 128;

/// Vectors that are counted for at a time: one would wait for itself.
const WAYS: usize = 4;

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
        let padded = capacity.next_multiple_of(WAYS * F32_LANES);
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
            let mut counting = Counting::new(&self.values[..self.len]);
            let (vectors, _) = self.values.as_chunks::<F32_LANES>();
            let own_tokens = self.tokens[..self.len].chunks(WAYS * F32_LANES);
            for (own, own_tokens) in vectors.as_chunks::<WAYS>().0.iter().zip(own_tokens) {
                counting.place(simd, own, own_tokens, tokens, values);
            }
        } else {
            self.rank_by_sorting(tokens, values);
        }
        self.len.min(k)
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

/// Ranks tokens by counting: the rank of a token is the number of tokens above
/// it. Tokens of equal value count the same, and take their places in the order
/// in which they come, which must be that of their ids.
pub(crate) struct Counting<'a> {
    /// The values of all tokens there are, at most `COUNTING_MAX`.
    pub(crate) all: &'a [f32],
    /// How many tokens of each count have taken their places.
    pub(crate) taken: [u8; COUNTING_MAX],
}

impl<'a> Counting<'a> {
    #[inline(always)]
    pub(crate) fn new(all: &'a [f32]) -> Self {
        Counting {
            all,
            taken: [0; COUNTING_MAX],
        }
    }

    /// Puts `own_tokens`, whose values stand in `own` (padded with anything but
    /// NaN), in their places among the best of all in `tokens` and `values`.
    #[inline(always)]
    pub(crate) fn place<S: Simd, const WAYS: usize>(
        &mut self,
        simd: S,
        own: &[[f32; F32_LANES]; WAYS],
        own_tokens: &[u32],
        tokens: &mut [u32],
        values: &mut [f32],
    ) {
        let k = tokens.len();
        let wanted = simd.f32_splat(k as f32);
        let mut lanes = [wanted; WAYS];
        for (lanes, own) in lanes.iter_mut().zip(own) {
            *lanes = simd.f32_load(own);
        }
        let mut counts = [simd.f32_splat(0.0); WAYS];
        for &value in self.all {
            let value = simd.f32_splat(value);
            for (count, lanes) in counts.iter_mut().zip(lanes) {
                *count = lanes.count_less(value, *count);
            }
        }
        // The lanes that count fewer than k, by bit.
        let mut best = 0u64;
        let mut above = [[0.0; F32_LANES]; WAYS];
        for (way, (count, out)) in counts.iter().zip(&mut above).enumerate() {
            best |= u64::from(!count.ge(wanted) & 0xffff) << (way * F32_LANES);
            count.store(out);
        }
        let (above, own) = (above.as_flattened(), own.as_flattened());
        if own_tokens.len() < own.len() {
            best &= (1 << own_tokens.len()) - 1;
        }
        while best != 0 {
            let lane = best.trailing_zeros() as usize;
            best &= best - 1;
            let count = above[lane] as usize % COUNTING_MAX;
            let rank = count + usize::from(self.taken[count]);
            self.taken[count] += 1;
            if rank < k {
                tokens[rank] = own_tokens[lane];
                values[rank] = own[lane];
            }
        }
    }
}
