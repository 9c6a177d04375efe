//! Which settings are refused.

use super::{CoveragePenalty, Request};
use crate::error::{Error, Kind};
use crate::search::autoregressive::rules::EndRank;
use crate::search::autoregressive::sampling::settings::Sampling;

impl Request {
    /// If a setting is out of its range, or names a token beyond the vocabulary.
    pub(in crate::search::autoregressive) fn check(&self, vocab: usize) -> Result<(), Error> {
        let widths = std::iter::once(&self.beams).chain(&self.widths);
        widths
            .copied()
            .try_for_each(|width| self.check_width(width))?;
        if self.max_length == 0 {
            return Err(Kind::ZeroLength.into());
        }
        if self.n_best == Some(0) {
            let (value, limit) = (0.0, "at least 1");
            let what = "the number of hypotheses wanted";
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        if let Some(CoveragePenalty { factor, sources }) = self.coverage {
            if factor.is_nan() || factor.abs() > f64::from(f32::MAX) {
                let (value, limit) = (factor, "at most 3.4e38, above or below 0");
                let what = "the factor of the coverage penalty";
                return Err(Kind::InvalidSetting { what, value, limit }.into());
            }
            if sources == 0 {
                let (value, limit) = (0.0, "at least 1");
                let what = "the number of source positions";
                return Err(Kind::InvalidSetting { what, value, limit }.into());
            }
        }
        if !self.diversity.is_finite() {
            let (value, limit) = (self.diversity, "finite");
            let what = "the diversity penalty";
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        if let Some(&token) = self
            .end_tokens
            .iter()
            .find(|&&token| token as usize >= vocab)
        {
            let what = "end tokens";
            return Err(Kind::UnknownToken { what, token, vocab }.into());
        }
        self.ends.check(vocab)?;
        self.required.check(vocab, self.max_length)?;
        if self.draws_sequences() {
            self.check_sequences()?;
        }
        self.rules.check()?;
        self.sampling.as_ref().map_or(Ok(()), Sampling::check)?;
        if self.sampling.is_some() && self.rules.end_rank == EndRank::WithinRow {
            return Err(Kind::DrawnWithinRow.into());
        }
        let mut constraints = self.constraints.iter();
        constraints.try_for_each(|(constraint, _)| constraint.check(vocab))?;
        let processors = self.logits.iter().chain(&self.log_probabilities);
        processors
            .into_iter()
            .try_for_each(|processor| processor.check(vocab))?;
        self.check_possible(vocab)
    }

    /// If sequences cannot be drawn without replacement.
    fn check_sequences(&self) -> Result<(), Error> {
        let groups = self.groups;
        if groups > 1 {
            return Err(Kind::SequencesInGroups { groups }.into());
        }
        for (step, pair) in (1..).zip(self.widths.windows(2)) {
            let (before, width) = (pair[0], pair[1]);
            if width > before {
                return Err(Kind::SequencesWiden {
                    step,
                    before,
                    width,
                }
                .into());
            }
        }
        match self.required.is_empty() {
            true => Ok(()),
            false => Err(Kind::RequiredDrawn.into()),
        }
    }

    /// If a step cannot have so many beams.
    fn check_width(&self, beams: usize) -> Result<(), Error> {
        let (groups, limit) = (self.groups, Self::MAX_BEAMS);
        if beams == 0 {
            return Err(Kind::ZeroBeams.into());
        }
        if beams > limit {
            return Err(Kind::BeamsTooLarge { beams, limit }.into());
        }
        if groups == 0 || !beams.is_multiple_of(groups) {
            return Err(Kind::UnevenGroups { beams, groups }.into());
        }
        Ok(())
    }
}
