//! Back-off n-gram models as scorers.

use std::collections::HashMap;
use std::io::BufRead;

use super::super::scorer::Scorer;
use super::arpa;
use super::trie::{ROOT, Trie};
use crate::error::{Error, Kind};

/// In place of a node: the model does not have the n-gram.
const NONE: u32 = u32::MAX;

/// The log10-probability of unknown words where the model has no `<unk>`, as
/// KenLM takes it.
const UNKNOWN: f32 = -100.0;

/// A back-off n-gram model (Katz 1987), read from an ARPA file.
///
/// log10 P(w | context) is that of the longest n-gram that ends the context
/// followed by w, plus the back-offs of all longer ends of the context, from
/// the shortest on. It is summed in f32, as KenLM does, so the scores are equal
/// to the bit.
#[derive(Clone, Debug)]
pub struct NgramModel {
    words: HashMap<String, u32>,
    trie: Trie,
    /// Of each node, in log10; NaN where only longer n-grams are there.
    probabilities: Vec<f32>,
    backoffs: Vec<f32>,
    order: usize,
}

/// The ends of what was read so far that the model knows, by length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NgramState {
    /// The nodes of the last word, the last two words, and so on.
    nodes: [u32; NgramModel::MAX_ORDER - 1],
}

impl NgramModel {
    /// The highest order.
    pub const MAX_ORDER: usize = 10;

    /// Reads an ARPA file.
    ///
    /// # Errors
    ///
    /// If the source cannot be read or is not a whole ARPA file: the error names
    /// the line and what should stand there. If the order is above
    /// [`NgramModel::MAX_ORDER`], or a line longer than 1 MiB.
    pub fn read_arpa(source: impl BufRead) -> Result<Self, Error> {
        let mut model = NgramModel {
            words: HashMap::new(),
            trie: Trie::default(),
            probabilities: vec![f32::NAN],
            backoffs: vec![0.0],
            order: 0,
        };
        let mut order = 0;
        let limit = Self::MAX_ORDER;
        let check = |found| {
            order = found;
            let message = || format!("an order of {found} is above the limit of {limit}");
            (found <= limit).then_some(()).ok_or_else(message)
        };
        arpa::read(source, check, |entry| model.insert(&entry))?;
        model.order = order;
        Ok(model)
    }

    fn insert(&mut self, entry: &arpa::Entry<'_>) -> Result<(), String> {
        let mut node = ROOT;
        for &word in entry.words {
            let id = match self.words.get(word) {
                Some(&id) => id,
                None if entry.words.len() == 1 => {
                    let id = self.words.len() as u32;
                    self.words.insert(word.to_owned(), id);
                    id
                }
                None => return Err(format!("{word:?} is not among the 1-grams")),
            };
            node = self.trie.insert(node, id);
            self.probabilities.resize(self.trie.len(), f32::NAN);
            self.backoffs.resize(self.trie.len(), 0.0);
        }
        let node = node as usize;
        if !self.probabilities[node].is_nan() {
            return Err(format!("{:?} is there twice", entry.words.join(" ")));
        }
        self.probabilities[node] = entry.probability;
        self.backoffs[node] = entry.backoff;
        Ok(())
    }

    /// The order: the length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The number of words, marks such as `<s>` included.
    pub fn vocab(&self) -> usize {
        self.words.len()
    }

    /// The id of a word, if the model knows it.
    pub fn word(&self, word: &str) -> Option<u32> {
        self.words.get(word).copied()
    }

    /// The state of no context at all.
    pub fn empty_state(&self) -> NgramState {
        NgramState {
            nodes: [NONE; Self::MAX_ORDER - 1],
        }
    }

    /// The state at the beginning of a sentence, after `<s>`.
    pub fn start_state(&self) -> NgramState {
        let empty = self.empty_state();
        match self.word("<s>") {
            Some(_) => self.score(&empty, self.word("<s>")).1,
            None => empty,
        }
    }

    /// log10 P(word | state), and the state after the word. `None` is a word
    /// that the model does not know: it has the probability of `<unk>`.
    pub fn score(&self, state: &NgramState, word: Option<u32>) -> (f32, NgramState) {
        let mut next = self.empty_state();
        let Some(word) = word.or_else(|| self.word("<unk>")) else {
            return (self.with_backoffs(UNKNOWN, state, 0), next);
        };
        let (mut probability, mut matched) = (UNKNOWN, 0);
        let contexts = [ROOT].into_iter().chain(state.nodes);
        for (length, context) in contexts.enumerate().take(self.order) {
            let child = match context {
                NONE => None,
                _ => self.trie.child(context, word),
            };
            let Some(child) = child else { continue };
            if length + 1 < self.order {
                next.nodes[length] = child;
            }
            let found = self.probabilities[child as usize];
            if !found.is_nan() {
                (probability, matched) = (found, length);
            }
        }
        (self.with_backoffs(probability, state, matched), next)
    }

