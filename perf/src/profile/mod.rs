//! `--profile`: what each thread did when, from the spans that the library
//! opens around the phases of a search.
//!
//! The spans are listened to while a profiled run lasts and at no other time:
//! what is measured is not what is profiled.

mod chrome;
mod collector;
mod span;

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use self::collector::Collector;
use self::span::{Phase, Run};
use crate::console::failure::Failure;
use crate::console::table::Table;
use crate::console::target::Target;

/// Seconds of one thread in a profiled run.
#[derive(Debug, Serialize)]
struct Row {
    case: String,
    thread: usize,
    scan: f64,
    merge: f64,
    backtrack: f64,
    /// In no phase: waiting for work, or in the serial code between phases.
    wait: f64,
}

/// The table of all profiled runs.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Profile(Vec<Row>);

/// Runs work and listens.
pub(crate) struct Profiler {
    target: Target,
    collector: Arc<Collector>,
    runs: Vec<Run>,
}

impl Profiler {
    /// A profiler of work on at most `threads` threads, whose trace goes to
    /// `path`. There can be one in a process.
    pub(crate) fn new(path: &Path, threads: usize) -> Result<Self, Failure> {
        let target = Target::file(path)?;
        let collector = Arc::new(Collector::new(threads));
        tracing::subscriber::set_global_default(Arc::clone(&collector))
            .map_err(|error| Failure::Machine(format!("no profile: {error}")))?;
        Ok(Profiler {
            target,
            collector,
            runs: Vec::new(),
        })
    }

    /// Does `work` on the `threads` threads of the current pool.
    pub(crate) fn run<E>(
        &mut self,
        case: String,
        work: impl FnOnce() -> Result<(), E>,
    ) -> Result<(), E> {
        self.collector.start();
        let done = work();
        let (end, mut threads) = self.collector.stop();
        threads.truncate(rayon::current_num_threads());
        self.runs.push(Run { case, end, threads });
        done
    }

    /// Writes the trace, and returns the table.
    pub(crate) fn finish(self) -> Result<Profile, Failure> {
        let events = chrome::events(&self.runs);
        self.target.write(|out| {
            let mut out = io::BufWriter::new(out);
            serde_json::to_writer(&mut out, &events)?;
            out.flush()
        })?;
        let rows = self.runs.iter().flat_map(rows);
        Ok(Profile(rows.collect()))
    }
}

fn rows(run: &Run) -> impl Iterator<Item = Row> {
    run.threads.iter().enumerate().map(|(thread, spans)| {
        let seconds = |phase| {
            let spans = spans.iter().filter(|span| span.phase == phase);
            let own = spans.map(|span| span.end - span.start - span.nested);
            own.sum::<u64>() as f64 / 1e9
        };
        let [scan, merge, backtrack] = Phase::ALL.map(seconds);
        Row {
            case: run.case.clone(),
            thread,
            scan,
            merge,
            backtrack,
            wait: run.end as f64 / 1e9 - scan - merge - backtrack,
        }
    })
}

impl Profile {
    pub(crate) fn write(&self, out: &mut dyn Write, width: Option<usize>) -> io::Result<()> {
        let header = [
            "one more run, profiled",
            "thread",
            "scan ms",
            "merge ms",
            "backtrack ms",
            "wait ms",
            "in a phase",
        ];
        let mut table = Table::new(1, &header).with_spare(&["in a phase", "backtrack ms"]);
        let mut last = "";
        for row in &self.0 {
            let case = if row.case == last { "" } else { &row.case };
            last = &row.case;
            let busy = row.scan + row.merge + row.backtrack;
            let ms = |seconds: f64| format!("{:.3}", 1e3 * seconds);
            table.push(vec![
                case.to_owned(),
                row.thread.to_string(),
                ms(row.scan),
                ms(row.merge),
                ms(row.backtrack),
                ms(row.wait),
                format!("{:.1} %", 100.0 * busy / (busy + row.wait)),
            ]);
        }
        writeln!(out)?;
        table.write(out, width)
    }
}

#[cfg(test)]
mod tests {
    use super::span::Span;
    use super::*;

    #[test]
    fn a_phase_within_another_is_counted_once_and_the_rest_is_waiting() {
        let span = |phase, start, end, nested, is_nested| Span {
            phase,
            start,
            end,
            nested,
            is_nested,
        };
        let run = Run {
            case: "a".to_owned(),
            end: 1_000_000_000,
            threads: vec![
                vec![
                    span(Phase::Scan, 0, 300_000_000, 0, false),
                    span(Phase::Backtrack, 500_000_000, 600_000_000, 0, true),
                    span(Phase::Merge, 400_000_000, 700_000_000, 100_000_000, false),
                ],
                Vec::new(),
            ],
        };
        let rows: Vec<Row> = rows(&run).collect();
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        close(rows[0].scan, 0.3);
        close(rows[0].merge, 0.2);
        close(rows[0].backtrack, 0.1);
        close(rows[0].wait, 0.4);
        close(rows[1].wait, 1.0);
    }
}
