//! The best candidates of a step, out of what its rows hold.

use std::ops::Range;

use super::{Expander, SPARE, Step, Terms};
use crate::kernels::block::GROUP;
use crate::kernels::log_probability;
use crate::order::descending;
use crate::search::autoregressive::candidates::{Bar, keep_best};
use crate::search::autoregressive::collect::{GroupsReaching, TokensReaching, least_reaching};
use crate::search::autoregressive::scan::ScannedRow;

impl Expander {
    /// Cuts the candidates to the best `count` when there are many more: O(1)
    /// for each that was added.
    pub(super) fn cut_if_many(&mut self, count: usize) -> bool {
        let many = self.candidates.len() >= count.saturating_mul(2).saturating_add(SPARE);
        if many && let Some(worst) = keep_best(&mut self.candidates, count) {
            mark!("candidates are cut to the best");
            self.bar.raise(Bar::just_above(&worst));
        }
        many
    }

    /// Raises the bar to the `count`-th best total of the candidates so far
    /// and of the groups' best tokens.
    pub(super) fn raise_bar(&mut self, step: &Step<'_>, parents: Range<usize>, count: usize) {
        let scores = self.candidates.iter().map(|candidate| candidate.score);
        self.totals.extend(scores);
        for parent in parents {
            let Some((row, least)) = self.looked_at(step, parent) else {
                continue;
            };
            let Terms {
                kind,
                normaliser,
                ref touched,
                ..
            } = self.terms[parent];
            let touched = &self.touched[touched.clone()];
            if !touched.is_empty() && step.given(parent).is_some() {
                // Which groups they are in is not known any more, and the row is short.
                continue;
            }
            set_groups_of(touched, &mut self.unsure, true);
            self.groups.clear();
            step.dispatch.run(GroupsReaching {
                maxima: row.maxima,
                least,
                groups: &mut self.groups,
            });
            let maxima = row.maxima.as_flattened();
            for &group in &self.groups {
                if touched.is_empty() || !self.unsure[group as usize] {
                    let log = log_probability(kind, maxima[group as usize], normaliser);
                    self.totals.push(step.beams[parent].score + log);
                }
            }
            set_groups_of(touched, &mut self.unsure, false);
            // The sooner the bar is raised, the fewer groups of the rows that follow reach it.
            if self.totals.len() >= count.saturating_mul(2) {
                mark!("totals are cut after a row");
                self.cut_totals(count);
            }
        }
        if self.totals.len() >= count {
            self.cut_totals(count);
        }
    }

    /// Keeps the best `count` totals of at least as many.
    pub(super) fn cut_totals(&mut self, count: usize) {
        let (_, &mut worst, _) = self
            .totals
            .select_nth_unstable_by(count - 1, |a, b| descending(*a, *b));
        self.totals.truncate(count);
        self.bar.raise(Bar::at(worst));
    }

    /// What was found in a row, and its least score that reaches the bar, if
    /// any of its tokens may.
    pub(super) fn looked_at<'a>(
        &self,
        step: &Step<'a>,
        parent: usize,
    ) -> Option<(ScannedRow<'a>, f32)> {
        let terms = &self.terms[parent];
        let row = step.scanned?.row(step.first_row + parent)?;
        if terms.only || self.bank.is_some_and(|bank| bank != terms.bank) {
            return None;
        }
        let score = step.beams[parent].score;
        let total = |value| score + log_probability(terms.kind, value, terms.normaliser);
        let guess = self.bar.guess(score, terms.kind, terms.normaliser);
        let reaches = |value| self.bar.is_reached(total(value), parent as u32);
        let least = least_reaching(terms.kind.least_possible(), row.max, guess, reaches)?;
        Some((row, least))
    }

    /// Adds the candidates of a row's untouched tokens.
    pub(super) fn collect_row(&mut self, step: &Step<'_>, parent: usize, count: usize) {
        let Some((row, mut least)) = self.looked_at(step, parent) else {
            return;
        };
        let Terms {
            kind,
            normaliser,
            ref touched,
            ..
        } = self.terms[parent];
        let any_touched = !touched.is_empty();
        let (scores, given) = (step.row(parent), step.given(parent));
        if any_touched {
            self.overrides.clear();
            for &token in &self.touched[touched.clone()] {
                self.overrides.set(token, 0.0);
            }
        }
        self.groups.clear();
        step.dispatch.run(GroupsReaching {
            maxima: row.maxima,
            least,
            groups: &mut self.groups,
        });
        let maxima = row.maxima.as_flattened();
        for i in 0..self.groups.len() {
            let group = self.groups[i] as usize;
            if maxima[group] < least {
                // The bar was raised since.
                mark!("a group no longer reaches the bar");
                continue;
            }
            self.found.clear();
            step.dispatch.run(TokensReaching {
                row: scores,
                group,
                least,
                found: &mut self.found,
            });
            for &(place, value) in &self.found {
                let token = given.map_or(place, |given| given[place as usize]);
                if !(any_touched && self.overrides.contains(token)) {
                    let log = log_probability(kind, value, normaliser);
                    self.candidates
                        .extend(step.continuation(parent, token, log, value));
                }
            }
            if self.cut_if_many(count) {
                match self.looked_at(step, parent) {
                    None => {
                        mark!("the rest of a row no longer reaches the bar");
                        return;
                    }
                    Some((_, raised)) => {
                        mark!("a row goes on under a raised bar");
                        least = raised;
                    }
                }
            }
        }
    }
}

/// Sets the flag of each group that holds one of the tokens.
fn set_groups_of(tokens: &[u32], groups: &mut [bool], flag: bool) {
    for &token in tokens {
        groups[token as usize / GROUP] = flag;
    }
}
