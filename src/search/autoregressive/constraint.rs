//! Which tokens a request may generate.

use std::fmt;
use std::sync::Arc;

use super::completeness::Completeness;
use super::followed::{Followed, Nodes};
use super::mask::TokenMask;
use super::processors::{Earliest, RowScores};
use super::stateful::{AnyStateful, StatefulConstraint};
use super::tokens_so_far::TokensSoFar;
use super::trie::{ROOT, TokenTrie, TrieView};
use crate::error::{Error, Kind};
use crate::memory::reserve;

/// The tokens that may come next. It has the last word: no processor permits
/// what it does not.
///
/// - A [`TokenTrie`] permits the tokens that continue one of its sequences, and where a
///   sequence is complete, the end tokens. Only these are looked at: of invalid scores
///   elsewhere in the row nothing is said, unless its normaliser is wanted.
/// - A [`TokenMask`] permits the same tokens at every step.
/// - [`Constraint::stateful`] permits what a state says that follows each hypothesis, such as
///   that of a grammar.
/// - [`Constraint::function`] permits what a function of the tokens so far says.
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
    Stateful(Arc<dyn AnyStateful>),
}

/// Puts the tokens that may come next into a mask.
type Function = dyn Fn(&TokensSoFar<'_>, &mut TokenMask) + Send + Sync;

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
    /// Permits the tokens that a function of those so far, the prompt's and the generated ones,
    /// puts into an empty mask.
    ///
    /// It is called once for each live beam at each step. Tokens beyond the
    /// vocabulary do not matter. The cost of applying a mask is that of the
    /// permitted tokens or of the others, whichever are fewer.
    ///
    /// ```
    /// use widebeam::autoregressive::{Constraint, MaximumLength, Normaliser, Request};
    ///
    /// // Copies the prompt.
    /// let copy = Constraint::function(|tokens, mask| {
    ///     let next = tokens.prompt().get(tokens.generated().len());
    ///     next.into_iter().for_each(|&token| mask.insert(token));
    /// });
    /// let request = Request::new(2, MaximumLength(3))
    ///     .with_prompt([5, 7, 9])
    ///     .with_constraint(copy, Normaliser::WholeRow);
    /// # let mut search = widebeam::autoregressive::AutoregressiveSearch::new(10)?;
    /// # let id = search.admit(request)?;
    /// # search.run(|_, _| {})?;
    /// # let outcome = search.outcome(id)?.expect("it is done");
    /// # assert_eq!(outcome.best()?.tokens, [5, 7, 9]);
    /// # Ok::<(), widebeam::Error>(())
    /// ```
    pub fn function(
        allow: impl Fn(&TokensSoFar<'_>, &mut TokenMask) + Send + Sync + 'static,
    ) -> Self {
        Permitted::Function(Arc::new(allow)).into()
    }

    /// Says which generated tokens are a whole permitted sequence: where the request has no end
    /// tokens, such a hypothesis finishes. A trie says it by itself, and
    /// so can a [`StatefulConstraint`].
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
        let follows = matches!(self.permitted, Permitted::Trie(_) | Permitted::Stateful(_));
        self.completeness.is_some() || follows
    }

    /// Whether it says so by looking at all tokens.
    pub(super) fn reads_tokens(&self) -> bool {
        self.completeness.is_some()
    }

    /// What it says of no generated token, if it knows. `tokens` are the prompt.
    pub(super) fn completeness_of_nothing(&self, tokens: &TokensSoFar<'_>) -> Option<Completeness> {
        match (&self.completeness, &self.permitted) {
            (Some(completeness), _) => Some(completeness(tokens)),
            (None, Permitted::Trie(trie)) => Some(of_node(&trie.view(), Some(ROOT))),
            (None, Permitted::Stateful(constraint)) => {
                constraint.completeness_of_nothing(tokens.prompt())
            }
            _ => None,
        }
    }

    /// What it says of a beam and one more token, if it knows. `tokens` are those of both, if
    /// it [`Constraint::reads_tokens`].
    pub(super) fn completeness(
        &self,
        followed: &Followed,
        (beam, token): (usize, u32),
        tokens: &TokensSoFar<'_>,
    ) -> Option<Completeness> {
        match (&self.completeness, &self.permitted, followed) {
            (Some(completeness), ..) => Some(completeness(tokens)),
            (None, Permitted::Trie(trie), Followed::Trie(nodes)) => {
                let view = trie.view();
                let node = nodes.of(beam).and_then(|node| view.child(node, token));
                Some(of_node(&view, node))
            }
            (None, _, Followed::States(states)) => states.completeness_after(beam, token),
            _ => None,
        }
    }

    /// Permits what a [`StatefulConstraint`] says.
    pub fn stateful(constraint: impl StatefulConstraint + 'static) -> Self {
        Permitted::Stateful(Arc::new(constraint)).into()
    }

    /// Where the one beam before the first token stands.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn follow(&self, prompt: &[u32]) -> Result<Followed, Error> {
        match &self.permitted {
            Permitted::Trie(_) => Nodes::begin().map(Followed::Trie),
            Permitted::Stateful(constraint) => {
                let states = Arc::clone(constraint).begin(prompt);
                states.map(Followed::States)
            }
            Permitted::Mask(_) | Permitted::Function(_) => Ok(Followed::Nothing),
        }
    }

    /// At most the bytes that the search keeps for so many beams.
    pub(super) fn bytes_needed(&self, beams: usize) -> usize {
        let followed = size_of::<Followed>();
        match self.is_trie() {
            true => Nodes::bytes_needed(beams).saturating_add(followed),
            false => followed,
        }
    }

    /// Goes on to the next beams: the parent of each among those before, and its token.
    pub(super) fn advance(
        &self,
        followed: &mut Followed,
        mut beams: impl Iterator<Item = (usize, u32)>,
    ) {
        match (&self.permitted, followed) {
            (Permitted::Trie(trie), Followed::Trie(nodes)) => {
                let view = trie.view();
                nodes.advance(beams, |node, token| view.child(node, token));
            }
            (_, Followed::States(states)) => states.advance(&mut beams),
            _ => {}
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
            Permitted::Stateful(_) => "the constraint with states",
        }
    }

    /// Whether it is known to permit no token and no sequence.
    pub(super) fn permits_nothing(&self) -> bool {
        match &self.permitted {
            Permitted::Trie(trie) => {
                let view = trie.view();
                !view.has_children(ROOT) && !view.is_end(ROOT)
            }
            Permitted::Mask(mask) => mask.count() == 0,
            Permitted::Function(_) | Permitted::Stateful(_) => false,
        }
    }

    /// Whether it is known to permit none of some tokens at any step.
    pub(super) fn permits_none_of(&self, tokens: &[u32]) -> bool {
        match &self.permitted {
            Permitted::Mask(mask) => !tokens.iter().any(|&token| mask.contains(token)),
            _ => false,
        }
    }

    /// Whether it is known that the empty sequence is not complete.
    pub(super) fn needs_a_token(&self) -> bool {
        match (&self.completeness, &self.permitted) {
            (None, Permitted::Trie(trie)) => !trie.view().is_end(ROOT),
            _ => false,
        }
    }

    /// Says when tokens can be generated at the earliest, as far as it is known.
    pub(super) fn find_earliest(&self, earliest: &mut Earliest<'_>) {
        match &self.permitted {
            Permitted::Trie(trie) => {
                let (view, ends) = (trie.view(), earliest.end_tokens);
                let of_end = match ends.is_empty() {
                    true => 0,
                    false => view.earliest_end(ends, earliest.max_length),
                };
                earliest.update(|token, count| match view.child(ROOT, token) {
                    Some(_) => count,
                    None if ends.binary_search(&token).is_ok() => count.max(of_end),
                    None => count.max(1),
                });
            }
            Permitted::Mask(mask) => {
                earliest.update(|token, count| match mask.contains(token) {
                    true => count,
                    false => usize::MAX,
                });
            }
            Permitted::Function(_) | Permitted::Stateful(_) => {}
        }
    }

    /// Calls `see` with the tokens, ascending, that alone may be the first; `None` if it is not
    /// known which.
    pub(super) fn first_tokens<R>(
        &self,
        see: impl FnOnce(&mut dyn Iterator<Item = u32>) -> R,
    ) -> Option<R> {
        match &self.permitted {
            Permitted::Trie(trie) => {
                // Behind the empty sequence an end token may come as well.
                let view = trie.view();
                let children = view.children(ROOT);
                (!view.is_end(ROOT)).then(|| see(&mut view.tokens(children)))
            }
            Permitted::Mask(mask) => Some(see(&mut mask.iter())),
            Permitted::Function(_) | Permitted::Stateful(_) => None,
        }
    }

    pub(super) fn check(&self, vocab: usize) -> Result<(), Error> {
        let what = self.name();
        let largest = match &self.permitted {
            Permitted::Trie(trie) => trie.largest_token(),
            Permitted::Mask(mask) => mask.iter().last(),
            Permitted::Function(_) => return Ok(()),
            Permitted::Stateful(constraint) => return constraint.check(vocab),
        };
        match largest {
            Some(token) if token as usize >= vocab => {
                Err(Kind::UnknownToken { what, token, vocab }.into())
            }
            _ => Ok(()),
        }
    }

    /// Appends the tokens of a vocabulary that a trie permits after a beam, ascending, each once;
    /// none if this is no trie. Whether more tokens may follow one of them.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn permitted_by_trie(
        &self,
        followed: &Followed,
        beam: usize,
        vocab: usize,
        end_tokens: &[u32],
        tokens: &mut Vec<u32>,
    ) -> Result<bool, Error> {
        let (Permitted::Trie(trie), Followed::Trie(nodes)) = (&self.permitted, followed) else {
            return Ok(false);
        };
        let (view, Some(node)) = (trie.view(), nodes.of(beam)) else {
            return Ok(false);
        };
        let (start, children) = (tokens.len(), view.children(node));
        let goes_on = !end_tokens.is_empty() || view.have_children(&children);
        let most = children.len() + end_tokens.len();
        reserve(tokens, most, "the tokens that a trie permits")?;
        view.extend_tokens(children, tokens);
        let largest = tokens[start..].iter().copied().fold(0, u32::max);
        let ends = !end_tokens.is_empty() && view.is_end(node);
        // A file that has changed since it was checked may say anything.
        if ends || largest as usize >= vocab {
            tokens.extend_from_slice(if ends { end_tokens } else { &[] });
            tokens[start..].sort_unstable();
            let mut kept = start;
            for at in start..tokens.len() {
                let token = tokens[at];
                let is_new = kept == start || tokens[kept - 1] != token;
                if is_new && (token as usize) < vocab {
                    tokens[kept] = token;
                    kept += 1;
                }
            }
            tokens.truncate(kept);
        }
        Ok(goes_on)
    }

    /// Permits what may follow a beam, which stands where `followed` says.
    pub(super) fn apply(
        &self,
        followed: &Followed,
        beam: usize,
        row: &mut RowScores<'_>,
        scratch: &mut TokenMask,
    ) {
        match (&self.permitted, followed) {
            (Permitted::Trie(trie), Followed::Trie(nodes)) => {
                let (view, node) = (trie.view(), nodes.of(beam));
                let ends: &[u32] = match node.is_some_and(|node| view.is_end(node)) {
                    true => row.end_tokens(),
                    false => &[],
                };
                let children = node.map_or(0..0, |node| view.children(node));
                row.permit_only(view.tokens(children).chain(ends.iter().copied()));
            }
            (Permitted::Mask(mask), _) => apply_mask(row, mask),
            (Permitted::Function(allow), _) => {
                scratch.clear();
                allow(&row.tokens_so_far(), scratch);
                apply_mask(row, scratch);
            }
            (_, Followed::States(states)) => {
                scratch.clear();
                states.permit(beam, scratch);
                apply_mask(row, scratch);
            }
            _ => {}
        }
    }
}

/// Whether the sequence of a node is one of a trie's.
fn of_node(view: &TrieView<'_>, node: Option<u32>) -> Completeness {
    match node.filter(|&node| view.is_end(node)) {
        None => Completeness::Incomplete,
        Some(node) if view.has_children(node) => Completeness::MayEnd,
        Some(_) => Completeness::Complete,
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
            Permitted::Stateful(_) => "Constraint::Stateful",
        })
    }
}
