//! The total order of the tokens of a row, as a sortable key: the one place
//! that knows what a tie is.
//!
//! A row ranks its tokens by value, highest first, then by token id, lowest
//! first. Zeros of both signs are equal.

/// An integer of the order of f32: `a < b` as numbers is `sortable(a) <
/// sortable(b)`, and -0.0 has the integer of 0.0. Not for NaN.
#[inline(always)]
pub(crate) fn sortable(value: f32) -> u32 {
    let bits = (value + 0.0).to_bits();
    let sign = ((bits as i32) >> 31) as u32;
    bits ^ (sign | 0x8000_0000)
}

/// The number that [`sortable`] turned into `key`.
#[inline(always)]
pub(crate) fn from_sortable(key: u32) -> f32 {
    let sign = ((!key as i32) >> 31) as u32;
    f32::from_bits(key ^ (sign | 0x8000_0000))
}

/// Sorts ascending in the order of ranks: the best token has the least key.
#[inline(always)]
pub(crate) fn rank_key(value: f32, token: u32) -> u64 {
    u64::from(!sortable(value)) << 32 | u64::from(token)
}

/// The token of a [`rank_key`].
#[inline(always)]
pub(crate) fn key_token(key: u64) -> u32 {
    key as u32
}

/// The value of a [`rank_key`]; a negative zero comes back as zero.
#[inline(always)]
pub(crate) fn key_value(key: u64) -> f32 {
    from_sortable(!((key >> 32) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_rank_by_value_then_token_with_zeros_equal() {
        let values = [
            f32::INFINITY,
            f32::MAX,
            1.0,
            f32::MIN_POSITIVE,
            f32::from_bits(1),
            0.0,
            -f32::from_bits(1),
            -1.0,
            f32::MIN,
            f32::NEG_INFINITY,
        ];
        for pair in values.windows(2) {
            assert!(rank_key(pair[0], 9) < rank_key(pair[1], 3), "{pair:?}");
            assert_eq!(from_sortable(sortable(pair[0])), pair[0]);
        }
        assert_eq!(rank_key(-0.0, 7), rank_key(0.0, 7));
        assert!(rank_key(-0.0, 7) < rank_key(0.0, 8));
        assert_eq!(key_token(rank_key(-2.5, 77)), 77);
        assert_eq!(key_value(rank_key(-2.5, 77)), -2.5);
    }
}
