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

/// The roofline.
pub(super) fn read(scores: &ScoresView<'_>) -> Result<(), Error> {
    black_box(read_all(scores, Level::best())?);
    Ok(())
}
