//! The joiner's answers to the rows of a step.

use super::lists::ReadRow;
use super::settings::Settings;
use super::topology::Topology;
use crate::cancellation::Cancellation;
use crate::error::{Error, Kind};
use crate::kernels::log_probability;
use crate::request_id::RequestId;
use crate::scores::{Row, ScoresView};
use crate::search::late_row::Source;
use crate::search::shortlist::Shortlists;
use crate::simd::Dispatch;

/// What was read of the rows of a step; it keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// How many tokens are listed.
    width: usize,
    tokens: Shortlists,
    durations: Shortlists,
}

impl Reader {
    /// Reads all rows of `scores`, of the shape `[1, rows, columns]`, in parallel.
    ///
    /// # Errors
    ///
    /// If memory runs out, or the search is cancelled.
    pub(super) fn read(
        &mut self,
        settings: &Settings,
        scored: bool,
        scores: &ScoresView<'_>,
        dispatch: Dispatch,
        cancellation: &Cancellation,
    ) -> Result<(), Error> {
        let [of_tokens, of_durations] = parts(settings, scores);
        self.width = settings.shortlist_width(scored);
        self.tokens
            .fill(&of_tokens, self.width, dispatch, cancellation)?;
        if of_durations.vocab() > 0 {
            // For the normaliser; all of them are looked at, in their order.
            self.durations
                .fill(&of_durations, 1, dispatch, cancellation)?;
        }
        Ok(())
    }

    /// The rows that were read last; or rows that are read late, if `dispatch` is there to
    /// read them.
    pub(super) fn rows<'a>(
        &'a self,
        settings: &'a Settings,
        scores: ScoresView<'a>,
        late: Option<Dispatch>,
    ) -> StepRows<'a> {
        let [of_tokens, of_durations] = parts(settings, &scores);
        StepRows {
            settings,
            width: self.width,
            scores,
            of_tokens,
            tokens: &self.tokens,
            of_durations,
            durations: (of_durations.vocab() > 0).then_some(&self.durations),
            late,
        }
    }
}

/// The scores of the tokens, and those of the durations.
fn parts<'a>(settings: &Settings, scores: &ScoresView<'a>) -> [ScoresView<'a>; 2] {
    [
        scores.columns(0..settings.vocab),
        scores.columns(settings.vocab..scores.vocab()),
    ]
}

/// The rows of a step, and what was read of them.
pub(super) struct StepRows<'a> {
    settings: &'a Settings,
    width: usize,
    scores: ScoresView<'a>,
    of_tokens: ScoresView<'a>,
    tokens: &'a Shortlists,
    of_durations: ScoresView<'a>,
    durations: Option<&'a Shortlists>,
    /// What reads rows late; `None` if they were read.
    late: Option<Dispatch>,
}

impl<'a> StepRows<'a> {
    /// What was read of a row, and the normaliser of its durations; `None` if it holds an
    /// invalid score. `kept` says whether more of its tokens may be asked for.
    pub(super) fn get(&self, row: usize, kept: bool) -> Option<(ReadRow<'a>, f64)> {
        let list = self.tokens.get(0, row)?;
        let normaliser = match self.durations {
            None => 0.0,
            Some(durations) => durations.get(0, row)?.normaliser,
        };
        let (vocab, width) = (self.settings.vocab, self.width);
        let read = ReadRow {
            row: self.tokens(row),
            kind: self.scores.kind(),
            list,
            lacks: width < vocab && list.tokens.len() == width,
            kept,
            // One symbol a frame: a row serves once, when it is taken.
            copied: self.settings.topology != Topology::OneSymbol,
        };
        Some((read, normaliser))
    }

    /// The log-probabilities of a row's durations; of one that is certain where there is no
    /// choice.
    pub(super) fn durations(
        &self,
        row: usize,
        normaliser: f64,
    ) -> impl Iterator<Item = f64> + use<'a> {
        let (kind, scores) = (self.scores.kind(), self.of_durations.row(0, row));
        let log = move |column| log_probability(kind, scores.get(column), normaliser);
        let certain = (scores.len() == 0).then_some(0.0);
        (0..scores.len()).map(log).chain(certain)
    }

    /// What reads rows late; `None` if they were read.
    pub(super) fn late(&self) -> Option<Dispatch> {
        self.late
    }

    /// The scores of a row's tokens.
    pub(super) fn tokens(&self, row: usize) -> Row<'a> {
        self.of_tokens.row(0, row)
    }

    /// The scores of a row's tokens, with a normaliser.
    pub(super) fn source(&self, row: usize, normaliser: f64) -> Source<'a> {
        Source {
            row: self.tokens(row),
            kind: self.scores.kind(),
            normaliser,
        }
    }

    /// The scores behind those of a row's tokens.
    pub(super) fn next_row(&self, row: usize) -> Row<'a> {
        self.of_tokens.next_row(0, row)
    }

    /// The error that names the first invalid score of a row; token 0, should the scores have
    /// changed since.
    pub(super) fn invalid_score(&self, request: RequestId, row: usize, frame: u32) -> Error {
        let (kind, scores) = (self.scores.kind(), self.scores.row(0, row));
        let invalid = |&column: &usize| !kind.accepts(scores.get(column));
        let column = (0..scores.len()).find(invalid).unwrap_or(0);
        let durations = self.settings.topology.durations();
        let duration = column.checked_sub(self.settings.vocab);
        let kind = Kind::JoinerScore {
            request,
            kind,
            row,
            frame: frame as usize,
            token: column,
            duration: duration.map(|index| durations[index]),
            value: scores.get(column),
        };
        kind.into()
    }
}
