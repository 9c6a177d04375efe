//! Words by their spellings, with an n-gram model of words.

mod advance;
mod readings;
mod score;

use super::ngram::{NgramModel, NgramState};
use super::scorer::Scorer;
use super::trie::{ROOT, Trie};
use super::vocabulary::Word;
use super::word_score::{Lookahead, UNKNOWN, WordScore, end_of, finite, start_of};
use crate::error::{Error, Kind};

pub use readings::SpellingState;
use readings::{MAX_READINGS, Origin};

/// Allows only words of a list, each by its spellings in tokens, such as the phones that it is
/// pronounced with; scores them by an n-gram model, if there is one.
///
/// A word may have several spellings, and a spelling several words (homophones). Then a prefix
/// of tokens has several *readings*: sequences of words. It keeps its best eight, of those that
/// the model cannot tell apart the best one, and scores as the best of all does. A word is
/// complete at the delimiter token; in a vocabulary without one, where the next word begins.
///
/// Each complete word scores weight x ln P(word | words before) + bonus, and the unknown score
/// on top if the model does not know it. The end of input completes the last word and scores
/// weight x ln P(`</s>`). With [`Lookahead::Unigram`] the word under way scores by the best
/// word that is spelled so.
///
/// [`SpellingLexicon::words`] says which words the tokens of a hypothesis are.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
/// use widebeam::scorers::SpellingLexicon;
///
/// // Token 0 is the blank, 1 stands between words; 2, 3 and 4 are T, UW and IY.
/// let words = [("two", &[2u32, 3][..]), ("too", &[2, 3]), ("tea", &[2, 4])];
/// let lexicon = SpellingLexicon::new(&words, Some(1))?;
/// let mut search = CtcSearch::new(8, Blank(0))?.with_scorer(&lexicon);
///
/// let emissions = [
///     [0.0f32, 0.0, 0.9, 0.1, 0.0],
///     [0.1, 0.0, 0.0, 0.2, 0.7],
///     [0.1, 0.9, 0.0, 0.0, 0.0],
///     [0.0, 0.0, 0.8, 0.1, 0.1],
///     [0.0, 0.0, 0.0, 0.9, 0.1],
/// ];
/// let scores = ScoresView::probabilities(emissions.as_flattened(), [5, 5])?;
/// let nbest = search.decode(&scores)?;
/// let words = lexicon.words(nbest.best(0)?.tokens)?;
/// assert_eq!(words[0].text, "tea");
/// assert_eq!(words[1].text, "two");
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SpellingLexicon<M = NgramModel> {
    trie: Trie<u32>,
    /// The words, by their places in the list.
    texts: Vec<String>,
    /// By place, the node at which the word's spelling ends.
    nodes: Vec<u32>,
    /// The places of the words of each node, those of node 0 first. Of words that the model
    /// cannot tell apart only the first is among them.
    entries: Vec<u32>,
    /// Where those of each node end.
    ends: Vec<u32>,
    delimiter: Option<u32>,
    model: Option<Ngrams<M>>,
    scores: WordScore,
    lookahead: Lookahead,
    /// What is said of each node in advance; nothing without a look-ahead.
    ahead: Vec<f64>,
    /// The most that is said of a word that begins.
    most_ahead: f64,
    readings: usize,
    /// Of each node, which tokens lead on from it, by their bits.
    follow: Vec<u64>,
    bos: bool,
    eos: bool,
}

/// The model, and what it knows of the words.
#[derive(Clone, Debug)]
struct Ngrams<M> {
    model: M,
    start: NgramState,
    end: Option<u32>,
    /// By place in the list: the id of the word, and log10 P without a context.
    ids: Vec<Option<u32>>,
    unigrams: Vec<f32>,
}

impl SpellingLexicon {
    /// The most readings that a prefix keeps, 8.
    pub const MAX_READINGS: usize = MAX_READINGS;

    /// A lexicon of words and their spellings. `delimiter` is the token between words; without
    /// one, words follow each other directly. A delimiter at the start or the end of a spelling
    /// is left out; one inside is a part of it.
    ///
    /// # Errors
    ///
    /// If a spelling is empty, or memory runs out.
    pub fn new<T: AsRef<str>, L: AsRef<[u32]>>(
        words: &[(T, L)],
        delimiter: Option<u32>,
    ) -> Result<Self, Error> {
        let mut spellings: Vec<&[u32]> = Vec::with_capacity(words.len());
        for (index, (_, spelling)) in words.iter().enumerate() {
            let mut spelling = spelling.as_ref();
            while let Some((first, rest)) = spelling.split_first()
                && Some(*first) == delimiter
            {
                spelling = rest;
            }
            while let Some((last, rest)) = spelling.split_last()
                && Some(*last) == delimiter
            {
                spelling = rest;
            }
            if spelling.is_empty() {
                return Err(Kind::EmptySequence { index }.into());
            }
            spellings.push(spelling);
        }
        let (trie, nodes) = Trie::new(&spellings)?;
        let bits = |node: u32| {
            let tokens = trie.children(node).map(|child| trie.symbol(child));
            tokens.fold(0, |bits, token| bits | bit(token))
        };
        let follow = (0..trie.len() as u32).map(bits).collect();
        // Without a model all words of a node are alike.
        let mut places: Vec<u32> = (0..words.len() as u32).collect();
        places.sort_by_key(|&place| (nodes[place as usize], place));
        places.dedup_by_key(|place| nodes[*place as usize]);
        let (entries, ends) = by_node(places, &nodes, trie.len());
        Ok(SpellingLexicon {
            trie,
            texts: words
                .iter()
                .map(|(text, _)| text.as_ref().to_owned())
                .collect(),
            nodes,
            entries,
            ends,
            delimiter,
            model: None,
            scores: WordScore::DEFAULT,
            lookahead: Lookahead::None,
            ahead: Vec::new(),
            most_ahead: 0.0,
            readings: MAX_READINGS,
            follow,
            bos: true,
            eos: true,
        })
    }
}

