//! How alignments move through the frames.

use crate::error::{Error, Kind};

/// The longest duration, in frames: each frame ahead has a bucket of its own.
pub(super) const MAX_DURATION: u32 = 1024;

/// How alignments move through the frames: which symbol takes an alignment how many frames on.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Topology {
    /// RNN-T (Graves 2012): a token stays in its frame, the blank goes to the next one.
    Standard {
        /// The most tokens of one frame, 1 or more; 10 is usual.
        max_symbols: usize,
    },
    /// A token goes to the next frame, as the blank does: icefall's modified beam search, and
    /// the "monotonic" RNN-T (Tripathi et al. 2019).
    OneSymbol,
    /// The token-and-duration transducer (Xu et al. 2023): each symbol is emitted with a
    /// duration, the number of frames that it goes on. A blank of duration 0 goes on one frame.
    Tdt {
        /// The durations, in the order of their scores in a row: strictly ascending, and the
        /// last one above 0.
        durations: Vec<u32>,
        /// The most tokens of one frame, 1 or more, whatever their durations.
        max_symbols: usize,
    },
}

impl Topology {
    /// The durations that have scores in a row.
    pub(super) fn duration_columns(&self) -> usize {
        match self {
            Topology::Tdt { durations, .. } => durations.len(),
            Topology::Standard { .. } | Topology::OneSymbol => 0,
        }
    }

    /// The duration of tokens.
    pub(super) fn durations(&self) -> &[u32] {
        match self {
            Topology::Standard { .. } => &[0],
            Topology::OneSymbol => &[1],
            Topology::Tdt { durations, .. } => durations,
        }
    }

    /// The most tokens of one frame.
    pub(super) fn max_symbols(&self) -> usize {
        match self {
            Topology::OneSymbol => 1,
            Topology::Standard { max_symbols } | Topology::Tdt { max_symbols, .. } => *max_symbols,
        }
    }

    /// How many frames ahead an emission can reach.
    pub(super) fn frames_ahead(&self) -> usize {
        self.durations().last().map_or(1, |&last| last.max(1)) as usize
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        if self.max_symbols() == 0 {
            return Err(Kind::InvalidSetting {
                what: "the most symbols of a frame",
                value: 0.0,
                limit: "1 or more",
            }
            .into());
        }
        let durations = self.durations();
        for (index, pair) in durations.windows(2).enumerate() {
            if pair[1] <= pair[0] {
                return Err(Kind::DurationOrder {
                    index: index + 1,
                    duration: pair[1],
                    before: pair[0],
                }
                .into());
            }
        }
        let one_symbol_or_standard = self.duration_columns() == 0;
        match durations.last() {
            None => Err(Kind::NoDurations.into()),
            Some(0) if !one_symbol_or_standard => Err(Kind::ZeroDurations.into()),
            Some(&duration) if duration > MAX_DURATION => Err(Kind::DurationTooLong {
                duration,
                limit: MAX_DURATION,
            }
            .into()),
            Some(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(topology: Topology) -> String {
        topology.check().unwrap_err().to_string()
    }

    fn tdt(durations: &[u32]) -> Topology {
        Topology::Tdt {
            durations: durations.to_vec(),
            max_symbols: 3,
        }
    }

    #[test]
    fn durations_are_ascending_and_go_on() {
        for durations in [&[0, 1, 2, 3, 4][..], &[1], &[2, 7], &[0, MAX_DURATION]] {
            assert!(tdt(durations).check().is_ok(), "{durations:?}");
        }
        for (durations, said) in [
            (&[][..], "no durations"),
            (&[0], "durations are all 0"),
            (&[0, 0, 1], "duration 1 is 0"),
            (&[1, 3, 2], "duration 2 is 2"),
            (&[0, MAX_DURATION + 1], "limit of 1024"),
        ] {
            let error = refused(tdt(durations));
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn a_frame_has_room_for_a_symbol() {
        assert!(refused(Topology::Standard { max_symbols: 0 }).contains("1 or more"));
        let tdt = Topology::Tdt {
            durations: vec![1],
            max_symbols: 0,
        };
        assert!(refused(tdt).contains("1 or more"));
        assert!(Topology::Standard { max_symbols: 1 }.check().is_ok());
        assert!(Topology::OneSymbol.check().is_ok());
    }

    #[test]
    fn emissions_reach_as_far_as_the_longest_duration_and_the_blank() {
        assert_eq!(Topology::Standard { max_symbols: 3 }.frames_ahead(), 1);
        assert_eq!(Topology::OneSymbol.frames_ahead(), 1);
        assert_eq!(tdt(&[0, 1, 4]).frames_ahead(), 4);
    }
}
