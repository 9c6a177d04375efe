//! The forward algorithms as they are published, over probabilities.
//!
//! None limits the symbols of a frame, so each holds for sequences that no limit cuts short.

use widebeam::reference::transducer::Topology;

use crate::alignments;
use crate::cases::{self, Case, DURATIONS};

/// The probabilities of tokens and durations at a frame after the first tokens.
struct Lattice<'a> {
    case: &'a Case,
    tokens: &'a [u32],
}

impl Lattice<'_> {
    fn at(&self, frame: usize, length: usize) -> (Vec<f64>, Vec<f64>) {
        let (tokens, durations) = self.case.log_probabilities(frame, &self.tokens[..length]);
        let exp = |logs: Vec<f64>| logs.into_iter().map(f64::exp).collect();
        (exp(tokens), exp(durations))
    }

    fn blank(&self, frame: usize, length: usize) -> f64 {
        self.at(frame, length).0[self.case.blank as usize]
    }

    fn next(&self, frame: usize, length: usize) -> f64 {
        self.at(frame, length).0[self.tokens[length] as usize]
    }

    /// alpha of frames 0 to `frames` - 1 and of all lengths, from what leads there.
    fn alpha(
        &self,
        frames: usize,
        before: impl Fn(&Self, &[Vec<f64>], usize, usize) -> f64,
    ) -> Vec<Vec<f64>> {
        let lengths = self.tokens.len() + 1;
        let mut alpha = vec![vec![0.0; lengths]; frames];
        for frame in 0..frames {
            for length in 0..lengths {
                alpha[frame][length] = match (frame, length) {
                    (0, 0) => 1.0,
                    _ => before(self, &alpha, frame, length),
                };
            }
        }
        alpha
    }

    /// Graves 2012, equations 16 to 18.
    fn graves(&self) -> f64 {
        let frames = self.case.frames;
        if frames == 0 {
            return f64::from(u8::from(self.tokens.is_empty()));
        }
        let alpha = self.alpha(frames, |own, alpha, t, u| {
            let mut sum = 0.0;
            if t > 0 {
                sum += alpha[t - 1][u] * own.blank(t - 1, u);
            }
            if u > 0 {
                sum += alpha[t][u - 1] * own.next(t, u - 1);
            }
            sum
        });
        let u = self.tokens.len();
        alpha[frames - 1][u] * self.blank(frames - 1, u)
    }

    /// The same where a token leaves its frame too.
    fn one_symbol(&self) -> f64 {
        let frames = self.case.frames;
        let alpha = self.alpha(frames + 1, |own, alpha, t, u| {
            let Some(before) = t.checked_sub(1) else {
                return 0.0;
            };
            let mut sum = alpha[before][u] * own.blank(before, u);
            if u > 0 {
                sum += alpha[before][u - 1] * own.next(before, u - 1);
            }
            sum
        });
        alpha[frames][self.tokens.len()]
    }

    /// Xu et al. 2023, equation 7 and what follows it: a blank has a duration, and the last
    /// symbol is a blank that ends with the last frame.
    fn xu(&self, durations: &[u32]) -> f64 {
        let frames = self.case.frames;
        let alpha = self.alpha(frames, |own, alpha, t, u| {
            let mut sum = 0.0;
            for (place, &duration) in durations.iter().enumerate() {
                let Some(from) = t.checked_sub(duration as usize) else {
                    continue;
                };
                if duration > 0 {
                    sum += alpha[from][u] * own.blank(from, u) * own.at(from, u).1[place];
                }
                if u > 0 {
                    let duration = own.at(from, u - 1).1[place];
                    sum += alpha[from][u - 1] * own.next(from, u - 1) * duration;
                }
            }
            sum
        });
        let u = self.tokens.len();
        let mut sum = 0.0;
        for (place, &duration) in durations.iter().enumerate() {
            if duration > 0 && duration as usize <= frames {
                let from = frames - duration as usize;
                sum += alpha[from][u] * self.blank(from, u) * self.at(from, u).1[place];
            }
        }
        sum
    }

    /// As decoders have it: a blank of duration 0 leaves its frame, and any symbol may end
    /// with the last frame or go beyond it.
    fn decoders(&self, durations: &[u32]) -> f64 {
        let frames = self.case.frames;
        let longest = durations.iter().max().map_or(0, |&most| most as usize);
        let alpha = self.alpha(frames + longest.max(1), |own, alpha, t, u| {
            let mut sum = 0.0;
            for (place, &duration) in durations.iter().enumerate() {
                let duration = duration as usize;
                let inside = |from: &usize| *from < frames;
                if let Some(from) = t.checked_sub(duration.max(1)).filter(inside) {
                    sum += alpha[from][u] * own.blank(from, u) * own.at(from, u).1[place];
                }
                if let Some(from) = t.checked_sub(duration).filter(inside)
                    && u > 0
                {
                    let duration = own.at(from, u - 1).1[place];
                    sum += alpha[from][u - 1] * own.next(from, u - 1) * duration;
                }
            }
            sum
        });
        alpha[frames..]
            .iter()
            .map(|row| row[self.tokens.len()])
            .sum()
    }
}

/// The probability of some tokens, as the search of the case has it.
pub(crate) fn probability(case: &Case, tokens: &[u32]) -> f64 {
    let lattice = Lattice { case, tokens };
    match &case.topology {
        Topology::Standard { .. } => lattice.graves(),
        Topology::OneSymbol => lattice.one_symbol(),
        Topology::Tdt { durations, .. } => lattice.decoders(durations),
    }
}

/// The list of alignments has those of the published algorithm among others.
#[test]
fn the_alignments_that_xu_counts_have_the_mass_that_xu_gives() {
    let mut compared = 0;
    for durations in DURATIONS {
        for case in cases::tdt(301, 24, durations) {
            for (tokens, labelling) in alignments::all(&case) {
                let lattice = Lattice {
                    case: &case,
                    tokens: &tokens,
                };
                if case.frames > 0 && tokens.len() <= case.max_symbols() {
                    let expected = lattice.xu(durations);
                    let found = labelling.published;
                    assert!((found - expected).abs() < 1e-12, "{case:?} {tokens:?}");
                    compared += usize::from(expected > 0.0);
                }
            }
        }
    }
    assert!(compared > 300, "{compared}");
}
