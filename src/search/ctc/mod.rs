//! CTC prefix beam search: [`CtcSearch`] for whole items, [`CtcStream`] for frames as
//! they come; [`CtcGreedy`] for the best alignment alone. Language models and word lists are in [`scorers`](crate::scorers), and the
//! text of tokens too: [`Vocabulary`](crate::scorers::Vocabulary).

mod beam;
mod by_text;
mod candidate;
mod carried;
mod decoder;
mod ended;
mod extensions;
mod frame;
mod greedy;
mod links;
mod most;
mod nbest;
mod pace;
mod pruning;
mod rebuild;
mod runs;
mod scored_extensions;
mod settings;
mod states;
mod stream;

pub use crate::blank::Blank;
pub use greedy::CtcGreedy;
pub use nbest::{CtcDetails, CtcHypothesis, CtcNBest, OwnedCtcHypothesis};
pub use pruning::CtcPruning;
pub use stream::CtcStream;

use std::sync::Arc;

use crate::batch::{self, IndexedSlice, PerThread};
use crate::byte_limit::ByteLimit;
use crate::cancellation::{Cancellation, CancellationToken, Interrupted};
use crate::error::{Error, InterruptedAt};
use crate::kernels::top_k::Plan;
use crate::memory::grow;
use crate::phase;
use crate::scorers::{self, Scorer, Unscored};
use crate::scores::ScoresView;
use crate::search::shortlist::Shortlists;
use crate::simd::{Dispatch, Level};
use decoder::{Decoder, Search};
use ended::Ended;
use frame::Source;
use settings::Settings;

/// A prefix beam search for CTC emissions: the most probable labellings, with
/// the probabilities of their alignments summed.
///
/// An alignment names a token or the blank for every frame; dropping repeats,
/// then blanks, leaves its labelling (Graves et al. 2006). The search keeps, for
/// each of the W best distinct prefixes, the log mass of the alignments that
/// end in a blank and of those that end in its last token, and merges by sum.
/// **Nothing is pruned** unless [`CtcPruning`] says so: every extension of
/// every prefix counts. One beam is not greedy decoding ([`CtcGreedy`]), which takes the best
/// single alignment and sums nothing.
///
/// Prefixes are ranked by score, highest first. Ties are broken by the rank of the source in
/// the beam before. The source of a carried prefix is the prefix itself; the source of an
/// extension is the prefix that it extends; a prefix that is both takes the better rank. At
/// equal sources carried prefixes come first, by their own rank, then extensions, by the rank
/// of the new token in its row.
///
/// Beside the score there is the best single alignment found under the beam:
/// the same recursion with maximum in place of sum, over the same prefixes of
/// the same beams. On a tie an alignment that ends in the blank is taken
/// before one that ends in the token, and one that has been in a prefix before
/// one that only enters it.
///
/// For an item of T steps and a vocabulary of V this reads the T V scores once,
/// and looks at no more than about W ln W + 3 W candidates a step, whatever V;
/// memory is O(T W + V). Item by item it runs in parallel, in the rayon pool
/// it is called in, and the result is the same, to the bit, for any number of
/// threads, any composition of the batch and any level.
///
/// A value keeps its buffers. A clone has the same settings and shares the scorer; its
/// buffers are its own.
///
/// With a scorer ([`CtcSearch::with_scorer`]) the bound on candidates no longer holds, because
/// a scorer can lift any token. Which tokens extend a prefix depends on
/// [`Scorer::max_score`]:
/// - If it is finite, every token counts that pruning leaves, as without a scorer. The
///   search skips those that cannot reach the beam even with the most that the scorer can add.
/// - If it is infinite, only the frame's W + 2 best tokens, less the blank if it is one of
///   them, extend the prefix, or as many as [`CtcPruning::with_top_tokens`] says. A token
///   below them is lost, however far the scorer would lift it.
///
/// The [`scorers`](crate::scorers) of this crate have a finite one, with two exceptions, which
/// the table there names.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
///
/// // Two frames over blank (0), a (1) and b (2): both best paths are blank,
/// // but "a" has more mass in sum.
/// let probabilities = [0.6f32, 0.4, 0.0, 0.6, 0.4, 0.0];
/// let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
/// let nbest = CtcSearch::new(4, Blank(0))?.decode(&scores)?;
/// let best = nbest.best(0)?;
/// assert_eq!((best.tokens, best.frames), (&[1][..], &[0][..]));
/// assert!((best.score.exp() - 0.64).abs() < 1e-6);
/// assert!((best.alignment_score.exp() - 0.24).abs() < 1e-6);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Debug)]
pub struct CtcSearch<S: Scorer = Unscored> {
    settings: Settings,
    scorer: Arc<S>,
    dispatch: Dispatch,
    shortlists: Shortlists,
    decoders: PerThread<Decoder<S::State>>,
    items: Vec<Decoded>,
    cancellation: Cancellation,
    max_bytes: ByteLimit,
}

