//! Bits in the bytes of a trie, counted from the front.

/// Bits between two entries of a directory of counts.
pub(super) const BLOCK: usize = 512;

const BLOCK_WORDS: usize = BLOCK / 64;

/// Bits, 64 to a word of eight bytes. Beyond their end they are 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bits<'a> {
    words: &'a [u8],
}

impl<'a> Bits<'a> {
    pub(super) fn new(words: &'a [u8]) -> Self {
        Bits { words }
    }

    pub(super) fn word(&self, index: usize) -> u64 {
        let bytes = self.words.get(8 * index..8 * index + 8);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_le_bytes)
    }

    pub(super) fn words(self) -> impl Iterator<Item = u64> + 'a {
        let words = self.words.chunks_exact(8);
        words.map(|bytes| u64::from_le_bytes(bytes.try_into().expect("eight bytes")))
    }

    pub(super) fn get(&self, bit: u32) -> bool {
        self.word(bit as usize / 64) >> (bit % 64) & 1 == 1
    }

    /// The first bit from `start` on that is set; `None` if none is.
    pub(super) fn next(&self, start: u32) -> Option<u32> {
        let mut index = start as usize / 64;
        let mut word = self.word(index) & (u64::MAX << (start % 64));
        let end = self.words.len() / 8;
        while word == 0 {
            index += 1;
            if index >= end {
                return None;
            }
            word = self.word(index);
        }
        u32::try_from(64 * index + word.trailing_zeros() as usize).ok()
    }
}

/// Bits with a directory: how many are set before each block.
#[derive(Clone, Copy, Debug)]
pub(super) struct CountedBits<'a> {
    pub(super) bits: Bits<'a>,
    counts: &'a [u8],
}

impl<'a> CountedBits<'a> {
    pub(super) fn new(bits: Bits<'a>, counts: &'a [u8]) -> Self {
        CountedBits { bits, counts }
    }

    /// How many bits are set before a block.
    pub(super) fn before_block(&self, block: usize) -> u32 {
        let bytes = self.counts.get(4 * block..4 * block + 4);
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(u32::MAX, u32::from_le_bytes)
    }

    /// How many bits before a bit are set.
    pub(super) fn rank(&self, bit: u32) -> u32 {
        let (word, block) = (bit as usize / 64, bit as usize / BLOCK);
        let before = (block * BLOCK_WORDS..word).map(|word| self.bits.word(word).count_ones());
        let within = self.bits.word(word) & !(u64::MAX << (bit % 64));
        let before = before.fold(self.before_block(block), u32::wrapping_add);
        before.wrapping_add(within.count_ones())
    }

    /// The set bit that so many are before; `None` if there are not as many. O(log of bits).
    pub(super) fn select(&self, rank: u32) -> Option<u32> {
        let (mut low, mut high) = (0, self.counts.len() / 4);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            match self.before_block(middle) <= rank {
                true => low = middle,
                false => high = middle,
            }
        }
        let mut left = rank.checked_sub(self.before_block(low))?;
        for index in low * BLOCK_WORDS..(low + 1) * BLOCK_WORDS {
            let mut word = self.bits.word(index);
            if left < word.count_ones() {
                for _ in 0..left {
                    word &= word - 1;
                }
                return u32::try_from(64 * index + word.trailing_zeros() as usize).ok();
            }
            left -= word.count_ones();
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words and counts of bits, each of which is set or not.
    fn layout(set: impl Fn(u32) -> bool, bits: u32) -> (Vec<u8>, Vec<u8>) {
        let (mut words, mut counts) = (Vec::new(), Vec::new());
        let mut count = 0u32;
        for word in 0..bits.div_ceil(64) {
            if (word as usize).is_multiple_of(BLOCK_WORDS) {
                counts.extend(count.to_le_bytes());
            }
            let within = (0..64).filter(|bit| 64 * word + bit < bits && set(64 * word + bit));
            let word = within.fold(0u64, |word, bit| word | 1 << bit);
            count += word.count_ones();
            words.extend(word.to_le_bytes());
        }
        (words, counts)
    }

    #[test]
    fn ranks_and_selections_are_those_of_a_list() {
        type Pattern = (&'static str, fn(u32) -> bool);
        let patterns: [Pattern; 5] = [
            ("none", |_| false),
            ("all", |_| true),
            ("thirds", |bit| bit % 3 == 1),
            ("few", |bit| bit % 701 == 700),
            ("ends", |bit| bit == 0 || bit > 2000),
        ];
        for (name, set) in patterns {
            for bits in [1, 63, 64, 65, 511, 512, 513, 2100] {
                let (words, counts) = layout(set, bits);
                let counted = CountedBits::new(Bits::new(&words), &counts);
                let all: Vec<u32> = (0..bits).filter(|&bit| set(bit)).collect();
                for bit in 0..bits {
                    assert_eq!(counted.bits.get(bit), set(bit), "{name} {bit}");
                    let rank = all.partition_point(|&other| other < bit);
                    assert_eq!(counted.rank(bit), rank as u32, "{name} {bit}");
                    assert_eq!(counted.bits.next(bit), all.get(rank).copied());
                }
                for rank in 0..=all.len() {
                    let selected = counted.select(rank as u32);
                    assert_eq!(selected, all.get(rank).copied(), "{name} {rank}");
                }
                assert!(!counted.bits.get(bits + 64) && counted.select(u32::MAX).is_none());
            }
        }
    }
}
