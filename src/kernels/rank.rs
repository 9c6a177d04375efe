//! Putting the few tokens that survived a scan in order.

use super::element::Lanes;
use super::network::{BLOCK, Entry, padded, sort_largest};
use super::prefetch::Prefetcher;
use super::sorter::Sorter;
use crate::error::Error;
use crate::memory::resize;
use crate::order::{RAISE, key_token, key_value, number_key, rank_key};
use crate::simd::{CacheLines, F64_LANES, F64Lanes, F64Part, Kernel, Simd};

/// Rows whose survivors are put in order together.
pub(crate) const ROWS: usize = F64_LANES;

/// Up to this many survivors of a row are put in order together with those of seven
/// others; of fewer rows fewer, because eight lists cost as much as one.
pub(super) const LONGEST_LIST: usize = 4096;

/// Lines that a core keeps in flight: they arrive while lists are put in order.
const IN_FLIGHT: usize = 24;

/// Tokens that may be among the best of a row, in ascending order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Survivors {
    tokens: Vec<u32>,
    len: usize,
    sorter: Sorter,
}

impl Survivors {
    /// The bytes of that many tokens, and of their keys, twice.
    pub(crate) fn bytes_needed(capacity: usize) -> usize {
        capacity.saturating_mul(size_of::<u32>() + 2 * size_of::<u64>())
    }

    /// Makes room for `capacity` tokens.
    pub(crate) fn reserve(&mut self, capacity: usize, what: &'static str) -> Result<(), Error> {
        resize(&mut self.tokens, capacity, what)?;
        self.sorter.reserve(capacity, what)
    }

    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The room for tokens, those that are there in front.
    #[inline(always)]
    pub(crate) fn room(&mut self) -> &mut [u32] {
        &mut self.tokens
    }

    /// Keeps the first `len` of what has been written to the room.
    #[inline(always)]
    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    #[inline(always)]
    fn tokens(&self) -> &[u32] {
        &self.tokens[..self.len]
    }

    /// Keeps the best k of more than k; returns the value of the last of them.
    #[cold]
    pub(crate) fn keep_best<E: Lanes>(&mut self, row: &[E], k: usize) -> f32 {
        let last = self.sorter.kth(pairs(row, &self.tokens[..self.len]), k);
        let mut kept = 0;
        for i in 0..self.len {
            let token = self.tokens[i];
            self.tokens[kept] = token;
            kept += usize::from(rank_key(row[token as usize].to_f32(), token) <= last);
        }
        self.len = kept;
        key_value(last)
    }

    /// Writes the best, in order, to `tokens` and `values`, which have one
    /// length.
    #[inline(always)]
    pub(crate) fn sort_into<S: Simd, E: Lanes>(
        &mut self,
        simd: S,
        row: &[E],
        tokens: &mut [u32],
        values: &mut [f64],
    ) {
        simd.outlined(SortInto {
            survivors: self,
            row,
            tokens,
            values,
        });
    }
}

/// [`Survivors::sort_into`], in a function of its own.
struct SortInto<'a, E> {
    survivors: &'a mut Survivors,
    row: &'a [E],
    tokens: &'a mut [u32],
    values: &'a mut [f64],
}

impl<E: Lanes> Kernel for SortInto<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Survivors {
            tokens: survivors,
            len,
            sorter,
        } = self.survivors;
        let keys = sorter.sort(pairs(self.row, &survivors[..*len]));
        for ((&key, token), value) in keys.iter().zip(self.tokens).zip(self.values) {
            *token = key_token(key);
            *value = f64::from(key_value(key));
        }
    }
}

/// The value, or the least there is in place of NaN: the row was checked, but a
/// file that is mapped may have changed since, and of NaN no key can be made.
#[inline(always)]
fn number_or_least(value: f32) -> f32 {
    if value > f32::NEG_INFINITY {
        value
    } else {
        mark!("a score without an order");
        f32::NEG_INFINITY
    }
}

