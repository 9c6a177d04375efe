//! Beam search for transducers (RNN-T, TDT) with predictor and joiner in the loop, sans I/O.
//!
//! The caller owns the encoder, the predictor and the joiner; the search owns the hypotheses.
//! It hands out steps of the predictor, whose states live in numbered slots, and rows for the
//! joiner to score, each a frame and a slot; it takes back scores of shape `[rows, vocab]`:
//!
//! ```
//! use widebeam::Error;
//! use widebeam::transducer::{Blank, PredictorInput, TransducerSearch};
//!
//! // Token 0 is the blank.
//! let mut search = TransducerSearch::new(3, Blank(0), 4)?;
//! let id = search.admit(2)?;
//! // The predictor's states, by slot. A real one continues the state of a slot; this one
//! // remembers the last token alone.
//! let mut states: Vec<Option<u32>> = Vec::new();
//! search.run(|feed, logits| {
//!     states.resize(feed.slots(), None);
//!     for step in feed.predictor_steps() {
//!         states[step.slot as usize] = match step.input {
//!             PredictorInput::Start => None,
//!             PredictorInput::Token { slot: _, token } => Some(token),
//!         };
//!     }
//!     // The joiner: token 1 in frame 0, token 2 in frame 1, then the blank.
//!     for (row, logits) in feed.joiner_rows().iter().zip(logits.chunks_mut(3)) {
//!         let token = row.frame + 1;
//!         let is_emitted = states[row.slot as usize] == Some(token);
//!         logits[if is_emitted { 0 } else { token as usize }] = 5.0;
//!     }
//!     Ok::<(), Error>(())
//! })?;
//! let outcome = search.outcome(id)?.expect("it is done");
//! let best = outcome.best()?;
//! assert_eq!((best.tokens, best.frames), (&[1, 2][..], &[0, 1][..]));
//! # Ok::<(), Error>(())
//! ```
//!
//! # Frames as they come
//!
//! A driver of streams adds frames when the encoder has them, and runs steps while there are
//! rows. In any chunks the answer is the same, to the bit. A stream without end needs a commit
//! delay, and the tokens that are stable taken now and then; its memory is then bounded:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::transducer::{Blank, Emitted, PredictorInput, Topology, TransducerSearch};
//!
//! let mut search = TransducerSearch::new(3, Blank(0), 4)?
//!     .with_topology(Topology::OneSymbol)?
//!     .with_commit_delay(Some(50))?;
//! let id = search.admit_stream()?;
//! // This predictor counts the tokens.
//! let mut states: Vec<u32> = Vec::new();
//! let mut emitted = Emitted::new();
//! for chunk in 0..3 {
//!     search.add_frames(id, 4)?;
//!     loop {
//!         let feed = search.feed();
//!         if feed.rows() == 0 {
//!             break;
//!         }
//!         states.resize(feed.slots(), 0);
//!         for step in feed.predictor_steps() {
//!             states[step.slot as usize] = match step.input {
//!                 PredictorInput::Start => 0,
//!                 PredictorInput::Token { slot, token: _ } => states[slot as usize] + 1,
//!             };
//!         }
//!         // One token for three frames, 1 and 2 by turns.
//!         let mut logits = Vec::new();
//!         for row in feed.joiner_rows() {
//!             let count = states[row.slot as usize];
//!             let token = if row.frame / 3 < count { 0 } else { 1 + count % 2 };
//!             logits.extend((0..3).map(|column| if column == token { 9.0f32 } else { 0.0 }));
//!         }
//!         let rows = feed.rows();
//!         search.advance(&ScoresView::logits(&logits, [rows, 3])?)?;
//!     }
//!     // What cannot change any more, then what may.
//!     search.take_stable(id, &mut emitted)?;
//!     let best = search.current(id)?.best()?;
//!     println!("chunk {chunk}: {:?}, perhaps {:?}", emitted.tokens, best.tokens);
//! }
//! search.end(id)?;
//! let outcome = search.outcome(id)?.expect("all of its frames are complete");
//! emitted.tokens.extend(outcome.best()?.tokens);
//! assert_eq!(emitted.tokens, [1, 2, 1, 2]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # The search
//!
//! The score of a prefix y is the logarithm of the summed mass of its alignments that are found
//! under the beam: with a beam that is wide enough, that of the forward algorithm (Graves 2012;
//! Xu et al. 2023). For [`Topology::Standard`], with W beams:
//!
//! ```text
//! B = {empty prefix: 0}
//! for each frame t:
//!     A = B, C = {}                       (A may still emit in this frame, C has left it)
//!     for s in 0..=max_symbols, until A is empty:
//!         for y in A:  C[y] log-plus= A[y] + log p(blank | t, y)
//!         if s < max_symbols:
//!             A = the best W of A[y] + log p(v | t, y), v not blank,
//!                 that are at least the W-th best of C, if C has W
//!     B = the best W of C
//! ```
//!
//! The row of a frame and a prefix is asked for once, though the prefix can be in A several
//! times.
//!
//! - [`Topology::OneSymbol`]: a token leaves the frame as the blank does. B is the best W of all
//!   that stay or are extended, merged by sum. Every extension counts, as in the CTC search;
//!   icefall and sherpa-onnx take the best W of all first, and then merge those.
//! - [`Topology::Tdt`]: a symbol of duration d goes to frame t + d, a blank to t + max(d, 1), by
//!   `A[y] + log p(d | t, y) + log p(v | t, y)`. Each frame has a bucket, which is cut to the best
//!   W when its turn comes. Of each duration apart, the best W tokens of A count that are at
//!   least the W-th best in the bucket of frame t + max(d, 1).
//! - At the end, what has gone beyond the last frame ends there, and the masses of a prefix are
//!   summed.
//!
//! Prefixes are ranked by score, highest first. Ties in a bucket are broken by the rank of the
//! source, the prefix whose blank or token an alignment was, the best one if there are several;
//! then by the order of arrival: blanks before tokens, each by the rank of the prefix, then the
//! token's rank in its row (value descending, token id ascending). A token that is emitted in
//! its frame ranks by score, the rank of its prefix and its own rank in the row.
//!
//! Beside the score there is the best single alignment under the beam, with the frame and the
//! duration of each token; of two that are equal the one that arrived first.
//!
//! # Scorers
//!
//! [`TransducerSearch::with_scorer`] takes the [`scorers`](crate::scorers) of the CTC search.
//! They add to what prefixes are ranked by, once for each token and once at the end. Which
//! tokens are tried depends on [`Scorer::max_score`]: if it is finite, all; if it is infinite,
//! the W + 2 best of a row, less the blank if it is one of them.
//!
//! # Promises
//!
//! A request's result depends on the settings and its rows alone: not on its neighbours in the
//! batch, the level, the threads, or the chunks in which its frames came. An invalid score
//! fails the request that it belongs to and no other. Once a batch has run for a while, steps
//! allocate nothing.
//!
//! The code takes shortcuts that do not change the answer: each row is read from memory once,
//! for its best W + 2 tokens and its blank, and no log-softmax is stored; masses are computed for those
//! emissions alone that can still be among the best W ([`Scorer::max_score`] says so for
//! tokens that a scorer can lift); prefixes are nodes of a tree.

