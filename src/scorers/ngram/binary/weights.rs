//! The weights in a trie's entries: numbers, or places in a table of bins.
//!
//! ```text
//! exact        log-probability (31 bits: its sign is minus), back-off (32)
//! quantised    bin of the back-off, bin of the log-probability
//! bins         version, bits of log-probabilities, bits of back-offs (8 bytes in all), then of
//!              each order but the first: log-probabilities, and but for the highest order,
//!              back-offs; 4 bytes each
//! ```

use super::read::{Cursor, bits_at, error_at, f32_at};
use crate::error::Error;

#[derive(Clone, Debug)]
pub(super) enum Weights {
    Exact,
    Quantised {
        probability_bits: u32,
        backoff_bits: u32,
        /// Where the bins of log-probabilities begin, and of back-offs, of each order from 2.
        bins: Vec<[usize; 2]>,
    },
}

const PROBABILITY: u32 = 31;
const BACKOFF: u32 = 32;

impl Weights {
    pub(super) fn quantised(order: usize, cursor: &mut Cursor<'_>) -> Result<Weights, Error> {
        let head = cursor.take(1, 8, "the bits of bins")?;
        let &[version, probability, backoff, ..] = cursor.part(&head) else {
            return Err(cursor.error("the bits of bins should stand here".to_owned()));
        };
        if version != 2 {
            let what = format!("the bins are of version {version}, only 2 is known");
            return Err(error_at(head.start, what));
        }
        for (at, bits) in [(1, probability), (2, backoff)] {
            if !(1..=25).contains(&bits) {
                let what = format!("{bits} bits of a bin are not from 1 to 25");
                return Err(error_at(head.start + at, what));
            }
        }
        let mut bins = Vec::with_capacity(order - 1);
        for n in 2..=order {
            let mut table = |bits: u8| -> Result<usize, Error> {
                Ok(cursor.take(4 << bits, 1, "the table of bins")?.start)
            };
            let probabilities = table(probability)?;
            let backoffs = if n < order { table(backoff)? } else { 0 };
            bins.push([probabilities, backoffs]);
        }
        Ok(Weights::Quantised {
            probability_bits: probability.into(),
            backoff_bits: backoff.into(),
            bins,
        })
    }

    /// Of the weights in an entry.
    #[inline]
    pub(super) fn middle_bits(&self) -> u32 {
        match self {
            Weights::Exact => PROBABILITY + BACKOFF,
            Weights::Quantised {
                probability_bits,
                backoff_bits,
                ..
            } => probability_bits + backoff_bits,
        }
    }

    /// The same of the highest order.
    pub(super) fn longest_bits(&self) -> u32 {
        match self {
            Weights::Exact => PROBABILITY,
            Weights::Quantised {
                probability_bits, ..
            } => *probability_bits,
        }
    }

    /// The log-probability and the back-off of an entry, whose weights begin at a bit.
    #[inline]
    pub(super) fn middle(&self, bytes: &[u8], level: usize, table: &[u8], bit: u64) -> (f32, f32) {
        match self {
            Weights::Exact => {
                let backoff = bits_at(table, bit + u64::from(PROBABILITY), BACKOFF);
                (negative(table, bit), f32::from_bits(backoff as u32))
            }
            Weights::Quantised {
                probability_bits,
                backoff_bits,
                bins,
            } => {
                let [probabilities, backoffs] = bins.get(level).copied().unwrap_or_default();
                let backoff = bits_at(table, bit, *backoff_bits);
                let bit = bit + u64::from(*backoff_bits);
                let probability = bits_at(table, bit, *probability_bits);
                (
                    in_bin(bytes, probabilities, probability),
                    in_bin(bytes, backoffs, backoff),
                )
            }
        }
    }

    /// The log-probability of an entry of the highest order.
    #[inline]
    pub(super) fn longest(&self, bytes: &[u8], table: &[u8], bit: u64) -> f32 {
        match self {
            Weights::Exact => negative(table, bit),
            Weights::Quantised {
                probability_bits,
                bins,
                ..
            } => {
                let [probabilities, _] = bins.last().copied().unwrap_or_default();
                in_bin(bytes, probabilities, bits_at(table, bit, *probability_bits))
            }
        }
    }
}

#[inline]
fn negative(table: &[u8], bit: u64) -> f32 {
    -f32::from_bits(bits_at(table, bit, PROBABILITY) as u32)
}

#[inline]
fn in_bin(bytes: &[u8], bins: usize, bin: u64) -> f32 {
    f32_at(bytes, bins + 4 * bin as usize).unwrap_or_default()
}
