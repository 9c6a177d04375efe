//! N-gram models of words over text that tokens spell.

use std::sync::Arc;

use super::ngram::{NgramModel, NgramState};
use super::ngram_fit::{MARKS, NgramFit};
use super::scorer::Scorer;
use super::trie::{ROOT, Trie};
use super::vocabulary::{Spellings, Vocabulary};
use super::word_score::{Lookahead, UNKNOWN, WordScore, end_of, finite, start_of};
use crate::error::{Error, Kind};

/// The longest word that is looked up in a model, in bytes.
const MAX_WORD: usize = 96;

/// An [`NgramModel`] of words over tokens that spell text: letters, word pieces, bytes.
///
/// Each word that is complete scores weight x ln P(word | words before) + bonus, and the
/// unknown score on top if the model does not know it. A word is complete when the text shows
/// it: when a space follows, or the next word begins. The end of input completes the last word
/// and scores weight x ln P(`</s>`).
///
/// With [`Lookahead::Unigram`] the word under way scores by its best continuation already,
/// which helps a narrow beam to keep the right words; a finished word has its exact score.
///
/// A word of more than 96 bytes is unknown, unless there is a look-ahead.
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
/// use widebeam::scorers::{NgramModel, Vocabulary, WordNgram};
///
/// let arpa = "\\data\\\nngram 1=5\n\n\\1-grams:\n\
///     -1 <s>\n-1 </s>\n-3 <unk>\n-0.3 two\n-0.5 twin\n\n\\end\\\n";
/// let model = NgramModel::read_arpa(arpa.as_bytes())?;
/// let vocabulary = Vocabulary::new(&["", "t", "w", "o", "u"], Some(Blank(0)));
/// let scorer = WordNgram::new(model, &vocabulary)?.with_weight(0.5)?;
/// let mut search = CtcSearch::new(8, Blank(0))?.with_scorer(scorer);
///
/// let emissions = [
///     [0.0f32, 1.0, 0.0, 0.0, 0.0],
///     [0.0, 0.0, 1.0, 0.0, 0.0],
///     [0.0, 0.0, 0.0, 0.4, 0.6],
/// ];
/// let scores = ScoresView::probabilities(emissions.as_flattened(), [3, 5])?;
/// let nbest = search.decode(&scores)?;
/// assert_eq!(vocabulary.text(nbest.best(0)?.tokens)?, "two");
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct WordNgram<M> {
    model: M,
    spellings: Arc<Spellings>,
    fit: NgramFit,
    start: NgramState,
    end: Option<u32>,
    scores: WordScore,
    ahead: Option<Ahead>,
    listed: Option<Listed>,
    tokens: Tokens,
}

/// The words of the model, and what is said of them before they are complete.
#[derive(Clone, Debug)]
struct Ahead {
    trie: Trie<u8>,
    /// Of each node, the id of its word, or 0.
    ids: Vec<u32>,
    /// Of each node, the best log10 P of the words below it.
    best: Vec<f32>,
    /// log10 P of the unknown word.
    unknown: f32,
}

/// The words that are not unknown.
#[derive(Clone, Debug)]
struct Listed {
    trie: Trie<u8>,
    whole: Vec<bool>,
}

/// Which kinds of tokens there are: what bounds the score of a token.
#[derive(Clone, Copy, Debug, Default)]
struct Tokens {
    /// Some begin with a space, so that they complete the word under way as it is.
    complete: bool,
    /// Some have a space after letters, so that they complete a word of theirs.
    end_words: bool,
    /// Some complete several words.
    several: bool,
}

/// What a [`WordNgram`] remembers of a prefix.
#[derive(Clone, Copy, Debug)]
pub struct WordNgramState {
    ngram: NgramState,
    word: Word,
    /// The id of the word under way, if it were complete; and its score.
    id: Option<u32>,
    complete: f64,
}

/// The word under way.
#[derive(Clone, Copy, Debug)]
struct Word {
    /// Its bytes, the first of them.
    bytes: [u8; MAX_WORD],
    /// Their number, also beyond the most that are kept.
    length: u32,
    /// Its nodes in the tries of [`Ahead`] and of [`Listed`], if it has them.
    ahead: Option<u32>,
    listed: Option<u32>,
}