/// What came of one item.
#[derive(Debug, Default)]
struct Decoded {
    hypotheses: CtcNBest,
    failure: Option<Error>,
}

impl CtcSearch {
    /// The largest beam width, 2^20 = 1,048,576.
    pub const MAX_BEAMS: usize = settings::MAX_BEAMS;

    /// A search with `beams` prefixes for emissions with this blank, at the level of
    /// [`Level::from_environment`].
    ///
    /// # Errors
    ///
    /// If `beams` is 0 or above [`CtcSearch::MAX_BEAMS`], or the environment
    /// names no level of this processor.
    pub fn new(beams: usize, blank: Blank) -> Result<Self, Error> {
        Ok(CtcSearch {
            settings: Settings::new(beams, blank.0)?,
            scorer: Arc::new(Unscored),
            dispatch: Dispatch::require(Level::from_environment()?)?,
            shortlists: Shortlists::default(),
            decoders: PerThread::default(),
            items: Vec::new(),
            cancellation: Cancellation::default(),
            max_bytes: ByteLimit::default(),
        })
    }
}

impl<S: Scorer + Sync> CtcSearch<S> {
    /// The same search with a scorer, in place of the one before.
    #[must_use]
    pub fn with_scorer<N: Scorer + Sync>(self, scorer: N) -> CtcSearch<N> {
        CtcSearch {
            settings: self.settings,
            scorer: Arc::new(scorer),
            dispatch: self.dispatch,
            shortlists: self.shortlists,
            decoders: PerThread::default(),
            items: self.items,
            cancellation: self.cancellation,
            max_bytes: self.max_bytes,
        }
    }

    /// The same search with pruning, in place of the one before.
    ///
    /// # Errors
    ///
    /// If a threshold is NaN, the number of top tokens or the commit delay 0,
    /// the minimum token log-probability above 0, or the score threshold below.
    pub fn with_pruning(mut self, pruning: CtcPruning) -> Result<Self, Error> {
        pruning.check()?;
        self.settings.pruning = pruning;
        Ok(self)
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

    /// The same search with a token that ends its calls early. Streams that are made of it have
    /// the token too.
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

    /// The same search with a limit on the memory of a call, or without one: a batch, or frames of
    /// a stream, that could need more than `bytes` are refused
    /// ([`LimitExceeded`](crate::ErrorKind::LimitExceeded)) before memory is asked for. Prefixes
    /// and results count as if no two hypotheses shared a token, which is far above what most
    /// batches take. What the search keeps from earlier calls is not counted, nor what the states
    /// of a scorer hold elsewhere. Streams that are made of the search have the same limit, each
    /// for itself.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_bytes = ByteLimit::new(bytes);
        self
    }

    /// The beam width.
    pub fn beams(&self) -> usize {
        self.settings.beams
    }

    /// The blank.
    pub fn blank(&self) -> Blank {
        Blank(self.settings.blank)
    }

    /// The pruning.
    pub fn pruning(&self) -> &CtcPruning {
        &self.settings.pruning
    }