mod bucket;
mod candidate;
mod commit;
mod feed;
mod history;
mod late;
mod lists;
mod live;
mod nbest;
mod needed;
mod one_symbol;
mod outcome;
mod record;
mod requests;
mod results;
mod run;
mod selection;
mod settings;
mod slots;
mod stable;
mod stages;
mod stays;
mod step_rows;
mod steps;
mod topology;
mod utterance;

pub use crate::blank::Blank;
pub use crate::request_id::RequestId;
pub use feed::{Feed, JoinerRow, PredictorInput, PredictorStep};
pub use history::{Emitted, EmittedView};
pub use nbest::{
    OwnedTransducerHypothesis, TransducerDetails, TransducerHypothesis, TransducerNBest,
};
pub use outcome::Outcome;
pub use settings::LengthNormalisation;
pub use topology::Topology;

use std::sync::Arc;

use crate::batch::PerThread;
use crate::byte_limit::ByteLimit;
use crate::cancellation::{Cancellation, CancellationToken};
use crate::error::{Error, Kind};
use crate::scorers::{Scorer, Unscored};
use crate::simd::{Dispatch, Level};
use feed::NextRows;
use late::LateRows;
use record::Record;
use settings::Settings;
use slots::Slots;
use step_rows::Reader;

/// A beam search for transducers that the caller drives, over any number of utterances at
/// once.
///
/// See the [module](self) for what it computes and how it is driven. For each row of V scores a
/// step takes O(V + W log W) time, less where few tokens matter; an utterance takes O(W) slots
/// and rows a step, and memory for O(W) prefixes in each frame that an emission can reach,
/// beside the tokens that no two hypotheses share.
///
/// A clone has the same settings, shares the scorer, and has no requests.
#[derive(Debug)]
pub struct TransducerSearch<S: Scorer = Unscored> {
    settings: Settings,
    scorer: Arc<S>,
    dispatch: Dispatch,
    records: Vec<Record<S::State>>,
    free: Vec<u32>,
    /// The places of running requests, in the order of their rows.
    running: Vec<u32>,
    /// The places of those that have rows in the step that is under way; none if none is.
    step: Vec<u32>,
    finished: Vec<RequestId>,
    next_rows: NextRows,
    slots: Slots,
    reader: Reader,
    late: PerThread<LateRows>,
    cancellation: Cancellation,
    max_bytes: ByteLimit,
}

