//! The rules of Whisper's timestamps (`ApplyTimestampRules` in `whisper/decoding.py`).

use super::processor::Scalar;
use crate::reference::autoregressive::{Place, Row};
use crate::reference::log_sum_exp;

/// Whisper's special tokens. Timestamps are the last tokens of the vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct Timestamps {
    /// The first timestamp.
    pub begin: u32,
    /// The end token, which is below all timestamps; text is below it.
    pub end: u32,
    /// The token that stands for no timestamps.
    pub none: Option<u32>,
    /// How far behind the first timestamp that of the beginning may be.
    pub max_initial: Option<u32>,
}

impl Timestamps {
    /// Changes a dense row. Tokens that are not permitted are impossible.
    pub(super) fn apply<T: Scalar>(&self, place: &Place<'_>, row: &mut Row<T>) {
        let vocab = row.scores.len();
        let (begin, end) = (self.begin as usize, self.end as usize);
        let mut forbid = |from: usize, to: usize| {
            let to = to.min(vocab);
            row.scores[from.min(to)..to].fill(T::of(f64::NEG_INFINITY));
        };
        if let Some(none) = self.none {
            forbid(none as usize, none as usize + 1);
        }
        let tokens = place.generated;
        let is_timestamp = |token: &u32| *token >= self.begin;
        let last = tokens.last().is_some_and(is_timestamp);
        let penultimate = tokens.len() < 2 || is_timestamp(&tokens[tokens.len() - 2]);
        match (last, penultimate) {
            (true, true) => forbid(begin, vocab),
            (true, false) => forbid(0, end),
            (false, _) => {}
        }
        if let Some(&latest) = tokens.iter().rev().find(|token| is_timestamp(token)) {
            // They do not decrease, and a segment does not end where it begins.
            let open = last && !penultimate;
            forbid(begin, latest as usize + usize::from(!open));
        }
        if tokens.is_empty() {
            forbid(0, begin);
            if let Some(most) = self.max_initial {
                forbid(begin + most as usize + 1, vocab);
            }
        }
        let possible = |token: &u32| match &row.permitted {
            Some(permitted) => permitted.contains(token),
            None => true,
        };
        let seen = |token: usize| match possible(&(token as u32)) {
            true => row.scores[token].get() as f32,
            false => f32::NEG_INFINITY,
        };
        let begin = begin.min(vocab);
        let timestamps: Vec<f32> = (begin..vocab).map(seen).collect();
        let best = (0..begin).map(seen).fold(f32::NEG_INFINITY, f32::max);
        if log_sum_exp(&timestamps) > f64::from(best) {
            row.scores[..begin].fill(T::of(f64::NEG_INFINITY));
        }
    }
}
