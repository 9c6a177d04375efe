//! Continuations that are drawn: stochastic beams, and beam sampling.
//!
//! ```text
//! for each live hypothesis: the row that is drawn from, as processors leave it, cooled
//! draws of all rows without replacement, best first           draws.rs
//! stochastic beams: the k + 1 best, which compete with the finished ones
//! beam sampling: the K best are candidates, which the rules then walk over
//! ```

mod draws;
mod random;
mod rows;
mod sampled;
pub(super) mod settings;
mod weight;

pub use sampled::Sampled;
pub use settings::{Sampling, SamplingMethod};

pub(super) use random::Key;
pub(super) use weight::log_weight;

use super::candidates::Continuation;
use super::expand::{Expander, Step};
use super::request::Request;
use crate::error::{Error, Kind};
use crate::kernels;
use crate::memory::reserve;
use crate::scores::ScoreKind;
use draws::Draws;
use random::Stream;
use rows::{DrawnRows, Entry, RowSource};

/// What a live hypothesis of a request that draws has beside others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lineage {
    /// What its random numbers depend on.
    pub(super) key: Key,
    /// How it was drawn, if whole sequences are.
    pub(super) sampled: Perturbed,
}

impl Lineage {
    /// That of the empty hypothesis of a group.
    pub(super) fn root(sampling: Option<&Sampling>, group: usize) -> Lineage {
        let Some(sampling) = sampling else {
            return Lineage::default();
        };
        let key = Key::root(group);
        let stream = Stream::new(sampling.seed(), key, 0);
        let sampled = Perturbed {
            log_probability: 0.0,
            value: stream.of_whole_row(0.0),
        };
        Lineage { key, sampled }
    }

    /// That of the hypothesis with one more token, drawn so.
    pub(super) fn longer(self, token: u32, sampled: Perturbed) -> Lineage {
        let key = self.key.longer(token);
        Lineage { key, sampled }
    }
}

/// A log-probability under the distribution that is drawn from, and perturbed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Perturbed {
    pub(super) log_probability: f64,
    pub(super) value: f64,
}

/// A candidate that was drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub(super) candidate: Continuation,
    pub(super) sampled: Perturbed,
}

/// Draws the candidates of steps. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Sampler {
    rows: DrawnRows,
    draws: Draws,
    /// The candidates of the step, in the order in which they are drawn.
    pub(super) drawn: Vec<Drawn>,
}

