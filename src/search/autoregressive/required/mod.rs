//! Words that must occur (Post and Vilar 2018; Hu et al. 2019).
//!
//! What a hypothesis has of them follows it as a list of numbers: for each phrase how many of
//! its tokens are there, or that its requirement is met. From that and one more token follows
//! how many tokens are *missing*, at least. Candidates of a step are apart by that number, in
//! banks, and the beam is shared out between them (`banks.rs`).

mod phrase;
mod progress;
mod requirement;

use phrase::Phrase;
pub(super) use progress::Progress;
pub use requirement::Requirement;

use crate::error::{Error, Kind};

/// In place of the progress of a phrase: its requirement is met.
const MET: u32 = u32::MAX;

/// All that must occur.
#[derive(Clone, Debug, Default)]
pub(super) struct Required {
    /// The phrases of all requirements.
    phrases: Vec<Phrase>,
    requirements: Vec<Needed>,
    /// The tokens of all phrases, ascending, each once.
    tokens: Vec<u32>,
}

/// One requirement.
#[derive(Clone, Copy, Debug)]
struct Needed {
    /// Where its phrases begin and end.
    first: usize,
    end: usize,
    /// How many tokens it takes at least to meet it behind the others.
    behind: usize,
}

impl Required {
    /// O((tokens of all phrases) x phrases).
    pub(super) fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let mut required = Required::default();
        for requirement in requirements {
            let first = required.phrases.len();
            let phrases: Vec<Vec<u32>> = requirement.into();
            required.tokens.extend(phrases.iter().flatten());
            required
                .phrases
                .extend(phrases.into_iter().map(Phrase::new));
            required.requirements.push(Needed {
                first,
                end: required.phrases.len(),
                behind: 0,
            });
        }
        required.tokens.sort_unstable();
        required.tokens.dedup();
        for index in 0..required.requirements.len() {
            required.requirements[index].behind = required.behind_others(index);
        }
        required
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The tokens that can add to what is there: after any other, none of an unmet phrase is.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// How many numbers say what a hypothesis has.
    pub(super) fn numbers(&self) -> usize {
        self.phrases.len()
    }

    /// The phrases of each requirement.
    pub(super) fn requirements(&self) -> impl Iterator<Item = impl Iterator<Item = &[u32]>> {
        self.requirements.iter().map(|&Needed { first, end, .. }| {
            let phrases = self.phrases[first..end].iter();
            phrases.map(Phrase::tokens)
        })
    }

    /// How many tokens it takes at least to meet a requirement behind the others: they may hold
    /// one of its phrases, or end with the beginning of one.
    fn behind_others(&self, index: usize) -> usize {
        let Needed { first, end, .. } = self.requirements[index];
        let least = |phrase: &Phrase| {
            let mut most = 0;
            for (number, other) in self.requirements.iter().enumerate() {
                if number == index {
                    continue;
                }
                for other in &self.phrases[other.first..other.end] {
                    let same = phrase.tokens() == other.tokens();
                    let held = phrase.in_tokens(other.tokens()).0;
                    if held && !(same && index < number) {
                        return 0;
                    }
                    if !same {
                        most = most.max(phrase.in_tokens(&other.tokens()[1..]).1);
                    }
                }
            }
            (phrase.len() - most) as usize
        };
        let all = self.phrases[first..end].iter().map(least);
        all.min().unwrap_or(0)
    }

    /// # Errors
    ///
    /// If a token is not in the vocabulary, or what must occur is longer than a hypothesis may
    /// be.
    pub(super) fn check(&self, vocab: usize, max_length: usize) -> Result<(), Error> {
        match self.tokens.last() {
            Some(&token) if token as usize >= vocab => {
                let what = "required words";
                return Err(Kind::UnknownToken { what, token, vocab }.into());
            }
            _ => {}
        }
        let missing = self.missing_at_first();
        match missing > max_length {
            true => Err(Kind::RequiredTooLong {
                missing,
                max_length,
            }
            .into()),
            false => Ok(()),
        }
    }

    /// The least number of tokens that are missing, given the progress of each phrase: one of
    /// the unmet requirements comes first and goes on with what is there, the others follow.
    fn missing(&self, progress: impl Fn(usize) -> u32) -> usize {
        let (mut all, mut saved) = (0, None::<isize>);
        for &Needed { first, end, behind } in &self.requirements {
            let left = (first..end).map(|phrase| match progress(phrase) {
                MET => 0,
                progress => self.phrases[phrase].len() - progress,
            });
            let left = left.min().unwrap_or(0) as usize;
            if left > 0 {
                let save = behind as isize - left as isize;
                saved = Some(saved.map_or(save, |saved| saved.max(save)));
                all += behind;
            }
        }
        saved.map_or(0, |saved| (all as isize - saved) as usize)
    }

    /// What is missing before the first token: the most that is ever missing.
    pub(super) fn missing_at_first(&self) -> usize {
        self.missing(|_| 0)
    }

    /// What is missing once a token follows a hypothesis that has `progress`.
    pub(super) fn missing_after(&self, progress: &[u32], token: u32) -> usize {
        self.missing(|phrase| match progress[phrase] {
            MET => MET,
            progress => self.phrases[phrase].longer(progress, token),
        })
    }

    /// What is missing once a token follows that no phrase has.
    pub(super) fn missing_after_others(&self, progress: &[u32]) -> usize {
        self.missing(|phrase| match progress[phrase] {
            MET => MET,
            _ => 0,
        })
    }

    /// Writes what a hypothesis has that is longer by a token than one that has `progress`.
    pub(super) fn advance(&self, progress: &[u32], token: u32, longer: &mut [u32]) {
        for &Needed { first, end, .. } in &self.requirements {
            let mut met = false;
            for phrase in first..end {
                longer[phrase] = match progress[phrase] {
                    MET => MET,
                    progress => self.phrases[phrase].longer(progress, token),
                };
                met |= longer[phrase] == MET || longer[phrase] == self.phrases[phrase].len();
            }
            if met {
                longer[first..end].fill(MET);
            }
        }
    }
}
