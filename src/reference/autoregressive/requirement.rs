//! What must occur.

/// Something that must occur in the generated tokens: one of some phrases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement(pub Vec<Vec<u32>>);

impl Requirement {
    pub(super) fn is_met(&self, tokens: &[u32]) -> bool {
        self.0.iter().any(|phrase| occurs(phrase, tokens))
    }

    /// How many tokens are left to the phrase that is nearest to its end.
    pub(super) fn left(&self, tokens: &[u32]) -> usize {
        let left = |phrase: &Vec<u32>| phrase.len() - progress(phrase, tokens);
        let all = self.0.iter().map(left);
        all.min().expect("a requirement has a phrase")
    }
}

pub(super) fn occurs(phrase: &[u32], tokens: &[u32]) -> bool {
    tokens.windows(phrase.len()).any(|part| part == phrase)
}

/// How much of a phrase that has not occurred is there: the longest beginning that the tokens
/// end with.
pub(super) fn progress(phrase: &[u32], tokens: &[u32]) -> usize {
    let ends_with = |&length: &usize| tokens.ends_with(&phrase[..length]);
    (0..phrase.len())
        .rev()
        .find(ends_with)
        .expect("all end with nothing")
}
