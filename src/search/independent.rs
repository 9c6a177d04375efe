//! Beam search over positions that do not depend on each other: [`beam_search`] in one
//! call, [`IndependentSearch`] to be kept.

mod growth;
mod item;

use self::growth::Growth;
use self::item::{Call, ItemSearch, OfThread};
use super::merge::Merge;
use super::shortlist::Shortlists;
use crate::batch::{self, IndexedSlice, PerThread};
use crate::byte_limit::ByteLimit;
use crate::cancellation::{Cancellation, CancellationToken, Interrupted, Watch};
use crate::error::{Error, InterruptedAt, Kind};
use crate::memory::grow;
pub use crate::nbest::{Hypothesis, IndependentDetails, OwnedHypothesis};
use crate::nbest::{ItemsMut, NBest};
use crate::phase;
use crate::scores::ScoresView;
use crate::simd::{Dispatch, Level};

/// The k best sequences of each item of `scores`, and their log-probabilities,
/// with a beam of width `beams`: [`IndependentSearch`] in one call.
///
/// # Errors
///
/// Those of [`IndependentSearch::new`] and [`IndependentSearch::decode`].
pub fn beam_search(scores: &ScoresView<'_>, beams: usize) -> Result<NBest, Error> {
    IndependentSearch::new(beams)?.decode(scores)
}

/// A beam search over independent positions.
///
/// Every position has one distribution over the tokens, whatever came before
/// it: the scores of a hypothesis are those of its tokens, summed. With k
/// beams the result is the exact k best sequences of each item, in order of
/// score; equal scores are in order of the rank of the parent, then of the
/// rank of the token in its row (by value, then by id).
///
/// ```text
/// for every item and step, in parallel:
///     row = the k best tokens of the position      (one read of all scores)
/// for every item, in parallel:
///     beam = [the empty hypothesis, score 0]
///     for each step:
///         beam = the k best of beam x row by score + log-probability
///         append the parents and tokens of the beam to the trellis
///     trace the hypotheses of the last beam back through the trellis
/// ```
///
/// For B items of T steps and a vocabulary of V this reads the B T V scores
/// once, and does O(B T k log k) work besides in O(B T k) memory. A value keeps
/// its buffers: decoding a second batch of the same shape allocates nothing
/// (but rayon's queue may, for a call from outside its pools, and the reason of an item
/// that is refused does). A clone has the same
/// settings and buffers of its own.
///
/// ```
/// use widebeam::{IndependentSearch, NBest, ScoresView};
///
/// let mut search = IndependentSearch::new(2)?;
/// let mut nbest = NBest::new();
/// for probabilities in [[0.5f32, 0.3, 0.2], [0.1, 0.8, 0.1]] {
///     let scores = ScoresView::probabilities(&probabilities, [1, 1, 3])?;
///     search.decode_into(&scores, &mut nbest)?;
///     let tokens = nbest.item(0)?.map(|hypothesis| hypothesis.tokens[0]);
///     println!("the best two tokens: {:?}", tokens.collect::<Vec<_>>());
/// }
/// assert_eq!(nbest.best(0)?.tokens, [1]);
/// # Ok::<(), widebeam::Error>(())
/// ```
///
/// It runs in the rayon pool it is called in. The result is the same, to the
/// bit, for any number of threads, any composition of the batch and any level.
#[derive(Debug)]
pub struct IndependentSearch {
    beams: usize,
    dispatch: Dispatch,
    shortlists: Shortlists,
    items: Vec<ItemSearch>,
    threads: PerThread<OfThread>,
    cancellation: Cancellation,
    max_bytes: ByteLimit,
}

impl IndependentSearch {
    /// The largest beam width, 2^31 - 1 = 2,147,483,647.
    pub const MAX_BEAMS: usize = (u32::MAX >> 1) as usize;

