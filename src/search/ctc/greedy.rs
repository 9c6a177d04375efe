//! Greedy decoding: the best alignment alone.

use super::most;
use super::nbest::CtcNBest;
use super::settings::Settings;
use crate::blank::Blank;
use crate::byte_limit::ByteLimit;
use crate::cancellation::CancellationToken;
use crate::error::Error;
use crate::memory::reserve;
use crate::nbest::NBest;
use crate::scores::ScoresView;
use crate::search::aligned::Scores;
use crate::search::independent::IndependentSearch;
use crate::simd::Level;

/// Greedy decoding of CTC emissions, also called best path decoding: the best token of each
/// frame, the first of equals, less repeats and blanks (Graves et al. 2006, section 3.2).
///
/// It finds the most probable alignment, and no other: the labelling of that may have less mass
/// in sum than one that [`CtcSearch`](super::CtcSearch) finds. It is what that search is
/// compared with, by errors and by time.
///
/// For an item of T frames and a vocabulary of V this reads the T V scores once, and does O(T)
/// work besides. Frames are read in parallel, in the rayon pool it is called in, and the result
/// is the same, to the bit, for any number of threads, any composition of the batch and any
/// level. A value keeps its buffers.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcGreedy, CtcSearch};
///
/// // Two frames over blank (0), a (1) and b (2).
/// let probabilities = [0.6f32, 0.4, 0.0, 0.6, 0.4, 0.0];
/// let scores = ScoresView::probabilities(&probabilities, [1, 2, 3])?;
/// let greedy = CtcGreedy::new(Blank(0))?.decode(&scores)?;
/// assert!(greedy.best(0)?.tokens.is_empty());
/// assert!((greedy.best(0)?.score.exp() - 0.36).abs() < 1e-6);
/// // All alignments of "a" together are more probable.
/// assert_eq!(CtcSearch::new(4, Blank(0))?.decode(&scores)?.best(0)?.tokens, [1]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct CtcGreedy {
    settings: Settings,
    search: IndependentSearch,
    paths: NBest,
    tokens: Vec<u32>,
    /// Of each of the tokens, the first and the last frame.
    runs: Vec<[u32; 2]>,
    max_bytes: ByteLimit,
}

impl CtcGreedy {
    /// A decoder of emissions with this blank, at the level of [`Level::from_environment`].
    ///
    /// # Errors
    ///
    /// If the environment names no level of this processor.
    pub fn new(blank: Blank) -> Result<Self, Error> {
        Ok(CtcGreedy {
            settings: Settings::new(1, blank.0)?,
            search: IndependentSearch::new(1)?,
            paths: NBest::new(),
            tokens: Vec::new(),
            runs: Vec::new(),
            max_bytes: ByteLimit::default(),
        })
    }

    /// The same decoder at another instruction-set level.
    ///
    /// # Errors
    ///
    /// If this processor does not have it.
    pub fn with_level(self, level: Level) -> Result<Self, Error> {
        let search = self.search.with_level(level)?;
        Ok(CtcGreedy { search, ..self })
    }

    /// The same decoder with a token that ends its calls early.
    #[must_use]
    pub fn with_cancellation(mut self, token: CancellationToken) -> Self {
        self.set_cancellation(Some(token));
        self
    }

    /// Gives the decoder another token that ends its calls early, or none: for one that is
    /// kept, before each call.
    pub fn set_cancellation(&mut self, token: Option<CancellationToken>) {
        self.search.set_cancellation(token);
    }

