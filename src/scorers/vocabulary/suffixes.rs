//! The suffixes of all spellings, sorted.

use std::sync::Arc;

use super::spellings::Spellings;
use crate::error::Error;
use crate::memory::{reserve, resize};

const WHAT: &str = "the suffixes of spellings";
/// The first round compares this many bytes.
const CHUNK: usize = 8;

/// The suffixes of the spellings of a vocabulary.
#[derive(Clone, Debug)]
pub(super) struct Suffixes {
    spellings: Arc<Spellings>,
    /// Where the suffix that starts at a byte of all spellings ends.
    ends: Vec<usize>,
    /// Where each suffix starts, in order of the suffixes; one comes before those that it
    /// begins.
    sorted: Vec<usize>,
}

impl Suffixes {
    /// Sorts the suffixes by doubling (Manber and Myers 1993): once they are in order of their
    /// first n bytes, the order of what follows those is known too, so each round sorts by twice
    /// as many. A sort that compared them byte by byte would not end for a label of a million
    /// equal letters.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn new(spellings: Arc<Spellings>) -> Result<Self, Error> {
        let count = spellings.text().len();
        let (mut ends, mut sorted) = (Vec::new(), Vec::new());
        reserve(&mut ends, count, WHAT)?;
        for token in spellings.starts().windows(2) {
            ends.resize(token[1], token[1]);
        }
        reserve(&mut sorted, count, WHAT)?;
        sorted.extend(0..count);
        let mut suffixes = Suffixes {
            spellings,
            ends,
            sorted,
        };
        suffixes.sort()?;
        Ok(suffixes)
    }

    fn sort(&mut self) -> Result<(), Error> {
        let mut sorted = std::mem::take(&mut self.sorted);
        let count = sorted.len();
        // The rank of each suffix by its first bytes, from 1 on; 0 is that of an empty one.
        let (mut ranks, mut finer): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
        resize(&mut ranks, count, WHAT)?;
        resize(&mut finer, count, WHAT)?;
        let chunk = |start: usize| {
            let suffix = self.suffix(start);
            let length = suffix.len().min(CHUNK);
            let mut first = [0; CHUNK];
            first[..length].copy_from_slice(&suffix[..length]);
            (u64::from_be_bytes(first), length)
        };
        sorted.sort_unstable_by_key(|&start| chunk(start));
        let mut found = rank(&sorted, &mut ranks, chunk);
        let mut compared = CHUNK;
        while found < count {
            let key = |start: usize| {
                let next = start + compared;
                let follows = if next < self.ends[start] {
                    ranks[next]
                } else {
                    0
                };
                (ranks[start], follows)
            };
            sorted.sort_unstable_by_key(|&start| key(start));
            let before = found;
            found = rank(&sorted, &mut finer, key);
            // Suffixes that are still alike are equal to their ends.
            if found == before {
                break;
            }
            std::mem::swap(&mut ranks, &mut finer);
            compared *= 2;
        }
        self.sorted = sorted;
        Ok(())
    }

    /// Where the suffixes start, in their order.
    pub(super) fn sorted(&self) -> &[usize] {
        &self.sorted
    }

    /// The suffix that starts at a byte of all spellings.
    pub(super) fn suffix(&self, start: usize) -> &[u8] {
        &self.spellings.text()[start..self.ends[start]]
    }

    /// Those of the sorted suffixes that follow a space within their spelling.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn after_spaces(&self) -> Result<Vec<usize>, Error> {
        let text = self.spellings.text();
        let follows = |start: usize| {
            let before = start.checked_sub(1);
            before.is_some_and(|b| text[b] == b' ' && self.ends[b] == self.ends[start])
        };
        let following = self.sorted.iter().filter(|&&start| follows(start));
        let mut after_spaces = Vec::new();
        reserve(&mut after_spaces, following.clone().count(), WHAT)?;
        after_spaces.extend(following);
        Ok(after_spaces)
    }

    /// Of sorted suffixes that are alike up to `place`, those with `byte` there.
    pub(super) fn narrow<'a>(&self, alike: &'a [usize], place: usize, byte: u8) -> &'a [usize] {
        let at = |&start: &usize| self.suffix(start).get(place).copied();
        let from = alike.partition_point(|start| at(start) < Some(byte));
        let to = alike.partition_point(|start| at(start) <= Some(byte));
        &alike[from..to]
    }
}

/// Numbers the sorted suffixes; those of one key have one number. Returns the greatest.
fn rank<K: PartialEq>(order: &[usize], ranks: &mut [usize], key: impl Fn(usize) -> K) -> usize {
    let mut found = 0;
    for equal in order.chunk_by(|&a, &b| key(a) == key(b)) {
        found += 1;
        for &start in equal {
            ranks[start] = found;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorers::Vocabulary;

    fn check(labels: &[String]) {
        let vocabulary = Vocabulary::new(labels, None);
        let suffixes = Suffixes::new(Arc::clone(vocabulary.spellings())).unwrap();
        let found = suffixes
            .sorted()
            .iter()
            .map(|&start| suffixes.suffix(start));
        let all = labels.iter().flat_map(|label| {
            let bytes = label.as_bytes();
            (0..bytes.len()).map(move |start| &bytes[start..])
        });
        let mut expected: Vec<&[u8]> = all.collect();
        expected.sort();
        assert_eq!(found.collect::<Vec<_>>(), expected, "{labels:?}");
    }

    #[test]
    fn suffixes_are_sorted_whatever_they_repeat() {
        let owned = |labels: &[&str]| labels.iter().map(|&l| l.to_owned()).collect::<Vec<_>>();
        check(&[]);
        check(&owned(&["", "a", "", "a", "ba", "ab\0", "ab"]));
        check(&owned(&["banana", "ananas", "nana\0", "banana"]));
        for length in [7, 8, 9, 15, 16, 17, 200] {
            let long = "a".repeat(length);
            check(&[long.clone(), format!("{long}b"), format!("b{long}"), long]);
            let bits = |seed: usize| {
                let bit = |i: usize| if (i * i * seed) % 7 < 3 { 'x' } else { 'y' };
                (0..length).map(bit).collect::<String>()
            };
            check(&[bits(1), bits(2), bits(3), bits(1)]);
        }
    }
}
