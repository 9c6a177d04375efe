//! What must be the same on every machine beside answers (`determinism`).

use widebeam::autoregressive::TokenTrie;

fn hexadecimal(bytes: &[u8]) -> String {
    let words = bytes.chunks(8).map(|word| {
        let bytes = word.iter().map(|byte| format!("{byte:02x}"));
        bytes.collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A trie that one machine has written is a trie to every other.
#[test]
fn tries_are_the_same_bytes() {
    let narrow = TokenTrie::new([&[1u32][..], &[1, 2], &[513, 4, 5]]);
    let wide = TokenTrie::new([&[1u32][..], &[1, 2], &[70_000, 4]]);
    for (trie, bytes) in [(narrow, NARROW), (wide, WIDE)] {
        assert_eq!(hexadecimal(trie.as_bytes()), bytes);
        let read = TokenTrie::from_bytes(trie.as_bytes().to_vec()).unwrap();
        assert_eq!(read.next(&[1]).collect::<Vec<_>>(), [2]);
    }
}

// Written by hand from the layout in `src/search/autoregressive/trie/layout.rs`.
const NARROW: &str = "776274726965310a 0600000004000000 0300000002000000 0102000000000000 \
    0000010001020200 0400050000000000 2a00000000000000 1700000000000000 \
    0000000000000000 3c00000000000000 0000000000000000";
const WIDE: &str = "776274726965310a 0500000003000000 0300000004000000 7011010000000000 \
    0000000001000000 7011010002000000 0400000000000000 1a00000000000000 \
    0700000000000000 0000000000000000 1c00000000000000 0000000000000000";
