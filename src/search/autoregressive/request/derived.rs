//! What follows from the settings of a request.

use super::Request;
use crate::error::Error;
use crate::memory::reserve;
use crate::scores::ScoreKind;
use crate::search::autoregressive::constraint::{Constraint, Normaliser};
use crate::search::autoregressive::followed::Followed;
use crate::search::autoregressive::rules::{AtMaximum, EndRank, PoolSize};

impl Request {
    /// The beams of one group, which patience and pools are measured by.
    pub(in crate::search::autoregressive) fn group_beams(&self) -> usize {
        self.beams / self.groups
    }

    /// How many live hypotheses of a group the step to `length` tokens keeps.
    pub(in crate::search::autoregressive) fn width(&self, length: usize) -> usize {
        let last = self.widths.len().saturating_sub(1);
        let width = self.widths.get((length - 1).min(last));
        width.copied().unwrap_or(self.beams) / self.groups
    }

    /// The most live hypotheses of all groups.
    pub(in crate::search::autoregressive) fn most_beams(&self) -> usize {
        self.widths.iter().copied().max().unwrap_or(self.beams)
    }

    /// K: the candidates of the step of one group to `length` tokens, enough that as many as
    /// its beams do not end with a token that is known to end hypotheses.
    pub(in crate::search::autoregressive) fn candidates(&self, length: usize) -> usize {
        self.candidates_of(self.width(length))
    }

    /// K of a step that keeps so many.
    pub(in crate::search::autoregressive) fn candidates_of(&self, width: usize) -> usize {
        (1 + self.ending_tokens.len().max(1)).saturating_mul(width)
    }

    /// The candidates of one group that a step looks at, at most.
    pub(in crate::search::autoregressive) fn most_walked(&self, vocab: usize) -> usize {
        let width = self.most_beams() / self.groups;
        let all = width.saturating_mul(vocab);
        let of_rows = match self.rules.end_rank {
            EndRank::WithinRow => width.saturating_mul(self.ending_tokens.len()),
            _ => 0,
        };
        match self.any_token_may_end() {
            true => all,
            false => self.candidates_of(width).saturating_add(of_rows).min(all),
        }
    }

    /// The candidates of one group that a step makes room for, at most: where too few of them go
    /// on, it looks at twice as many.
    pub(in crate::search::autoregressive) fn most_looked_at(&self, vocab: usize) -> usize {
        let width = self.most_beams() / self.groups;
        let all = width.saturating_mul(vocab);
        self.most_walked(vocab).saturating_mul(2).min(all)
    }

    /// How many finished hypotheses the pool of a group holds.
    pub(in crate::search::autoregressive) fn pool_size(&self) -> usize {
        let beams = self.group_beams();
        match self.rules.pool_size {
            PoolSize::Beams => beams.max(self.n_best.unwrap_or(0)),
            PoolSize::Patience { patience } => {
                ((beams as f64 * patience).round_ties_even() as usize).max(1)
            }
            PoolSize::All => usize::MAX,
        }
    }

    /// The most finished hypotheses of all groups.
    pub(in crate::search::autoregressive) fn most_finished(&self, vocab: usize) -> usize {
        let walked = self.most_walked(vocab).saturating_mul(self.max_length);
        let all = walked.saturating_add(self.most_beams());
        let of_group = self.pool_room(self.most_beams()).min(all);
        of_group.saturating_mul(self.groups)
    }

    /// How many finished hypotheses a group holds at most, at a step that keeps so many live ones.
    pub(in crate::search::autoregressive) fn pool_room(&self, width: usize) -> usize {
        match self.draws_sequences() {
            // They share the beam with the live ones.
            true => width,
            // Live ones may fill a pool up.
            false => self.pool_size().max(self.group_beams()),
        }
    }

    /// How many hypotheses come back.
    pub(in crate::search::autoregressive) fn wanted(&self) -> usize {
        self.n_best.unwrap_or(self.beams)
    }

    /// The constraint that alone changes the rows of its steps, if it is a trie.
    pub(in crate::search::autoregressive) fn only_constraint(
        &self,
    ) -> Option<(&Constraint, Normaliser)> {
        let processors = self.logits.len() + self.log_probabilities.len();
        let others =
            processors > 0 || self.groups > 1 || self.forces_end() || !self.required.is_empty();
        match &self.constraints[..] {
            [(constraint, normaliser)] if constraint.is_trie() && !others => {
                Some((constraint, *normaliser))
            }
            _ => None,
        }
    }

    /// Whether its steps read all scores of their rows, and not only those of
    /// permitted tokens: unless a trie says which those are, and nothing of the rest is
    /// needed to normalise them.
    pub(in crate::search::autoregressive) fn reads_rows(&self, kind: ScoreKind) -> bool {
        if self.own_scores && kind == ScoreKind::Logits {
            return true;
        }
        let normalises = kind == ScoreKind::Logits || !self.logits.is_empty();
        let suffices = |(constraint, normaliser): &(Constraint, Normaliser)| {
            let own = *normaliser == Normaliser::Permitted || !normalises;
            constraint.is_trie() && own
        };
        !self.constraints.iter().any(suffices)
    }

    /// The constraints that act before the log-softmax, or after it, and where beams stand in
    /// them.
    pub(in crate::search::autoregressive) fn constraints<'a>(
        &'a self,
        normaliser: Normaliser,
        followed: &'a [Followed],
    ) -> impl Iterator<Item = (&'a Constraint, &'a Followed)> {
        let acting = self.constraints.iter().zip(followed);
        let of_normaliser = acting.filter(move |((_, own), _)| *own == normaliser);
        of_normaliser.map(|((constraint, _), followed)| (constraint, followed))
    }

    /// Where the one beam of each group stands in the constraints before the first token.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(in crate::search::autoregressive) fn follow(&self) -> Result<Vec<Followed>, Error> {
        let mut all = Vec::new();
        let what = "the constraints of a request";
        reserve(&mut all, self.constraints.len(), what)?;
        for (constraint, _) in &self.constraints {
            all.push(constraint.follow(&self.prompt)?);
        }
        Ok(all)
    }

    /// At most the bytes that say where the beams stand in the constraints.
    pub(in crate::search::autoregressive) fn bytes_of_constraints(&self) -> usize {
        let beams = self.most_beams();
        let each = self.constraints.iter();
        let bytes = each.map(|(constraint, _)| constraint.bytes_needed(beams));
        let bytes = bytes.fold(0, usize::saturating_add);
        bytes.saturating_mul(self.groups)
    }

    /// Whether rows are changed before the log-softmax.
    pub(in crate::search::autoregressive) fn changes_logits(&self) -> bool {
        !self.logits.is_empty() || self.permits_before()
    }

    /// Whether constraints act before the log-softmax.
    fn permits_before(&self) -> bool {
        let mut constraints = self.constraints.iter();
        constraints.any(|(_, own)| *own == Normaliser::Permitted)
    }

    /// Whether rows may be changed at all.
    pub(in crate::search::autoregressive) fn changes_rows(&self) -> bool {
        !self.constraints.is_empty()
            || !self.logits.is_empty()
            || !self.log_probabilities.is_empty()
            || !self.required.is_empty()
            || self.groups > 1
            || self.forces_end()
    }

    /// Whether the last token must be an end token.
    pub(in crate::search::autoregressive) fn forces_end(&self) -> bool {
        self.rules.at_maximum == AtMaximum::ForceEnd && !self.end_tokens.is_empty()
    }
}
