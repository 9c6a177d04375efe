//! The measurements of a search under a law, and their table.

use serde::Serialize;

use super::amdahl;
use super::law::Law;
use crate::clock::Measured;
use crate::console::printable::count;
use crate::console::table::Table;
use crate::workload::{Case, Checked, Comparison, Shape, kind_name};

/// A search under a law, at every number of threads.
#[derive(Debug, Serialize)]
pub(super) struct Series {
    pub(super) search: &'static str,
    pub(super) law: Law,
    /// Of the strong law; one thread's share of it, times the threads, of the
    /// weak.
    pub(super) shape: Shape,
    pub(super) beams: usize,
    pub(super) scores: &'static str,
    pub(super) dtype: &'static str,
    pub(super) level: &'static str,
    pub(super) points: Vec<Point>,
    /// The naive search beside the engine on one thread.
    pub(super) reference: Comparison,
    /// The part of one thread's time that more threads do not shorten.
    pub(super) serial_share: Option<f64>,
    /// Why there is none.
    pub(super) no_serial_share: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Point {
    pub(super) threads: usize,
    #[serde(skip)]
    pub(super) case: Case,
    pub(super) bytes: usize,
    pub(super) engine: Measured,
    pub(super) roofline: Measured,
    /// Work done in the time in which one thread does its work.
    pub(super) speed_up: f64,
    pub(super) efficiency: f64,
    pub(super) roofline_speed_up: f64,
    pub(super) roofline_efficiency: f64,
    /// Of the roofline's efficiency: near 1, memory decides.
    pub(super) efficiency_ratio: f64,
    pub(super) checked: Checked,
}

impl Series {
    pub(super) fn new(
        case: Case,
        law: Law,
        level: &'static str,
        points: Vec<Point>,
        reference: Comparison,
    ) -> Self {
        let times: Vec<_> = points
            .iter()
            .map(|point| (point.threads, point.engine.seconds))
            .collect();
        // More work takes longer by the law itself.
        let fit = match law {
            Law::Strong => amdahl::serial_share(&times).map(Some),
            Law::Weak => Ok(None),
        };
        Series {
            search: case.search.name(),
            law,
            shape: case.shape,
            beams: case.beams,
            scores: kind_name(case.kind),
            dtype: case.dtype.name(),
            level,
            points,
            reference,
            serial_share: fit.ok().flatten(),
            no_serial_share: fit.err(),
        }
    }
}

pub(super) fn table(series: &[Series]) -> Table {
    let mut table = Table::new(
        4,
        &[
            "search",
            "scaling",
            "shape",
            "beams",
            "threads",
            "ms",
            "spread",
            "GB/s",
            "speed-up",
            "eff.",
            "read GB/s",
            "its speed-up",
            "its eff.",
            "ours / its",
            "serial share",
        ],
    )
    .with_spare(&[
        "its eff.",
        "read GB/s",
        "its speed-up",
        "spread",
        "eff.",
        "GB/s",
        "serial share",
    ]);
    for series in series {
        let compared = series.reference.share();
        if compared != "all" {
            let (first, law) = (&series.points[0].case, series.law.name());
            table.note(format!("{first}, {law}: the naive search did {compared}"));
        }
        let last = series.points.len() - 1;
        for (index, point) in series.points.iter().enumerate() {
            let mut cells = vec![
                series.search.to_owned(),
                series.law.name().to_owned(),
                point.case.shape.to_string(),
                series.beams.to_string(),
            ];
            if index > 0 {
                cells[0].clear();
                cells[1].clear();
                cells[3].clear();
            }
            cells.extend([
                point.threads.to_string(),
                format!("{:.3}", 1e3 * point.engine.seconds),
                format!("{:.1} %", 100.0 * point.engine.spread),
                format!("{:.2}", point.engine.gigabytes_per_second),
                format!("{:.2}", point.speed_up),
                format!("{:.3}", point.efficiency),
                format!("{:.2}", point.roofline.gigabytes_per_second),
                format!("{:.2}", point.roofline_speed_up),
                format!("{:.3}", point.roofline_efficiency),
                format!("{:.3}", point.efficiency_ratio),
            ]);
            if index == last {
                cells.push(match (series.serial_share, series.no_serial_share) {
                    (Some(share), _) => format!("{:.1} %", 100.0 * share),
                    (None, reason) => reason.unwrap_or_default().to_owned(),
                });
            }
            table.push(cells);
            if let Some(left_out) = point.checked.left_out() {
                let (law, threads) = (series.law.name(), count(point.threads, "thread"));
                table.note(format!("{}, {law}, {threads}: {left_out}", point.case));
            }
        }
    }
    table
}
