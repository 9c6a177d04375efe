//! Random numbers as a function of a seed, a hypothesis, its length and a count: so they
//! depend on no thread, batch or level, and none has to be kept.
//!
//! They come from Philox4x32-10, a generator whose state is a counter (Salmon et al. 2011,
//! "Parallel Random Numbers: As Easy as 1, 2, 3", section 4.3).

use crate::kernels::ln::ln;
use crate::kernels::log_add::log_add_scalar;

/// What the random numbers of a hypothesis depend on: its group and its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::search::autoregressive) struct Key(u64);

impl Key {
    /// That of the empty hypothesis of a group.
    pub(in crate::search::autoregressive) fn root(group: usize) -> Key {
        Key(mix(group as u64 + 1))
    }

    /// That of the hypothesis with one more token.
    pub(in crate::search::autoregressive) fn longer(self, token: u32) -> Key {
        let weight = u64::from(token) + 1;
        let step = weight.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Key(mix(self.0.wrapping_add(step)))
    }
}

/// A permutation of 64 bits: the output function of SplitMix64 (Steele et al. 2014).
fn mix(bits: u64) -> u64 {
    let bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

/// The random numbers of one row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    seed: u64,
    key: Key,
    length: u32,
}

/// The count of the number that belongs to a row as a whole.
const WHOLE_ROW: u32 = u32::MAX;

impl Stream {
    /// Those of the row after a hypothesis of `length` tokens.
    pub(super) fn new(seed: u64, key: Key, length: usize) -> Stream {
        let length = length as u32;
        Stream { seed, key, length }
    }

    /// The pair of numbers of a count: uniform between 0 and 1, without either.
    pub(super) fn pair(self, count: u32) -> [f64; 2] {
        let [low, high] = halves(self.key.0);
        let [a, b, c, d] = philox([low, high, self.length, count], halves(self.seed));
        [unit(a, b), unit(c, d)]
    }

    /// The Gumbel variable of the row as a whole, at a location.
    pub(super) fn of_whole_row(self, location: f64) -> f64 {
        let [unit, _] = self.pair(WHOLE_ROW);
        location - ln(exponential(unit))
    }
}

fn halves(bits: u64) -> [u32; 2] {
    [bits as u32, (bits >> 32) as u32]
}

/// The upper 52 of 64 bits as a number between 0 and 1.
fn unit(low: u32, high: u32) -> f64 {
    let bits = (u64::from(high) << 32 | u64::from(low)) >> 12;
    (bits as f64 + 0.5) * f64::from_bits((1023 - 52) << 52)
}

/// The exponential variable of a uniform number.
pub(super) fn exponential(unit: f64) -> f64 {
    -ln(unit)
}

/// The Gumbel variable at a location, given that it is at most `limit`: e^-g is e^-limit plus
/// an exponential variable over e^location. It takes no difference of numbers that may be
/// close (Kool et al. 2019, appendix B.3, has another way).
pub(super) fn gumbel_at_most(limit: f64, location: f64, exponential: f64) -> f64 {
    -log_add_scalar(-limit, ln(exponential) - location)
}

/// Ten rounds: each multiplies two words to 64 bits and swaps the halves across.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut first, mut second]) = (counter, key);
    for _ in 0..10 {
        let [low, high] = halves(u64::from(a) * 0xd251_1f53);
        let [other_low, other_high] = halves(u64::from(c) * 0xcd9e_8d57);
        (a, c) = (other_high ^ b ^ first, high ^ d ^ second);
        (b, d) = (other_low, low);
        first = first.wrapping_add(0x9e37_79b9);
        second = second.wrapping_add(0xbb67_ae85);
    }
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Known answers of Random123 1.14 (kat_vectors).
    #[test]
    fn known_answers() {
        for (counter, key, expected) in [
            (
                [0; 4],
                [0; 2],
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                [u32::MAX; 4],
                [u32::MAX; 2],
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
        ] {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn numbers_are_between_0_and_1_and_differ() {
        assert_eq!(unit(0, 0), 2f64.powi(-53));
        assert_eq!(unit(u32::MAX, u32::MAX), 1.0 - 2f64.powi(-53));
        let stream = |seed, group, length| Stream::new(seed, Key::root(group), length);
        let mut all: Vec<u64> = Vec::new();
        for stream in [
            stream(0, 0, 0),
            stream(1, 0, 0),
            stream(0, 1, 0),
            stream(0, 0, 1),
        ] {
            for count in [0, 1, 2, WHOLE_ROW] {
                all.extend(stream.pair(count).map(f64::to_bits));
            }
        }
        let keys = [Key::root(0), Key::root(0).longer(0), Key::root(0).longer(1)];
        all.extend(keys.map(|key| key.0));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn limits_are_kept() {
        for unit in [unit(0, 0), 0.3, unit(u32::MAX, u32::MAX)] {
            for limit in [-700.0, -3.0, 0.0, 40.0] {
                for location in [-900.0, -3.0, 0.0] {
                    let found = gumbel_at_most(limit, location, exponential(unit));
                    assert!(found <= limit && found.is_finite(), "{found} {limit}");
                }
            }
        }
    }
}
