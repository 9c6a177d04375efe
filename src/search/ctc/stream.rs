//! CTC search over frames as they come.

use std::sync::Arc;

use super::decoder::{self, Decoder, Search};
use super::frame::Source;
use super::most;
use super::nbest::{CtcDetails, CtcHypothesis, CtcNBest};
use super::settings::Settings;
use crate::byte_limit::ByteLimit;
use crate::cancellation::{Cancellation, CancellationToken};
use crate::error::{Error, InterruptedAt, Kind};
use crate::memory::reserve;
use crate::nbest::Hypotheses;
use crate::phase;
use crate::scorers::{self, Scorer, Unscored};
use crate::scores::ScoresView;
use crate::search::shortlist::Shortlists;
use crate::simd::Dispatch;

const MAX_FRAMES: usize = (u32::MAX - 1) as usize;

/// That `more` frames after `frames` can be counted.
pub(super) fn check_frames(frames: usize, more: usize) -> Result<(), Error> {
    let (frames, limit) = (frames.saturating_add(more), MAX_FRAMES);
    if frames > limit {
        return Err(Kind::TooManyFrames { frames, limit }.into());
    }
    Ok(())
}

/// A CTC search that is fed frames in chunks of any size: the answer is that of
/// [`CtcSearch::decode`](super::CtcSearch::decode) on all of them, to the bit.
///
/// A stream is a value of its own, made by
/// [`CtcSearch::stream`](super::CtcSearch::stream); any number can live at
/// once and move between threads. All streams of a search share its scorer. A clone of a
/// stream goes on from where the stream is, by itself.
///
/// # Memory
///
/// **A stream without end needs two things**, or it grows with every frame:
/// - [`CtcPruning::with_commit_delay`](super::CtcPruning::with_commit_delay), which is off by default.
///   Frames that could not tell two tokens apart leave two prefixes, and later
///   frames give both the same. They never come to share what follows, so
///   nothing after them becomes stable; committing lets the best one win.
/// - [`CtcStream::take_stable`], now and then: what all live prefixes share has
///   left the search, and is kept only until the caller takes it.
///
/// With both, memory is bounded by the commit delay times the beam width,
/// and the delay is how old a token can become before it is stable.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
///
/// let mut stream = CtcSearch::new(4, Blank(0))?.stream();
/// for frame in [[0.1f32, 0.9], [0.8, 0.2], [0.3, 0.7]] {
///     stream.push(&ScoresView::probabilities(&frame, [1, 2])?)?;
/// }
/// assert_eq!(stream.finish()?.best()?.tokens, [1, 1]);
/// # Ok::<(), widebeam::Error>(())
/// ```
///
/// The loop of a stream without end shows what cannot change any more, then what may:
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcPruning, CtcSearch};
///
/// let pruning = CtcPruning::none().with_commit_delay(50);
/// let mut stream = CtcSearch::new(8, Blank(0))?.with_pruning(pruning)?.stream();
/// let (mut tokens, mut frames) = (Vec::new(), Vec::new());
/// for chunk in [[0.1f32, 0.9, 0.8, 0.2], [0.3, 0.7, 0.9, 0.1]] {
///     stream.push(&ScoresView::probabilities(&chunk, [2, 2])?)?;
///     stream.take_stable(&mut tokens, &mut frames)?;
///     let best = stream.current_best()?;
///     println!("{tokens:?}, perhaps {:?}", best.tokens);
/// }
/// tokens.extend(stream.finish()?.best()?.tokens);
/// assert_eq!(tokens, [1, 1]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Debug)]
pub struct CtcStream<S: Scorer = Unscored> {
    settings: Settings,
    scorer: Arc<S>,
    dispatch: Dispatch,
    shortlists: Shortlists,
    decoder: Decoder<S::State>,
    /// Of the frames so far; `None` before the first.
    vocab: Option<usize>,
    finished: bool,
    /// Whether a frame is being taken: between calls only if its scorer panicked.
    in_frame: bool,
    current: CtcNBest,
    cancellation: Cancellation,
    max_bytes: ByteLimit,
}

impl CtcStream {
    /// The most frames that a stream, or an item of a batch, can have, 2^32 - 2 =
    /// 4,294,967,294.
    pub const MAX_FRAMES: usize = MAX_FRAMES;
}

impl<S: Scorer> CtcStream<S> {
    pub(super) fn new(
        settings: Settings,
        scorer: Arc<S>,
        dispatch: Dispatch,
        cancellation: Cancellation,
        max_bytes: ByteLimit,
    ) -> Self {
        CtcStream {
            settings,
            scorer,
            dispatch,
            shortlists: Shortlists::default(),
            decoder: Decoder::default(),
            vocab: None,
            finished: false,
            in_frame: false,
            current: CtcNBest::new(),
            cancellation,
            max_bytes,
        }
    }