impl<M> SpellingLexicon<M> {
    /// The same lexicon with a model of its words, with a weight of 1.
    ///
    /// # Errors
    ///
    /// If the model knows none of the words.
    pub fn with_model<N: AsRef<NgramModel>>(self, model: N) -> Result<SpellingLexicon<N>, Error> {
        let ngrams = model.as_ref();
        let id = |text: &String| ngrams.word(text).filter(|&id| id != UNKNOWN);
        let ids: Vec<Option<u32>> = self.texts.iter().map(id).collect();
        let empty = ngrams.empty_state();
        let unigrams = ids.iter().map(|&id| ngrams.score(&empty, id)).collect();
        if !ids.is_empty() && ids.iter().all(Option::is_none) {
            let (unit, words) = ("the words of the lexicon", ids.len());
            let counted = format!("it knows 0 of {words} words");
            return Err(Kind::OtherUnits { unit, counted }.into());
        }
        let mut places: Vec<u32> = (0..ids.len() as u32).collect();
        places.sort_by_key(|&place| (self.nodes[place as usize], ids[place as usize], place));
        places.dedup_by_key(|place| (self.nodes[*place as usize], ids[*place as usize]));
        let (entries, ends) = by_node(places, &self.nodes, self.trie.len());
        let mut lexicon = SpellingLexicon {
            trie: self.trie,
            texts: self.texts,
            nodes: self.nodes,
            entries,
            ends,
            delimiter: self.delimiter,
            scores: self.scores,
            lookahead: self.lookahead,
            ahead: self.ahead,
            most_ahead: self.most_ahead,
            readings: self.readings,
            follow: self.follow,
            bos: self.bos,
            eos: self.eos,
            model: Some(Ngrams {
                start: start_of(&model, self.bos),
                end: end_of(&model, self.eos),
                ids,
                unigrams,
                model,
            }),
        };
        lexicon.look_ahead();
        Ok(lexicon)
    }

    /// The same lexicon with another weight of ln P.
    ///
    /// # Errors
    ///
    /// If the weight is not finite.
    pub fn with_weight(mut self, weight: f64) -> Result<Self, Error> {
        self.scores.weight = finite("the weight", weight)?;
        self.look_ahead();
        Ok(self)
    }

    /// The same lexicon with a bonus for each word; only with a model.
    ///
    /// # Errors
    ///
    /// If the bonus is not finite.
    pub fn with_word_bonus(mut self, bonus: f64) -> Result<Self, Error> {
        self.scores.bonus = finite("the bonus", bonus)?;
        Ok(self)
    }

    /// The same lexicon with a score for each word that the model does not know, beside that
    /// of the model.
    ///
    /// # Errors
    ///
    /// If the score is not finite.
    pub fn with_unknown_score(mut self, score: f64) -> Result<Self, Error> {
        self.scores.unknown = finite("the unknown score", score)?;
        self.look_ahead();
        Ok(self)
    }

    /// The same lexicon with a look-ahead, or none, as by default.
    #[must_use]
    pub fn with_lookahead(mut self, lookahead: Lookahead) -> Self {
        self.lookahead = lookahead;
        self.look_ahead();
        self
    }

    /// The same lexicon that keeps so many readings of a prefix, 8 by default.
    ///
    /// # Errors
    ///
    /// If the number is 0 or above [`SpellingLexicon::MAX_READINGS`].
    pub fn with_readings(mut self, readings: usize) -> Result<Self, Error> {
        if !(1..=MAX_READINGS).contains(&readings) {
            let (what, limit) = ("the number of readings", "1 to 8");
            let value = readings as f64;
            return Err(Kind::InvalidSetting { what, value, limit }.into());
        }
        self.readings = readings;
        Ok(self)
    }

    /// The same lexicon that begins after what a state of its model remembers, in place of
    /// `<s>`; only with a model.
    #[must_use]
    pub fn with_start(mut self, start: NgramState) -> Self {
        if let Some(ngrams) = &mut self.model {
            ngrams.start = start;
        }
        self
    }