    /// The scorer.
    pub fn scorer(&self) -> &S {
        &self.scorer
    }

    /// The most bytes that the search may take; `None` if there is no limit.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes.get()
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }

    /// A stream of frames to be decoded as they come, with the settings of this
    /// search. The scorer is shared, not copied.
    pub fn stream(&self) -> CtcStream<S> {
        CtcStream::new(
            self.settings.clone(),
            Arc::clone(&self.scorer),
            self.dispatch,
            self.cancellation.clone(),
            self.max_bytes,
        )
    }

    /// Bytes of memory that decoding `scores` allocates before the first frame, which the
    /// shape alone determines. Prefixes and results come on top; how much they take depends
    /// on the scores.
    ///
    /// See [`IndependentSearch::bytes_needed`](crate::IndependentSearch::bytes_needed)
    /// for what it is for.
    pub fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        let lists = if self.reads_late(scores) {
            0
        } else {
            Shortlists::bytes_needed(scores, self.settings.shortlist_width())
        };
        let (vocab, scored) = (scores.vocab(), scorers::scores::<S>());
        let decoder = Decoder::<S::State>::bytes_needed(&self.settings, vocab, scored);
        let items = scores.batch().saturating_mul(size_of::<Decoded>());
        lists
            .saturating_add(items)
            .saturating_add(batch::threads().saturating_mul(decoder))
    }

    /// The most bytes that decoding `scores` can take, results included.
    fn most_bytes(&self, scores: &ScoresView<'_>) -> usize {
        let (beams, longest) = (self.settings.beams, scores.longest());
        let trees = most::bytes_of_trees(beams, beams.saturating_mul(longest), 0);
        // The results of an item, and of all items.
        let results = most::bytes_of_results(beams, longest).saturating_mul(2);
        self.bytes_needed(scores)
            .saturating_add(batch::threads().saturating_mul(trees))
            .saturating_add(scores.batch().saturating_mul(results))
    }

    /// Whether phase one is skipped. If there is an item for every thread, a thread reads each
    /// row only at its frame, when it knows how good a token must be to matter. Short rows
    /// always go through phase one, which sorts all their tokens.
    fn reads_late(&self, scores: &ScoresView<'_>) -> bool {
        !scorers::scores::<S>()
            && self.settings.pruning.keeps_tokens()
            && !Plan::is_short_row(scores.vocab())
            && scores.batch() >= batch::threads()
    }

    /// Decodes a batch into new results. An item that is refused, for an invalid score,
    /// is an error of its own there ([`NBest::item`](crate::NBest::item)); the others are
    /// decoded. An item of no steps has one hypothesis, the empty one, of score 0 (or of what a
    /// scorer says of the end).
    ///
    /// # Errors
    ///
    /// If the blank is beyond the vocabulary, there are more steps than
    /// [`CtcStream::MAX_FRAMES`], memory runs out, the batch may need more than the search may
    /// take ([`CtcSearch::with_max_bytes`]), or the search is cancelled
    /// ([`CtcSearch::with_cancellation`]).
    pub fn decode(&mut self, scores: &ScoresView<'_>) -> Result<CtcNBest, Error> {
        let mut nbest = CtcNBest::new();
        self.decode_into(scores, &mut nbest)?;
        Ok(nbest)
    }

    /// Decodes a batch as [`CtcSearch::decode`] does, and replaces the contents of
    /// `nbest`, whose memory is used again.
    ///
    /// # Errors
    ///
    /// Those of [`CtcSearch::decode`]; `nbest` is then empty.
    ///
    /// # Panics
    ///
    /// If the scorer does. `nbest` is then empty, and the search ready for its next call.
    pub fn decode_into(
        &mut self,
        scores: &ScoresView<'_>,
        nbest: &mut CtcNBest,
    ) -> Result<(), Error> {
        nbest.clear();
        nbest.first_item = scores.first_item();
        self.settings.check_vocabulary(scores.vocab())?;
        stream::check_frames(0, scores.time())?;
        let first_item = scores.first_item();
        let start = || InterruptedAt::Item {
            item: first_item,
            step: 0,
        };
        self.cancellation.check(start)?;
        self.max_bytes.check(|| 0, || self.most_bytes(scores))?;
        let batch = scores.batch();
        grow(&mut self.items, batch, "the results of the items")?;
        self.decoders.prepare()?;
        let late = self.reads_late(scores);
        if !late {
            let width = self.settings.shortlist_width();
            self.shortlists
                .fill(scores, width, self.dispatch, &self.cancellation)?;
        }

        let items = &mut self.items[..batch];
        let (decoders, shortlists) = (&self.decoders, (!late).then_some(&self.shortlists));
        let search = Search {
            settings: &self.settings,
            scorer: &*self.scorer,
            dispatch: self.dispatch,
            cancellation: &self.cancellation,
        };
        let interrupted = Interrupted::default();
        let work = IndexedSlice::new(&mut *items);
        batch::for_each_until(work, 1, &interrupted, &|mut items: IndexedSlice<
            '_,
            Decoded,
        >| {
            decoders.with(|decoder| {
                items.for_each(|item, decoded| {
                    let _merging = phase::merge();
                    let hypotheses = &mut decoded.hypotheses;
                    hypotheses.clear();
                    let done = decode_item(&search, decoder, scores, item, shortlists, hypotheses);
                    decoded.failure = match done {
                        Ok(()) => None,
                        Err(Ended::Refused(error)) => Some(error),
                        Err(Ended::Interrupted(interrupt)) => {
                            interrupted.note(item, decoder.frames() as usize, interrupt);
                            None
                        }
                    };
                });
            });
        });

        interrupted.check(first_item)?;

        // An item that there was no memory for was not refused: another call, with more
        // memory, decodes it.
        let failures = || items.iter().filter_map(|item| item.failure.as_ref());
        if let Some(error) = failures().find(|error| error.is_out_of_memory()) {
            return Err(error.clone());
        }

        for item in items.iter() {
            let ended = match &item.failure {
                None => nbest
                    .append(&item.hypotheses)
                    .and_then(|()| nbest.end_item()),
                Some(error) => nbest.fail_item(error.clone()),
            };
            if let Err(error) = ended {
                nbest.clear();
                return Err(error);
            }
        }
        Ok(())
    }
}