    /// Adds the back-offs of the contexts longer than `matched` words.
    fn with_backoffs(&self, probability: f32, state: &NgramState, matched: usize) -> f32 {
        let longer = state.nodes[matched..].iter().filter(|&&node| node != NONE);
        longer.fold(probability, |sum, &node| sum + self.backoffs[node as usize])
    }
}

/// What the words of an n-gram model are, in terms of a token's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NgramUnit {
    /// The label is a word of the model.
    Token,
    /// Each character of the label is.
    Character,
}

/// An [`NgramModel`] as a scorer of tokens: weight x ln P + bonus a token, and
/// weight x ln P(`</s>`) at the end of input.
#[derive(Clone, Debug)]
pub struct NgramScorer<M> {
    model: M,
    /// The words of each token, `None` for one the model does not know.
    words: Vec<Option<u32>>,
    /// Where they end.
    ends: Vec<usize>,
    end: Option<u32>,
    weight: f64,
    bonus: f64,
}

impl<M: AsRef<NgramModel>> NgramScorer<M> {
    /// A scorer for tokens with these labels, in order of their ids. A token
    /// beyond them is an unknown word.
    ///
    /// A space, or the mark U+2581 of word pieces, is looked up as itself, then
    /// as `<space>`, U+2581 or `|`.
    ///
    /// # Errors
    ///
    /// If weight or bonus is not finite.
    pub fn new<L: AsRef<str>>(
        model: M,
        labels: &[L],
        unit: NgramUnit,
        weight: f64,
        bonus: f64,
    ) -> Result<Self, Error> {
        for (what, value) in [("the weight", weight), ("the bonus", bonus)] {
            if !value.is_finite() {
                let limit = "a finite number";
                return Err(Kind::InvalidSetting { what, value, limit }.into());
            }
        }
        let ngrams = model.as_ref();
        let look_up = |word: &str| match word {
            " " | "\u{2581}" => {
                let names = [word, "<space>", "\u{2581}", "|"];
                names.into_iter().find_map(|name| ngrams.word(name))
            }
            _ => ngrams.word(word),
        };
        let (mut words, mut ends) = (Vec::new(), Vec::with_capacity(labels.len()));
        for label in labels {
            let label = label.as_ref();
            match unit {
                NgramUnit::Token => words.push(look_up(label)),
                NgramUnit::Character => {
                    let mut bytes = [0; 4];
                    let one = |c: char| look_up(c.encode_utf8(&mut bytes));
                    words.extend(label.chars().map(one));
                }
            }
            ends.push(words.len());
        }
        let end = ngrams.word("</s>");
        Ok(NgramScorer {
            words,
            ends,
            end,
            weight,
            bonus,
            model,
        })
    }
}

impl<M> NgramScorer<M> {
    /// Whether the model knows a word of any label. If not, it is a model of
    /// something else, and scores but the number of tokens.
    pub fn knows_any(&self) -> bool {
        self.words.iter().any(Option::is_some)
    }
}

impl<M: AsRef<NgramModel>> Scorer for NgramScorer<M> {
    type State = NgramState;

    fn start(&self) -> NgramState {
        self.model.as_ref().start_state()
    }

    fn extend(&self, state: &NgramState, token: u32) -> (f64, NgramState) {
        let token = token as usize;
        let unknown = [None];
        let words = match self.ends.get(token) {
            Some(&end) => {
                let start = token.checked_sub(1).map_or(0, |before| self.ends[before]);
                &self.words[start..end]
            }
            None => &unknown[..],
        };
        let (mut sum, mut state) = (0.0, *state);
        for &word in words {
            let (score, next) = self.model.as_ref().score(&state, word);
            sum += f64::from(score);
            state = next;
        }
        (
            self.weight * (sum * std::f64::consts::LN_10) + self.bonus,
            state,
        )
    }

    fn finish(&self, state: &NgramState) -> f64 {
        match self.end {
            None => 0.0,
            end => {
                let (score, _) = self.model.as_ref().score(state, end);
                self.weight * (f64::from(score) * std::f64::consts::LN_10)
            }
        }
    }
}

impl AsRef<NgramModel> for NgramModel {
    fn as_ref(&self) -> &NgramModel {
        self
    }
}
