//! A phrase that is matched token by token.

/// A phrase, and where its match goes on after a mismatch (Knuth, Morris and Pratt 1977).
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    tokens: Vec<u32>,
    /// For each beginning of at least one token, the longest shorter one that it ends with.
    shorter: Vec<u32>,
}

impl Phrase {
    /// A phrase of at least one token.
    pub(super) fn new(tokens: Vec<u32>) -> Self {
        let mut phrase = Phrase {
            shorter: vec![0],
            tokens,
        };
        for at in 1..phrase.tokens.len() {
            let before = phrase.shorter[at - 1];
            let shorter = phrase.longer(before, phrase.tokens[at]);
            phrase.shorter.push(shorter);
        }
        phrase
    }

    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    pub(super) fn len(&self) -> u32 {
        self.tokens.len() as u32
    }

    /// How much of the phrase is there after one more token, given how much of it, but not all,
    /// was there before it. O(1) for each token, taken over many.
    pub(super) fn longer(&self, mut progress: u32, token: u32) -> u32 {
        loop {
            if self.tokens[progress as usize] == token {
                return progress + 1;
            }
            if progress == 0 {
                return 0;
            }
            progress = self.shorter[progress as usize - 1];
        }
    }

    /// Whether other tokens hold the phrase, and the longest beginning of it, but not all of it,
    /// that they end with.
    pub(super) fn in_tokens(&self, tokens: &[u32]) -> (bool, u32) {
        let (mut holds, mut progress) = (false, 0);
        for &token in tokens {
            progress = self.longer(progress, token);
            if progress == self.len() {
                holds = true;
                progress = self.shorter[progress as usize - 1];
            }
        }
        (holds, progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_the_longest_beginning_that_the_tokens_end_with() {
        let mut state = 1u32;
        let mut next = |limit: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % limit
        };
        for _ in 0..500 {
            let length = 1 + next(5);
            let phrase: Vec<u32> = (0..length).map(|_| next(2)).collect();
            let tokens: Vec<u32> = (0..next(12)).map(|_| next(3)).collect();
            let holds = tokens.windows(phrase.len()).any(|part| part == phrase);
            let lengths = (0..phrase.len()).rev();
            let ends = |&length: &usize| tokens.ends_with(&phrase[..length]);
            let longest = lengths.into_iter().find(ends).unwrap() as u32;
            let found = Phrase::new(phrase.clone()).in_tokens(&tokens);
            assert_eq!(found, (holds, longest), "{phrase:?} in {tokens:?}");
        }
    }
}