impl Word {
    const EMPTY: Word = Word {
        bytes: [0; MAX_WORD],
        length: 0,
        ahead: Some(ROOT),
        listed: Some(ROOT),
    };

    /// Its text, if all of it is kept and is UTF-8.
    fn text(&self) -> Option<&str> {
        let bytes = self.bytes.get(..self.length as usize)?;
        std::str::from_utf8(bytes).ok()
    }
}

/// Whether a word is a mark such as `</s>`.
fn is_mark(word: &&str) -> bool {
    MARKS.contains(word)
}

impl<M: AsRef<NgramModel>> WordNgram<M> {
    /// A scorer with a weight of 1, no bonus, no look-ahead, and an unknown score of 0.
    ///
    /// # Errors
    ///
    /// If the model is one of other units ([`NgramFit`]), or memory runs out.
    pub fn new(model: M, vocabulary: &Vocabulary) -> Result<Self, Error> {
        let ngrams = model.as_ref();
        let mut tokens = Tokens::default();
        for token in 0..vocabulary.len() as u32 {
            let spelled = vocabulary.spelling(token);
            let mut parts = spelled.split(|&byte| byte == b' ');
            let first = parts.next().unwrap_or_default();
            let mut rest = parts.clone();
            let ends_some = rest.next().is_some();
            tokens.complete |= ends_some && first.is_empty();
            tokens.end_words |= ends_some && !first.is_empty();
            // What stands between two spaces is a word as well.
            tokens.several |= ends_some && parts.rev().skip(1).any(|part| !part.is_empty());
        }
        Ok(WordNgram {
            fit: NgramFit::of_words(ngrams, vocabulary)?,
            spellings: Arc::clone(vocabulary.spellings()),
            start: start_of(&model, true),
            end: end_of(&model, true),
            scores: WordScore::DEFAULT,
            ahead: None,
            listed: None,
            tokens,
            model,
        })
    }

    /// The same scorer with a look-ahead, which takes memory for all words of the model.
    ///
    /// # Errors
    ///
    /// If the model has no strings of its words, or memory runs out.
    pub fn with_lookahead(mut self, lookahead: Lookahead) -> Result<Self, Error> {
        self.ahead = match lookahead {
            Lookahead::None => None,
            Lookahead::Unigram => Some(Ahead::new(self.model.as_ref())?),
        };
        Ok(self)
    }

    /// The same scorer that begins without `<s>`, or with it, as it does by default.
    #[must_use]
    pub fn with_bos(self, on: bool) -> Self {
        let start = start_of(&self.model, on);
        self.with_start(start)
    }

    /// The same scorer that does not score `</s>` at the end of input, or does, as by default.
    #[must_use]
    pub fn with_eos(self, on: bool) -> Self {
        let end = end_of(&self.model, on);
        WordNgram { end, ..self }
    }
}

impl<M> WordNgram<M> {
    /// The same scorer that begins after what a state remembers, in place of `<s>`: the words
    /// of the utterance before, for instance ([`NgramModel::state_after`]).
    #[must_use]
    pub fn with_start(self, start: NgramState) -> Self {
        WordNgram { start, ..self }
    }

    /// The same scorer with another weight of ln P.
    ///
    /// # Errors
    ///
    /// If the weight is not finite.
    pub fn with_weight(mut self, weight: f64) -> Result<Self, Error> {
        self.scores.weight = finite("the weight", weight)?;
        Ok(self)
    }

    /// The same scorer with a bonus for each word.
    ///
    /// # Errors
    ///
    /// If the bonus is not finite.
    pub fn with_word_bonus(mut self, bonus: f64) -> Result<Self, Error> {
        self.scores.bonus = finite("the bonus", bonus)?;
        Ok(self)
    }

    /// The same scorer with a score for each unknown word, beside that of the model.
    ///
    /// # Errors
    ///
    /// If the score is not finite.
    pub fn with_unknown_score(mut self, score: f64) -> Result<Self, Error> {
        self.scores.unknown = finite("the unknown score", score)?;
        Ok(self)
    }

