//! What a transducer search is told, checked once.

use super::topology::Topology;
use crate::error::{Error, Kind};
use crate::kernels::top_k::Plan;
use crate::scores::ScoresView;

/// The largest beam width: ranks share a sortable key with tokens.
pub(super) const MAX_BEAMS: usize = 1 << 20;

/// The most frames of an utterance. The numbers above stand for no frame.
pub(super) const MAX_FRAMES: usize = (u32::MAX - 1) as usize;

/// The longest lists that are found without sorting each row by itself (`kernels::top_k`).
const QUICK: usize = 64;

/// What hypotheses are ranked by at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum LengthNormalisation {
    /// The score as it is.
    #[default]
    None,
    /// The score divided by one more than the number of tokens.
    PerToken,
}

impl LengthNormalisation {
    /// What the score of a hypothesis of so many tokens is divided by.
    pub(super) fn divisor(self, tokens: usize) -> f64 {
        match self {
            LengthNormalisation::None => 1.0,
            LengthNormalisation::PerToken => tokens as f64 + 1.0,
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) vocab: usize,
    pub(super) blank: u32,
    pub(super) beams: usize,
    pub(super) topology: Topology,
    /// The most hypotheses of a result.
    pub(super) nbest: usize,
    pub(super) normalisation: LengthNormalisation,
    pub(super) commit_delay: Option<usize>,
}

impl Settings {
    pub(super) fn new(vocab: usize, blank: u32, beams: usize) -> Result<Self, Error> {
        let limit = ScoresView::MAX_VOCAB;
        match vocab {
            0 => return Err(Kind::NoVocabulary.into()),
            _ if vocab > limit => return Err(Kind::VocabularyTooLarge { vocab, limit }.into()),
            _ => {}
        }
        if blank as usize >= vocab {
            return Err(Kind::BlankOutOfRange { blank, vocab }.into());
        }
        let limit = MAX_BEAMS;
        match beams {
            0 => return Err(Kind::ZeroBeams.into()),
            _ if beams > limit => return Err(Kind::BeamsTooLarge { beams, limit }.into()),
            _ => {}
        }
        Ok(Settings {
            vocab,
            blank,
            beams,
            topology: Topology::Standard { max_symbols: 10 },
            nbest: beams,
            normalisation: LengthNormalisation::None,
            commit_delay: None,
        })
    }

    /// The scores of a row: those of the tokens, then those of the durations.
    pub(super) fn columns(&self) -> usize {
        self.vocab + self.topology.duration_columns()
    }

    /// The tokens of a row that are listed at first. As many as a beam holds can follow one
    /// prefix, and one may be the blank. Of a wide beam few prefixes have so many, and lists
    /// are much faster that hold no more than [`QUICK`].
    ///
    /// With a scorer it is two more than the beams: so many are tried if it has no bound, here
    /// and in the CTC search.
    pub(super) fn shortlist_width(&self, scored: bool) -> usize {
        match scored {
            true => self.beams + 2,
            false => (self.beams + 1).min(QUICK),
        }
    }

    /// Whether rows may be read late ([`LateRows`](super::late::LateRows)), if not for a
    /// scorer: they serve once, and those of a beam fit into the cache. All tokens of short
    /// rows are put in order anyway.
    pub(super) fn reads_late(&self) -> bool {
        self.topology == Topology::OneSymbol
            && !self.lists_may_end()
            && !Plan::is_short_row(self.vocab)
    }

    /// Whether more tokens of a row may be needed than its list has, if not for a scorer.
    pub(super) fn lists_may_end(&self) -> bool {
        self.beams + 1 > QUICK
    }

    /// That an utterance may have so many frames.
    pub(super) fn check_frames(frames: usize, more: usize) -> Result<u32, Error> {
        let (frames, limit) = (frames.saturating_add(more), MAX_FRAMES);
        if frames > limit {
            return Err(Kind::TooManyFrames { frames, limit }.into());
        }
        Ok(frames as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_blanks_and_vocabularies_are_accepted_up_to_their_limits() {
        let accepts = |vocab, blank, beams| Settings::new(vocab, blank, beams).is_ok();
        assert!(accepts(5, 4, 1) && accepts(1, 0, MAX_BEAMS));
        assert!(!accepts(5, 5, 1) && !accepts(0, 0, 1));
        assert!(!accepts(5, 0, 0) && !accepts(5, 0, MAX_BEAMS + 1));
        assert!(accepts(ScoresView::MAX_VOCAB, 0, 1));
        assert!(!accepts(ScoresView::MAX_VOCAB + 1, 0, 1));
        // What a candidate's key has room for.
        assert_eq!(MAX_BEAMS, 1 << 20);
    }

    #[test]
    fn lists_hold_what_can_follow_a_prefix_or_may_go_on() {
        for (beams, width, may_end) in [(1, 2, false), (63, 64, false), (64, 64, true)] {
            let settings = Settings::new(9, 0, beams).unwrap();
            assert_eq!(settings.shortlist_width(false), width);
            assert_eq!(settings.shortlist_width(true), beams + 2);
            assert_eq!(settings.lists_may_end(), may_end);
        }
    }

    #[test]
    fn frames_are_counted_up_to_the_most_there_can_be() {
        for (frames, more) in [(0, 0), (0, MAX_FRAMES), (MAX_FRAMES - 3, 3)] {
            assert_eq!(
                Settings::check_frames(frames, more).unwrap() as usize,
                frames + more
            );
        }
        for (frames, more) in [(0, MAX_FRAMES + 1), (MAX_FRAMES, 1), (9, usize::MAX)] {
            assert!(Settings::check_frames(frames, more).is_err());
        }
    }

    #[test]
    fn a_score_is_divided_by_the_tokens_and_one() {
        assert_eq!(LengthNormalisation::None.divisor(2), 1.0);
        assert_eq!(LengthNormalisation::PerToken.divisor(2), 3.0);
        assert_eq!(LengthNormalisation::PerToken.divisor(0), 1.0);
    }
}
