//! Penalties of tokens that have occurred, by their definition.

use super::processor::Scalar;
use crate::reference::autoregressive::{Place, Row};

/// A penalty, and which tokens it counts.
#[derive(Clone, Debug)]
pub struct Penalised {
    /// What it does.
    pub penalty: Penalty,
    /// Whether the prompt does not count.
    pub generated_only: bool,
    /// Tokens that it leaves as they are.
    pub exempt: Vec<u32>,
}

/// What a penalty does to a token that has occurred.
#[derive(Clone, Copy, Debug)]
pub enum Penalty {
    /// A score below 0 is multiplied by it, another divided.
    Repetition(f64),
    /// It is taken off for each time the token has occurred.
    Frequency(f64),
    /// It is taken off once.
    Presence(f64),
}

impl Penalised {
    /// Changes a dense row.
    pub(super) fn apply<T: Scalar>(&self, place: &Place<'_>, row: &mut Row<T>) {
        let counted = match self.generated_only {
            true => place.generated.to_vec(),
            false => place.history(),
        };
        for (token, score) in row.scores.iter_mut().enumerate() {
            let token = token as u32;
            let count = counted.iter().filter(|&&other| other == token).count();
            if count == 0 || self.exempt.contains(&token) {
                continue;
            }
            let old = score.get();
            *score = T::of(match self.penalty {
                Penalty::Repetition(penalty) if old < 0.0 => old * penalty,
                Penalty::Repetition(penalty) => old / penalty,
                Penalty::Frequency(penalty) => old - penalty * count as f64,
                Penalty::Presence(penalty) => old - penalty,
            });
        }
    }
}
