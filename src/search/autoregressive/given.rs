//! The tokens that are given of a sparse row.

use crate::error::{Error, Kind};
use crate::memory::resize;
use crate::scores::SparseScoresView;

/// Memory to check which tokens are given, and to find them. The cost of its use is that of
/// the tokens of a row, not of the vocabulary.
#[derive(Clone, Debug, Default)]
pub(super) struct GivenTokens {
    /// Of the tokens met in a row, 64 a word; 0 between rows.
    met: Vec<u64>,
    /// For each token, one past its place in the row that was entered; 0 between rows.
    places: Vec<u32>,
}

impl GivenTokens {
    /// The bytes of it for a vocabulary.
    pub(super) fn bytes_needed(vocab: usize) -> usize {
        let met = vocab.div_ceil(64) * size_of::<u64>();
        met.saturating_add(vocab.saturating_mul(size_of::<u32>()))
    }

    /// Checks that each row gives tokens of the vocabulary, and each once.
    ///
    /// # Errors
    ///
    /// If one does not, or memory runs out.
    pub(super) fn check(&mut self, scores: &SparseScoresView<'_>) -> Result<(), Error> {
        let vocab = scores.vocab();
        resize(&mut self.met, vocab.div_ceil(64), "the tokens given")?;
        (0..scores.rows()).try_for_each(|row| {
            let tokens = scores.tokens(row);
            let bad = tokens.iter().position(|&token| !self.meet(token, vocab));
            let met = &tokens[..bad.unwrap_or(tokens.len())];
            met.iter()
                .for_each(|&token| self.met[token as usize / 64] = 0);
            let Some(bad) = bad else {
                return Ok(());
            };
            let token = tokens[bad];
            Err(match (token as usize) < vocab {
                true => Kind::RepeatedToken { row, token }.into(),
                false => Kind::SparseToken { row, token, vocab }.into(),
            })
        })
    }

    /// Whether a token is one of the vocabulary, and is met for the first time.
    fn meet(&mut self, token: u32, vocab: usize) -> bool {
        if token as usize >= vocab {
            return false;
        }
        let (word, bit) = (&mut self.met[token as usize / 64], 1 << (token % 64));
        let first = *word & bit == 0;
        *word |= bit;
        first
    }

    /// Makes room for the places of a vocabulary.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn reserve(&mut self, vocab: usize) -> Result<(), Error> {
        resize(&mut self.places, vocab, "the places of the tokens given")
    }

    /// Notes the places of the tokens of a row.
    pub(super) fn enter(&mut self, tokens: &[u32]) {
        for (place, &token) in (1..).zip(tokens) {
            self.places[token as usize] = place;
        }
    }

    /// Forgets them.
    pub(super) fn leave(&mut self, tokens: &[u32]) {
        for &token in tokens {
            self.places[token as usize] = 0;
        }
    }

    /// Forgets the places of the row that was entered, whatever its tokens are.
    pub(super) fn forget(&mut self) {
        self.places.fill(0);
    }

    /// One past the place of each token in the row that was entered, or 0.
    pub(super) fn places(&self) -> &[u32] {
        &self.places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(tokens: &[u32], rows: usize, vocab: usize) -> Option<String> {
        let scores = vec![0f32; tokens.len()];
        let shape = [rows, tokens.len() / rows];
        let view = SparseScoresView::logits(vocab, tokens, &scores, shape).unwrap();
        let mut given = GivenTokens::default();
        let found = given.check(&view).err().map(|error| error.to_string());
        assert!(given.met.iter().all(|&word| word == 0));
        found
    }

    #[test]
    fn each_token_is_given_once_and_lies_in_the_vocabulary() {
        assert_eq!(message(&[0, 63, 64, 129, 64, 0], 2, 130), None);
        assert_eq!(
            message(&[0, 63, 64, 129, 64, 129], 2, 130).unwrap(),
            "row 1: token 129 is given more than once"
        );
        assert_eq!(
            message(&[0, 63, 130, 129], 2, 130).unwrap(),
            "row 1: token 130 is beyond the vocabulary of 130 tokens"
        );
        assert!(message(&[u32::MAX], 1, 130).unwrap().starts_with("row 0: "));
    }

    #[test]
    fn places_are_those_of_the_row_that_was_entered() {
        let mut given = GivenTokens::default();
        given.reserve(5).unwrap();
        given.enter(&[3, 0]);
        assert_eq!(given.places(), [2, 0, 0, 1, 0]);
        given.leave(&[3, 0]);
        given.enter(&[4]);
        assert_eq!(given.places(), [0, 0, 0, 0, 1]);
    }
}
