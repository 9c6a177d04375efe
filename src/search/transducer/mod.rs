//! Beam search for transducers (RNN-T, TDT), with predictor and joiner in the loop.

mod bucket;
mod candidate;
mod commit;
mod feed;
mod history;
mod lists;
mod live;
mod nbest;
mod one_symbol;
mod outcome;
mod record;
mod requests;
mod results;
mod run;
mod selection;
mod settings;
mod slots;
mod step_rows;
mod steps;
mod topology;
mod utterance;

pub use crate::blank::Blank;
pub use crate::request_id::RequestId;
pub use feed::{Feed, JoinerRow, PredictorInput, PredictorStep};
pub use history::{Emitted, EmittedSlices};
pub use nbest::{
    OwnedTransducerHypothesis, TransducerDetails, TransducerHypothesis, TransducerNBest,
};
pub use outcome::Outcome;
pub use settings::LengthNormalisation;
pub use topology::Topology;

use std::sync::Arc;

use crate::error::{Error, Kind};
use crate::scorers::{Scorer, Unscored};
use crate::simd::{Dispatch, Level};
use feed::NextRows;
use record::Record;
use settings::Settings;
use slots::Slots;
use step_rows::Reader;

/// A beam search for transducers that the caller drives, over any number of utterances at
/// once.
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
        Ok(Self::with_parts(settings, Arc::new(Unscored), dispatch))
    }
}

impl<S: Scorer + Sync> TransducerSearch<S> {
    fn with_parts(settings: Settings, scorer: Arc<S>, dispatch: Dispatch) -> Self {
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
        }
    }

    /// The same search with a scorer, in place of the one before. Requests that were admitted
    /// are dropped.
    #[must_use]
    pub fn with_scorer<N: Scorer + Sync>(self, scorer: N) -> TransducerSearch<N> {
        TransducerSearch::with_parts(self.settings, Arc::new(scorer), self.dispatch)
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
        Ok(Self::with_parts(settings, self.scorer, self.dispatch))
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

    /// The scorer.
    pub fn scorer(&self) -> &S {
        &self.scorer
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.dispatch.level()
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