    /// Gives the stream another token that ends [`CtcStream::push`] early, or none. At first
    /// it has that of its search.
    pub fn set_cancellation(&mut self, token: Option<CancellationToken>) {
        self.cancellation = Cancellation::new(token);
    }

    /// Forgets all frames; the memory is kept.
    pub fn reset(&mut self) {
        self.vocab = None;
        (self.finished, self.in_frame) = (false, false);
    }

    /// The number of frames read.
    pub fn frames(&self) -> usize {
        match self.vocab {
            None => 0,
            Some(_) => self.decoder.frames() as usize,
        }
    }

    /// Reads the next frames, `[frames, vocab]`; any number of them, also none.
    ///
    /// # Errors
    ///
    /// If the stream is finished, the view has more than one item, the
    /// vocabulary is not that of the frames before or does not hold the blank,
    /// there are more than [`CtcStream::MAX_FRAMES`] frames in all, a frame
    /// holds an invalid score (its step counts from the start of these frames),
    /// memory runs out, the stream could take more than it may
    /// ([`CtcSearch::with_max_bytes`](super::CtcSearch::with_max_bytes)), or it is cancelled. The
    /// stream is then as it was
    /// before; only if memory runs out or it is cancelled on the way it holds the
    /// frames up to there, as many as [`CtcStream::frames`] says: the best of them are
    /// [`CtcStream::current`], and the frames after them can be read later.
    ///
    /// # Panics
    ///
    /// If the scorer does. What the stream holds is then lost, if that was within a frame:
    /// until [`CtcStream::reset`] it says so ([`Panicked`](crate::ErrorKind::Panicked)).
    pub fn push(&mut self, frames: &ScoresView<'_>) -> Result<(), Error> {
        self.check_whole()?;
        if self.finished {
            return Err(Kind::StreamFinished {
                frames: self.frames(),
            }
            .into());
        }
        let (batch, vocab) = (frames.batch(), frames.vocab());
        if batch != 1 {
            return Err(Kind::StreamBatch { batch }.into());
        }
        if let Some(expected) = self.vocab.filter(|&expected| expected != vocab) {
            return Err(Kind::StreamVocabulary { vocab, expected }.into());
        }
        self.settings.check_vocabulary(vocab)?;
        check_frames(self.frames(), frames.length(0))?;
        let width = self.settings.shortlist_width();
        let before = InterruptedAt::Frame(self.frames());
        self.cancellation.check(|| before)?;
        self.max_bytes.check(|| 0, || self.most_bytes(frames))?;
        self.shortlists
            .fill(frames, width, self.dispatch, &self.cancellation)
            .map_err(|error| error.interrupted_at(before))?;
        for step in 0..frames.length(0) {
            if self.shortlists.get(0, step).is_none() {
                return Err(frames.invalid_score(0, step));
            }
        }
        let search = Search {
            settings: &self.settings,
            scorer: &*self.scorer,
            dispatch: self.dispatch,
            cancellation: &self.cancellation,
        };
        if self.vocab.is_none() {
            self.decoder.reset(&search, frames.kind(), vocab)?;
            self.vocab = Some(vocab);
        }
        let _merging = phase::merge();
        for step in 0..frames.length(0) {
            let Some(list) = self.shortlists.get(0, step) else {
                continue;
            };
            let source = Source {
                row: frames.row(0, step),
                kind: frames.kind(),
                normaliser: list.normaliser,
            };
            self.in_frame = true;
            let taken = self.decoder.advance(&search, list, &source);
            self.in_frame = false;
            let at = InterruptedAt::Frame(self.decoder.frames() as usize);
            taken.map_err(|ended| ended.error(at))?;
        }
        Ok(())
    }

