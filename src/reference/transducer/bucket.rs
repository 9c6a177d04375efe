//! What has arrived at a frame.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::prefix::Prefix;
use crate::reference::log_add;

/// Prefixes at one frame, each once, in the order in which they first arrived.
///
/// They rank by total, then by source, then by arrival. A source is the rank, in the set that
/// it left, of the prefix whose blank or token an arrival is; of several arrivals the best
/// one counts. Where stays arrive first and extensions by the rank of their token, that is the
/// order of the CTC search.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    entries: Vec<(Prefix, usize)>,
    places: BTreeMap<Vec<u32>, usize>,
}

impl Bucket {
    /// Adds the mass of an arrival to that of the same prefix; of two alignments as good the
    /// first stays. What is impossible or forbidden does not arrive.
    pub(super) fn arrive(&mut self, prefix: Prefix, source: usize) {
        if !prefix.total().is_finite() {
            return;
        }
        let Some(&place) = self.places.get(&prefix.tokens) else {
            self.places
                .insert(prefix.tokens.clone(), self.entries.len());
            self.entries.push((prefix, source));
            return;
        };
        let (held, best_source) = &mut self.entries[place];
        held.mass = log_add(held.mass, prefix.mass);
        if prefix.best.score > held.best.score {
            held.best = prefix.best;
        }
        *best_source = source.min(*best_source);
    }

    pub(super) fn has(&self, prefix: &Prefix) -> bool {
        self.places.contains_key(&prefix.tokens)
    }

    /// The total of the prefix that ranks last of so many, if there are as many.
    pub(super) fn total_at(&self, beams: usize) -> Option<f64> {
        let mut totals: Vec<f64> = self.entries.iter().map(|(p, _)| p.total()).collect();
        totals.sort_by(|a, b| b.partial_cmp(a).expect("no NaN"));
        totals.get(beams - 1).copied()
    }

    /// The best prefixes, best first.
    pub(super) fn best(mut self, beams: usize) -> Vec<Prefix> {
        self.cut(beams);
        self.entries.into_iter().map(|(prefix, _)| prefix).collect()
    }

    /// The best prefix.
    pub(super) fn first(&self) -> Option<&Prefix> {
        let best = self.entries.iter().min_by(|a, b| order(a, b));
        best.map(|(prefix, _)| prefix)
    }

    /// Keeps the best prefixes.
    pub(super) fn cut(&mut self, beams: usize) {
        self.entries.sort_by(order);
        self.entries.truncate(beams);
        self.index();
    }

    pub(super) fn keep_those_that_begin_with(&mut self, tokens: &[u32]) {
        self.entries.retain(|(p, _)| p.tokens.starts_with(tokens));
        self.index();
    }

    fn index(&mut self) {
        let entries = self.entries.iter().enumerate();
        let places = entries.map(|(place, (prefix, _))| (prefix.tokens.clone(), place));
        self.places = places.collect();
    }

    /// Lets all of a later frame arrive here too.
    pub(super) fn join(&mut self, later: Bucket) {
        for (prefix, source) in later.entries {
            self.arrive(prefix, source);
        }
    }
}

/// Of equals the first stays first where a sort or a search for the least is stable.
fn order((a, a_source): &(Prefix, usize), (b, b_source): &(Prefix, usize)) -> Ordering {
    let order = b.total().partial_cmp(&a.total()).expect("no NaN");
    order.then(a_source.cmp(b_source))
}
