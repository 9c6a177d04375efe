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
    /// Where the extensions of each rank begin among all that can matter.
    cells: Vec<u32>,
}

impl Settings {
    pub(super) fn new(beams: usize, blank: u32) -> Result<Self, Error> {
        let limit = MAX_BEAMS;
        match beams {
            0 => return Err(Kind::ZeroBeams.into()),
            _ if beams > limit => return Err(Kind::BeamsTooLarge { beams, limit }.into()),
            _ => {}
        }
        let mut cells = Vec::with_capacity(beams + 1);
        cells.push(0);
        let mut end = 0;
        for rank in 1..=beams {
            end += (beams / rank + 1) as u32;
            cells.push(end);
        }
        Ok(Settings {
            beams,
            blank,
            pruning: CtcPruning::none(),
            cells,
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

    /// The extensions of the prefix of `rank` (from 0) that can matter, as a
    /// range of all that can: those by the tokens of ranks s, from 1, with
    /// (rank + 1) (s - 1) <= beams, the best token first.
    ///
    /// Proof. Let r and s count from 1, and tokens without the blank. Before
    /// the extension (r, s) come, in the order of candidates, all pairs (r',
    /// s') with r' <= r and s' <= s but itself and at most one repeat for each
    /// r' (the token that ends prefix r', which extends only the mass that
    /// ends in a blank): the pair scores no less, because rounding is
    /// monotone, and on a tie its source's rank or its token's rank is less.
    /// A pair whose prefix is in the beam already becomes a stay, which scores
    /// no less either, because log-add never falls below an operand, and
    /// ranks by the better of the two sources. All are different prefixes:
    /// at least (s - 1) for each r' < r and s - 2 for r itself, r (s - 1) - 1
    /// in all. If r (s - 1) > beams, as many as the beam holds come before.
    #[inline]
    pub(super) fn cells(&self, rank: usize) -> std::ops::Range<usize> {
        self.cells[rank] as usize..self.cells[rank + 1] as usize
    }

    /// The number of extensions that can matter: about beams x ln(beams).
    pub(super) fn all_cells(&self) -> usize {
        self.cells[self.beams] as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_the_pairs_within_the_bound() {
        for beams in [1, 2, 3, 16, 100] {
            let settings = Settings::new(beams, 0).unwrap();
            let mut all = 0;
            for rank in 0..beams {
                let cells = settings.cells(rank);
                assert_eq!(cells.start, all);
                all = cells.end;
                for token in 1..=beams + 2 {
                    assert_eq!(token <= cells.len(), (rank + 1) * (token - 1) <= beams);
                }
            }
            assert_eq!(settings.all_cells(), all);
        }
    }
}
