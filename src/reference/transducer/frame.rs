//! One frame of the search: what leaves it, in which order, and for where.

use std::collections::BTreeMap;

use super::bucket::Bucket;
use super::prefix::Prefix;
use super::row::Row;
use super::{Invalid, Search, Topology};
use crate::reference::scorers::PrefixScorer;

impl<S: PrefixScorer> Search<'_, '_, S> {
    /// One frame of RNN-T or TDT. `emitting` is A of a stage: what is in the frame after so
    /// many tokens there. Rows are asked for once; those of a stage all at first.
    pub(super) fn stages(
        &mut self,
        frame: usize,
        live: Vec<Prefix>,
        durations: &[u32],
        max_symbols: usize,
    ) -> Result<(), Invalid> {
        let blank = self.settings.blank as usize;
        let mut rows = BTreeMap::new();
        let mut emitting = live;
        for stage in 0..=max_symbols {
            if emitting.is_empty() {
                break;
            }
            for prefix in &emitting {
                self.ask(frame, prefix, &mut rows)?;
            }
            for (source, prefix) in emitting.iter().enumerate() {
                let row = &rows[&prefix.tokens];
                for (place, &duration) in durations.iter().enumerate() {
                    let stay = prefix.after_blank(row.durations[place], row.tokens[blank]);
                    self.bucket_after(frame, duration).arrive(stay, source);
                }
            }
            let mut next = Vec::new();
            if stage < max_symbols {
                // Those of duration 0 come last: they are compared with what leaves for the
                // next frame.
                for (place, &duration) in durations.iter().enumerate().rev() {
                    let entering = self.emissions(frame, &emitting, &rows, (place, duration));
                    for (prefix, source) in entering {
                        if duration == 0 {
                            next.push(prefix);
                        } else {
                            self.bucket_after(frame, duration).arrive(prefix, source);
                        }
                    }
                }
            }
            emitting = next;
        }
        Ok(())
    }

    /// One frame in which every symbol leaves it: stays, then all extensions.
    pub(super) fn one_symbol(&mut self, frame: usize, live: Vec<Prefix>) -> Result<(), Invalid> {
        let blank = self.settings.blank as usize;
        let mut rows = BTreeMap::new();
        for prefix in &live {
            self.ask(frame, prefix, &mut rows)?;
        }
        let mut next = Bucket::default();
        for (source, prefix) in live.iter().enumerate() {
            next.arrive(
                prefix.after_blank(0.0, rows[&prefix.tokens].tokens[blank]),
                source,
            );
        }
        for (source, prefix) in live.iter().enumerate() {
            let row = &rows[&prefix.tokens];
            for (rank, token) in row.by_rank(blank) {
                let token_score = row.tokens[token];
                let place = (frame as u32, 0);
                let longer = prefix.after_token(token as u32, place, 0.0, token_score, self.scorer);
                if self.tries(rank) || next.has(&longer) {
                    next.arrive(longer, source);
                }
            }
        }
        self.buckets.insert(frame + 1, next);
        Ok(())
    }

    /// The best emissions of one duration, best first, each with the rank of its source. None
    /// is worse than all of a beam that waits in the bucket where the blank leads to.
    fn emissions(
        &self,
        frame: usize,
        emitting: &[Prefix],
        rows: &BTreeMap<Vec<u32>, Row>,
        (place, duration): (usize, u32),
    ) -> Vec<(Prefix, usize)> {
        let mut candidates = Vec::new();
        for (source, prefix) in emitting.iter().enumerate() {
            let row = &rows[&prefix.tokens];
            let ranked = row.by_rank(self.settings.blank as usize);
            for (rank, token) in ranked.into_iter().filter(|&(rank, _)| self.tries(rank)) {
                let longer = prefix.after_token(
                    token as u32,
                    (frame as u32, duration),
                    row.durations[place],
                    row.tokens[token],
                    self.scorer,
                );
                if longer.total().is_finite() {
                    candidates.push((longer, source, rank));
                }
            }
        }
        let waiting = self.buckets.get(&target(frame, duration));
        if let Some(least) = waiting.and_then(|bucket| bucket.total_at(self.settings.beams)) {
            candidates.retain(|(prefix, ..)| prefix.total() >= least);
        }
        candidates.sort_by(|(a, a_source, a_rank), (b, b_source, b_rank)| {
            let order = b.total().partial_cmp(&a.total()).expect("no NaN");
            order.then((a_source, a_rank).cmp(&(b_source, b_rank)))
        });
        candidates.truncate(self.settings.beams);
        let found = candidates.into_iter();
        found.map(|(prefix, source, _)| (prefix, source)).collect()
    }

    /// Whether a token of this rank in its row is tried.
    fn tries(&self, rank: usize) -> bool {
        self.scorer.tries_all() || rank < self.settings.beams + 2
    }

    fn ask(
        &mut self,
        frame: usize,
        prefix: &Prefix,
        rows: &mut BTreeMap<Vec<u32>, Row>,
    ) -> Result<(), Invalid> {
        let tokens = &prefix.tokens;
        if !rows.contains_key(tokens) {
            let durations = match &self.settings.topology {
                Topology::Tdt { durations, .. } => durations.len(),
                _ => 0,
            };
            let row = (self.joiner)(frame, tokens);
            let row = Row::read(self.kind, &row, durations).map_err(|place| Invalid {
                frame,
                prefix: tokens.clone(),
                place,
            })?;
            rows.insert(tokens.clone(), row);
        }
        Ok(())
    }

    fn bucket_after(&mut self, frame: usize, duration: u32) -> &mut Bucket {
        self.buckets.entry(target(frame, duration)).or_default()
    }
}

/// Where the blank leads to from a frame, and where tokens of the same duration are compared.
/// The blank never stays.
fn target(frame: usize, duration: u32) -> usize {
    frame + (duration as usize).max(1)
}
