//! The weights in a trie's entries: numbers, or places in a table of bins.
//!
//! ```text
//! exact        log-probability (31 bits: its sign is minus), back-off (32)
//! quantised    bin of the back-off, bin of the log-probability
//! bins         version, bits of log-probabilities, bits of back-offs (8 bytes in all), then of
//!              each order but the first: log-probabilities, and but for the highest order,
//!              back-offs; 4 bytes each
//! ```

use super::read::{Bits, Cursor, error_at, f32_at};
use crate::error::Error;

/// How the n-grams of one order keep their weights.
pub(super) trait Weights: Copy + Send + Sync + 'static {
    /// Those of the orders from 2, and of the highest.
    fn read(order: usize, cursor: &mut Cursor<'_>) -> Result<(Vec<Self>, Self), Error>;

    /// The bits of the weights in an entry.
    fn middle_bits(&self) -> u32;

    /// The same of the highest order.
    fn longest_bits(&self) -> u32;

    /// The log-probability and the back-off of an entry, whose weights begin at a bit.
    fn middle(&self, bytes: &[u8], table: &[u8], bit: u64) -> (f32, f32);

    /// The log-probability of an entry of the highest order.
    fn longest(&self, bytes: &[u8], table: &[u8], bit: u64) -> f32;
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Exact;

const PROBABILITY: Bits = Bits::new(31);
const BACKOFF: Bits = Bits::new(32);

impl Weights for Exact {
    fn read(order: usize, _: &mut Cursor<'_>) -> Result<(Vec<Exact>, Exact), Error> {
        Ok((vec![Exact; order - 2], Exact))
    }

    #[inline(always)]
    fn middle_bits(&self) -> u32 {
        PROBABILITY.width() + BACKOFF.width()
    }

    #[inline(always)]
    fn longest_bits(&self) -> u32 {
        PROBABILITY.width()
    }

    #[inline(always)]
    fn middle(&self, bytes: &[u8], table: &[u8], bit: u64) -> (f32, f32) {
        let backoff = BACKOFF.at(table, bit + u64::from(PROBABILITY.width()));
        let probability = self.longest(bytes, table, bit);
        (probability, f32::from_bits(backoff as u32))
    }

    #[inline(always)]
    fn longest(&self, _: &[u8], table: &[u8], bit: u64) -> f32 {
        -f32::from_bits(PROBABILITY.at(table, bit) as u32)
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Quantised {
    probability: Bits,
    backoff: Bits,
    /// The back-off, and above it the log-probability.
    both: Bits,
    /// Where the bins begin. (The highest order has none of back-offs.)
    probabilities: usize,
    backoffs: usize,
}

impl Weights for Quantised {
    fn read(order: usize, cursor: &mut Cursor<'_>) -> Result<(Vec<Self>, Self), Error> {
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
        let mut weights = |has_backoffs: bool| -> Result<Quantised, Error> {
            let mut bins = |bits: u8| -> Result<usize, Error> {
                Ok(cursor.take(4 << bits, 1, "the table of bins")?.start)
            };
            Ok(Quantised {
                probability: Bits::new(probability.into()),
                backoff: Bits::new(backoff.into()),
                both: Bits::new(u32::from(probability) + u32::from(backoff)),
                probabilities: bins(probability)?,
                backoffs: if has_backoffs { bins(backoff)? } else { 0 },
            })
        };
        let middle = (2..order).map(|_| weights(true));
        Ok((middle.collect::<Result<_, _>>()?, weights(false)?))
    }

    #[inline(always)]
    fn middle_bits(&self) -> u32 {
        self.both.width()
    }

    #[inline(always)]
    fn longest_bits(&self) -> u32 {
        self.probability.width()
    }

    #[inline(always)]
    fn middle(&self, bytes: &[u8], table: &[u8], bit: u64) -> (f32, f32) {
        let both = self.both.at(table, bit);
        let (probability, backoff) = (both >> self.backoff.width(), self.backoff.lowest(both));
        (
            in_bin(bytes, self.probabilities, probability),
            in_bin(bytes, self.backoffs, backoff),
        )
    }

    #[inline(always)]
    fn longest(&self, bytes: &[u8], table: &[u8], bit: u64) -> f32 {
        in_bin(bytes, self.probabilities, self.probability.at(table, bit))
    }
}

#[inline(always)]
fn in_bin(bytes: &[u8], bins: usize, bin: u64) -> f32 {
    f32_at(bytes, bins + 4 * bin as usize).unwrap_or_default()
}
