//! The best tokens of the rows of a frame. They are kept until the frame is over, because a
//! prefix can come again in it.

use crate::error::Error;
use crate::kernels::log_probability;
use crate::memory::reserve;
use crate::order::{key_token, rank_key};
use crate::scores::{Data, Row, ScoreKind};
use crate::search::late_row::Source;
use crate::search::shortlist::Shortlist;

/// A row as it was read.
pub(super) struct ReadRow<'a> {
    /// The scores of the tokens.
    pub(super) row: Row<'a>,
    pub(super) kind: ScoreKind,
    /// The best tokens.
    pub(super) list: Shortlist<'a>,
    /// Whether possible tokens may be missing in the list.
    pub(super) lacks: bool,
    /// Whether those may be asked for later.
    pub(super) kept: bool,
    /// Whether the scores are then no longer there.
    pub(super) copied: bool,
}

/// The list of one row.
#[derive(Debug)]
pub(super) struct List {
    /// The log-probability of the blank.
    blank: f64,
    normaliser: f64,
    /// Where its tokens are.
    start: usize,
    length: usize,
    /// Where the log-probabilities of its durations are.
    durations: usize,
    /// The largest log-probability, where no token is listed yet, if it isn't the blank's.
    best: Option<f64>,
    rest: Option<Rest>,
}

/// The tokens of a row that are not listed.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// Where the scores of the row are, if they were copied.
    values: Option<usize>,
    /// The key of the last token that is listed, or the blank's.
    last: u64,
}

/// The lists of the rows of a frame.
#[derive(Debug, Default)]
pub(super) struct Lists {
    kind: Option<ScoreKind>,
    blank: u32,
    vocab: usize,
    lists: Vec<List>,
    tokens: Vec<u32>,
    logs: Vec<f64>,
    durations: Vec<f64>,
    /// The scores of rows of which more tokens may be asked for.
    values: Vec<f32>,
    more: Vec<u64>,
}

/// What is known of a row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed<'a> {
    /// The log-probability of the blank.
    pub(super) blank: f64,
    /// Without the blank and impossible tokens, best first.
    pub(super) tokens: &'a [u32],
    pub(super) logs: &'a [f64],
    /// The log-probability of each duration; 0 where there is no choice.
    pub(super) durations: &'a [f64],
}

impl Lists {
    /// Forgets all lists.
    pub(super) fn clear(&mut self) {
        self.lists.clear();
        self.tokens.clear();
        self.logs.clear();
        self.durations.clear();
        self.values.clear();
    }

    /// Begins an utterance over tokens with a blank.
    pub(super) fn reset(&mut self, vocab: usize, blank: u32) {
        self.clear();
        (self.vocab, self.blank) = (vocab, blank);
    }

