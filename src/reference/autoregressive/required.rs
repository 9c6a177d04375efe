//! Words that must occur (Post and Vilar 2018; Hu et al. 2019).

use std::collections::BTreeMap;

use super::candidate::{self, Candidate};
use super::hypothesis::Live;
use super::request::Request;
use super::requirement::{Requirement, occurs, progress};
use super::row::Processed;

impl Request {
    /// Whether all that must occur has occurred.
    pub(super) fn is_met(&self, tokens: &[u32]) -> bool {
        let mut all = self.required.iter();
        all.all(|requirement| requirement.is_met(tokens))
    }

    /// How many tokens it takes at least to meet a requirement behind the others: they may
    /// hold one of its phrases, or end with the beginning of one.
    fn behind_others(&self, index: usize) -> usize {
        let mut others = Vec::new();
        for (number, other) in self.required.iter().enumerate() {
            if number != index {
                others.extend(other.0.iter().map(|phrase| (number, phrase)));
            }
        }
        let least = |phrase: &Vec<u32>| {
            let held = others.iter().any(|&(number, other)| {
                let same_as_later = phrase == other && index < number;
                occurs(phrase, other) && !same_as_later
            });
            let begins = others
                .iter()
                .filter(|(_, other)| *other != phrase)
                .map(|(_, other)| progress(phrase, &other[1..]));
            match held {
                true => 0,
                false => phrase.len() - begins.max().unwrap_or(0),
            }
        };
        let all = self.required[index].0.iter().map(least);
        all.min().expect("a requirement has a phrase")
    }

    /// The least number of tokens that are missing, of what must occur: one of the unmet
    /// requirements comes first and can go on with what is there, the others follow.
    pub fn missing(&self, tokens: &[u32]) -> usize {
        let requirements = self.required.iter().enumerate();
        let unmet = requirements.filter(|(_, requirement)| !requirement.is_met(tokens));
        let unmet: Vec<(usize, &Requirement)> = unmet.collect();
        let behind = |&(index, _): &(usize, &Requirement)| self.behind_others(index);
        let all: usize = unmet.iter().map(behind).sum();
        let first = |one: &(usize, &Requirement)| one.1.left(tokens) + all - behind(one);
        unmet.iter().map(first).min().unwrap_or(0)
    }

    /// Forbids the tokens that would end a hypothesis too early, or leave too little room for
    /// what is missing.
    pub(super) fn forbid_early_ends(&self, tokens: &[u32], row: &mut Processed) {
        for (token, score) in row.log_probabilities.iter_mut().enumerate() {
            let longer = [tokens, &[token as u32]].concat();
            let missing = self.missing(&longer);
            let ends = self.end_tokens.contains(&(token as u32)) || self.stop(&longer).is_some();
            let room = self.max_length - longer.len();
            if (ends && missing > 0) || missing > room {
                *score = f64::NEG_INFINITY;
            }
        }
    }

    /// All candidates, best first, apart by how many tokens are missing.
    pub(super) fn banks(
        &self,
        live: &[Live],
        rows: &[Processed],
    ) -> BTreeMap<usize, Vec<Candidate>> {
        let mut banks: BTreeMap<usize, Vec<Candidate>> = BTreeMap::new();
        for candidate in candidate::all(live, rows) {
            let tokens = [&live[candidate.parent].tokens[..], &[candidate.token]].concat();
            let bank = banks.entry(self.missing(&tokens)).or_default();
            bank.push(candidate);
        }
        banks
    }
}

/// Shares a beam out: to the best of each bank, fewest missing first, and then to those that are
/// least behind the best of their bank.
pub(super) fn share_out(banks: Vec<Vec<&Candidate>>, width: usize) -> Vec<&Candidate> {
    let mut all = Vec::new();
    for bank in &banks {
        let behind = |candidate: &Candidate| bank[0].score - candidate.score;
        all.extend(bank.iter().map(|&candidate| (behind(candidate), candidate)));
    }
    // Stable: of equal ones that of the first bank stays first.
    all.sort_by(|a, b| a.0.partial_cmp(&b.0).expect("no NaN"));
    all.truncate(width);
    all.into_iter().map(|(_, candidate)| candidate).collect()
}