impl Sampler {
    /// At most the bytes that the steps of a request take.
    pub(super) fn bytes_needed(request: &Request, vocab: usize) -> usize {
        if request.sampling.is_none() {
            return 0;
        }
        let rows = request.most_beams() / request.groups;
        let draws = match request.draws_sequences() {
            true => request.draws_of(rows),
            false => request.most_looked_at(vocab),
        };
        let entries = match request.changes_rows() {
            true => rows.saturating_mul(vocab),
            false => 0,
        };
        [
            DrawnRows::bytes_needed(rows, vocab, draws, entries),
            Draws::bytes_needed(rows),
            draws.saturating_mul(size_of::<Drawn>()),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
        // Where memory grows, it is doubled.
        .saturating_mul(2)
    }

    /// Reads the rows of a step. Nothing is drawn yet.
    ///
    /// # Errors
    ///
    /// If a score of the rows, or of a processor, is not valid, they are probabilities, or
    /// memory runs out.
    pub(super) fn begin(&mut self, expander: &mut Expander, step: &Step<'_>) -> Result<(), Error> {
        let Some(sampling) = &step.request.sampling else {
            return Ok(());
        };
        if step.rows.kind() == ScoreKind::Probabilities {
            let request = step.id;
            return Err(Kind::SamplingNeedsLogits { request }.into());
        }
        let (beams, vocab) = (step.beams.len(), step.rows.vocab());
        expander.begin_drawing(step)?;
        self.drawn.clear();
        self.rows.clear(sampling.factor());
        self.rows.reserve(beams, vocab)?;
        self.draws.begin(beams)?;
        for parent in 0..beams {
            self.add_row(expander, step, parent, sampling.factor())?;
        }
        self.rows.sum(step.rows, step.dispatch);
        for (row, beam) in self.rows.rows().iter().zip(step.beams) {
            let stream = Stream::new(sampling.seed(), beam.lineage.key, step.length);
            let total = draws::log_sum(&row.sums, step.dispatch);
            let Perturbed {
                log_probability,
                value,
            } = beam.lineage.sampled;
            match sampling.method() {
                SamplingMethod::StochasticBeams => {
                    self.draws.add(stream, log_probability, total, value);
                }
                SamplingMethod::BeamSampling => {
                    let normaliser = row.source.normaliser / sampling.temperature();
                    let location = beam.score / sampling.temperature() + (total - normaliser);
                    let first = stream.of_whole_row(location);
                    self.draws.add(stream, location, total, first);
                }
            }
        }
        Ok(())
    }

    /// Adds the row of a beam, as processors leave it.
    fn add_row(
        &mut self,
        expander: &mut Expander,
        step: &Step<'_>,
        parent: usize,
        factor: f32,
    ) -> Result<(), Error> {
        let entries = &mut self.rows.common.entries;
        let first = entries.len();
        let mut length = step.row(parent).len();
        let row = expander.with_processed_row(step, parent, |processed| {
            reserve(
                entries,
                processed.entries.len(),
                "the rows that are drawn from",
            )?;
            for &(token, log_probability) in processed.entries {
                let behind = (log_probability > f64::NEG_INFINITY).then_some(BEHIND);
                let Some(place) = processed.place(token).or(behind) else {
                    continue;
                };
                let value = processed.value(token, log_probability);
                entries.push(Entry {
                    place,
                    token,
                    value: (value * factor).min(f32::MAX),
                    log_probability,
                });
            }
            Ok(RowSource {
                row: step.first_row + parent,
                length,
                entries: first..entries.len(),
                only: processed.only,
                kind: processed.kind,
                normaliser: processed.normaliser,
            })
        })?;
        // Tokens that were not given follow those that were, by id.
        let entries = &mut entries[first..];
        entries.sort_unstable_by_key(|entry| (entry.place, entry.token));
        for entry in entries.iter_mut().filter(|entry| entry.place == BEHIND) {
            entry.place = length as u32;
            length += 1;
        }
        let weighing = step.request.weighing(step.rows.kind());
        let sums = step
            .scanned
            .and_then(|scanned| scanned.sums(row.row, weighing));
        self.rows.push(RowSource { length, ..row }, sums)
    }

    /// Draws candidates until there are `count`, or nothing is left; whether there are.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn draw(&mut self, step: &Step<'_>, count: usize) -> Result<bool, Error> {
        let possible = step.beams.len().saturating_mul(step.rows.vocab());
        let asked = count.min(possible);
        let more = asked.saturating_sub(self.drawn.len());
        reserve(&mut self.drawn, more, "the tokens that are drawn")?;
        self.rows.reserve_draws(more)?;
        self.draws
            .draw_early(asked, &mut self.rows, step.rows, step.dispatch);
        while self.drawn.len() < count {
            let next = self.draws.draw(&mut self.rows, step.rows, step.dispatch);
            let Some(draw) = next else {
                return Ok(false);
            };
            let parent = draw.row as usize;
            let row = &self.rows.rows()[parent].source;
            let entries = &self.rows.common.entries[row.entries.clone()];
            let read = step.row(parent);
            let value = match (draw.place as usize) < read.len() {
                true => read.get(draw.place as usize),
                false => row.kind.impossible(),
            };
            let found = entries.binary_search_by_key(&draw.place, |entry| entry.place);
            let (token, log_probability) = match found {
                Ok(at) => (entries[at].token, entries[at].log_probability),
                Err(_) => {
                    let given = step.given(parent);
                    let token = given.map_or(draw.place, |given| given[draw.place as usize]);
                    (
                        token,
                        kernels::log_probability(row.kind, value, row.normaliser),
                    )
                }
            };
            let beam = &step.beams[parent];
            self.drawn.push(Drawn {
                candidate: Continuation {
                    score: beam.score + log_probability,
                    log_probability,
                    parent: draw.row,
                    token,
                    value,
                },
                sampled: Perturbed {
                    log_probability: beam.lineage.sampled.log_probability + draw.log_share,
                    value: draw.value,
                },
            });
        }
        Ok(true)
    }
}

/// The place of a token that was not given, before those are in their order.
const BEHIND: u32 = u32::MAX;
