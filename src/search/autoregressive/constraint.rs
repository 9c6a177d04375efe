//! Which tokens a request may generate.

use std::fmt;
use std::sync::Arc;

use super::completeness::Completeness;
use super::mask::TokenMask;
use super::processors::RowScores;
use super::tokens_so_far::TokensSoFar;
use super::trie::TokenTrie;
use crate::error::{Error, Kind};

/// The tokens that may come next. It has the last word: no processor permits
/// what it does not.
///
/// - A [`TokenTrie`] permits the tokens that continue one of its sequences, and where a
///   sequence is complete, the end tokens. Only these are looked at: of invalid scores
///   elsewhere in the row nothing is said, unless its normaliser is wanted.
/// - A [`TokenMask`] permits the same tokens at every step.
/// - [`Constraint::function`] permits what a function says, such as a grammar.
///
/// Tries and masks in an `Arc` are shared by requests.
#[derive(Clone)]
pub struct Constraint {
    permitted: Permitted,
    completeness: Option<Arc<Completes>>,
}

#[derive(Clone)]
enum Permitted {
    Trie(Arc<TokenTrie>),
    Mask(Arc<TokenMask>),
    Function(Arc<Function>),
}

/// Puts the tokens that may follow the generated ones into a mask.
type Function = dyn Fn(&[u32], &mut TokenMask) + Send + Sync;

/// Says whether tokens are a whole permitted sequence.
type Completes = dyn Fn(&TokensSoFar<'_>) -> Completeness + Send + Sync;

/// What the probabilities of the permitted tokens are normalised over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Normaliser {
    /// The whole row: tokens are forbidden after the log-softmax.
    WholeRow,
    /// The permitted tokens, which are a row of their own to the log-softmax:
    /// the others are forbidden before it. Of a trie no other score is read.
    ///
    /// It needs logits or log-probabilities.
    Permitted,
}

impl Constraint {
    /// Permits the tokens that a function of the generated ones puts into an empty mask.
    ///
    /// It is called once for each live beam at each step. Tokens beyond the
    /// vocabulary do not matter. The cost of applying a mask is that of the
    /// permitted tokens or of the others, whichever are fewer.
    pub fn function(allow: impl Fn(&[u32], &mut TokenMask) + Send + Sync + 'static) -> Self {
        Permitted::Function(Arc::new(allow)).into()
    }

    /// Says which generated tokens are a whole permitted sequence: where the request has no end
    /// tokens, such a hypothesis finishes. A trie says it by itself.
    ///
    /// It is called once for each candidate that a step looks at, and once when the request is
    /// admitted, with no generated token.
    #[must_use]
    pub fn with_completeness(
        mut self,
        completeness: impl Fn(&TokensSoFar<'_>) -> Completeness + Send + Sync + 'static,
    ) -> Self {
        self.completeness = Some(Arc::new(completeness));
        self
    }

    /// Whether it says which sequences are complete.
    pub(super) fn knows_completeness(&self) -> bool {
        self.completeness.is_some() || self.is_trie()
    }

    /// What it says of the generated tokens, if it knows.
    pub(super) fn completeness(&self, tokens: &TokensSoFar<'_>) -> Option<Completeness> {
        if let Some(completeness) = &self.completeness {
            return Some(completeness(tokens));
        }
        match &self.permitted {
            Permitted::Trie(trie) => Some(trie.completeness(tokens.generated())),
            Permitted::Mask(_) | Permitted::Function(_) => None,
        }
    }

    /// Whether only permitted tokens are looked at.
    pub(super) fn is_trie(&self) -> bool {
        matches!(self.permitted, Permitted::Trie(_))
    }

    /// What errors call it.
    pub(super) fn name(&self) -> &'static str {
        match &self.permitted {
            Permitted::Trie(_) => "the trie of permitted sequences",
            Permitted::Mask(_) => "the mask of permitted tokens",
            Permitted::Function(_) => "the function of permitted tokens",
        }
    }

    /// Whether it is known to permit no token and no sequence.
    pub(super) fn permits_nothing(&self) -> bool {
        match &self.permitted {
            Permitted::Trie(trie) => trie.next(&[]).is_empty() && !trie.contains(&[]),
            Permitted::Mask(mask) => mask.count() == 0,
            Permitted::Function(_) => false,
        }
    }

    /// Whether it is known to permit none of some tokens at any step.
    pub(super) fn permits_none_of(&self, tokens: &[u32]) -> bool {
        match &self.permitted {
            Permitted::Mask(mask) => !tokens.iter().any(|&token| mask.contains(token)),
            Permitted::Trie(_) | Permitted::Function(_) => false,
        }
    }

    pub(super) fn check(&self, vocab: usize) -> Result<(), Error> {
        let what = self.name();
        let largest = match &self.permitted {
            Permitted::Trie(trie) => trie.largest_token(),
            Permitted::Mask(mask) => mask.iter().last(),
            Permitted::Function(_) => return Ok(()),
        };
        match largest {
            Some(token) if token as usize >= vocab => {
                Err(Kind::UnknownToken { what, token, vocab }.into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn apply(&self, row: &mut RowScores<'_>, scratch: &mut TokenMask) {
        let generated = row.generated();
        match &self.permitted {
            Permitted::Trie(trie) => {
                let ends: &[u32] = match trie.contains(generated) {
                    true => row.end_tokens(),
                    false => &[],
                };
                row.permit_only(trie.next(generated).iter().chain(ends).copied());
            }
            Permitted::Mask(mask) => apply_mask(row, mask),
            Permitted::Function(allow) => {
                scratch.clear();
                allow(generated, scratch);
                apply_mask(row, scratch);
            }
        }
    }
}

fn apply_mask(row: &mut RowScores<'_>, mask: &TokenMask) {
    // After the log-softmax it is the same to forbid the others. Before, the
    // permitted tokens must become a row of their own.
    if row.is_normalised() && mask.count() > row.vocab() / 2 {
        mark!("a mask forbids what it leaves out");
        let vocab = row.vocab() as u32;
        let others = (0..vocab).filter(|&token| !mask.contains(token));
        others.for_each(|token| row.forbid(token));
    } else {
        row.permit_only(mask.iter());
    }
}

impl From<Permitted> for Constraint {
    fn from(permitted: Permitted) -> Self {
        Constraint {
            permitted,
            completeness: None,
        }
    }
}

impl From<TokenTrie> for Constraint {
    fn from(trie: TokenTrie) -> Self {
        Arc::new(trie).into()
    }
}

impl From<Arc<TokenTrie>> for Constraint {
    fn from(trie: Arc<TokenTrie>) -> Self {
        Permitted::Trie(trie).into()
    }
}

impl From<TokenMask> for Constraint {
    fn from(mask: TokenMask) -> Self {
        Arc::new(mask).into()
    }
}

impl From<Arc<TokenMask>> for Constraint {
    fn from(mask: Arc<TokenMask>) -> Self {
        Permitted::Mask(mask).into()
    }
}

impl fmt::Debug for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.permitted {
            Permitted::Trie(_) => "Constraint::Trie",
            Permitted::Mask(_) => "Constraint::Mask",
            Permitted::Function(_) => "Constraint::Function",
        })
    }
}
