//! Favoured phrases.

mod automaton;
mod gains;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use automaton::{Automaton, Measure};

use super::phrase_text::phrase_text;
use super::scorer::Scorer;
use super::trie::ROOT;
use super::vocabulary::{Spellings, Vocabulary};
use crate::error::{Error, Kind};
use crate::memory::reserve;

/// Favours phrases: names, terms, or whatever a user is likely to say. A phrase adds its
/// boost to the score of a prefix wherever its text occurs, in whichever tokens.
///
/// The boost comes in even shares, character by character, while a phrase is under way, so
/// that it helps where it is needed. It is kept once the phrase is complete, and taken back
/// where the phrase breaks off or the input ends; in the end exactly the whole occurrences
/// count. Those that overlap, or are inside another, count too. A negative boost disfavours.
///
/// Phrases are found by an automaton of Aho and Corasick ("Efficient string matching: an aid
/// to bibliographic search", 1975) that reads the bytes of each token, or with
/// [`Phrases::from_tokens`] the tokens themselves. The score of a token takes a step for each
/// of its symbols, however many phrases there are, and a few more where phrases break off.
///
/// ```
/// use widebeam::ctc::Blank;
/// use widebeam::scorers::{Phrases, Scorer, Vocabulary};
///
/// let labels = ["", "\u{2581}he", "llo", "\u{2581}hel", "lo", "a"];
/// let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
/// let phrases = Phrases::from_text(&[("hello", 10.0)], &vocabulary, false)?;
/// let total = |tokens: &[u32]| {
///     let (mut sum, mut state) = (0.0, phrases.start());
///     for &token in tokens {
///         sum += phrases.score(&state, token);
///         state = phrases.advance(&state, token);
///     }
///     sum + phrases.finish(&state)
/// };
/// assert_eq!(total(&[1, 2]), 10.0);
/// assert_eq!(total(&[3, 4]), 10.0);
/// assert_eq!(total(&[3, 5]), 0.0);
/// // "he" is two of five characters.
/// assert_eq!(phrases.score(&phrases.start(), 1), 4.0);
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Phrases(Symbols);

#[derive(Clone, Debug)]
enum Symbols {
    Bytes(Text),
    Tokens(Automaton<u32>),
}

/// Phrases of text.
#[derive(Clone, Debug)]
struct Text {
    automaton: Automaton<u8>,
    spellings: Arc<Spellings>,
    /// Where each token leads from the root. Most tokens leave all phrases with their first
    /// byte, and go on as from there.
    from_root: Vec<Step>,
    whole_words: bool,
}

/// Where a token leads, and what it earns on the way.
#[derive(Clone, Copy, Debug)]
struct Step {
    node: u32,
    earned: f64,
}

impl Phrases {
    /// The text of a phrase as tokens spell it.
    ///
    /// White space around a phrase is trimmed, and that within it is one space each. A phrase
    /// with U+2581 in it lists pieces: its own spaces part those and are dropped, then each
    /// U+2581 is a space.
    ///
    /// ```
    /// use widebeam::scorers::Phrases;
    ///
    /// assert_eq!(Phrases::text(" turn  left"), "turn left");
    /// assert_eq!(Phrases::text("\u{2581}turn \u{2581}le ft"), "turn left");
    /// ```
    pub fn text(phrase: &str) -> String {
        phrase_text(phrase)
    }

    /// Phrases of text, each with its boost. Tokens spell bytes by the vocabulary; a phrase that
    /// they cannot spell is never found, and [`Speller`](super::Speller) tells which. Of a
    /// phrase that is given twice the last boost counts.
    ///
    /// Phrases are read by [`Phrases::text`].
    ///
    /// With `whole_words` a phrase counts only between word boundaries, which are spaces, and
    /// the start and end of the input. Its boost is given in advance until the boundary after
    /// it is seen.
    ///
    /// # Errors
    ///
    /// If a phrase is empty, if a boost is not finite, or so large that sums of them are not,
    /// if memory runs out, or if the phrases have more than `u32::MAX` starts.
    pub fn from_text<T: AsRef<str>>(
        phrases: &[(T, f64)],
        vocabulary: &Vocabulary,
        whole_words: bool,
    ) -> Result<Self, Error> {
        let mut texts: Vec<Vec<u8>> = Vec::new();
        reserve(&mut texts, phrases.len(), "the texts of phrases")?;
        for (index, (phrase, boost)) in phrases.iter().enumerate() {
            check(*boost)?;
            let text = phrase_text(phrase.as_ref());
            if text.is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            texts.push(match whole_words {
                true => format!(" {text} ").into_bytes(),
                false => text.into_bytes(),
            });
        }
        let measure = Measure {
            begins: |byte: u8| byte & 0xc0 != 0x80,
            bounded: whole_words,
        };
        let boosts = phrases.iter().map(|&(_, boost)| boost);
        let (automaton, own) = Automaton::new(&texts, boosts, &measure)?;
        drop(texts);
        let mut text = Text {
            automaton,
            spellings: Arc::clone(vocabulary.spellings()),
            from_root: Vec::new(),
            whole_words,
        };
        text.fill_from_root()?;
        text.set_bounds(&own)?;
        Ok(Phrases(Symbols::Bytes(text)))
    }

