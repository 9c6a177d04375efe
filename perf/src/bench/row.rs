//! A row of `bench kernels`, and the roofline that it is compared with.

use std::hint::black_box;

use serde::Serialize;
use widebeam::measure::read_all;
use widebeam::{Error, Level, ScoresView};

use super::grid::Aim;
use crate::clock::Times;

/// What was measured of one case at one level.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// `top k`, `log add`, `public top k` or `heap`.
    pub(super) kernel: &'static str,
    pub(super) name: String,
    pub(super) pattern: &'static str,
    pub(super) scores: &'static str,
    pub(super) dtype: &'static str,
    pub(super) vocab: usize,
    pub(super) k: usize,
    pub(super) rows: usize,
    /// Rows whose answer was compared with the naive one.
    pub(super) checked_rows: usize,
    pub(super) bytes: usize,
    /// A level, or `roofline`.
    pub(super) level: &'static str,
    pub(super) seconds: f64,
    pub(super) spread: f64,
    pub(super) gigabytes_per_second: f64,
    pub(super) nanoseconds_per_row: f64,
    pub(super) roofline_fraction: f64,
    /// Of the time of a row of f32, where it was measured in turn.
    pub(super) f32_time_fraction: Option<f64>,
    /// `None` where the aim is for other levels or another number of threads.
    pub(super) aim: Option<Aim>,
    pub(super) aim_met: Option<bool>,
    pub(super) runs: Times,
}

/// What the rows of one case have in common.
pub(super) struct MeasuredCase {
    pub(super) kernel: &'static str,
    pub(super) name: String,
    pub(super) pattern: &'static str,
    pub(super) scores: &'static str,
    pub(super) dtype: &'static str,
    pub(super) vocab: usize,
    pub(super) k: usize,
    pub(super) rows: usize,
    pub(super) bytes: usize,
    pub(super) roofline: Times,
}

impl MeasuredCase {
    /// The row of its roofline.
    pub(super) fn roofline(&self) -> Row {
        self.row("roofline", self.rows, &self.roofline)
    }

    /// The row of a level, of which so many answers were compared. It has no aim.
    pub(super) fn row(&self, level: &'static str, checked_rows: usize, times: &Times) -> Row {
        let seconds = times.median();
        Row {
            kernel: self.kernel,
            name: self.name.clone(),
            pattern: self.pattern,
            scores: self.scores,
            dtype: self.dtype,
            vocab: self.vocab,
            k: self.k,
            rows: self.rows,
            checked_rows,
            bytes: self.bytes,
            level,
            seconds,
            spread: times.spread(),
            gigabytes_per_second: self.bytes as f64 / seconds / 1e9,
            nanoseconds_per_row: 1e9 * seconds / self.rows as f64,
            roofline_fraction: self.roofline.median() / seconds,
            f32_time_fraction: None,
            aim: None,
            aim_met: None,
            runs: times.clone(),
        }
    }
}

/// The roofline.
pub(super) fn read(scores: &ScoresView<'_>) -> Result<(), Error> {
    black_box(read_all(scores, Level::best())?);
    Ok(())
}
