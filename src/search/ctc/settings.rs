//! What a CTC search is told, checked once.

use super::pruning::CtcPruning;
use crate::error::{Error, Kind};

/// The largest beam width: ranks share a sortable key with tokens.
pub(super) const MAX_BEAMS: usize = 1 << 20;

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) beams: usize,
    pub(super) blank: u32,
    pub(super) pruning: CtcPruning,
}

impl Settings {
    pub(super) fn new(beams: usize, blank: u32) -> Result<Self, Error> {
        let limit = MAX_BEAMS;
        match beams {
            0 => return Err(Kind::ZeroBeams.into()),
            _ if beams > limit => return Err(Kind::BeamsTooLarge { beams, limit }.into()),
            _ => {}
        }
        Ok(Settings {
            beams,
            blank,
            pruning: CtcPruning::none(),
        })
    }

    pub(super) fn check_vocabulary(&self, vocab: usize) -> Result<(), Error> {
        let blank = self.blank;
        if blank as usize >= vocab {
            return Err(Kind::BlankOutOfRange { blank, vocab }.into());
        }
        Ok(())
    }

    /// How many tokens a frame's list needs: one more than the beams, or as
    /// many as pruning leaves, and the blank, which may be among the best.
    pub(super) fn shortlist_width(&self) -> usize {
        let tokens = self.pruning.top_tokens.unwrap_or(self.beams + 1);
        tokens.saturating_add(1)
    }

    /// How many prefixes, the best ones, matter as extended by the token of rank
    /// `place` (from 0) of a frame, the blank left out: those of ranks r, from
    /// 1, with r * place <= beams.
    ///
    /// Proof. Let the token's rank s count from 1 too, so that the claim is r
    /// (s - 1) <= beams. Before the extension (r, s) come, in the order of
    /// candidates, all pairs (r', s') with r' <= r and s' <= s but itself and
    /// at most one repeat for each r' (the token that ends prefix r', which
    /// extends only the mass that ends in a blank): the pair scores no less,
    /// because rounding is monotone, and on a tie its source's rank or its
    /// token's rank is less. A pair whose prefix is in the beam already becomes
    /// a carried one, which scores no less either, because log-add never falls below
    /// an operand, and ranks by the better of the two sources. All are
    /// different prefixes: at least (s - 1) for each r' < r and s - 2 for r
    /// itself, r (s - 1) - 1 in all. If r (s - 1) > beams, as many as the beam
    /// holds come before.
    #[inline(always)]
    pub(super) fn extended_by(&self, place: usize) -> usize {
        self.beams.checked_div(place).unwrap_or(self.beams)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_extends_the_ranks_within_the_bound() {
        for beams in [1, 2, 3, 16, 100] {
            let settings = Settings::new(beams, 0).unwrap();
            for rank in 1..=beams {
                for token in 1..=beams + 2 {
                    let matters = rank <= settings.extended_by(token - 1);
                    assert_eq!(matters, rank * (token - 1) <= beams);
                }
            }
        }
    }

    #[test]
    fn a_list_holds_the_blank_beside_the_tokens_that_matter() {
        let mut settings = Settings::new(5, 0).unwrap();
        assert_eq!(settings.shortlist_width(), 7);
        settings.pruning = CtcPruning::none().with_top_tokens(3);
        assert_eq!(settings.shortlist_width(), 4);
        settings.pruning = CtcPruning::none().with_top_tokens(usize::MAX);
        assert_eq!(settings.shortlist_width(), usize::MAX);
    }

    #[test]
    fn widths_and_blanks_are_accepted_up_to_their_limits() {
        assert!(Settings::new(0, 0).is_err());
        assert!(Settings::new(1, 0).is_ok() && Settings::new(MAX_BEAMS, 0).is_ok());
        assert!(Settings::new(MAX_BEAMS + 1, 0).is_err());
        // What a candidate's key has room for.
        assert_eq!(MAX_BEAMS, 1 << 20);
        let settings = Settings::new(1, 4).unwrap();
        assert!(settings.check_vocabulary(5).is_ok());
        assert!(settings.check_vocabulary(4).is_err());
    }
}