    /// Sequences of tokens, each with its boost, which comes in even shares token by token. Of
    /// a sequence that is given twice the last boost counts.
    ///
    /// # Errors
    ///
    /// If a sequence is empty, if a boost is not finite, or so large that sums of them are not,
    /// if memory runs out, or if the sequences have more than `u32::MAX` starts.
    pub fn from_tokens<T: AsRef<[u32]>>(sequences: &[(T, f64)]) -> Result<Self, Error> {
        let mut tokens: Vec<&[u32]> = Vec::new();
        reserve(&mut tokens, sequences.len(), "the tokens of phrases")?;
        for (index, (sequence, boost)) in sequences.iter().enumerate() {
            check(*boost)?;
            if sequence.as_ref().is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            tokens.push(sequence.as_ref());
        }
        let measure = Measure {
            begins: |_| true,
            bounded: false,
        };
        let boosts = sequences.iter().map(|&(_, boost)| boost);
        let (mut automaton, own) = Automaton::new(&tokens, boosts, &measure)?;
        let gains = gains::of_tokens(&automaton)?;
        automaton.set_bounds(&own, &gains, 1)?;
        Ok(Phrases(Symbols::Tokens(automaton)))
    }

    /// Where a token leads, and what it earns.
    #[inline]
    fn step(&self, node: u32, token: u32) -> Step {
        match &self.0 {
            Symbols::Bytes(text) => text.step(node, token),
            Symbols::Tokens(automaton) => {
                let node = automaton.next(node, token);
                let earned = automaton.node(node).earned;
                Step { node, earned }
            }
        }
    }

    fn node(&self, node: u32) -> &automaton::Node {
        match &self.0 {
            Symbols::Bytes(text) => text.automaton.node(node),
            Symbols::Tokens(automaton) => automaton.node(node),
        }
    }
}

/// Whether a boost is a number to reckon with.
fn check(boost: f64) -> Result<(), Error> {
    if boost.is_finite() {
        return Ok(());
    }
    let (what, limit) = ("the boost of a phrase", "a finite number");
    let value = boost;
    Err(Kind::InvalidSetting { what, value, limit }.into())
}

impl Text {
    fn fill_from_root(&mut self) -> Result<(), Error> {
        let spellings = Arc::clone(&self.spellings);
        reserve(
            &mut self.from_root,
            spellings.len(),
            "the tokens of phrases",
        )?;
        for spelling in spellings.iter() {
            let step = self.read(ROOT, spelling);
            self.from_root.push(step);
        }
        Ok(())
    }

    fn set_bounds(&mut self, own: &[Option<f64>]) -> Result<(), Error> {
        let gain = |step: &Step| step.earned + self.automaton.node(step.node).advance;
        let from_root = self.from_root.iter().map(gain).fold(0.0, f64::max);
        let (tokens, whole) = self.spellings.trie()?;
        let longest = self.spellings.longest();
        let trie = (&tokens, &whole[..]);
        let gains = gains::of_text(&self.automaton, own, trie, longest, from_root)?;
        self.automaton.set_bounds(own, &gains, longest)
    }

    #[inline]
    fn step(&self, node: u32, token: u32) -> Step {
        // Where no token is known, none spells anything.
        let nothing = Step { node, earned: 0.0 };
        if node == ROOT {
            return *self.from_root.get(token as usize).unwrap_or(&nothing);
        }
        let spelling = self.spellings.of(token);
        let Some((&first, rest)) = spelling.split_first() else {
            return nothing;
        };
        let node = self.automaton.next(node, first);
        if self.automaton.trie.child(ROOT, first).unwrap_or(ROOT) == node {
            return self.from_root[token as usize];
        }
        let earned = 0.0 + self.automaton.node(node).earned;
        self.read_on(Step { node, earned }, rest)
    }

    fn read(&self, node: u32, bytes: &[u8]) -> Step {
        self.read_on(Step { node, earned: 0.0 }, bytes)
    }

    fn read_on(&self, from: Step, bytes: &[u8]) -> Step {
        bytes.iter().fold(from, |step, &byte| {
            let node = self.automaton.next(step.node, byte);
            let earned = step.earned + self.automaton.node(node).earned;
            Step { node, earned }
        })
    }
}

/// Where a prefix stands in the phrases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PhrasesState(u32);

impl Scorer for Phrases {
    type State = PhrasesState;

    fn start(&self) -> PhrasesState {
        PhrasesState(match &self.0 {
            Symbols::Bytes(text) if text.whole_words => text.automaton.next(ROOT, b' '),
            _ => ROOT,
        })
    }

    fn score(&self, state: &PhrasesState, token: u32) -> f64 {
        let step = self.step(state.0, token);
        step.earned + (self.node(step.node).advance - self.node(state.0).advance)
    }

    fn advance(&self, state: &PhrasesState, token: u32) -> PhrasesState {
        PhrasesState(self.step(state.0, token).node)
    }

    fn finish(&self, state: &PhrasesState) -> f64 {
        let advance = self.node(state.0).advance;
        match &self.0 {
            Symbols::Bytes(text) if text.whole_words => text.read(state.0, b" ").earned - advance,
            _ => -advance,
        }
    }

    fn max_score(&self, state: &PhrasesState) -> f64 {
        self.node(state.0).bound
    }
}