impl TransducerSearch {
    /// The largest beam width, 2^20 = 1,048,576.
    pub const MAX_BEAMS: usize = settings::MAX_BEAMS;

    /// The most frames of an utterance, 2^32 - 2 = 4,294,967,294.
    pub const MAX_FRAMES: usize = settings::MAX_FRAMES;

    /// The longest duration, 1,024 frames.
    pub const MAX_DURATION: u32 = topology::MAX_DURATION;

    /// A search with `beams` prefixes over a vocabulary of `vocab` tokens, the blank among
    /// them, at the level of [`Level::from_environment`]. Its topology is
    /// [`Topology::Standard`] with up to 10 symbols a frame.
    ///
    /// # Errors
    ///
    /// If the vocabulary is empty or above [`ScoresView::MAX_VOCAB`](crate::ScoresView::MAX_VOCAB)
    /// or does not hold the blank, `beams` is 0 or above [`TransducerSearch::MAX_BEAMS`], or
    /// the environment names no level of this processor.
    pub fn new(vocab: usize, blank: Blank, beams: usize) -> Result<Self, Error> {
        let settings = Settings::new(vocab, blank.0, beams)?;
        let dispatch = Dispatch::require(Level::from_environment()?)?;
        let whole = Cancellation::default();
        Ok(Self::with_parts(
            settings,
            Arc::new(Unscored),
            dispatch,
            whole,
        ))
    }
}

impl<S: Scorer + Sync> TransducerSearch<S> {
    fn with_parts(
        settings: Settings,
        scorer: Arc<S>,
        dispatch: Dispatch,
        cancellation: Cancellation,
    ) -> Self {
        TransducerSearch {
            settings,
            scorer,
            dispatch,
            records: Vec::new(),
            free: Vec::new(),
            running: Vec::new(),
            step: Vec::new(),
            finished: Vec::new(),
            next_rows: NextRows::default(),
            slots: Slots::default(),
            reader: Reader::default(),
            late: PerThread::default(),
            cancellation,
            max_bytes: ByteLimit::default(),
        }
    }

    /// With the limit of a search that it is made of.
    fn limited(mut self, max_bytes: ByteLimit) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// The same search with a scorer, in place of the one before. Requests that were admitted
    /// are dropped.
    #[must_use]
    pub fn with_scorer<N: Scorer + Sync>(self, scorer: N) -> TransducerSearch<N> {
        TransducerSearch::with_parts(
            self.settings,
            Arc::new(scorer),
            self.dispatch,
            self.cancellation,
        )
        .limited(self.max_bytes)
    }

    /// The same search for a model of another topology. Requests that were admitted are
    /// dropped.
    ///
    /// # Errors
    ///
    /// If no symbol is allowed in a frame; if there is no duration, they are not strictly
    /// ascending, all are 0 or the last one is above [`TransducerSearch::MAX_DURATION`]; or if
    /// a row would be longer than [`ScoresView::MAX_VOCAB`](crate::ScoresView::MAX_VOCAB).
    pub fn with_topology(self, topology: Topology) -> Result<Self, Error> {
        topology.check()?;
        let mut settings = self.settings;
        settings.topology = topology;
        let (vocab, limit) = (settings.columns(), crate::ScoresView::MAX_VOCAB);
        if vocab > limit {
            return Err(Kind::VocabularyTooLarge { vocab, limit }.into());
        }
        let search = Self::with_parts(settings, self.scorer, self.dispatch, self.cancellation);
        Ok(search.limited(self.max_bytes))
    }

