//! Which tokens a penalty of what has occurred counts.

use super::RowScores;
use crate::error::{Error, Kind};

/// Which occurrences count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Occurrences {
    /// Whether those in the prompt do not.
    pub(super) generated_only: bool,
    /// Tokens that never count, ascending.
    pub(super) exempt: Vec<u32>,
}

impl Occurrences {
    pub(super) fn with_exempt(mut self, tokens: impl IntoIterator<Item = u32>) -> Self {
        self.exempt.extend(tokens);
        self.exempt.sort_unstable();
        self.exempt.dedup();
        self
    }

    /// Changes the score of each token that counts, once: `change` gets it and the number of
    /// its occurrences.
    pub(super) fn map(&self, row: &mut RowScores<'_>, change: impl Fn(f64, usize) -> f64) {
        let tokens = match self.generated_only {
            true => row.generated(),
            false => row.history(),
        };
        row.map_counted(tokens, |token, score, count| {
            match self.exempt.binary_search(&token) {
                Ok(_) => score,
                Err(_) => change(score, count),
            }
        });
    }

    pub(super) fn check(&self, vocab: usize) -> Result<(), Error> {
        let what = "the tokens exempt from a penalty";
        match self.exempt.last() {
            Some(&token) if token as usize >= vocab => {
                Err(Kind::UnknownToken { what, token, vocab }.into())
            }
            _ => Ok(()),
        }
    }
}

/// A penalty as data.
#[cfg(feature = "serde")]
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fields {
    pub(super) penalty: f64,
    #[serde(default)]
    generated_only: bool,
    #[serde(default)]
    exempt: Vec<u32>,
}

#[cfg(feature = "serde")]
impl Fields {
    pub(super) fn of(penalty: f64, occurrences: Occurrences) -> Self {
        Fields {
            penalty,
            generated_only: occurrences.generated_only,
            exempt: occurrences.exempt,
        }
    }

    pub(super) fn occurrences(self) -> Occurrences {
        let counted = Occurrences {
            generated_only: self.generated_only,
            exempt: Vec::new(),
        };
        counted.with_exempt(self.exempt)
    }
}
