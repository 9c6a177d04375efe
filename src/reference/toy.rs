//! The hash that toy models draw their scores from.

/// A hash of 64 bits (the finaliser of SplitMix64); `perf/peers/toy.py` has
/// the same.
pub fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
