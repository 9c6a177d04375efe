//! A borrowed view of rows of which some tokens are given.

use std::ops::Range;

use super::{Data, Element, Row, ScoreKind, ScoresView};
use crate::error::{Error, Kind};

/// Borrowed scores of some tokens of each row, of a stated kind: what a model on another
/// device hands over when the best n tokens of a row are to cross the bus, not the whole row.
///
/// Row `r` gives the tokens `tokens[r * n..][..n]`, in any order, each once, and their
/// scores at the same places. Every other token is impossible. So logits are normalised
/// among those that are given; hand in log-probabilities if the model has normalised the
/// whole row.
///
/// ```
/// use widebeam::SparseScoresView;
///
/// // Two rows of at most 3 tokens, out of a vocabulary of 128,256. The second has 2.
/// let tokens = [31u32, 7, 4000, 9, 128_000, 0];
/// let scores = [-0.3f32, -1.5, -4.0, -0.1, -2.5, 0.0];
/// let scores = SparseScoresView::log_probabilities(128_256, &tokens, &scores, [2, 3])?
///     .with_lengths(&[3, 2])?;
/// assert_eq!((scores.rows(), scores.vocab()), (2, 128_256));
/// # Ok::<(), widebeam::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SparseScoresView<'a> {
    kind: ScoreKind,
    vocab: usize,
    tokens: &'a [u32],
    scores: Data<'a>,
    /// Rows, and places for tokens in each.
    shape: [usize; 2],
    lengths: Option<&'a [usize]>,
}

impl<'a> SparseScoresView<'a> {
    /// A view of probabilities. See [`SparseScoresView::new`] for the errors.
    pub fn probabilities<T: Element>(
        vocab: usize,
        tokens: &'a [u32],
        scores: &'a [T],
        shape: [usize; 2],
    ) -> Result<Self, Error> {
        Self::new(ScoreKind::Probabilities, vocab, tokens, scores, shape)
    }

    /// A view of natural log-probabilities. See [`SparseScoresView::new`] for the errors.
    pub fn log_probabilities<T: Element>(
        vocab: usize,
        tokens: &'a [u32],
        scores: &'a [T],
        shape: [usize; 2],
    ) -> Result<Self, Error> {
        Self::new(ScoreKind::LogProbabilities, vocab, tokens, scores, shape)
    }

    /// A view of logits. See [`SparseScoresView::new`] for the errors.
    pub fn logits<T: Element>(
        vocab: usize,
        tokens: &'a [u32],
        scores: &'a [T],
        shape: [usize; 2],
    ) -> Result<Self, Error> {
        Self::new(ScoreKind::Logits, vocab, tokens, scores, shape)
    }

    /// A view of scores of `kind` out of a vocabulary of `vocab` tokens, of shape `[rows, n]`
    /// with `n` tokens a row, dense. What the tokens and the scores are is checked where they
    /// are read. O(1).
    ///
    /// # Errors
    ///
    /// If the vocabulary is empty or above [`ScoresView::MAX_VOCAB`], or there are not
    /// `rows * n` tokens and as many scores.
    pub fn new<T: Element>(
        kind: ScoreKind,
        vocab: usize,
        tokens: &'a [u32],
        scores: &'a [T],
        shape: [usize; 2],
    ) -> Result<Self, Error> {
        let limit = ScoresView::MAX_VOCAB;
        match vocab {
            0 => return Err(Kind::NoVocabulary.into()),
            _ if vocab > limit => return Err(Kind::VocabularyTooLarge { vocab, limit }.into()),
            _ => {}
        }
        let given = [tokens.len(), scores.len()];
        let needed = shape[0].checked_mul(shape[1]);
        if given.map(Some) != [needed; 2] {
            return Err(Kind::SparseData { shape, given }.into());
        }
        Ok(SparseScoresView {
            kind,
            vocab,
            tokens,
            scores: T::wrap(scores),
            shape,
            lengths: None,
        })
    }