    /// A search with a beam of width `beams`, at the level of
    /// [`Level::from_environment`].
    ///
    /// # Errors
    ///
    /// If `beams` is 0 or above [`IndependentSearch::MAX_BEAMS`], or the
    /// environment names no level of this processor.
    pub fn new(beams: usize) -> Result<Self, Error> {
        let limit = Self::MAX_BEAMS;
        match beams {
            0 => Err(Kind::ZeroBeams.into()),
            _ if beams > limit => Err(Kind::BeamsTooLarge { beams, limit }.into()),
            _ => Ok(IndependentSearch {
                beams,
                dispatch: Dispatch::require(Level::from_environment()?)?,
                shortlists: Shortlists::default(),
                items: Vec::new(),
                threads: PerThread::default(),
                cancellation: Cancellation::default(),
                max_bytes: ByteLimit::default(),
            }),
        }
    }

    /// The same search at another instruction-set level.
    ///
    /// # Errors
    ///
    /// If this processor does not have it.
    pub fn with_level(mut self, level: Level) -> Result<Self, Error> {
        self.dispatch = Dispatch::require(level)?;
        Ok(self)
    }

    /// The same search with a token that ends its calls early.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.set_cancellation(Some(token));
        self
    }

    /// Gives the search another token that ends its calls early, or none: for a search that
    /// is kept, before each call.
    pub fn set_cancellation(&mut self, token: Option<CancellationToken>) {
        self.cancellation = Cancellation::new(token);
    }

    /// The same search with a limit on the memory of a call, or without one: a batch that needs
    /// more than `bytes` is refused ([`LimitExceeded`](crate::ErrorKind::LimitExceeded)) before
    /// memory is asked for. [`IndependentSearch::bytes_needed`] says what it needs. What the
    /// search keeps from earlier calls is not counted; a new one has nothing.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_bytes = ByteLimit::new(bytes);
        self
    }

    /// The beam width.
    pub fn beams(&self) -> usize {
        self.beams
    }

    /// The most bytes that the search may take; `None` if there is no limit.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes.get()
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }

    /// Bytes of memory that decoding `scores` takes, results included: what is
    /// reserved by the shape and the lengths before a score is read.
    ///
    /// Compare it with free memory before decoding untrusted input: a system that
    /// overcommits grants any request, and ends the process that uses it. [`usize::MAX`]
    /// stands for more than can be counted. An item that is refused takes up to 144 bytes
    /// more.
    /// Takes time linear in the number of lengths, if there are any.
    pub fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        let width = self.beams.min(scores.vocab());
        let item = |length: usize| {
            let Growth { beam, nodes } = Growth::of(self.beams, width, length);
            // A node has a parent and a token; a hypothesis two scores while it grows, in
            // the end a score, a token a step and where these end. A list has room for four.
            let room = |count: usize| if count == 0 { 0 } else { count.max(4) };
            let hypothesis = length.saturating_mul(size_of::<u32>());
            let hypothesis = hypothesis.saturating_add(size_of::<f64>() + size_of::<usize>());
            let nodes = room(nodes).saturating_mul(2 * size_of::<u32>());
            let scores = room(beam).saturating_mul(2 * size_of::<f64>());
            let nodes = nodes.saturating_add(scores);
            let ends = room(length).saturating_mul(size_of::<usize>());
            let item = nodes.saturating_add(beam.saturating_mul(hypothesis));
            let item = item.saturating_add(ends);
            (beam, item.saturating_add(size_of::<ItemSearch>()))
        };
        let (mut widest, mut items) = (1, 0usize);
        match scores.lengths() {
            // All alike: there may be more of them than can be counted one by one.
            None if scores.batch() > 0 => {
                let (beam, bytes) = item(scores.time());
                (widest, items) = (beam, scores.batch().saturating_mul(bytes));
            }
            lengths => {
                for &length in lengths.unwrap_or_default() {
                    let (beam, bytes) = item(length);
                    items = items.saturating_add(bytes);
                    widest = widest.max(beam);
                }
            }
        }
        let lists = Shortlists::bytes_needed(scores, self.beams);
        let bytes = lists.saturating_add(items);
        let merge = Merge::bytes_needed(widest);
        bytes.saturating_add(batch::threads().saturating_mul(merge))
    }

    /// Decodes a batch into new results. An item that is refused, for an invalid score,
    /// is an error of its own there ([`NBest::item`]); the others are decoded.
    ///
    /// # Errors
    ///
    /// If memory runs out, the batch needs more than the search may take
    /// ([`IndependentSearch::with_max_bytes`]), or the search is cancelled
    /// ([`IndependentSearch::with_cancellation`]).
    pub fn decode(&mut self, scores: &ScoresView<'_>) -> Result<NBest, Error> {
        let mut nbest = NBest::new();
        self.decode_into(scores, &mut nbest)?;
        Ok(nbest)
    }

    /// Decodes a batch as [`IndependentSearch::decode`] does, and replaces the contents of
    /// `nbest`, whose memory is used again.
    ///
    /// # Errors
    ///
    /// Those of [`IndependentSearch::decode`]; `nbest` is then empty.
    pub fn decode_into(&mut self, scores: &ScoresView<'_>, nbest: &mut NBest) -> Result<(), Error> {
        nbest.clear();
        nbest.first_item = scores.first_item();
        let first_item = scores.first_item();
        let start = || InterruptedAt::Item {
            item: first_item,
            step: 0,
        };
        self.cancellation.check(start)?;
        self.max_bytes.check(|| 0, || self.bytes_needed(scores))?;
        let batch = scores.batch();
        grow(&mut self.items, batch, "the searches of the items")?;
        let items = &mut self.items[..batch];
        self.shortlists
            .fill(scores, self.beams, self.dispatch, &self.cancellation)?;

        // All room is made here, by the shape, so that what the scores are
        // does not matter to it.
        let width = self.beams.min(scores.vocab());
        let (mut widest, mut hypotheses, mut tokens) = (1, 0usize, 0usize);
        for (item, search) in items.iter_mut().enumerate() {
            let beam = search.reserve(self.beams, width, scores.length(item))?;
            widest = widest.max(beam);
            hypotheses = hypotheses.saturating_add(beam);
            tokens = tokens.saturating_add(beam.saturating_mul(scores.length(item)));
        }
        self.threads
            .prepare_each(|thread| thread.merge.reserve(widest))?;
        nbest.reserve(batch, hypotheses, tokens)?;

        let (interrupted, threads) = (Interrupted::default(), &self.threads);
        let call = Call {
            scores,
            beams: self.beams,
            shortlists: &self.shortlists,
            cancellation: &self.cancellation,
        };
        let work = IndexedSlice::new(&mut *items);
        batch::for_each_until(work, 1, &interrupted, &|mut items: IndexedSlice<
            '_,
            ItemSearch,
        >| {
            let _merging = phase::merge();
            threads.with(|thread| {
                items.for_each(|item, search| {
                    if let Err(interrupt) = search.run(item, &call, thread) {
                        interrupted.note(item, search.trellis.steps(), interrupt);
                    }
                });
            });
        });
        interrupted.check(first_item)?;

        for (item, search) in items.iter_mut().enumerate() {
            let Some(error) = search.outcome.take() else {
                nbest.push_item(scores.length(item), &search.scores);
                continue;
            };
            if let Err(no_memory) = nbest.fail_item(error) {
                nbest.clear();
                return Err(no_memory);
            }
        }
        let (interrupted, work) = (Interrupted::default(), nbest.items_mut());
        batch::for_each_until(work, 1, &interrupted, &|mut hypotheses: ItemsMut<'_>| {
            let _backtracking = phase::backtrack();
            let mut watch = Watch::default();
            hypotheses.for_each(|item, rank, tokens| {
                let trellis = &items[item].trellis;
                match watch.look(&self.cancellation) {
                    Ok(()) => trellis.trace(rank, tokens),
                    Err(interrupt) => interrupted.note(item, trellis.steps(), interrupt),
                }
            });
        });
        if interrupted.is_set() {
            nbest.clear();
        }
        interrupted.check(first_item)
    }
}

