//! N-gram models as scorers of tokens.

use super::ngram::{NgramModel, NgramState};
use super::scorer::Scorer;
use crate::error::{Error, Kind};

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
/// weight x ln P(`</s>`) at the end of input. `M` is an [`NgramModel`], an `Arc` of one, or
/// a reference to one; clones of a model share what was read.
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

    /// A log10-probability as a part of the score. With a weight of 0, what is impossible for
    /// the model is possible.
    fn weighted(&self, log10: f64) -> f64 {
        if self.weight == 0.0 && log10 == f64::NEG_INFINITY {
            return 0.0;
        }
        self.weight * (log10 * std::f64::consts::LN_10)
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
                let (score, next) = model.score_and_advance(&state, word);
                sum += f64::from(score);
                state = next;
            }
            sum += f64::from(model.score(&state, last));
        }
        self.weighted(sum) + self.bonus
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
                self.weighted(f64::from(score))
            }
        }
    }
}
