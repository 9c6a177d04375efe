//! Beam search over positions that do not depend on each other.

use crate::error::{Error, Kind};
use crate::nbest::NBest;
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
#[derive(Debug)]
pub struct IndependentSearch {
    beams: usize,
    dispatch: Dispatch,
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

    /// Decodes a batch into new results. See [`IndependentSearch::decode_into`].
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
    pub fn decode_into(
        &mut self,
        scores: &ScoresView<'_>,
        nbest: &mut NBest,
    ) -> Result<(), Error> {
        nbest.clear();
        for (item, hypotheses) in crate::reference::independent(scores, self.beams).iter().enumerate() {
            let bad = (0..scores.length(item)).find_map(|step| scores.invalid_score(item, step));
            if let Some(error) = bad {
                nbest.fail_item(error);
                continue;
            }
            for (tokens, score) in hypotheses {
                nbest.push(tokens.len(), *score).copy_from_slice(tokens);
            }
            nbest.end_item();
        }
        nbest.failures().first().map_or(Ok(()), |(_, error)| Err(error.clone()))
    }
}