    /// The hypotheses so far, best first, without the tokens that were taken. No end of
    /// input is scored.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub fn current(&mut self) -> Result<Hypotheses<'_, CtcDetails>, Error> {
        self.write(false, self.settings.beams)
    }

    /// The best hypothesis so far, without the tokens that were taken. See
    /// [`CtcStream::current`].
    ///
    /// # Errors
    ///
    /// If nothing is possible under the frames so far
    /// ([`NoHypothesis`](crate::ErrorKind::NoHypothesis)), or memory runs out.
    pub fn current_best(&mut self) -> Result<CtcHypothesis<'_>, Error> {
        self.write(false, 1)?.best()
    }

    /// The tokens, not taken yet, that no further frame can change, and their
    /// frames: what all live prefixes share, as far as their best alignments
    /// agree on the frames.
    ///
    /// Without [`CtcPruning::with_commit_delay`](super::CtcPruning::with_commit_delay) there may never
    /// be more of them after a near-tie. Takes time linear in the live part of
    /// the prefix tree.
    pub fn stable(&mut self) -> (&[u32], &[u32]) {
        match self.vocab {
            Some(_) if !self.in_frame => self.decoder.shared(),
            _ => (&[], &[]),
        }
    }

    /// Appends [`CtcStream::stable`] to `tokens` and `frames`, and forgets it:
    /// later results begin after it. Frames still count from the start of the
    /// stream.
    ///
    /// # Errors
    ///
    /// If memory runs out; nothing is then taken.
    pub fn take_stable(
        &mut self,
        tokens: &mut Vec<u32>,
        frames: &mut Vec<u32>,
    ) -> Result<(), Error> {
        let stable = self.stable();
        let length = stable.0.len();
        reserve(tokens, length, "the stable tokens")?;
        reserve(frames, length, "the stable tokens")?;
        tokens.extend_from_slice(stable.0);
        frames.extend_from_slice(stable.1);
        if length > 0 {
            self.decoder.forget_shared(length);
        }
        Ok(())
    }

    /// Ends the input: the hypotheses, best first, without the tokens that were taken, to iterate
    /// or to ask for the best. Those of which a scorer forbids the end are left out.
    ///
    /// # Errors
    ///
    /// If the stream is finished already, or memory runs out.
    pub fn finish(&mut self) -> Result<Hypotheses<'_, CtcDetails>, Error> {
        if self.finished {
            return Err(Kind::StreamFinished {
                frames: self.frames(),
            }
            .into());
        }
        self.write(true, self.settings.beams)?;
        self.finished = true;
        Ok(self.current.only_item())
    }

    /// The most bytes that the stream can hold once it has taken these frames, with the
    /// hypotheses that it shows.
    fn most_bytes(&self, frames: &ScoresView<'_>) -> usize {
        let beams = self.settings.beams;
        let [held, shared] = match self.vocab {
            Some(_) => self.decoder.held(),
            None => [0, 0],
        };
        let more = beams.saturating_mul(frames.length(0));
        let longest =
            (self.frames().saturating_add(frames.length(0))).min(held.saturating_add(more));
        let scored = scorers::scores::<S>();
        let width = self.settings.shortlist_width();
        let parts = [
            Shortlists::bytes_needed(frames, width),
            Decoder::<S::State>::bytes_needed(&self.settings, frames.vocab(), scored),
            most::bytes_of_trees(beams, held.saturating_add(more), shared),
            most::bytes_of_results(beams, longest.saturating_add(shared)),
        ];
        parts.into_iter().fold(0, usize::saturating_add)
    }

    /// That no scorer has panicked in the midst of a frame.
    fn check_whole(&self) -> Result<(), Error> {
        match self.in_frame {
            true => Err(Kind::StreamPanicked {
                frames: self.frames(),
            }
            .into()),
            false => Ok(()),
        }
    }

    fn write(&mut self, ended: bool, most: usize) -> Result<Hypotheses<'_, CtcDetails>, Error> {
        self.check_whole()?;
        self.current.clear();
        let (scorer, nbest) = (&*self.scorer, &mut self.current);
        match self.vocab {
            None => decoder::write_empty(scorer, ended, nbest)?,
            // A stream that is cancelled tells what it has.
            Some(_) => self
                .decoder
                .write(scorer, ended, most, nbest, &Cancellation::default())
                .map_err(|ended| ended.error(InterruptedAt::Frame(0)))?,
        }
        self.current.end_item()?;
        Ok(self.current.only_item())
    }
}

impl<S: Scorer> Clone for CtcStream<S> {
    fn clone(&self) -> Self {
        CtcStream {
            settings: self.settings.clone(),
            scorer: Arc::clone(&self.scorer),
            dispatch: self.dispatch,
            shortlists: Shortlists::default(),
            decoder: self.decoder.clone(),
            vocab: self.vocab,
            finished: self.finished,
            in_frame: self.in_frame,
            current: self.current.clone(),
            cancellation: self.cancellation.clone(),
            max_bytes: self.max_bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_counted_up_to_the_most_there_can_be() {
        // One less than a u32 holds, whose last value is in place of a node.
        assert_eq!(MAX_FRAMES, u32::MAX as usize - 1);
        for (frames, more) in [
            (0, 0),
            (0, MAX_FRAMES),
            (MAX_FRAMES - 3, 3),
            (MAX_FRAMES, 0),
        ] {
            assert!(check_frames(frames, more).is_ok());
        }
        for (frames, more) in [(0, MAX_FRAMES + 1), (MAX_FRAMES, 1), (9, usize::MAX)] {
            assert!(check_frames(frames, more).is_err());
        }
    }
}