    /// Takes a row and the log-probabilities of its durations; returns the number of its
    /// list.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push(
        &mut self,
        read: &ReadRow<'_>,
        durations: impl Iterator<Item = f64>,
    ) -> Result<u32, Error> {
        let what = "the tokens of a frame";
        let ReadRow {
            row, kind, list, ..
        } = *read;
        let normaliser = list.normaliser;
        let (start, first_duration) = (self.tokens.len(), self.durations.len());
        reserve(&mut self.lists, 1, what)?;
        reserve(&mut self.tokens, list.tokens.len(), what)?;
        reserve(&mut self.logs, list.tokens.len(), what)?;
        for (&token, &log) in list.tokens.iter().zip(list.log_probabilities) {
            if token != self.blank {
                self.tokens.push(token);
                self.logs.push(log);
            }
        }
        for duration in durations {
            reserve(&mut self.durations, 1, what)?;
            self.durations.push(duration);
        }
        self.kind = Some(kind);
        let last = list.tokens.last().filter(|_| read.lacks && read.kept);
        let rest = match last {
            None => None,
            Some(&last) => {
                let values = read.copied.then_some(self.values.len());
                if read.copied {
                    reserve(&mut self.values, self.vocab, what)?;
                    copy(row, &mut self.values);
                }
                Some(Rest {
                    values,
                    last: rank_key(row.get(last as usize), last),
                })
            }
        };
        self.lists.push(List {
            blank: log_probability(kind, row.get(self.blank as usize), normaliser),
            normaliser,
            start,
            length: self.tokens.len() - start,
            durations: first_duration,
            best: None,
            rest,
        });
        Ok(self.lists.len() as u32 - 1)
    }

    /// Takes a row of which no token is listed yet; `best` is its largest score, if that isn't
    /// the blank's. Returns the number of its list. No duration is chosen.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn push_scanned(
        &mut self,
        source: &Source<'_>,
        best: Option<f32>,
    ) -> Result<u32, Error> {
        let what = "the tokens of a frame";
        let (start, first_duration) = (self.tokens.len(), self.durations.len());
        reserve(&mut self.lists, 1, what)?;
        reserve(&mut self.durations, 1, what)?;
        self.durations.push(0.0);
        self.lists.push(List {
            blank: source.log_probability(self.blank),
            normaliser: source.normaliser,
            start,
            length: 0,
            durations: first_duration,
            best: best.map(|score| source.log_of(score)),
            rest: None,
        });
        Ok(self.lists.len() as u32 - 1)
    }

    /// Lists the tokens of a row that was scanned, less the blank.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn list_scanned(
        &mut self,
        number: u32,
        tokens: &[u32],
        logs: &[f64],
    ) -> Result<(), Error> {
        let what = "the tokens of a frame";
        let start = self.tokens.len();
        reserve(&mut self.tokens, tokens.len(), what)?;
        reserve(&mut self.logs, logs.len(), what)?;
        for (&token, &log) in tokens.iter().zip(logs) {
            if token != self.blank {
                self.tokens.push(token);
                self.logs.push(log);
            }
        }
        let list = &mut self.lists[number as usize];
        (list.start, list.length) = (start, self.tokens.len() - start);
        Ok(())
    }

    /// Whether more tokens of a row can be listed.
    #[inline]
    pub(super) fn lacks(&self, number: u32) -> bool {
        self.lists[number as usize].rest.is_some()
    }

    /// The log-probability of the best token of a row but the blank; `None` if it isn't known.
    #[inline]
    pub(super) fn best(&self, number: u32) -> Option<f64> {
        let list = &self.lists[number as usize];
        let first = (list.length > 0).then(|| self.logs[list.start]);
        list.best.or(first)
    }

    /// What the log-probabilities of a row need.
    pub(super) fn normaliser(&self, number: u32) -> f64 {
        self.lists[number as usize].normaliser
    }

    #[inline]
    pub(super) fn get(&self, number: u32) -> Listed<'_> {
        let list = &self.lists[number as usize];
        let tokens = list.start..list.start + list.length;
        let next = self.lists.get(number as usize + 1);
        let end = next.map_or(self.durations.len(), |next| next.durations);
        Listed {
            blank: list.blank,
            tokens: &self.tokens[tokens.clone()],
            logs: &self.logs[tokens],
            durations: &self.durations[list.durations..end],
        }
    }

    /// The token of a place in a list, and its log-probability.
    #[inline(always)]
    pub(super) fn at(&self, number: u32, place: usize) -> (u32, f64) {
        let at = self.lists[number as usize].start + place;
        (self.tokens[at], self.logs[at])
    }

    /// Lists more tokens of a row: those whose log-probability `matters`, which is so for
    /// every greater one too. Reads the whole row, token by token; `row` if it was not copied.
    #[cold]
    pub(super) fn list_more(
        &mut self,
        number: u32,
        row: Option<Row<'_>>,
        matters: impl Fn(f64) -> bool,
    ) -> Result<(), Error> {
        let what = "the tokens of a frame";
        let list = &mut self.lists[number as usize];
        let (Some(rest), Some(kind)) = (list.rest.as_mut(), self.kind) else {
            return Ok(());
        };
        let copied = rest
            .values
            .map(|start| Data::F32(&self.values[start..start + self.vocab]));
        let (Some(row), normaliser) = (copied.or(row), list.normaliser) else {
            return Ok(());
        };
        let log = |token: u32| log_probability(kind, row.get(token as usize), normaliser);
        self.more.clear();
        for token in 0..self.vocab as u32 {
            let value = row.get(token as usize);
            let key = rank_key(value, token);
            let is_new = key > rest.last && token != self.blank && value > kind.impossible();
            if is_new && matters(log(token)) {
                reserve(&mut self.more, 1, what)?;
                self.more.push(key);
            }
        }
        let Some(&last) = self.more.iter().max() else {
            return Ok(());
        };
        self.more.sort_unstable();
        // The list moves to the end, where it can grow.
        let length = list.length + self.more.len();
        reserve(&mut self.tokens, length, what)?;
        reserve(&mut self.logs, length, what)?;
        let listed = list.start..list.start + list.length;
        list.start = self.tokens.len();
        list.length = length;
        self.tokens.extend_from_within(listed.clone());
        self.logs.extend_from_within(listed);
        for &key in &self.more {
            self.tokens.push(key_token(key));
            self.logs.push(log(key_token(key)));
        }
        rest.last = last;
        Ok(())
    }
}

fn copy(row: Row<'_>, values: &mut Vec<f32>) {
    match row {
        Data::F32(row) => values.extend_from_slice(row),
        Data::F16(row) => values.extend(row.iter().map(|value| value.to_f32())),
        Data::Bf16(row) => values.extend(row.iter().map(|value| value.to_f32())),
    }
}

#[cfg(test)]
mod tests;