    /// How many words of the list the model knows; `None` without a model.
    pub fn known_words(&self) -> Option<usize> {
        let known = |ngrams: &Ngrams<M>| ngrams.ids.iter().flatten().count();
        self.model.as_ref().map(known)
    }

    /// The number of words and spellings in the list.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether the list is empty.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Finds what is said of each node in advance.
    fn look_ahead(&mut self) {
        self.ahead.clear();
        self.most_ahead = 0.0;
        let (Some(ngrams), Lookahead::Unigram) = (&self.model, self.lookahead) else {
            return;
        };
        self.ahead.resize(self.trie.len(), f64::NEG_INFINITY);
        // A child comes after its parent.
        for node in (0..self.trie.len() as u32).rev() {
            let words = self.entries(node).iter().map(|&entry| {
                let entry = entry as usize;
                let score = self.scores.weighted(ngrams.unigrams[entry]);
                match ngrams.ids[entry] {
                    Some(_) => score,
                    None => score + self.scores.unknown,
                }
            });
            let below = self.trie.children(node);
            let below = below.map(|child| self.ahead[child as usize]);
            self.ahead[node as usize] = words.chain(below).fold(f64::NEG_INFINITY, f64::max);
        }
        if let Some(root) = self.ahead.first_mut() {
            self.most_ahead = root.max(0.0);
            *root = 0.0;
        }
    }

    /// The places of the words that a node spells.
    fn entries(&self, node: u32) -> &[u32] {
        let node = node as usize;
        let start = node.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.entries[start as usize..self.ends[node] as usize]
    }

    /// What is said of a node in advance.
    #[inline]
    fn ahead(&self, node: u32) -> f64 {
        self.ahead.get(node as usize).copied().unwrap_or(0.0)
    }
}

impl<M: AsRef<NgramModel>> SpellingLexicon<M> {
    /// The same lexicon that begins without `<s>`, or with it, as it does by default.
    #[must_use]
    pub fn with_bos(mut self, on: bool) -> Self {
        self.bos = on;
        if let Some(ngrams) = &mut self.model {
            ngrams.start = start_of(&ngrams.model, on);
        }
        self
    }

    /// The same lexicon that does not score `</s>` at the end of input, or does, as by default.
    #[must_use]
    pub fn with_eos(mut self, on: bool) -> Self {
        self.eos = on;
        if let Some(ngrams) = &mut self.model {
            ngrams.end = end_of(&ngrams.model, on);
        }
        self
    }

    /// The words of the best reading of all tokens of a hypothesis, with the tokens of each.
    ///
    /// # Errors
    ///
    /// If the tokens are no words of the lexicon.
    pub fn words(&self, tokens: &[u32]) -> Result<Vec<Word>, Error> {
        let mut state = self.start();
        let mut steps = Vec::with_capacity(tokens.len());
        let mut nodes = Vec::with_capacity(tokens.len());
        for (place, &token) in tokens.iter().enumerate() {
            let mut origins = [Origin::default(); MAX_READINGS];
            let mut next = SpellingState::EMPTY;
            self.read(&state, token, &mut next, &mut origins);
            if next.readings().is_empty() {
                return Err(Kind::NotInLexicon { place }.into());
            }
            steps.push(origins);
            nodes.push(
                next.readings()
                    .iter()
                    .map(|reading| reading.node)
                    .collect::<Vec<_>>(),
            );
            state = next;
        }
        let place = tokens.len();
        let Some((_, last)) = self.end(&state) else {
            return Err(Kind::NotInLexicon { place }.into());
        };
        // Back along the best reading, then forth along its words.
        let mut path = vec![last];
        let mut rank = usize::from(last.from);
        let mut begun = Vec::with_capacity(tokens.len());
        for (origins, nodes) in steps.iter().zip(&nodes).rev() {
            begun.push(nodes[rank] != ROOT);
            path.push(origins[rank]);
            rank = usize::from(origins[rank].from);
        }
        path.reverse();
        begun.reverse();
        let (mut words, mut start) = (Vec::new(), None);
        for (place, origin) in path.iter().enumerate() {
            if let (Some(entry), Some(first)) = (origin.entry, start) {
                words.push(Word {
                    text: self.texts[entry as usize].clone(),
                    tokens: first..place,
                });
                start = None;
            }
            if begun.get(place).copied().unwrap_or(false) && start.is_none() {
                start = Some(place);
            }
        }
        Ok(words)
    }
}

/// The places of words by their nodes, in order within each, and where those of each node
/// end.
fn by_node(mut places: Vec<u32>, nodes: &[u32], count: usize) -> (Vec<u32>, Vec<u32>) {
    places.sort_unstable_by_key(|&place| (nodes[place as usize], place));
    let mut ends = vec![0; count];
    for &place in &places {
        ends[nodes[place as usize] as usize] += 1;
    }
    let mut end = 0;
    for count in &mut ends {
        end += *count;
        *count = end;
    }
    (places, ends)
}

/// The bit of a token, as [`Scorer::may_follow`] has it.
fn bit(token: u32) -> u64 {
    1 << (token % 64)
}
