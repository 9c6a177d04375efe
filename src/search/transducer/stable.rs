//! What no further frame can change.

use super::TransducerSearch;
use super::history::{Emitted, EmittedView};
use super::record::State;
use crate::error::Error;
use crate::memory::reserve;
use crate::request_id::RequestId;
use crate::scorers::Scorer;

impl<S: Scorer + Sync> TransducerSearch<S> {
    /// The tokens, not taken yet, that no further frame can change, with their frames and
    /// durations: what all live prefixes share, as far as their best alignments agree. None
    /// once the request is done.
    ///
    /// Without [`TransducerSearch::with_commit_delay`] there may never be more of them after a
    /// near-tie. Takes time linear in the live part of the tree of prefixes.
    ///
    /// # Errors
    ///
    /// If the request was refused or is not in this search, or memory runs out.
    pub fn stable(&mut self, id: RequestId) -> Result<EmittedView<'_>, Error> {
        if let State::Done(Ok(())) = self.record(id)?.state {
            return Ok(EmittedView::default());
        }
        let beams = self.settings.beams;
        let utterance = &mut self.running_record(id)?.utterance;
        utterance.compact(beams)?;
        Ok(utterance.history.shared())
    }

    /// Appends [`TransducerSearch::stable`] to `emitted`, and forgets it: later results begin
    /// after it. Frames still count from the start.
    ///
    /// A stream without end needs this now and then, beside a commit delay, or it grows with
    /// every frame.
    ///
    /// # Errors
    ///
    /// Those of [`TransducerSearch::stable`]; nothing is then taken.
    pub fn take_stable(&mut self, id: RequestId, emitted: &mut Emitted) -> Result<(), Error> {
        let stable = self.stable(id)?;
        let length = stable.tokens.len();
        let Emitted {
            tokens,
            frames,
            durations,
        } = emitted;
        for array in [&mut *tokens, &mut *frames, &mut *durations] {
            reserve(array, length, "the stable tokens")?;
        }
        tokens.extend_from_slice(stable.tokens);
        frames.extend_from_slice(stable.frames);
        durations.extend_from_slice(stable.durations);
        if length > 0 {
            let record = &mut self.records[id.slot as usize];
            record.utterance.history.forget_shared(length);
        }
        Ok(())
    }
}