/// Some tokens of a row with their values.
#[inline(always)]
fn pairs<E: Lanes>(row: &[E], tokens: &[u32]) -> impl Iterator<Item = (f32, u32)> {
    let tokens = tokens.iter();
    tokens.map(|&token| (row[token as usize].to_f32(), token))
}

/// Eight places of eight rows, where they do not go to their own at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    tokens: [[u32; BLOCK]; ROWS],
    values: [[f64; BLOCK]; ROWS],
}

impl Places {
    /// Writes the first `best` entries of lists in order, or some more, to the
    /// rows of `tokens` and `values`, which are `k` wide, of those lists that have
    /// a bit.
    #[allow(clippy::too_many_arguments)]
    #[inline(always)]
    pub(crate) fn write<S: Simd>(
        &mut self,
        simd: S,
        lists: &[Entry],
        best: usize,
        listed: u32,
        k: usize,
        tokens: &mut [u32],
        values: &mut [f64],
    ) {
        let rows = tokens.len() / k;
        let values = &mut values[..tokens.len()];
        // A store of eight may spill into the front of the next row, if that is written
        // later.
        let in_turn = listed.trailing_ones() as usize >= rows;
        let blocks = lists.as_chunks::<BLOCK>().0.iter().enumerate();
        for (block, entries) in blocks.take(best.div_ceil(BLOCK)).rev() {
            let mut start = block * BLOCK;
            // Row after row, or (unless it is short) in any order, as the front of
            // the next row belongs to a block that is written later.
            if in_turn && k >= BLOCK && start + (ROWS - 1) * k + BLOCK <= tokens.len() {
                let (tokens, values) = (&mut tokens[start..], &mut values[start..]);
                mark!("eight rows are written at once");
                simd.f64_rows(entries, RAISE, k, tokens, values);
                continue;
            }
            let (all_tokens, all_values) = (&mut self.tokens, &mut self.values);
            let all_tokens = all_tokens.as_flattened_mut();
            let all_values = all_values.as_flattened_mut();
            simd.f64_rows(entries, RAISE, BLOCK, all_tokens, all_values);
            let found = self.tokens.iter().zip(&self.values).enumerate();
            for (row, (all_tokens, all_values)) in found.take(rows) {
                if listed >> row & 1 == 1 {
                    let end = if in_turn { tokens.len() } else { (row + 1) * k };
                    let (tokens, values) = (&mut tokens[start..end], &mut values[start..end]);
                    copy(simd, all_tokens, all_values, tokens, values);
                }
                start += k;
            }
        }
    }
}

/// Copies eight tokens and values, or as many as there is room for.
#[inline(always)]
fn copy<S: Simd>(
    simd: S,
    all_tokens: &[u32; BLOCK],
    all_values: &[f64; BLOCK],
    tokens: &mut [u32],
    values: &mut [f64],
) {
    if let (Some(tokens), Some(values)) = (tokens.first_chunk_mut(), values.first_chunk_mut()) {
        *tokens = *all_tokens;
        // As an array it would be a call of `memcpy`.
        simd.f64_load(all_values).store(values);
    } else {
        copy_some(all_tokens, all_values, tokens, values);
    }
}

#[cold]
fn copy_some(
    all_tokens: &[u32; BLOCK],
    all_values: &[f64; BLOCK],
    tokens: &mut [u32],
    values: &mut [f64],
) {
    mark!("less room than for eight tokens");
    for (token, &found) in tokens.iter_mut().zip(all_tokens) {
        *token = found;
    }
    for (value, &found) in values.iter_mut().zip(all_values) {
        *value = found;
    }
}

/// The survivors of up to [`ROWS`] rows, put in order together: a list for each
/// row, which may be empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lists {
    entries: CacheLines<Entry>,
    places: Places,
    /// The longest list.
    len: usize,
    /// How long a list may be.
    most: usize,
    /// A bit for each row that has a list.
    listed: u32,
}

