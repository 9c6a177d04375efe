//! Search among sorted keys that are spread evenly, as hashes are.
//!
//! ```text
//! find(key):
//!     look where the key should be; done if it is there
//!     from what is found, and where that should be, guess again
//!     close to it, look at one entry after another
//! ```
//!
//! That is an interpolation search whose steps are those of the mean density: they need no
//! division. Its entries lie ever closer together in memory, where a binary search waits for
//! half a dozen far ones. Keys that are not spread evenly, as in a file that lies, are found
//! by halves after a few steps.

use std::ops::Range;

/// Steps of more than `NEAR` entries.
const GUESSES: u32 = 6;
/// How many entries are looked at one after another rather than guessed again.
const NEAR: u64 = 3;
/// The most entries looked at so.
const MOST: u64 = 24;

/// The place of a key. `at` says which key is in a place, and `expected` where a key should
/// be, counted from the start of the range.
#[inline(always)]
pub(super) fn find(
    range: Range<u64>,
    key: u64,
    expected: impl Fn(u64) -> u64,
    at: impl Fn(u64) -> u64,
) -> Option<u64> {
    let Range {
        start: mut begin,
        mut end,
    } = range;
    if begin >= end {
        return None;
    }
    let target = expected(key);
    let mut place = (begin + target).min(end - 1);
    for _ in 0..GUESSES {
        let found = at(place);
        if found == key {
            return Some(place);
        }
        // In order, keys are at most as far apart as there is room.
        if found < key {
            begin = place + 1;
            let step = target.saturating_sub(expected(found));
            if step <= NEAR {
                return up(begin..end, key, at);
            }
            place += step.min(end - 1 - place);
        } else {
            end = place;
            let step = expected(found).saturating_sub(target);
            if step <= NEAR {
                return down(begin..end, key, at);
            }
            place -= step.min(place - begin);
        }
        if begin >= end {
            return None;
        }
    }
    by_halves(begin..end, key, at)
}

/// The place of a key that is close to the start.
#[inline(always)]
fn up(range: Range<u64>, key: u64, at: impl Fn(u64) -> u64) -> Option<u64> {
    let near = range.end.min(range.start.saturating_add(MOST));
    for place in range.start..near {
        let found = at(place);
        if found >= key {
            return (found == key).then_some(place);
        }
    }
    match near < range.end {
        true => by_halves(near..range.end, key, at),
        false => None,
    }
}

/// The place of a key that is close to the end.
#[inline(always)]
fn down(range: Range<u64>, key: u64, at: impl Fn(u64) -> u64) -> Option<u64> {
    let near = range.start.max(range.end.saturating_sub(MOST));
    for place in (near..range.end).rev() {
        let found = at(place);
        if found <= key {
            return (found == key).then_some(place);
        }
    }
    match range.start < near {
        true => by_halves(range.start..near, key, at),
        false => None,
    }
}

#[cold]
#[inline(never)]
fn by_halves(range: Range<u64>, key: u64, at: impl Fn(u64) -> u64) -> Option<u64> {
    let Range {
        start: mut begin,
        mut end,
    } = range;
    while begin < end {
        let place = begin + (end - begin) / 2;
        let found = at(place);
        if found == key {
            return Some(place);
        }
        match found < key {
            true => begin = place + 1,
            false => end = place,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// The place of a key among sorted ones, and how many were looked at.
    fn search(keys: &[u64], range: Range<u64>, key: u64) -> (Option<u64>, u64) {
        let looked = Cell::new(0);
        let width = u128::from(range.end.saturating_sub(range.start));
        let expected = |key: u64| ((u128::from(key) * width) >> 64) as u64;
        let at = |place: u64| {
            assert!(range.contains(&place));
            looked.set(looked.get() + 1);
            keys[place as usize]
        };
        (find(range.clone(), key, expected, at), looked.get())
    }

    fn random(seed: &mut u64) -> u64 {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mixed = (*seed ^ *seed >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 32
    }

    #[test]
    fn keys_that_are_there_are_found_and_no_others() {
        let mut seed = 1;
        for count in (0..40).chain([100, 1000, 5000]) {
            let even: Vec<u64> = (0..count).map(|_| random(&mut seed)).collect();
            let low = (0..count).map(|key| 2 * key).collect();
            let high = (0..count).map(|key| u64::MAX - 2 * key).collect();
            let both = [&even[..count as usize / 2], &vec![7; 40], &[0, u64::MAX]].concat();
            let doubled = even.iter().map(|key| 1 << (key % 64)).collect();
            for mut keys in [even, low, high, both, doubled] {
                keys.sort_unstable();
                let end = keys.len() as u64;
                for range in [0..end, end / 3..end, 0..end / 2, end / 4..end / 2] {
                    let within = &keys[range.start as usize..range.end as usize];
                    for &key in within {
                        for key in [key.saturating_sub(1), key, key.saturating_add(1)] {
                            let (found, looked) = search(&keys, range.clone(), key);
                            assert_eq!(found.is_some(), within.binary_search(&key).is_ok());
                            assert!(found.is_none_or(|place| keys[place as usize] == key));
                            assert!(looked <= u64::from(GUESSES) + MOST + 20, "{looked}");
                        }
                    }
                    for key in [0, 1, u64::MAX / 2, u64::MAX] {
                        let (found, _) = search(&keys, range.clone(), key);
                        assert_eq!(found.is_some(), within.binary_search(&key).is_ok());
                    }
                }
            }
        }
    }

    #[test]
    fn a_few_of_many_keys_are_looked_at() {
        let mut seed = 1;
        let mut keys: Vec<u64> = (0..100_000).map(|_| random(&mut seed)).collect();
        keys.sort_unstable();
        let looked = |&key: &u64| search(&keys, 0..100_000, key).1;
        let all: u64 = keys.iter().step_by(7).map(looked).sum();
        assert!(all < 7 * 100_000 / 7, "{all}");
    }

    #[test]
    fn keys_in_no_order_end_the_search() {
        let mut seed = 1;
        let mixed: Vec<u64> = (0..1000).map(|_| random(&mut seed)).collect();
        let backwards = (0..1000).map(|key| u64::MAX - (key << 54)).collect();
        for keys in [mixed, backwards] {
            for &key in &keys {
                let (found, looked) = search(&keys, 0..1000, key ^ (key & 1));
                assert!(found.is_none_or(|place| keys[place as usize] == key ^ (key & 1)));
                assert!(looked <= u64::from(GUESSES) + MOST + 20, "{looked}");
            }
        }
        // A range that ends before it begins is empty.
        let backwards = Range { start: 5, end: 3 };
        assert_eq!(search(&[1; 8], backwards, 1), (None, 0));
    }
}