    /// The same scorer that takes all but these words for unknown, as soon as the letters
    /// show it. That makes them costly; [`Lexicon`](super::Lexicon) forbids them.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub fn with_words<T: AsRef<str>>(mut self, words: &[T]) -> Result<Self, Error> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_ref().as_bytes()).collect();
        let (trie, ends) = Trie::new(&words)?;
        let mut whole = vec![false; trie.len()];
        for end in ends {
            whole[end as usize] = true;
        }
        self.listed = Some(Listed { trie, whole });
        Ok(self)
    }

    /// How well the model and the labels fit each other.
    pub fn fit(&self) -> NgramFit {
        self.fit
    }

    /// The word under way, longer by a byte.
    #[inline]
    fn push(&self, word: &mut Word, byte: u8) {
        if let Some(place) = word.bytes.get_mut(word.length as usize) {
            *place = byte;
        }
        word.length = word.length.saturating_add(1);
        if let Some(ahead) = &self.ahead {
            word.ahead = word.ahead.and_then(|node| ahead.trie.child(node, byte));
        }
        if let Some(listed) = &self.listed {
            word.listed = word.listed.and_then(|node| listed.trie.child(node, byte));
        }
    }

    /// What was said of the word under way in advance.
    #[inline]
    fn in_advance(&self, word: &Word) -> f64 {
        if word.length == 0 {
            return 0.0;
        }
        let no_word = self.ahead.is_some() && word.ahead.is_none();
        let is_off = no_word || self.listed.is_some() && word.listed.is_none();
        let unigram = match (&self.ahead, word.ahead) {
            (None, _) => 0.0,
            (Some(ahead), None) => self.scores.weighted(ahead.unknown),
            (Some(ahead), Some(node)) => self.scores.weighted(ahead.best[node as usize]),
        };
        unigram + if is_off { self.scores.unknown } else { 0.0 }
    }

    /// The most that can be said in advance of a word that begins.
    fn most_in_advance(&self) -> f64 {
        let unknown = self.scores.unknown.max(0.0);
        match &self.ahead {
            None => unknown,
            Some(ahead) => {
                let best = ahead.best[ROOT as usize].max(ahead.unknown);
                (self.scores.weighted(best) + unknown).max(0.0)
            }
        }
    }
}

impl<M: AsRef<NgramModel>> WordNgram<M> {
    /// The id and the score of the word under way, if it were complete.
    fn complete(&self, ngram: &NgramState, word: &Word) -> (Option<u32>, f64) {
        let model = self.model.as_ref();
        let id = match (&self.ahead, word.ahead) {
            (Some(ahead), Some(node)) if ahead.ids[node as usize] != UNKNOWN => {
                Some(ahead.ids[node as usize])
            }
            // Marks are words of the model that begin no word of a text.
            (Some(_), _) => word
                .text()
                .filter(is_mark)
                .and_then(|text| model.word(text)),
            (None, _) => word.text().and_then(|text| model.word(text)),
        };
        let id = id.filter(|&id| id != UNKNOWN);
        let is_listed = self.listed.as_ref().is_none_or(|listed| {
            let whole = |node: u32| listed.whole[node as usize];
            word.listed.is_some_and(whole)
        });
        let log10 = model.score(ngram, id);
        (id, self.scores.of(log10, id.is_none() || !is_listed))
    }

    /// Reads the bytes of a token: the words that it completes, one after the other, and the
    /// word under way after it. Returns the sum of their scores.
    fn read(&self, state: &WordNgramState, token: u32) -> (f64, NgramState, Word) {
        let (mut sum, mut ngram, mut word) = (0.0, state.ngram, state.word);
        let mut completed = Some((state.id, state.complete));
        for &byte in self.spellings.of(token) {
            if byte != b' ' {
                self.push(&mut word, byte);
                completed = None;
            } else if word.length > 0 {
                let (id, score) = match completed {
                    Some(known) => known,
                    None => self.complete(&ngram, &word),
                };
                sum += score;
                ngram = self.model.as_ref().advance(&ngram, id);
                word = Word::EMPTY;
            }
        }
        (sum, ngram, word)
    }

    fn state(&self, ngram: NgramState, word: Word) -> WordNgramState {
        let (id, complete) = match word.length {
            0 => (None, 0.0),
            _ => self.complete(&ngram, &word),
        };
        WordNgramState {
            ngram,
            word,
            id,
            complete,
        }
    }
}

