//! The steps that the caller drives.

use super::TransducerSearch;
use super::feed::Feed;
use super::late::LateRows;
use super::record::Record;
use super::utterance::Search;
use crate::batch::{self, IndexedSlice};
use crate::cancellation::Interrupted;
use crate::error::{Error, InterruptedAt, Kind};
use crate::scorers::{self, Scorer};
use crate::scores::ScoresView;
use crate::search::shortlist;

/// Rows whose prefixes one thread extends without asking for more work; with a scorer,
/// which takes longer, fewer.
const GRAIN_ROWS: [usize; 2] = [128, 16];

/// Scores that one thread reads late without asking for more work, in bytes. Some microseconds:
/// with more, the last piece of a step keeps the other threads waiting.
const LATE_GRAIN_BYTES: usize = 32 << 10;

/// The most bytes of rows that an utterance reads without a look at the token: some
/// milliseconds.
const MOST_LATE_BYTES: usize = 32 << 20;

impl<S: Scorer + Sync> TransducerSearch<S> {
    /// Begins a step: what is to be computed next for all requests that do not wait for
    /// frames. While a step is under way, shows that one again: its rows stay as they are until
    /// [`TransducerSearch::advance`] takes their scores, or
    /// [`TransducerSearch::abandon_step`] gives it up. If no request wants a row, there is
    /// none, and no step begins.
    ///
    /// A request that there is no memory for is refused.
    ///
    /// The feed borrows the search. To admit and remove while the model works, copy what the
    /// model needs first.
    pub fn feed(&mut self) -> Feed<'_> {
        if self.step.is_empty() {
            self.lay_out();
        }
        Feed {
            next_rows: &self.next_rows,
        }
    }

    fn lay_out(&mut self) {
        let TransducerSearch {
            records,
            slots,
            running,
            step,
            finished,
            next_rows,
            ..
        } = self;
        next_rows.clear();
        running.retain(|&place| {
            let record = &mut records[place as usize];
            match record.lay_out(slots, next_rows) {
                Ok(()) => {
                    if record.in_step {
                        step.push(place);
                    }
                    true
                }
                Err(error) => {
                    record.give_slots_back(slots);
                    record.fail(error);
                    finished.extend(record.id);
                    false
                }
            }
        });
        next_rows.slots = slots.count();
    }

    /// Gives up the step that is under way, such as when the model has failed. Its requests
    /// are as they were before it, and the next [`TransducerSearch::feed`] begins the step
    /// again, with those that were admitted and without those that were removed meanwhile. The
    /// slots that its predictor steps write may then be others.
    ///
    /// If the step was cancelled after some requests had taken their scores, those have made it.
    pub fn abandon_step(&mut self) {
        for &place in &self.step {
            let record = &mut self.records[place as usize];
            record.abandon(&mut self.slots);
            record.to_take = false;
        }
        self.end_step();
    }

    /// Takes the scores of the rows that [`TransducerSearch::feed`] has shown.
    ///
    /// `scores` has the shape `[1, rows, columns]` (which is what a layout of `[rows, columns]`
    /// means) or `[rows, 1, columns]`, with as many columns as
    /// [`TransducerSearch::columns`] says: the scores of the tokens, the blank among them, and
    /// for [`Topology::Tdt`](super::Topology::Tdt) those of the durations. Logits are
    /// normalised by log-softmax, tokens and durations each by themselves. All scores are read
    /// once.
    ///
    /// The requests that are done are gone from the next step;
    /// [`TransducerSearch::finished`] names them. They stay, with what they have found, until
    /// [`TransducerSearch::remove`]. Scores that are not valid are no error here: they fail the
    /// request that they belong to, and [`TransducerSearch::outcome`] says so.
    ///
    /// # Errors
    ///
    /// If no step has begun, the shape is another, memory runs out, or the search is cancelled
    /// ([`TransducerSearch::with_cancellation`]). Then nothing has changed; only if it is
    /// cancelled on the way some requests have taken their scores. The step is then still under
    /// way, and with the same scores this takes those of the others.
    ///
    /// # Panics
    ///
    /// If a scorer does. The request in question is then refused, and perhaps others of the
    /// step whose scores were not taken yet.
    pub fn advance(&mut self, scores: &ScoresView<'_>) -> Result<(), Error> {
        let (rows, vocab) = (self.next_rows.rows.len(), self.settings.columns());
        let shape = [scores.batch(), scores.time(), scores.vocab()];
        if self.step.is_empty() {
            return Err(Kind::NoStep.into());
        }
        if shape != [1, rows, vocab] && shape != [rows, 1, vocab] {
            return Err(Kind::StepShape { shape, rows, vocab }.into());
        }
        let scores = scores.step_rows().ok_or(Error::from(Kind::StepLengths))?;
        self.check_cancellation()?;
        let scored = scorers::scores::<S>();
        let late = self.reads_late(&scores);
        if late {
            let (settings, kind) = (&self.settings, scores.kind());
            let late = &mut self.late;
            late.prepare_each(|late| late.reserve(settings, kind))?;
        } else {
            let cancellation = &self.cancellation;
            let read =
                self.reader
                    .read(&self.settings, scored, &scores, self.dispatch, cancellation);
            if let Err(error) = read {
                return Err(error.interrupted_at(self.at()));
            }
        }
        let under_way = StepUnderWay { search: self };
        let TransducerSearch {
            settings,
            scorer,
            records,
            step,
            reader,
            next_rows,
            late: late_rows,
            dispatch,
            cancellation,
            ..
        } = &mut *under_way.search;
        let read = reader.rows(settings, scores, late.then_some(*dispatch));
        let search = Search {
            settings,
            scorer: &**scorer,
        };
        let interrupted = Interrupted::default();
        let take = |record: &mut Record<S::State>, late: &mut LateRows| {
            if !record.to_take || interrupted.is_set() {
                return;
            }
            match cancellation.interrupt() {
                None => record.take(&search, &read, late),
                Some(interrupt) => interrupted.note(0, 0, interrupt),
            }
        };
        let rows = next_rows.rows.len();
        let most_rows = match late {
            true => (LATE_GRAIN_BYTES / scores.row_bytes()).min(GRAIN_ROWS[0]),
            false => GRAIN_ROWS[usize::from(scored)],
        };
        if rows <= most_rows {
            late_rows.with(|late| {
                for &place in &*step {
                    take(&mut records[place as usize], late);
                }
            });
        } else {
            let grain = records.len().saturating_mul(most_rows) / rows;
            let records = IndexedSlice::new(records);
            batch::for_each_until(
                records,
                grain,
                &interrupted,
                &|mut records: IndexedSlice<'_, Record<S::State>>| {
                    late_rows.with(|late| {
                        records.for_each(|_, record| take(record, late));
                    });
                },
            );
        }
        if interrupted.is_set() {
            // The step stays under way, for those that have not taken their scores.
            std::mem::forget(under_way);
        } else {
            drop(under_way);
        }
        interrupted
            .check(0)
            .map_err(|error| error.interrupted_at(self.at()))
    }

    /// Whether the search is cancelled before its next step or the rest of this one.
    ///
    /// # Errors
    ///
    /// If it is.
    pub(super) fn check_cancellation(&self) -> Result<(), Error> {
        self.cancellation.check(|| self.at())
    }

    /// The place in the step that is under way.
    fn at(&self) -> InterruptedAt {
        let records = self.step.iter().map(|&place| &self.records[place as usize]);
        InterruptedAt::Step {
            taken: records.filter(|record| !record.to_take).count(),
            requests: self.step.len(),
        }
    }

    /// Whether each utterance reads its rows when it takes them: it then knows which of their
    /// tokens can matter. There must be an utterance for every thread, unless one thread reads
    /// them all in any case. It looks at no token meanwhile, so they must not take long.
    fn reads_late(&self, scores: &ScoresView<'_>) -> bool {
        let bytes = scores.row_bytes().saturating_mul(scores.longest());
        !scorers::scores::<S>()
            && self.settings.reads_late()
            && (self.step.len() >= batch::threads() || bytes <= shortlist::GRAIN_BYTES)
            && scores.row_bytes().saturating_mul(self.settings.beams) <= MOST_LATE_BYTES
    }

    /// Ends the step that is under way: frees what was removed meanwhile; requests that are
    /// done are running no more.
    fn end_step(&mut self) {
        let TransducerSearch {
            records,
            free,
            running,
            step,
            finished,
            slots,
            ..
        } = self;
        let mut done = false;
        for &place in &*step {
            let record = &mut records[place as usize];
            if record.end_step(slots) {
                free.push(place);
            }
            done |= !record.is_running();
        }
        step.clear();
        if !done {
            return;
        }
        running.retain(|&place| {
            let record = &records[place as usize];
            if !record.is_running() {
                finished.extend(record.id);
            }
            record.is_running()
        });
    }
}

/// A step whose scores are being taken. If a scorer panics, the step ends there: requests
/// whose scores were not taken are refused.
struct StepUnderWay<'a, S: Scorer + Sync> {
    search: &'a mut TransducerSearch<S>,
}

impl<S: Scorer + Sync> Drop for StepUnderWay<'_, S> {
    fn drop(&mut self) {
        self.search.end_step();
    }
}
