//! `widebeam scaling`: what more threads bring, and whether cores or memory
//! run out.

mod amdahl;
mod args;
mod measure;
mod plot;

pub(crate) use self::args::Scaling;
pub(crate) use self::plot::svg;

use self::plot::{Curve, Panel, Picture};

use serde::Serialize;

use crate::clock::Measured;
use crate::failure::Failure;
use crate::profile::Profiler;
use crate::record::{Entry, Session};
use crate::table::Table;
use crate::threads::pool;
use crate::workload::{Case, Shape, kind_name};

/// What more threads are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Law {
    /// The same work.
    Strong,
    /// So much more work.
    Weak,
}

impl Law {
    /// The name of its suite in a record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Law::Strong => "strong",
            Law::Weak => "weak",
        }
    }
}

/// A search under a law, at every number of threads.
#[derive(Debug, Serialize)]
struct Series {
    search: &'static str,
    law: Law,
    /// Of the strong law; one thread's share of it, times the threads, of the
    /// weak.
    shape: Shape,
    beams: usize,
    scores: &'static str,
    dtype: &'static str,
    level: &'static str,
    points: Vec<Point>,
    /// The part of one thread's time that more threads do not shorten.
    serial_share: Option<f64>,
    /// Why there is none.
    no_serial_share: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct Point {
    threads: usize,
    #[serde(skip)]
    case: Case,
    bytes: usize,
    engine: Measured,
    roofline: Measured,
    /// Work done in the time in which one thread does its work.
    speed_up: f64,
    efficiency: f64,
    roofline_speed_up: f64,
    roofline_efficiency: f64,
    /// Of the roofline's efficiency: near 1, memory decides.
    efficiency_ratio: f64,
}

pub(crate) fn run(options: &Scaling) -> Result<(), Failure> {
    let sinks = options.outputs.open()?;
    let picture = options.plot.as_deref().map(Picture::open).transpose()?;
    let counts = options.counts(sinks.session().machine().processors);
    let most = counts.last().copied().unwrap_or(1);
    let mut profiler = match &options.profile {
        Some(path) => Some(Profiler::new(path, most)?),
        None => None,
    };
    // The largest pool makes the scores, and is the one that is reported.
    pool(most)?.install(|| {
        let series = measure::all(options, &counts, profiler.as_mut())?;
        let entries = entries(&series, sinks.session());
        let profile = profiler.map(Profiler::finish).transpose()?;
        if let Some(picture) = picture {
            picture.draw(&panels(&entries))?;
        }
        sinks.write("scaling", &series, table, &entries, profile.as_ref())
    })
}

/// The rows as a record holds them.
fn entries(series: &[Series], session: &Session) -> Vec<Entry> {
    let mut entries = Vec::new();
    for series in series {
        for point in &series.points {
            let entry = |program, times| Entry {
                threads: Some(point.threads),
                ..session
                    .entry(series.law.name(), program, times)
                    .of_case(&point.case, point.bytes)
            };
            entries.push(entry("roofline", &point.roofline.runs));
            entries.push(Entry {
                version: series.level.to_owned(),
                ..entry("widebeam", &point.engine.runs)
            });
        }
    }
    entries
}

/// The curves of rows of a record: a panel for each search and law.
pub(crate) fn panels(entries: &[Entry]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for law in [Law::Strong, Law::Weak] {
        for entry in entries {
            let title = format!("{}, {}", entry.search, law.name());
            if entry.suite != law.name() || panels.iter().any(|panel| panel.title == title) {
                continue;
            }
            let curve = |program: &str| {
                let rows = entries.iter().filter(|row| {
                    row.suite == entry.suite && row.search == entry.search && row.program == program
                });
                let rows: Vec<_> = rows
                    .filter_map(|row| Some((row.threads?, row.bytes?, row.seconds?)))
                    .collect();
                speed_ups(&rows)
            };
            panels.push(Panel {
                memory: curve("roofline"),
                engine: curve("widebeam"),
                title,
            });
        }
    }
    panels
}

/// Of threads, work and seconds: how much more work is done in the same time
/// than one thread does.
pub(crate) fn speed_ups(rows: &[(usize, usize, f64)]) -> Curve {
    let rate = |&(_, work, seconds): &(usize, usize, f64)| work as f64 / seconds;
    let Some(one) = rows.iter().find(|row| row.0 == 1).map(rate) else {
        return Vec::new();
    };
    rows.iter().map(|row| (row.0, rate(row) / one)).collect()
}

fn table(series: &[Series]) -> Table {
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
    );
    for series in series {
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
        }
    }
    table
}

impl Series {
    fn new(case: Case, law: Law, level: &'static str, points: Vec<Point>) -> Self {
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
            serial_share: fit.ok().flatten(),
            no_serial_share: fit.err(),
        }
    }
}