impl<M: AsRef<NgramModel>> Scorer for WordNgram<M> {
    type State = WordNgramState;

    fn start(&self) -> WordNgramState {
        self.state(self.start, Word::EMPTY)
    }

    fn score(&self, state: &WordNgramState, token: u32) -> f64 {
        let before = self.in_advance(&state.word);
        let spelled = self.spellings.of(token);
        // Most tokens complete nothing, or the word under way as it is.
        let (completed, letters) = match spelled.split_first() {
            Some((b' ', letters)) => (state.word.length > 0, letters),
            _ => (false, spelled),
        };
        if letters.contains(&b' ') {
            let (sum, _, word) = self.read(state, token);
            return sum + (self.in_advance(&word) - before);
        }
        // A sum that begins with 0, as that of several words does.
        let sum = 0.0 + if completed { state.complete } else { 0.0 };
        if self.ahead.is_none() && self.listed.is_none() {
            // Nothing is said in advance.
            return sum;
        }
        let mut word = match letters.len() == spelled.len() {
            true => state.word,
            false => Word::EMPTY,
        };
        for &byte in letters {
            self.push(&mut word, byte);
        }
        sum + (self.in_advance(&word) - before)
    }

    fn advance(&self, state: &WordNgramState, token: u32) -> WordNgramState {
        let (_, ngram, word) = self.read(state, token);
        self.state(ngram, word)
    }

    fn finish(&self, state: &WordNgramState) -> f64 {
        let model = self.model.as_ref();
        let (mut sum, mut ngram) = (0.0, state.ngram);
        if state.word.length > 0 {
            sum += state.complete;
            ngram = model.advance(&ngram, state.id);
        }
        if self.end.is_some() {
            sum += self.scores.weighted(model.score(&ngram, self.end));
        }
        sum - self.in_advance(&state.word)
    }

    /// Infinity if the weight is below 0, or a token completes several words.
    fn max_score(&self, state: &WordNgramState) -> f64 {
        if self.scores.weight < 0.0 || self.tokens.several {
            return f64::INFINITY;
        }
        let before = self.in_advance(&state.word);
        // The word under way may turn out to be unknown.
        let longer = match &self.ahead {
            None => 0.0,
            Some(ahead) => self.scores.weighted(ahead.unknown),
        };
        let unknown = self.scores.unknown.max(0.0);
        let most = self.most_in_advance();
        let goes_on = match state.word.length {
            0 => most,
            _ => (before + unknown).max(unknown + longer),
        };
        let mut max = goes_on - before;
        if self.tokens.complete && state.word.length > 0 {
            max = max.max(state.complete + (most - before));
        }
        if self.tokens.end_words {
            max = max.max(self.scores.max(&state.ngram) + (most - before));
        }
        max
    }
}

impl Ahead {
    fn new(model: &NgramModel) -> Result<Self, Error> {
        if !model.has_words() {
            return Err(Kind::NoWordStrings.into());
        }
        let (mut texts, mut ids, mut scores) = (Vec::new(), Vec::new(), Vec::new());
        let mut unknown = f32::NEG_INFINITY;
        for (id, (word, log10)) in (0..).zip(model.words()?) {
            if id == UNKNOWN {
                unknown = log10;
            }
            if !MARKS.contains(&&*word) && !word.is_empty() {
                texts.push(word.into_owned().into_bytes());
                ids.push(id);
                scores.push(log10);
            }
        }
        let (trie, ends) = Trie::new(&texts)?;
        let mut ahead = Ahead {
            ids: vec![UNKNOWN; trie.len()],
            best: vec![f32::NEG_INFINITY; trie.len()],
            trie,
            unknown,
        };
        for ((end, id), score) in ends.into_iter().zip(ids).zip(scores) {
            ahead.ids[end as usize] = id;
            ahead.best[end as usize] = score;
        }
        // A child comes after its parent.
        for node in (0..ahead.trie.len() as u32).rev() {
            let below = ahead
                .trie
                .children(node)
                .map(|child| ahead.best[child as usize]);
            let best = below.fold(ahead.best[node as usize], f32::max);
            ahead.best[node as usize] = best;
        }
        Ok(ahead)
    }
}