    /// The same view with row `r` cut to its first `lengths[r]` tokens. What lies beyond is
    /// never read.
    ///
    /// # Errors
    ///
    /// If there is not one length per row, or a length is above the tokens of a row.
    pub fn with_lengths(mut self, lengths: &'a [usize]) -> Result<Self, Error> {
        let [rows, width] = self.shape;
        if lengths.len() != rows {
            let given = lengths.len();
            return Err(Kind::SparseLengths { rows, given }.into());
        }
        if let Some(row) = lengths.iter().position(|&length| length > width) {
            let length = lengths[row];
            return Err(Kind::SparseLengthTooLong { row, length, width }.into());
        }
        self.lengths = Some(lengths);
        Ok(self)
    }

    /// What the scores are.
    pub fn kind(&self) -> ScoreKind {
        self.kind
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.shape[0]
    }

    /// The number of tokens that there are, given or not.
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// The most tokens of a row.
    pub(crate) fn longest(&self) -> usize {
        match self.lengths {
            None => self.shape[1],
            Some(lengths) => lengths.iter().copied().max().unwrap_or(0),
        }
    }

    /// Where the tokens of a row lie.
    fn range(&self, row: usize) -> Range<usize> {
        let width = self.shape[1];
        let length = self.lengths.map_or(width, |lengths| lengths[row]);
        row * width..row * width + length
    }

    /// The tokens of a row.
    pub(crate) fn tokens(&self, row: usize) -> &'a [u32] {
        &self.tokens[self.range(row)]
    }

    /// The scores of a row, at the places of its tokens.
    pub(crate) fn scores(&self, row: usize) -> Row<'a> {
        self.scores.slice(self.range(row))
    }

    /// The type of all scores.
    pub(crate) fn data(&self) -> Data<'a> {
        self.scores
    }
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    fn message(result: Result<SparseScoresView<'_>, Error>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn tokens_and_scores_fill_the_shape() {
        let (tokens, scores) = ([3u32, 1, 2, 0, 0, 0], [0.5f32; 6]);
        let view = SparseScoresView::probabilities(4, &tokens, &scores, [2, 3]).unwrap();
        assert_eq!((view.rows(), view.vocab(), view.longest()), (2, 4, 3));
        assert_eq!(view.tokens(0), [3, 1, 2]);
        let cut = view.with_lengths(&[2, 0]).unwrap();
        assert_eq!((cut.tokens(0), cut.longest()), (&[3, 1][..], 2));
        assert_eq!((cut.scores(0).len(), cut.scores(1).len()), (2, 0));
        for (shape, given) in [
            ([2, 2], [6, 6]),
            ([2, 3], [6, 5]),
            ([usize::MAX, 2], [6, 6]),
        ] {
            let found = SparseScoresView::logits(4, &tokens, &scores[..given[1]], shape);
            let expected = format!(
                "rows of shape {shape:?} need as many tokens and scores; {} and {} were given",
                given[0], given[1]
            );
            assert_eq!(message(found), expected);
        }
    }

    #[test]
    fn vocabularies_and_lengths_within_their_limits() {
        let empty = SparseScoresView::logits(0, &[], &[0f32; 0], [0, 0]);
        assert!(message(empty).contains("vocabulary of 0"));
        let limit = ScoresView::MAX_VOCAB;
        let large = SparseScoresView::logits(limit + 1, &[], &[0f32; 0], [0, 5]);
        assert!(message(large).contains("is above the limit"));
        let scores = [f16::ONE; 4];
        let view = SparseScoresView::log_probabilities(limit, &[0; 4], &scores, [2, 2]).unwrap();
        assert_eq!(view.kind(), ScoreKind::LogProbabilities);
        assert_eq!(view.scores(1).get(1), 1.0);
        assert_eq!(
            message(view.with_lengths(&[1])),
            "2 rows need 2 lengths, 1 were given"
        );
        assert_eq!(
            message(view.with_lengths(&[2, 3])),
            "row 1: length 3 is above the 2 tokens of a row"
        );
    }
}
