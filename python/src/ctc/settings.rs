//! The settings of the search, from the dictionary that the package fills.

use pyo3::prelude::*;
use widebeam::ctc::{Blank, CtcPruning, CtcSearch};

use crate::error;

/// The search itself.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Search {
    beams: i64,
    blank: i64,
    top_tokens: Option<i64>,
    min_token_log_prob: Option<f64>,
    score_threshold: Option<f64>,
    blank_skip: Option<f64>,
    commit_delay: Option<i64>,
}

impl Search {
    pub(super) fn blank(&self, py: Python<'_>) -> PyResult<Blank> {
        let blank = u32::try_from(self.blank).map(Blank);
        blank.map_err(|_| {
            let said = format!("the blank is {}: it must be the id of a token", self.blank);
            error::refusal(py, said)
        })
    }

    pub(super) fn search(&self, py: Python<'_>) -> PyResult<CtcSearch> {
        let positive = |name: &str, value: i64| {
            usize::try_from(value)
                .map_err(|_| error::refusal(py, format!("{name} is {value}: it must be 1 or more")))
        };
        let beams = positive("the beam width", self.beams)?;
        let mut pruning = CtcPruning::none();
        if let Some(count) = self.top_tokens {
            pruning = pruning.with_top_tokens(positive("top_tokens", count)?);
        }
        if let Some(least) = self.min_token_log_prob {
            pruning = pruning.with_min_token_log_probability(least);
        }
        if let Some(distance) = self.score_threshold {
            pruning = pruning.with_score_threshold(distance);
        }
        if let Some(least) = self.blank_skip {
            pruning = pruning.with_blank_skip(least);
        }
        if let Some(delay) = self.commit_delay {
            pruning = pruning.with_commit_delay(positive("commit_delay", delay)?);
        }
        let search = CtcSearch::new(beams, self.blank(py)?);
        let search = search.and_then(|search| search.with_pruning(pruning));
        search.map_err(|error| error::exception(py, &error))
    }
}
