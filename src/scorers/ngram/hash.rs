//! KenLM's hashes: of a word's bytes, and of an n-gram's words.

/// MurmurHash64A (Appleby) with the seed 0, under which a vocabulary keeps a word.
pub(super) fn of_word(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mut hash = (word.len() as u64).wrapping_mul(FACTOR);
    let (blocks, _) = word.as_chunks::<8>();
    for &block in blocks {
        let mut mixed = u64::from_le_bytes(block).wrapping_mul(FACTOR);
        mixed ^= mixed >> SHIFT;
        hash = (hash ^ mixed.wrapping_mul(FACTOR)).wrapping_mul(FACTOR);
    }
    if !word.len().is_multiple_of(8) {
        hash = (hash ^ last_bytes(word)).wrapping_mul(FACTOR);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(FACTOR);
    hash ^ hash >> SHIFT
}

/// The bytes after the last block of 8, lowest first: from two reads that may overlap.
fn last_bytes(word: &[u8]) -> u64 {
    let bits = 8 * (word.len() % 8) as u32;
    if let Some(&last) = word.last_chunk::<8>() {
        return u64::from_le_bytes(last) >> (64 - bits);
    }
    if let (Some(&first), Some(&last)) = (word.first_chunk::<4>(), word.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(first), u32::from_le_bytes(last));
        return u64::from(first) | u64::from(last) << (bits - 32);
    }
    if let (Some(&first), Some(&last)) = (word.first_chunk::<2>(), word.last_chunk::<2>()) {
        let (first, last) = (u16::from_le_bytes(first), u16::from_le_bytes(last));
        return u64::from(first) | u64::from(last) << (bits - 16);
    }
    word.first().map_or(0, |&byte| u64::from(byte))
}

/// The hash of an n-gram with one more word at its start. That of one word is its id.
#[inline]
pub(super) fn with_word_before(ngram: u64, word: u32) -> u64 {
    let word = u64::from(word.wrapping_add(1)).wrapping_mul(17_894_857_484_156_487_943);
    ngram.wrapping_mul(8_978_948_897_894_561_157) ^ word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the algorithm is published: byte by byte.
    fn naive(word: &[u8]) -> u64 {
        let m = 0xc6a4_a793_5bd1_e995u64;
        let mut h = (word.len() as u64).wrapping_mul(m);
        for block in word.chunks(8) {
            let mut k = 0;
            for (place, &byte) in block.iter().enumerate() {
                k |= u64::from(byte) << (8 * place);
            }
            if block.len() == 8 {
                k = k.wrapping_mul(m);
                k ^= k >> 47;
                k = k.wrapping_mul(m);
            }
            h = (h ^ k).wrapping_mul(m);
        }
        h ^= h >> 47;
        h = h.wrapping_mul(m);
        h ^ h >> 47
    }

    #[test]
    fn words_of_every_length_hash_as_byte_by_byte() {
        let bytes: Vec<u8> = (0..64u8).map(|i| i.wrapping_mul(151) ^ 0xa5).collect();
        for start in 0..8 {
            for end in start..bytes.len() {
                let word = &bytes[start..end];
                assert_eq!(of_word(word), naive(word), "{start}..{end}");
            }
        }
    }
}
