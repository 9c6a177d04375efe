//! N-gram models as scorers of tokens.

use super::ngram::{NgramModel, NgramState};
use super::ngram_fit::NgramFit;
use super::ngram_unit::NgramUnit;
use super::scorer::Scorer;
use super::vocabulary::Vocabulary;
use super::word_score::{WordScore, end_of, finite, start_of};
use crate::error::Error;

/// An [`NgramModel`] as a scorer of tokens: weight x ln P + bonus a token, and
/// weight x ln P(`</s>`) at the end of input. `M` is an [`NgramModel`], an `Arc` of one, or
/// a reference to one; clones of a model share what was read. A model of words is a
/// [`WordNgram`](super::WordNgram).
///
/// ```
/// use widebeam::ScoresView;
/// use widebeam::ctc::{Blank, CtcSearch};
/// use widebeam::scorers::{NgramModel, NgramScorer, Vocabulary};
///
/// let arpa = "\\data\\\nngram 1=4\n\n\\1-grams:\n\
///     -1 <s>\n-1 </s>\n-0.2 a\n-2 b\n\n\\end\\\n";
/// let model = NgramModel::read_arpa(arpa.as_bytes())?;
/// let vocabulary = Vocabulary::new(&["", "a", "b"], Some(Blank(0)));
/// let scorer = NgramScorer::of_tokens(model, &vocabulary)?.with_weight(0.5)?;
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
    /// Whether no token is more than one word.
    one_each: bool,
    start: NgramState,
    end: Option<u32>,
    fit: NgramFit,
    scores: WordScore,
}

impl<M: AsRef<NgramModel>> NgramScorer<M> {
    /// A scorer for tokens whose labels are words of the model, with a weight of 1 and no
    /// bonus. A token beyond the vocabulary is an unknown word.
    ///
    /// A space, or the mark U+2581 of word pieces, is looked up as itself, then as `<space>`,
    /// U+2581 or `|`.
    ///
    /// # Errors
    ///
    /// If the model is one of other units ([`NgramFit`]), or memory runs out.
    pub fn of_tokens(model: M, vocabulary: &Vocabulary) -> Result<Self, Error> {
        Self::new(model, vocabulary, NgramUnit::Token)
    }

    /// A scorer for tokens each character of whose labels is a word of the model, as
    /// [`NgramScorer::of_tokens`].
    ///
    /// # Errors
    ///
    /// Those of [`NgramScorer::of_tokens`].
    pub fn of_characters(model: M, vocabulary: &Vocabulary) -> Result<Self, Error> {
        Self::new(model, vocabulary, NgramUnit::Character)
    }

    fn new(model: M, vocabulary: &Vocabulary, unit: NgramUnit) -> Result<Self, Error> {
        let ngrams = model.as_ref();
        let look_up = |word: &str| match word {
            " " | "\u{2581}" => {
                let names = [word, "<space>", "\u{2581}", "|"];
                names.into_iter().find_map(|name| ngrams.word(name))
            }
            _ => ngrams.word(word),
        };
        let labels = vocabulary.labels();
        let (mut words, mut ends) = (Vec::new(), Vec::with_capacity(labels.len()));
        for label in labels {
            if unit == NgramUnit::Character {
                let mut bytes = [0; 4];
                let one = |c: char| look_up(c.encode_utf8(&mut bytes));
                words.extend(label.chars().map(one));
            } else {
                words.push(look_up(label));
            }
            ends.push(words.len());
        }
        let range =
            |token: usize| token.checked_sub(1).map_or(0, |before| ends[before])..ends[token];
        let one_each = (0..ends.len()).all(|token| range(token).len() <= 1);
        let fit = NgramFit::of_labels(ngrams, vocabulary, unit, |token| {
            let words = &words[range(token as usize)];
            words.iter().all(Option::is_some)
        })?;
        Ok(NgramScorer {
            start: start_of(&model, true),
            end: end_of(&model, true),
            words,
            ends,
            one_each,
            fit,
            scores: WordScore::DEFAULT,
            model,
        })
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
        NgramScorer { end, ..self }
    }
}

impl<M> NgramScorer<M> {
    /// The same scorer that begins after what a state remembers: what came before, in the
    /// utterance before for instance.
    #[must_use]
    pub fn with_start(self, start: NgramState) -> Self {
        NgramScorer { start, ..self }
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

    /// The same scorer with a bonus for each token, which makes up for what a language
    /// model takes from long hypotheses.
    ///
    /// # Errors
    ///
    /// If the bonus is not finite.
    pub fn with_token_bonus(mut self, bonus: f64) -> Result<Self, Error> {
        self.scores.bonus = finite("the bonus", bonus)?;
        Ok(self)
    }

    /// How well the model and the labels fit each other.
    pub fn fit(&self) -> NgramFit {
        self.fit
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

    /// log10 P of all words of a token, which is a sum, as a part of the score.
    fn weighted(&self, log10: f64) -> f64 {
        if self.scores.weight == 0.0 && log10 == f64::NEG_INFINITY {
            return 0.0;
        }
        self.scores.weight * (log10 * std::f64::consts::LN_10)
    }
}

impl<M: AsRef<NgramModel>> Scorer for NgramScorer<M> {
    type State = NgramState;

    fn start(&self) -> NgramState {
        self.start
    }

    fn score(&self, state: &NgramState, token: u32) -> f64 {
        let model = self.model.as_ref();
        let (mut sum, mut state) = (0.0, *state);
        if let Some((&last, before)) = self.words(token).split_last() {
            for &word in before {
                let (score, next) = model.score_and_advance(&state, word);
                sum += f64::from(score);
                state = next;
            }
            sum += f64::from(model.score(&state, last));
        }
        self.weighted(sum) + self.scores.bonus
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
            end => self.scores.weighted(self.model.as_ref().score(state, end)),
        }
    }

    /// Infinity for a token of several characters: what the first leads to may have back-offs
    /// above 0 of any size.
    fn max_score(&self, state: &NgramState) -> f64 {
        match self.one_each {
            true => self.scores.max(state),
            false => f64::INFINITY,
        }
    }
}