impl Lists {
    /// The bytes of lists of up to `capacity` survivors.
    pub(crate) fn bytes_needed(capacity: usize) -> usize {
        Lists::room(capacity) * size_of::<Entry>()
    }

    fn room(capacity: usize) -> usize {
        padded(capacity.min(LONGEST_LIST))
    }

    /// Makes room for lists of up to `capacity` survivors.
    pub(crate) fn reserve(&mut self, capacity: usize, what: &'static str) -> Result<(), Error> {
        self.most = 0;
        self.entries.resize(Lists::room(capacity), what)
    }

    /// Begins the lists of so many rows.
    #[inline(always)]
    pub(crate) fn begin<S: Simd>(&mut self, _: S, rows: usize) {
        self.most = Lists::most::<S>(rows).min(self.entries.len());
    }

    /// How long the lists of so many rows may be. A network takes the longer per entry the
    /// longer the lists, for each part of a vector, and for few rows as long as for eight.
    /// Sorting by digits takes as long for each row. On Zen 4 both took the same for about
    /// 4000 (AVX-512), 2500 (AVX2) and 1000 survivors (baseline) of each of eight rows, and
    /// for about 110 of one row.
    const fn most<S: Simd>(rows: usize) -> usize {
        let of_eight = match <S::F64Part as F64Part>::PARTS {
            1 => LONGEST_LIST,
            2 => LONGEST_LIST / 8 * 5,
            _ => LONGEST_LIST / 4,
        };
        let rows = if rows < ROWS { rows } else { ROWS };
        let few = LONGEST_LIST / 4 * rows / ROWS;
        let many = of_eight * rows * rows / (ROWS * ROWS);
        if few > many { few } else { many }
    }

    /// Adds the list of a row, of the given number in turn, if it fits in here.
    #[inline(always)]
    pub(crate) fn add<E: Lanes>(
        &mut self,
        number: usize,
        row: &[E],
        survivors: &Survivors,
        prefetcher: &mut Prefetcher,
    ) -> bool {
        if survivors.len() > self.most {
            mark!("more survivors than a list holds");
            return false;
        }
        // It is below anyway; so the loop need not ask.
        let number = number % ROWS;
        self.fill_up(survivors.len());
        for (entry, (value, token)) in self.entries.iter_mut().zip(pairs(row, survivors.tokens())) {
            entry[number] = number_key(number_or_least(value), token);
            prefetcher.prefetch_next::<2>();
        }
        self.listed |= 1 << number;
        true
    }

    #[inline(always)]
    fn fill_up(&mut self, len: usize) {
        if self.len < len {
            self.entries[self.len..len].fill([f64::NEG_INFINITY; ROWS]);
            self.len = len;
        }
    }