    /// The same decoder with a limit on the memory of a call, or without one: a batch that needs
    /// more than `bytes` is refused ([`LimitExceeded`](crate::ErrorKind::LimitExceeded)) before
    /// memory is asked for. [`CtcGreedy::bytes_needed`] says what it needs. What the decoder keeps
    /// from earlier calls is not counted; a new one has nothing.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: Option<usize>) -> Self {
        self.max_bytes = ByteLimit::new(bytes);
        self
    }

    /// The most bytes that the decoder may take; `None` if there is no limit.
    pub fn max_bytes(&self) -> Option<usize> {
        self.max_bytes.get()
    }

    /// The blank.
    pub fn blank(&self) -> Blank {
        Blank(self.settings.blank)
    }

    /// The instruction-set level in use.
    pub fn level(&self) -> Level {
        self.search.level()
    }

    /// Bytes of memory that decoding `scores` takes, results included, if no token repeats and
    /// none is the blank.
    ///
    /// See [`IndependentSearch::bytes_needed`] for what it is for.
    pub fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        let run = size_of::<u32>() + size_of::<[u32; 2]>();
        let runs = scores.longest().saturating_mul(run);
        let results = most::bytes_of_results(1, scores.longest()).saturating_mul(scores.batch());
        let search = self.search.bytes_needed(scores);
        search.saturating_add(runs).saturating_add(results)
    }

    /// Decodes a batch into new results: of each item one hypothesis, whose scores are all the
    /// log-probability of the alignment. An item with a frame in which no token is possible has
    /// none. One that is refused, for an invalid score, is an error of its own there
    /// ([`NBest::item`]).
    ///
    /// # Errors
    ///
    /// If the blank is beyond the vocabulary, there are more frames than
    /// [`CtcStream::MAX_FRAMES`](super::CtcStream::MAX_FRAMES), memory runs out, the batch needs
    /// more than [`CtcGreedy::max_bytes`], or the decoder is cancelled ([`CtcGreedy::with_cancellation`]).
    pub fn decode(&mut self, scores: &ScoresView<'_>) -> Result<CtcNBest, Error> {
        let mut nbest = CtcNBest::new();
        self.decode_into(scores, &mut nbest)?;
        Ok(nbest)
    }

    /// Decodes a batch as [`CtcGreedy::decode`] does, and replaces the contents of `nbest`,
    /// whose memory is used again.
    ///
    /// # Errors
    ///
    /// Those of [`CtcGreedy::decode`]; `nbest` is then empty.
    pub fn decode_into(
        &mut self,
        scores: &ScoresView<'_>,
        nbest: &mut CtcNBest,
    ) -> Result<(), Error> {
        nbest.clear();
        nbest.first_item = scores.first_item();
        self.settings.check_vocabulary(scores.vocab())?;
        super::stream::check_frames(0, scores.time())?;
        self.max_bytes.check(|| 0, || self.bytes_needed(scores))?;
        self.search.decode_into(scores, &mut self.paths)?;
        let written = self.write(nbest);
        if written.is_err() {
            nbest.clear();
        }
        written
    }

    fn write(&mut self, nbest: &mut CtcNBest) -> Result<(), Error> {
        for item in &self.paths {
            let paths = match item {
                Ok(paths) => paths,
                Err(error) => {
                    nbest.fail_item(error.clone())?;
                    continue;
                }
            };
            for path in paths {
                collapse(
                    path.tokens,
                    self.settings.blank,
                    &mut self.tokens,
                    &mut self.runs,
                )?;
                let scores = Scores {
                    score: path.score,
                    log_mass: path.score,
                    alignment: path.score,
                    scorer: 0.0,
                };
                let [frames, last_frames] = nbest.push([&self.tokens, &[]], scores)?;
                for ((frame, last_frame), run) in frames.iter_mut().zip(last_frames).zip(&self.runs)
                {
                    [*frame, *last_frame] = *run;
                }
            }
            nbest.end_item()?;
        }
        Ok(())
    }
}

/// The tokens of an alignment less repeats, then blanks, and the first and the last frame of
/// each.
fn collapse(
    path: &[u32],
    blank: u32,
    tokens: &mut Vec<u32>,
    runs: &mut Vec<[u32; 2]>,
) -> Result<(), Error> {
    tokens.clear();
    runs.clear();
    let what = "the tokens of an alignment";
    reserve(tokens, path.len(), what)?;
    reserve(runs, path.len(), what)?;
    let mut first = 0;
    for run in path.chunk_by(|a, b| a == b) {
        let end = first + run.len() as u32;
        if run[0] != blank {
            tokens.push(run[0]);
            runs.push([first, end - 1]);
        }
        first = end;
    }
    Ok(())
}