impl Clone for IndependentSearch {
    fn clone(&self) -> Self {
        IndependentSearch {
            beams: self.beams,
            dispatch: self.dispatch,
            shortlists: Shortlists::default(),
            items: Vec::new(),
            threads: PerThread::default(),
            cancellation: self.cancellation.clone(),
            max_bytes: self.max_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;
    use crate::reference;

    /// As many as the searches of a batch have room for, each in its parts.
    fn room(search: &IndependentSearch) -> usize {
        let of = |item: &ItemSearch| {
            let scores = item.scores.capacity() + item.next_scores.capacity();
            8 * scores + size_of::<ItemSearch>() + item.trellis.bytes()
        };
        search.items.iter().map(of).sum()
    }

    /// Rows of which no token is like another.
    fn values(shape: [usize; 3]) -> Vec<f32> {
        let count = shape.iter().product();
        (0..count)
            .map(|at: usize| (((at + 1) * 7919) % 10_007) as f32 / 10_007.0)
            .collect()
    }

    /// What is said to be needed is what is reserved, to the byte, but for the places
    /// where items end.
    #[test]
    fn the_memory_of_a_batch_is_known_to_the_byte() {
        for (shape, beams, lengths) in [
            ([1, 9, 10], 8, None),
            ([3, 5, 10], 8, None),
            ([3, 5, 10], 8, Some(&[5, 5, 5][..])),
            ([3, 5, 10], 8, Some(&[4, 5, 1])),
            ([2, 7, 3], 500, Some(&[4, 7])),
            ([2, 7, 3], 500, Some(&[7, 4])),
            ([1, 5, 1], 4, None),
            ([4, 6, 9], 5, Some(&[6, 0, 3, 0])),
        ] {
            let data = values(shape);
            let view = ScoresView::probabilities(&data, shape).unwrap();
            let view = match lengths {
                Some(lengths) => view.with_lengths(lengths).unwrap(),
                None => view,
            };
            let (mut search, mut nbest) = (IndependentSearch::new(beams).unwrap(), NBest::new());
            let needed = marks::on_this_thread(|| {
                search.decode_into(&view, &mut nbest).unwrap();
                search.bytes_needed(&view)
            });
            let results = 8 * nbest.scores().len() + 4 * nbest.tokens().len();
            let results = results + size_of_val(nbest.token_ends());
            let lists = marks::on_this_thread(|| Shortlists::bytes_needed(&view, beams));
            let widest = (0..view.batch())
                .map(|item| nbest.item(item).unwrap().len())
                .max();
            let merge = Merge::bytes_needed(widest.unwrap().max(1));
            let expected = room(&search) + results + lists + merge;
            assert_eq!(expected, needed, "{shape:?} x {beams}, {lengths:?}");
        }
    }

    /// The same is needed for lengths that are all the time there is.
    #[test]
    fn memory_is_the_sum_over_the_items() {
        let data = values([4, 6, 5]);
        let search = IndependentSearch::new(7).unwrap();
        let view = ScoresView::probabilities(&data, [4, 6, 5]).unwrap();
        let needed = |lengths: &[usize]| {
            let part = view.items(0..lengths.len());
            search.bytes_needed(&part.with_lengths(lengths).unwrap())
        };
        assert_eq!(needed(&[6; 4]), search.bytes_needed(&view));
        let none = view.items(0..0);
        assert_eq!(needed(&[]), search.bytes_needed(&none));
        // An item of one more step: a node for each of 7, with a token each in the end,
        // and where the step ends. The lists of rows are as long as before.
        let more = needed(&[6, 5]) - needed(&[6, 4]);
        assert_eq!(more, 7 * 8 + 7 * 4 + size_of::<usize>());
    }

    fn check(level: Level, shape: [usize; 3], beams: usize, data: &[f32]) {
        let view = ScoresView::probabilities(data, shape).unwrap();
        let expected = reference::independent(&view, beams);
        let search = IndependentSearch::new(beams).unwrap();
        let mut search = search.with_level(level).unwrap();
        let found = marks::on_this_thread(|| search.decode(&view).unwrap());
        for (item, expected) in expected.iter().enumerate() {
            let found = found
                .item(item)
                .unwrap()
                .map(|h| (h.tokens.to_vec(), h.score));
            assert!(found.eq(expected.iter().cloned()), "item {item} at {level}");
        }
    }

    /// Beams that take all there is, so that parents run out of tokens on the way.
    #[test]
    fn beams_wider_than_all_sequences() {
        for (shape, beams) in [([2, 4, 3], 81), ([2, 4, 3], 80), ([1, 6, 2], 100)] {
            let data = values(shape);
            for level in Level::available() {
                marks::expect("a parent has no token left", || {
                    check(level, shape, beams, &data);
                });
            }
        }
    }

    /// Rows with fewer possible tokens than the beam is wide, down to none: the beam
    /// shrinks, and what has no hypothesis has none later.
    #[test]
    fn a_beam_that_shrinks_and_ends() {
        let (vocab, time) = (6, 5);
        for possible in 0..=2usize {
            for row in 0..time {
                let mut data = values([1, time, vocab]);
                for token in possible..vocab {
                    data[row * vocab + token] = 0.0;
                }
                for level in Level::available() {
                    check(level, [1, time, vocab], 10, &data);
                }
            }
        }
    }

    #[test]
    fn items_refused_anywhere_leave_their_neighbours_alone() {
        let shape = [4, 3, 5];
        let good = values(shape);
        let view = ScoresView::probabilities(&good, shape).unwrap();
        let whole = beam_search(&view, 6).unwrap();
        let mut search = IndependentSearch::new(6).unwrap();
        let mut nbest = NBest::new();
        for refused in 1..16usize {
            let mut data = good.clone();
            let items: Vec<usize> = (0..4).filter(|item| (refused >> item) & 1 == 1).collect();
            for &item in &items {
                data[(item * 3 + item % 3) * 5 + 4] = -1.0;
            }
            let view = ScoresView::probabilities(&data, shape).unwrap();
            marks::expect("an item of independent positions is refused", || {
                marks::on_this_thread(|| search.decode_into(&view, &mut nbest).unwrap())
            });
            let failed: Vec<usize> = nbest.failures().map(|(item, _)| item).collect();
            assert_eq!(failed, items);
            for (item, error) in nbest.failures() {
                let place = format!("item {item}, step {}, token 4: -1 ", item % 3);
                assert!(error.to_string().starts_with(&place), "{error}");
                assert_eq!(nbest.item(item).unwrap_err(), *error);
            }
            for item in 0..4 {
                match items.contains(&item) {
                    true => assert_eq!(nbest.item(item).unwrap_err().item(), Some(item)),
                    false => assert!(nbest.item(item).unwrap().eq(whole.item(item).unwrap())),
                }
            }
        }
        // The same search on the good ones holds nothing against them.
        let view = ScoresView::probabilities(&good, shape).unwrap();
        search.decode_into(&view, &mut nbest).unwrap();
        assert_eq!(nbest, whole);
    }

    #[test]
    fn the_width_and_the_level_are_those_asked_for() {
        for level in Level::available() {
            let search = IndependentSearch::new(7).unwrap();
            let search = search.with_level(level).unwrap();
            assert_eq!((search.beams(), search.level()), (7, level));
        }
        let limit = IndependentSearch::MAX_BEAMS;
        assert_eq!(limit, (1 << 31) - 1);
        assert_eq!(IndependentSearch::new(limit).unwrap().beams(), limit);
        for (beams, message) in [
            (0, "a beam width of 0 finds nothing; at least 1 is needed"),
            (
                limit + 1,
                "a beam width of 2147483648 is above the limit of 2147483647",
            ),
        ] {
            let error = IndependentSearch::new(beams).unwrap_err();
            assert_eq!(error.to_string(), message);
        }
    }

    /// A batch that is smaller, or larger, than the one before.
    #[test]
    fn a_search_that_is_used_again_answers_as_a_new_one() {
        let mut search = IndependentSearch::new(9).unwrap();
        let mut nbest = NBest::new();
        for shape in [
            [3, 4, 5],
            [1, 2, 30],
            [5, 1, 2],
            [0, 3, 3],
            [2, 0, 7],
            [4, 6, 11],
        ] {
            let data = values(shape);
            let view = ScoresView::probabilities(&data, shape).unwrap();
            search.decode_into(&view, &mut nbest).unwrap();
            assert_eq!(nbest, beam_search(&view, 9).unwrap(), "{shape:?}");
        }
    }
}