    /// Writes the best of each list, in order, to its row of `tokens` and
    /// `values`, which are `k` wide, and forgets the lists. What is written
    /// past the end of a list is unspecified.
    #[inline(always)]
    pub(crate) fn sort_into<S: Simd>(
        &mut self,
        simd: S,
        k: usize,
        tokens: &mut [u32],
        values: &mut [f64],
        prefetcher: &mut Prefetcher,
    ) {
        let best = k.min(self.len);
        if best > 0 {
            prefetcher.prefetch_next::<IN_FLIGHT>();
            self.fill_up(padded(self.len));
            let entries = &mut self.entries[..self.len];
            sort_largest(simd, entries, best);
            prefetcher.prefetch_next::<IN_FLIGHT>();
            (self.places).write(simd, entries, best, self.listed, k, tokens, values);
        }
        self.len = 0;
        self.listed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::sorter::FEW;
    use crate::kernels::top_k::cases::random;
    use crate::marks;
    use crate::simd::{Dispatch, Level};

    struct Write {
        keys: [Entry; BLOCK],
        listed: u32,
        k: usize,
    }

    impl Kernel for Write {
        type Output = (Vec<u32>, Vec<f64>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (Vec<u32>, Vec<f64>) {
            let (mut tokens, mut values) = (vec![7; ROWS * self.k], vec![7.0; ROWS * self.k]);
            let best = self.k.min(BLOCK);
            let (listed, k) = (self.listed, self.k);
            Places::default().write(simd, &self.keys, best, listed, k, &mut tokens, &mut values);
            (tokens, values)
        }
    }

    /// For each row a token of each value, in the order of the row's number.
    #[test]
    fn keys_come_back_as_their_tokens_and_values() {
        let values = [
            f32::MAX,
            1.0f32.next_down(),
            f32::from_bits(1),
            -0.0,
            -f32::from_bits(1),
            -1.0,
            f32::MIN,
            f32::NEG_INFINITY,
        ];
        let pair = |row: usize, place: usize| {
            (
                u32::MAX - (100 * row + place) as u32,
                values[(row + place) % BLOCK],
            )
        };
        let keys: [Entry; BLOCK] = std::array::from_fn(|place| {
            std::array::from_fn(|row| {
                let (token, value) = pair(row, place);
                number_key(value, token)
            })
        });
        for (level, k) in Level::available().flat_map(|level| (1..=9).map(move |k| (level, k))) {
            for listed in [u32::MAX, 0b1111_1111, 0b0101_1011, 0b1000_0000, 0] {
                let write = Write { keys, listed, k };
                let (tokens, written) = Dispatch::new(level).unwrap().run(write);
                for (row, (tokens, written)) in tokens.chunks(k).zip(written.chunks(k)).enumerate()
                {
                    for (place, (&token, &value)) in tokens.iter().zip(written).enumerate() {
                        let expected = match place < BLOCK && listed >> row & 1 == 1 {
                            true => pair(row, place),
                            false => (7, 7.0),
                        };
                        let found = (token, value as f32);
                        assert_eq!(found, expected, "{level} {k} {listed:b} {row} {place}");
                    }
                }
            }
        }
    }

    struct OfThree([f32; 3]);

    impl Kernel for OfThree {
        type Output = Vec<u32>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Vec<u32> {
            let mut survivors = Survivors::default();
            survivors.reserve(3, "a test").unwrap();
            survivors.room()[..3].copy_from_slice(&[0, 1, 2]);
            survivors.set_len(3);
            let mut lists = Lists::default();
            lists.reserve(LONGEST_LIST, "a test").unwrap();
            lists.begin(simd, 1);
            lists.add(0, &self.0, &survivors, &mut Prefetcher::default());
            let (mut tokens, mut values) = (vec![7; 3], vec![7.0; 3]);
            let prefetcher = &mut Prefetcher::default();
            lists.sort_into(simd, 3, &mut tokens, &mut values, prefetcher);
            tokens
        }
    }

    /// A file that is mapped may change between the check of a row and the making
    /// of its keys.
    #[test]
    fn nan_keeps_its_token() {
        for bits in [0x7fc0_0000, 0xffc0_0000, u32::MAX, 0x7f80_0001] {
            let row = [0.25, f32::from_bits(bits), 0.5];
            for level in Level::available() {
                let run = || Dispatch::new(level).unwrap().run(OfThree(row));
                let tokens = marks::expect("a score without an order", run);
                assert_eq!(tokens, [2, 0, 1], "{level} {bits:x}");
            }
        }
    }

    /// Writes the best `best` places of some rows, each into room for `k`.
    struct WriteSome<'a> {
        lists: &'a [Entry],
        best: usize,
        listed: u32,
        rows: usize,
        k: usize,
    }

    impl Kernel for WriteSome<'_> {
        type Output = (Vec<u32>, Vec<f64>);

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> (Vec<u32>, Vec<f64>) {
            let WriteSome {
                lists,
                best,
                listed,
                rows,
                k,
            } = self;
            let (mut tokens, mut values) = (vec![7; rows * k], vec![7.0; rows * k]);
            let (out, values_out) = (&mut tokens[..], &mut values[..]);
            Places::default().write(simd, lists, best, listed, k, out, values_out);
            (tokens, values)
        }
    }

