//! CTC search over frames as they come.

use super::decoder::Decoder;
use super::frame::Source;
use super::nbest::CtcNBest;
use super::scorer::{Scorer, Unscored};
use super::settings::Settings;
use crate::error::{Error, Kind};
use crate::phase;
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
/// [`CtcSearch::decode`](crate::CtcSearch::decode) on all of them, to the bit.
///
/// A stream is a value of its own, made by
/// [`CtcSearch::stream`](crate::CtcSearch::stream); any number can live at
/// once and move between threads. What all its live prefixes share is moved out
/// of the prefix tree as it goes, and the caller may take it
/// ([`CtcStream::take_stable`]): then memory grows with the distance to where
/// the live prefixes part, not with the number of frames.
/// [`CtcPruning::settle`](crate::CtcPruning::settle) bounds that distance.
///
/// ```
/// use widebeam::{CtcSearch, ScoresView};
///
/// let mut stream = CtcSearch::new(4, 0)?.stream();
/// for frame in [[0.1f32, 0.9], [0.8, 0.2], [0.3, 0.7]] {
///     stream.push(&ScoresView::probabilities(&frame, [1, 2])?)?;
/// }
/// assert_eq!(stream.finish()?.best(0).unwrap().tokens, [1, 1]);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Debug)]
pub struct CtcStream<S: Scorer = Unscored> {
    settings: Settings,
    scorer: S,
    dispatch: Dispatch,
    shortlists: Shortlists,
    decoder: Decoder<S::State>,
    /// Of the frames so far; `None` before the first.
    vocab: Option<usize>,
    finished: bool,
    current: CtcNBest,
}

impl CtcStream {
    /// The most frames that a stream, or an item of a batch, can have.
    pub const MAX_FRAMES: usize = MAX_FRAMES;
}

impl<S: Scorer> CtcStream<S> {
    pub(super) fn new(settings: Settings, scorer: S, dispatch: Dispatch) -> Self {
        let mut stream = CtcStream {
            settings,
            scorer,
            dispatch,
            shortlists: Shortlists::default(),
            decoder: Decoder::default(),
            vocab: None,
            finished: false,
            current: CtcNBest::new(),
        };
        stream.reset();
        stream
    }

    /// Forgets all frames; the memory is kept.
    pub fn reset(&mut self) {
        self.vocab = None;
        self.finished = false;
        self.decoder.reset(&self.settings, &self.scorer, 0);
    }

    /// The number of frames read.
    pub fn frames(&self) -> usize {
        self.decoder.frames() as usize
    }

    /// Reads the next frames, `[frames, vocab]`; any number of them, also none.
    ///
    /// # Errors
    ///
    /// If the stream is finished, the view has more than one item, the
    /// vocabulary is not that of the frames before or does not hold the blank,
    /// there are more than [`CtcStream::MAX_FRAMES`] frames in all, a frame
    /// holds an invalid score (its step counts from the start of these frames),
    /// or memory runs out. The stream is then as it was before.
    pub fn push(&mut self, frames: &ScoresView<'_>) -> Result<(), Error> {
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
        self.shortlists.fill(frames, width, self.dispatch)?;
        for step in 0..frames.length(0) {
            if self.shortlists.get(0, step).is_none() {
                return Err(frames.invalid_score(0, step));
            }
        }
        if self.vocab.is_none() {
            self.vocab = Some(vocab);
            self.decoder.reset(&self.settings, &self.scorer, vocab);
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
                pruning: &self.settings.pruning,
            };
            let (settings, scorer) = (&self.settings, &self.scorer);
            self.decoder
                .advance(settings, scorer, self.dispatch, list, &source);
        }
        Ok(())
    }

    /// The hypotheses so far, best first, as one item, without the tokens that
    /// were taken. No end of input is scored.
    pub fn current(&mut self) -> &CtcNBest {
        self.write(false, self.settings.beams);
        &self.current
    }

    /// The best hypothesis so far alone, as one item. See
    /// [`CtcStream::current`].
    pub fn current_best(&mut self) -> &CtcNBest {
        self.write(false, 1);
        &self.current
    }

    /// The tokens, not taken yet, that no further frame can change, and their
    /// frames: what all live prefixes share, as far as their best alignments
    /// agree on the frames.
    ///
    /// Takes time linear in the live part of the prefix tree.
    pub fn stable(&mut self) -> (&[u32], &[u32]) {
        self.decoder.compact();
        self.decoder.shared()
    }

    /// Appends [`CtcStream::stable`] to `tokens` and `frames`, and forgets it:
    /// later results begin after it. Frames still count from the start of the
    /// stream.
    pub fn take_stable(&mut self, tokens: &mut Vec<u32>, frames: &mut Vec<u32>) {
        let stable = self.stable();
        tokens.extend_from_slice(stable.0);
        frames.extend_from_slice(stable.1);
        let length = stable.0.len();
        self.decoder.forget_shared(length);
    }

    /// Ends the input: the hypotheses, best first, as one item, without the
    /// tokens that were taken.
    ///
    /// # Errors
    ///
    /// If the stream is finished already.
    pub fn finish(&mut self) -> Result<&CtcNBest, Error> {
        if self.finished {
            return Err(Kind::StreamFinished {
                frames: self.frames(),
            }
            .into());
        }
        self.finished = true;
        self.write(true, self.settings.beams);
        Ok(&self.current)
    }

    fn write(&mut self, ended: bool, most: usize) {
        self.current.clear();
        self.decoder
            .write(&self.scorer, ended, most, &mut self.current);
        self.current.end_item();
    }
}
