//! Beam search over positions that do not depend on each other.

use super::merge::Merge;
use super::shortlist::{Shortlist, Shortlists};
use crate::batch::{self, Items, PerThread};
use crate::error::{Error, Kind};
use crate::memory::{grow, reserve};
use crate::nbest::{ItemsMut, NBest};
use crate::phase;
use crate::scores::ScoresView;
use crate::simd::{Dispatch, Level};
use crate::trellis::Trellis;

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
/// (but rayon's queue may, for a call from outside its pools).
///
/// It runs in the rayon pool it is called in. The result is the same, to the
/// bit, for any number of threads, any composition of the batch and any level.
#[derive(Debug)]
pub struct IndependentSearch {
    beams: usize,
    dispatch: Dispatch,
    shortlists: Shortlists,
    items: Vec<ItemSearch>,
    merges: PerThread<Merge>,
}

impl IndependentSearch {
    /// The largest beam width.
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
                merges: PerThread::default(),
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

    /// The beam width.
    pub fn beams(&self) -> usize {
        self.beams
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }

    /// Bytes of memory that decoding `scores` takes, results included: what is
    /// reserved by the shape and the lengths before a score is read.
    ///
    /// It is for who decodes what strangers send, to compare with the memory
    /// there is: a system that overcommits grants any request, and ends the
    /// process that uses it. [`usize::MAX`] stands for more than can be counted.
    /// Takes time linear in the number of lengths, if there are any.
    pub fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        let width = self.beams.min(scores.vocab());
        let item = |length: usize| {
            let Growth { beam, nodes } = Growth::of(self.beams, width, length);
            // A node has a parent and a token; a hypothesis two scores while it
            // grows, one in the end, and a token a step.
            let nodes = nodes.saturating_mul(2 * size_of::<u32>());
            let hypothesis = length.saturating_mul(size_of::<u32>());
            let hypothesis = hypothesis.saturating_add(4 * size_of::<f64>());
            let ends = length.saturating_mul(size_of::<usize>());
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

    /// Decodes a batch into new results. [`IndependentSearch::decode_into`] also
    /// keeps the results of the other items where one is refused.
    ///
    /// # Errors
    ///
    /// If an item holds an invalid score, or memory runs out.
    pub fn decode(&mut self, scores: &ScoresView<'_>) -> Result<NBest, Error> {
        let mut nbest = NBest::new();
        self.decode_into(scores, &mut nbest)?;
        Ok(nbest)
    }

    /// Decodes a batch into `nbest`, whose memory is used again.
    ///
    /// # Errors
    ///
    /// If an item holds an invalid score, the error names the first. All other
    /// items are decoded nevertheless: after an error `nbest` holds them, and
    /// lists every refused item in [`NBest::failures`].
    ///
    /// If memory runs out, `nbest` is empty.
    pub fn decode_into(&mut self, scores: &ScoresView<'_>, nbest: &mut NBest) -> Result<(), Error> {
        nbest.clear();
        let batch = scores.batch();
        grow(&mut self.items, batch, "the searches of the items")?;
        let items = &mut self.items[..batch];
        self.shortlists.fill(scores, self.beams, self.dispatch)?;

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
        self.merges.prepare_each(|merge| merge.reserve(widest))?;
        nbest.reserve(batch, hypotheses, tokens)?;

        let (beams, shortlists, merges) = (self.beams, &self.shortlists, &self.merges);
        batch::for_each(Items::new(items), 1, &|mut items: Items<'_, ItemSearch>| {
            let _merging = phase::merge();
            merges.with(|merge| {
                items.for_each(|item, search| search.run(item, scores, beams, shortlists, merge));
            });
        });

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
        batch::for_each(nbest.items_mut(), 1, &|mut hypotheses: ItemsMut<'_>| {
            let _backtracking = phase::backtrack();
            hypotheses.for_each(|item, rank, tokens| items[item].trellis.trace(rank, tokens));
        });
        match nbest.failures().first() {
            None => Ok(()),
            Some((_, error)) => Err(error.clone()),
        }
    }
}

/// How the beam of an item grows, by its shape.
struct Growth {
    /// How wide it can become, which is how wide it can be at the end.
    beam: usize,
    /// The hypotheses of all steps.
    nodes: usize,
}

impl Growth {
    /// In `steps` steps with rows of `width` tokens.
    fn of(beams: usize, width: usize, steps: usize) -> Self {
        let (mut beam, mut nodes) = (1usize, 0usize);
        if width == 1 {
            return Growth { beam, nodes: steps };
        }
        for step in 0..steps {
            beam = beam.saturating_mul(width).min(beams);
            nodes = nodes.saturating_add(beam);
            if beam == beams {
                // From here on the beam is full.
                nodes = nodes.saturating_add((steps - step - 1).saturating_mul(beams));
                break;
            }
        }
        Growth { beam, nodes }
    }
}

/// The search of one item.
#[derive(Debug, Default)]
struct ItemSearch {
    trellis: Trellis,
    /// Scores of the beam, best first.
    scores: Vec<f64>,
    next_scores: Vec<f64>,
    /// Why there is no result.
    outcome: Option<Error>,
}

impl ItemSearch {
    /// Makes room for a search of `steps` steps with rows of `width` tokens.
    /// Returns how wide the beam can become, which is how wide it can be at the
    /// end.
    fn reserve(&mut self, beams: usize, width: usize, steps: usize) -> Result<usize, Error> {
        let Growth { beam, nodes } = Growth::of(beams, width, steps);
        self.trellis.clear();
        self.trellis.reserve(steps, nodes)?;
        self.scores.clear();
        self.next_scores.clear();
        let what = "the scores of the beam";
        reserve(&mut self.scores, beam, what)?;
        reserve(&mut self.next_scores, beam, what)?;
        Ok(beam)
    }

    fn run(
        &mut self,
        item: usize,
        scores: &ScoresView<'_>,
        beams: usize,
        shortlists: &Shortlists,
        merge: &mut Merge,
    ) {
        self.trellis.clear();
        self.scores.clear();
        self.scores.push(0.0);
        self.outcome = None;
        for step in 0..scores.length(item) {
            let Some(row) = shortlists.get(item, step) else {
                self.outcome = Some(scores.invalid_score(item, step));
                return;
            };
            self.step(row, beams, merge);
        }
    }

    /// Replaces the beam by the best of its continuations.
    fn step(&mut self, row: Shortlist<'_>, beams: usize, merge: &mut Merge) {
        let pairs = self.scores.len().saturating_mul(row.tokens.len());
        let count = pairs.min(beams);
        self.next_scores.clear();
        if count > 0 {
            let (trellis, next_scores) = (&mut self.trellis, &mut self.next_scores);
            merge.best(count, &self.scores, row.log_probabilities, |best| {
                trellis.push(best.parent, row.tokens[best.rank as usize]);
                next_scores.push(best.score);
            });
        }
        self.trellis.end_step();
        std::mem::swap(&mut self.scores, &mut self.next_scores);
    }
}