    /// Rows of every width, every number of them, all with a list or not.
    #[test]
    fn each_row_has_its_places_and_no_other_is_touched() {
        let pair = |row: usize, place: usize| {
            let token = 1000 + (100 * row + place) as u32;
            (token, (row as f32 + 0.5) * (50.0 - place as f32))
        };
        let key = |row, place| {
            let (token, value) = pair(row, place);
            number_key(value, token)
        };
        let lists: [Entry; 48] =
            std::array::from_fn(|place| std::array::from_fn(|row| key(row, place)));
        let check = |level, best, listed, rows, k| {
            let lists = &lists[..];
            let (tokens, written) = Dispatch::new(level).unwrap().run(WriteSome {
                lists,
                best,
                listed,
                rows,
                k,
            });
            for (row, (tokens, written)) in tokens.chunks(k).zip(written.chunks(k)).enumerate() {
                let has_list = listed >> row & 1 == 1;
                // A row with a list may have anything past the best.
                let written = tokens.iter().zip(written).enumerate();
                for (place, (&token, &value)) in written.take(if has_list { best } else { k }) {
                    let expected = if has_list { pair(row, place) } else { (7, 7.0) };
                    let case = format!("{level} {best} of {k}, {listed:b} of {rows}");
                    assert_eq!((token, value as f32), expected, "{case}: {row} {place}");
                }
            }
        };
        let check_all = |level| {
            for k in 1..=34usize {
                for best in [1, k.div_ceil(2), k.saturating_sub(8).max(1), k] {
                    for rows in 1..=ROWS {
                        let all = (1 << rows) - 1;
                        for listed in [u32::MAX, all, all >> 1, all & !1, 0b0101_1011 & all] {
                            check(level, best, listed, rows, k);
                        }
                    }
                }
            }
        };
        for level in Level::available() {
            marks::expect("eight rows are written at once", || {
                marks::expect("less room than for eight tokens", || check_all(level));
            });
        }
    }