    /// The same search with up to `count` hypotheses a result, 1 or more, in place of as many
    /// as beams.
    ///
    /// # Errors
    ///
    /// If `count` is 0.
    pub fn with_nbest(mut self, count: usize) -> Result<Self, Error> {
        at_least_one("the number of hypotheses", count)?;
        self.settings.nbest = count;
        Ok(self)
    }

    /// The same search with another way to rank hypotheses at the end.
    #[must_use]
    pub fn with_length_normalisation(mut self, normalisation: LengthNormalisation) -> Self {
        self.settings.normalisation = normalisation;
        self
    }

    /// The same search with a commit delay, 1 or more, or without one: every `delay` frames,
    /// only prefixes stay that agree with the best one in the tokens that its best alignment
    /// emitted more than `delay` frames ago. It bounds the memory of a stream without end, and
    /// the age of tokens that are not yet stable.
    ///
    /// # Errors
    ///
    /// If it is 0.
    pub fn with_commit_delay(mut self, delay: Option<usize>) -> Result<Self, Error> {
        at_least_one("the commit delay", delay.unwrap_or(1))?;
        self.settings.commit_delay = delay;
        Ok(self)
    }

    /// The same search with a token that ends [`TransducerSearch::advance`] and
    /// [`TransducerSearch::run`] early. What the requests have found so far is there:
    /// [`TransducerSearch::current`], and [`TransducerSearch::finish`], which ends one with it.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.set_cancellation(Some(token));
        self
    }

    /// Gives the search another token that ends its calls early, or none.
    pub fn set_cancellation(&mut self, token: Option<CancellationToken>) {
        self.cancellation = Cancellation::new(token);
    }

    /// The same search with a limit on the memory of its requests, or without one: an utterance, or
    /// frames of a stream, are not taken in
    /// ([`LimitExceeded`](crate::ErrorKind::LimitExceeded)) if what all requests need would exceed
    /// `bytes`. [`TransducerSearch::bytes_needed`] says what an utterance needs; of a stream with
    /// a commit delay only the frames count that are not committed, and the tokens that were not
    /// taken out. It counts until the request is removed. What the search keeps of those for the
    /// next ones is not counted.
    #[must_use]
    pub fn with_max_bytes(self, bytes: Option<usize>) -> Self {
        self.limited(ByteLimit::new(bytes))
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

    /// The number of tokens, the blank among them.
    pub fn vocab(&self) -> usize {
        self.settings.vocab
    }

    /// The number of scores in a row: those of the tokens, and for [`Topology::Tdt`] those of
    /// the durations behind them.
    pub fn columns(&self) -> usize {
        self.settings.columns()
    }

    /// The blank.
    pub fn blank(&self) -> Blank {
        Blank(self.settings.blank)
    }

    /// The beam width.
    pub fn beams(&self) -> usize {
        self.settings.beams
    }

    /// The topology.
    pub fn topology(&self) -> &Topology {
        &self.settings.topology
    }

    /// The most hypotheses of a result.
    pub fn nbest(&self) -> usize {
        self.settings.nbest
    }

    /// How hypotheses are ranked at the end.
    pub fn length_normalisation(&self) -> LengthNormalisation {
        self.settings.normalisation
    }

    /// The commit delay; `None` if there is none.
    pub fn commit_delay(&self) -> Option<usize> {
        self.settings.commit_delay
    }

    /// The most bytes that the search may take; `None` if there is no limit.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes.get()
    }

    /// The scorer.
    pub fn scorer(&self) -> &S {
        &self.scorer
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
    }
}

impl<S: Scorer + Sync> Clone for TransducerSearch<S> {
    fn clone(&self) -> Self {
        Self::with_parts(
            self.settings.clone(),
            Arc::clone(&self.scorer),
            self.dispatch,
            self.cancellation.clone(),
        )
        .limited(self.max_bytes)
    }
}

fn at_least_one(what: &'static str, count: usize) -> Result<(), Error> {
    match count {
        0 => Err(Kind::InvalidSetting {
            what,
            value: 0.0,
            limit: "1 or more",
        }
        .into()),
        _ => Ok(()),
    }
}
