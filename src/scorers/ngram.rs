//! Back-off n-gram models as scorers.

use std::collections::HashMap;
use std::io::BufRead;

use super::arpa;
use super::scorer::Scorer;
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
    /// The highest order, 10.
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

    /// The state at the beginning of a sentence, after `<s>`; that of no context if the
    /// model does not know `<s>`.
    pub fn start_state(&self) -> NgramState {
        let empty = self.empty_state();
        match self.word("<s>") {
            None => empty,
            word => self.advance(&empty, word),
        }
    }

    /// log10 P(word | state). `None` is a word that the model does not know: it has the
    /// probability of `<unk>`.
    pub fn score(&self, state: &NgramState, word: Option<u32>) -> f32 {
        let Some(word) = word.or_else(|| self.word("<unk>")) else {
            return self.with_backoffs(UNKNOWN, state, 0);
        };
        // The longest n-gram that the model has is the one that counts.
        let longest = (0..self.order).rev().find_map(|length| {
            let context = match length.checked_sub(1) {
                None => ROOT,
                Some(longer) => state.nodes[longer],
            };
            if context == NONE {
                return None;
            }
            let child = self.trie.child(context, word)?;
            let found = self.probabilities[child as usize];
            (!found.is_nan()).then_some((found, length))
        });
        let (probability, matched) = longest.unwrap_or((UNKNOWN, 0));
        self.with_backoffs(probability, state, matched)
    }

    /// The state after a word. `None` is a word that the model does not know.
    pub fn advance(&self, state: &NgramState, word: Option<u32>) -> NgramState {
        let mut next = self.empty_state();
        let Some(word) = word.or_else(|| self.word("<unk>")) else {
            return next;
        };
        let contexts = [ROOT].into_iter().chain(state.nodes);
        let shorter = self.order.saturating_sub(1);
        for (next, context) in next.nodes.iter_mut().zip(contexts).take(shorter) {
            if context != NONE {
                *next = self.trie.child(context, word).unwrap_or(NONE);
            }
        }
        next
    }

    /// Adds the back-offs of the contexts longer than `matched` words.
    fn with_backoffs(&self, probability: f32, state: &NgramState, matched: usize) -> f32 {
        let longer = state.nodes[matched..].iter().filter(|&&node| node != NONE);
        longer.fold(probability, |sum, &node| sum + self.backoffs[node as usize])
    }
}

/// What the words of an n-gram model are, in terms of a token's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NgramUnit {
    /// The label is a word of the model.
    Token,
    /// Each character of the label is.
    Character,
}

/// An [`NgramModel`] as a scorer of tokens: weight x ln P + bonus a token, and
/// weight x ln P(`</s>`) at the end of input.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
/// use widebeam::scorers::{NgramModel, NgramScorer, NgramUnit};
///
/// let arpa = "\\data\\\nngram 1=4\n\n\\1-grams:\n\
///     -1 <s>\n-1 </s>\n-0.2 a\n-2 b\n\n\\end\\\n";
/// let model = NgramModel::read_arpa(arpa.as_bytes())?;
/// let labels = ["", "a", "b"];
/// let scorer = NgramScorer::new(model, &labels, NgramUnit::Token).with_weight(0.5)?;
///
/// // The streams of a search share its scorer.
/// let search = CtcSearch::new(8, Blank(0))?.with_scorer(scorer);
/// let mut streams = [search.stream(), search.stream()];
/// for stream in &mut streams {
///     stream.push(&ScoresView::probabilities(&[0.2f32, 0.35, 0.45], [1, 3])?)?;
///     assert_eq!(stream.finish()?.best()?.tokens, [1]);
/// }
/// # Ok::<(), widebeam::Error>(())
/// ```
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
    /// A scorer for tokens with these labels, in order of their ids, with a weight of 1
    /// and no bonus. A token beyond the labels is an unknown word.
    ///
    /// A space, or the mark U+2581 of word pieces, is looked up as itself, then
    /// as `<space>`, U+2581 or `|`.
    pub fn new<L: AsRef<str>>(model: M, labels: &[L], unit: NgramUnit) -> Self {
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
        NgramScorer {
            words,
            ends,
            end,
            weight: 1.0,
            bonus: 0.0,
            model,
        }
    }
}

impl<M> NgramScorer<M> {
    /// The same scorer with another weight of ln P.
    ///
    /// # Errors
    ///
    /// If the weight is not finite.
    pub fn with_weight(self, weight: f64) -> Result<Self, Error> {
        finite("the weight", weight)?;
        Ok(NgramScorer { weight, ..self })
    }

    /// The same scorer with a bonus for each token, which makes up for what a language
    /// model takes from long hypotheses.
    ///
    /// # Errors
    ///
    /// If the bonus is not finite.
    pub fn with_token_bonus(self, bonus: f64) -> Result<Self, Error> {
        finite("the bonus", bonus)?;
        Ok(NgramScorer { bonus, ..self })
    }

    /// Whether the model knows a word of any label. If not, it is a model of
    /// something else, and scores but the number of tokens.
    pub fn knows_any(&self) -> bool {
        self.words.iter().any(Option::is_some)
    }

    /// The words of the model that a token is.
    fn words(&self, token: u32) -> &[Option<u32>] {
        let token = token as usize;
        match self.ends.get(token) {
            Some(&end) => {
                let start = token.checked_sub(1).map_or(0, |before| self.ends[before]);
                &self.words[start..end]
            }
            None => &[None],
        }
    }
}

fn finite(what: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() {
        return Ok(());
    }
    let limit = "a finite number";
    Err(Kind::InvalidSetting { what, value, limit }.into())
}

impl<M: AsRef<NgramModel>> Scorer for NgramScorer<M> {
    type State = NgramState;

    fn start(&self) -> NgramState {
        self.model.as_ref().start_state()
    }

    fn score(&self, state: &NgramState, token: u32) -> f64 {
        let model = self.model.as_ref();
        let (mut sum, mut state) = (0.0, *state);
        if let Some((&last, before)) = self.words(token).split_last() {
            for &word in before {
                sum += f64::from(model.score(&state, word));
                state = model.advance(&state, word);
            }
            sum += f64::from(model.score(&state, last));
        }
        self.weight * (sum * std::f64::consts::LN_10) + self.bonus
    }

    fn advance(&self, state: &NgramState, token: u32) -> NgramState {
        let words = self.words(token).iter();
        words.fold(*state, |state, &word| {
            self.model.as_ref().advance(&state, word)
        })
    }

    fn finish(&self, state: &NgramState) -> f64 {
        match self.end {
            None => 0.0,
            end => {
                let score = self.model.as_ref().score(state, end);
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
