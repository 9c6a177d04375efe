//! The rows of a step, as a caller hands them in.

use std::ops::Range;

use super::extended::Extended;
use super::model::Model;
use crate::autoregressive::{AutoregressiveSearch, RequestId};
use crate::reference::autoregressive::Scores;
use crate::{Error, ScoresView, SparseScoresView};

/// The scores of the rows of a step, and how much they attend to source positions.
#[derive(Clone, Debug)]
pub struct StepRows {
    model: Model,
    /// How many scores each row has room for.
    width: usize,
    scores: Vec<f32>,
    /// Of sparse rows the tokens, and how many each row has.
    sparse: Option<(Vec<u32>, Vec<usize>)>,
    attention: Vec<f32>,
    sources: usize,
}

impl StepRows {
    /// What the rows of the feed are given, dense or sparse.
    ///
    /// # Panics
    ///
    /// If rows are to be dense of which not all tokens are given.
    pub fn of<'a>(
        search: &mut AutoregressiveSearch,
        model: &Model,
        sparse: bool,
        request: impl Fn(RequestId) -> &'a Extended,
    ) -> StepRows {
        let feed = search.feed();
        let mut all = Vec::new();
        for (id, rows) in feed.requests() {
            for row in rows {
                let mut tokens = Vec::new();
                feed.sequence(row, &mut tokens);
                all.push(request(id).scored(model, &tokens));
            }
        }
        let sources = all.iter().map(|row| row.attention.len()).max().unwrap_or(0);
        // What is beyond the sources of a request does not matter.
        let sources = sources + usize::from(sources > 0);
        let mut attention = Vec::new();
        let mut rows: Vec<Vec<(u32, f32)>> = Vec::new();
        for row in all {
            let end = attention.len() + sources;
            attention.extend(row.attention);
            attention.resize(end, 0.5);
            rows.push(match row.scores {
                Scores::Dense(scores) => (0..).zip(scores).collect(),
                Scores::Sparse { given, .. } if sparse => given,
                Scores::Sparse { .. } => panic!("not all tokens are given"),
            });
        }
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let lengths: Vec<usize> = rows.iter().map(Vec::len).collect();
        let (mut tokens, mut scores) = (Vec::new(), Vec::new());
        for row in rows {
            // What lies beyond the length of a row is never read.
            let padding = std::iter::repeat_n((u32::MAX, f32::NAN), width - row.len());
            for (token, score) in row.into_iter().chain(padding) {
                tokens.push(token);
                scores.push(score);
            }
        }
        StepRows {
            model: *model,
            width,
            scores,
            sparse: sparse.then_some((tokens, lengths)),
            attention,
            sources,
        }
    }

    /// Hands the rows to the search.
    ///
    /// # Errors
    ///
    /// Those of the search.
    pub fn advance(&self, search: &mut AutoregressiveSearch) -> Result<(), Error> {
        let (kind, vocab) = (self.model.kind, self.model.vocab);
        let rows = search.feed().rows();
        let attention = ScoresView::probabilities(&self.attention, [rows, self.sources.max(1)]);
        match &self.sparse {
            Some((tokens, lengths)) => {
                let shape = [rows, self.width];
                let view = SparseScoresView::new(kind, vocab, tokens, &self.scores, shape)?;
                let view = view.with_lengths(lengths)?;
                match self.sources {
                    0 => search.advance_sparse(&view),
                    _ => search.advance_sparse_with(&view, &attention?),
                }
            }
            None => {
                let view = ScoresView::new(kind, &self.scores, [rows, vocab])?;
                match self.sources {
                    0 => search.advance(&view),
                    _ => search.advance_with(&view, &attention?),
                }
            }
        }
    }

    /// The tokens that a row gives.
    pub fn given(&self, row: usize) -> usize {
        let lengths = self.sparse.as_ref().map(|(_, lengths)| lengths);
        lengths.map_or(self.width, |lengths| lengths[row])
    }

    /// Replaces a score of a row; returns its token.
    pub fn set(&mut self, row: usize, place: usize, score: f32) -> u32 {
        let at = row * self.width + place;
        self.scores[at] = score;
        let tokens = self.sparse.as_ref().map(|(tokens, _)| tokens);
        tokens.map_or(place as u32, |tokens| tokens[at])
    }

    /// Makes the scores of some rows invalid.
    pub fn spoil(&mut self, rows: Range<usize>) {
        self.scores[rows.start * self.width..rows.end * self.width].fill(f32::NAN);
    }
}