impl<S: Scorer> Clone for CtcSearch<S> {
    fn clone(&self) -> Self {
        CtcSearch {
            settings: self.settings.clone(),
            scorer: Arc::clone(&self.scorer),
            dispatch: self.dispatch,
            shortlists: Shortlists::default(),
            decoders: PerThread::default(),
            items: Vec::new(),
            cancellation: self.cancellation.clone(),
            max_bytes: self.max_bytes,
        }
    }
}

/// Decodes one item, from the lists that phase one made, if it did.
fn decode_item<S: Scorer>(
    search: &Search<'_, S>,
    decoder: &mut Decoder<S::State>,
    scores: &ScoresView<'_>,
    item: usize,
    shortlists: Option<&Shortlists>,
    nbest: &mut CtcNBest,
) -> Result<(), Ended> {
    decoder.reset(search, scores.kind(), scores.vocab())?;
    for step in 0..scores.length(item) {
        let mut source = Source {
            row: scores.row(item, step),
            kind: scores.kind(),
            normaliser: 0.0,
        };
        let valid = match shortlists {
            None => decoder.read(search, &source, scores.next_row(item, step))?,
            Some(lists) => match lists.get(item, step) {
                None => false,
                Some(list) => {
                    source.normaliser = list.normaliser;
                    decoder.advance(search, list, &source)?;
                    true
                }
            },
        };
        if !valid {
            return Err(scores.invalid_score(item, step).into());
        }
    }
    let _backtracking = phase::backtrack();
    let most = search.settings.beams;
    decoder.write(search.scorer, true, most, nbest, search.cancellation)
}
