//! Random numbers that are a function of a seed, a hypothesis, a step and a count.

use crate::kernels::ln::ln;
use crate::reference::log_add;
use crate::reference::toy::mix;

/// What the random numbers of a hypothesis depend on: its tokens and its group.
pub(super) type Key = u64;

/// The key of the empty hypothesis of a group.
pub(super) fn root(group: usize) -> Key {
    mix(group as u64 + 1)
}

/// The key of a hypothesis with one more token.
pub(super) fn longer(key: Key, token: u32) -> Key {
    let step = 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(u64::from(token) + 1);
    mix(key.wrapping_add(step))
}

/// Where numbers are drawn: the seed, the hypothesis, and its length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) seed: u64,
    pub(super) key: Key,
    pub(super) length: usize,
}

/// The count of the numbers that belong to a row as a whole.
const OWN: u32 = u32::MAX;

impl Stream {
    /// Two numbers between 0 and 1, without either.
    pub(super) fn pair(self, count: u32) -> [f64; 2] {
        let counter = [
            self.key as u32,
            (self.key >> 32) as u32,
            self.length as u32,
            count,
        ];
        let key = [self.seed as u32, (self.seed >> 32) as u32];
        let [a, b, c, d] = philox(counter, key).map(u64::from);
        [b << 32 | a, d << 32 | c].map(unit)
    }

    /// The Gumbel variable of a row as a whole, at a location.
    pub(super) fn own_gumbel(self, location: f64) -> f64 {
        location - ln(exponential(self.pair(OWN)[0]))
    }
}

/// 52 bits as a number between 0 and 1.
fn unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * 2f64.powi(-52)
}

/// The exponential variable of a number between 0 and 1.
pub(super) fn exponential(unit: f64) -> f64 {
    -ln(unit)
}

/// The Gumbel variable at a location that is at most `limit`: e^-g is e^-limit and the
/// exponential variable times e^-location.
pub(super) fn gumbel_below(limit: f64, location: f64, exponential: f64) -> f64 {
    -log_add(-limit, ln(exponential) - location)
}

/// Philox4x32-10 (Salmon et al. 2011, "Parallel Random Numbers: As Easy as 1, 2, 3").
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [a, b, c, d] = counter;
        let first = u64::from(a) * 0xd251_1f53;
        let second = u64::from(c) * 0xcd9e_8d57;
        counter = [
            (second >> 32) as u32 ^ b ^ key[0],
            second as u32,
            (first >> 32) as u32 ^ d ^ key[1],
            first as u32,
        ];
        key = [
            key[0].wrapping_add(0x9e37_79b9),
            key[1].wrapping_add(0xbb67_ae85),
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with Random123.
    #[test]
    fn philox_gives_the_known_answers() {
        let ones = u32::MAX;
        let pi = [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344];
        let known = [
            (
                ([0; 4], [0; 2]),
                [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8],
            ),
            (
                ([ones; 4], [ones; 2]),
                [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd],
            ),
            (
                (pi, [0xa409_3822, 0x299f_31d0]),
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for ((counter, key), expected) in known {
            assert_eq!(philox(counter, key), expected);
        }
    }

    #[test]
    fn units_are_between_0_and_1_and_limits_are_kept() {
        assert_eq!(unit(0), 2f64.powi(-53));
        assert_eq!(unit(u64::MAX), 1.0 - 2f64.powi(-53));
        for unit in [unit(0), 0.3, unit(u64::MAX)] {
            let exponential = exponential(unit);
            assert!(exponential > 0.0 && exponential.is_finite());
            for limit in [-700.0, -3.0, 0.0, 40.0] {
                for location in [-900.0, -3.0, 0.0] {
                    let g = gumbel_below(limit, location, exponential);
                    assert!(g <= limit && g.is_finite());
                    let free = location - exponential.ln();
                    assert!(g <= free + 1e-12 * free.abs());
                }
            }
        }
    }
}
