//! `widebeam scaling`: what more threads bring, and whether cores or memory
//! run out.

mod amdahl;
mod args;
mod curves;
mod law;
mod measure;
mod plot;
pub(crate) mod plot_text;
mod series;

pub use self::args::Scaling;
pub(crate) use self::curves::{panels, speed_ups};
pub(crate) use self::plot::svg;

use self::plot::Picture;
use self::series::{Series, table};
use crate::console::failure::Failure;
use crate::console::threads::pool;
use crate::profile::Profiler;
use crate::record::{Entry, Session};

/// Carries out the command.
///
/// # Errors
///
/// If the input or the machine is at fault.
pub fn run(options: &Scaling) -> Result<(), Failure> {
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
                note: point.checked.left_out().unwrap_or_default(),
                ..entry("widebeam", &point.engine.runs)
            });
        }
    }
    entries
}