    /// Rounds of lists of some lengths, a row each, sorted with the same memory.
    struct SortLists<'a> {
        row: &'a [f32],
        rounds: &'a [Vec<usize>],
        k: usize,
    }

    impl Kernel for SortLists<'_> {
        type Output = Vec<(u32, f64)>;

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> Self::Output {
            let SortLists { row, rounds, k } = self;
            let mut lists = Lists::default();
            lists.reserve(LONGEST_LIST, "a test").unwrap();
            let mut survivors = Survivors::default();
            survivors.reserve(LONGEST_LIST + 1, "a test").unwrap();
            let mut all = Vec::new();
            for lengths in rounds {
                lists.begin(simd, lengths.len());
                let size = lengths.len() * k;
                let (mut tokens, mut values) = (vec![7; size], vec![7.0; size]);
                for (number, &len) in lengths.iter().enumerate() {
                    for (i, token) in survivors.room()[..len].iter_mut().enumerate() {
                        *token = token_of(number, i);
                    }
                    survivors.set_len(len);
                    let prefetcher = &mut Prefetcher::default();
                    let listed = lists.add(number, row, &survivors, prefetcher);
                    assert_eq!(listed, len <= Lists::most::<S>(lengths.len()));
                }
                let prefetcher = &mut Prefetcher::default();
                lists.sort_into(simd, k, &mut tokens, &mut values, prefetcher);
                all.extend(tokens.into_iter().zip(values));
            }
            all
        }
    }

    struct Most(usize);

    impl Kernel for Most {
        type Output = usize;

        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> usize {
            Lists::most::<S>(self.0)
        }
    }

    /// The tokens of a list.
    fn token_of(number: usize, i: usize) -> u32 {
        (number * 5 + i * 3) as u32
    }

    /// A list is sorted whatever the lengths of the others, and of those before.
    #[test]
    fn lists_of_all_lengths_side_by_side() {
        let mut random = random(9);
        let row: Vec<f32> = (0..12_400)
            .map(|_| (random() * 64.0).ceil() / 64.0)
            .collect();
        let lengths = [0, 1, 300, 7, 129, 8, 9, LONGEST_LIST + 1];
        for level in Level::available() {
            for rows in 1..=ROWS {
                let most = Dispatch::new(level).unwrap().run(Most(rows));
                for k in [1, 2, 7, 8, 9, 16, 17, 33, 128, 140, 512] {
                    // Each length comes at each place.
                    let rotated = |by: usize| {
                        let lengths = lengths.iter().cycle().skip(by);
                        lengths.take(rows).copied().collect()
                    };
                    let mut rounds: Vec<Vec<usize>> = (0..8).map(rotated).collect();
                    rounds.push(vec![5; rows]);
                    rounds.push(vec![most + 1; rows]);
                    rounds.push(vec![most; rows]);
                    rounds.push(vec![0; rows]);
                    rounds.push(vec![13; rows]);
                    let (row, rounds) = (&row[..], &rounds[..]);
                    let sort = SortLists { row, rounds, k };
                    let run = || Dispatch::new(level).unwrap().run(sort);
                    let found = marks::expect("more survivors than a list holds", run);
                    let mut found = found.chunks(k);
                    for lengths in rounds {
                        for (number, &len) in lengths.iter().enumerate() {
                            let found = found.next().unwrap();
                            let case = format!("{level} {k}, row {number} of {lengths:?}");
                            if len > most {
                                assert!(found.iter().all(|&pair| pair == (7, 7.0)), "{case}");
                                continue;
                            }
                            let tokens = (0..len).map(|i| token_of(number, i));
                            let mut expected: Vec<(u32, f64)> = tokens
                                .map(|token| (token, f64::from(row[token as usize])))
                                .collect();
                            expected.sort_by_key(|&(token, value)| rank_key(value as f32, token));
                            let count = k.min(len);
                            assert_eq!(found[..count], expected[..count], "{case}");
                        }
                    }
                }
            }
        }
    }

    fn sort(survivors: &mut Survivors, row: &[f32], tokens: &mut [u32], values: &mut [f64]) {
        Dispatch::new(Level::best()).unwrap().run(SortInto {
            survivors,
            row,
            tokens,
            values,
        });
    }

    /// Among equal values the first tokens are kept.
    #[test]
    fn the_best_that_are_kept_are_k() {
        for len in [2, 50, FEW - 1, FEW, FEW + 1, 600] {
            let row: Vec<f32> = (0..len).map(|i| (i * 7 % 5) as f32 / 8.0).collect();
            for k in [1, len / 3 + 1, len - 1] {
                let mut survivors = Survivors::default();
                survivors.reserve(len, "a test").unwrap();
                let mut tokens: Vec<u32> = (0..len as u32).collect();
                // A list of some length, whatever is behind it.
                survivors.room()[..len].copy_from_slice(&tokens);
                survivors.set_len(len);
                let last = survivors.keep_best(&row, k);
                tokens.sort_by_key(|&token| rank_key(row[token as usize], token));
                assert_eq!(last, row[tokens[k - 1] as usize], "{k} of {len}");
                tokens.truncate(k);
                let mut in_order = tokens.clone();
                in_order.sort_unstable();
                assert_eq!(survivors.tokens(), in_order, "{k} of {len}");

                let (mut found, mut values) = (vec![7; k], vec![7.0; k]);
                sort(&mut survivors, &row, &mut found, &mut values);
                assert_eq!(found, tokens, "{k} of {len}");
                let value = |&token: &u32| f64::from(row[token as usize]);
                assert!(tokens.iter().map(value).eq(values), "{k} of {len}");
                survivors.clear();
                assert_eq!(survivors.len(), 0);
            }
        }
    }
}
