//! `widebeam bench`: what this machine makes of it, and whether the answers are right.

mod args;
mod grid;
mod heap;
mod kernels;
mod log_add;
mod public;
mod row;
mod searches;
mod sweep;

pub use self::args::Bench;

use self::args::Command;
use crate::console::failure::Failure;
use crate::profile::Profiler;

/// Runs a benchmark in the current pool of threads.
pub fn run(bench: &Bench) -> Result<(), Failure> {
    match &bench.command {
        Some(Command::Kernels(options)) => {
            let sinks = options.common.outputs.open()?;
            let rows = kernels::run(options, sinks.session().machine().processors)?;
            let entries = kernels::entries(&rows, sinks.session());
            return sinks.write("kernels", &rows, kernels::table, &entries, None);
        }
        Some(Command::Sweep(options)) => {
            let sinks = options.common.outputs.open()?;
            let rows = sweep::run(options)?;
            let entries = sweep::entries(&rows, sinks.session());
            return sinks.write("sweep", &rows, sweep::table, &entries, None);
        }
        None => {}
    }
    let options = &bench.searches;
    let sinks = options.common.outputs.open()?;
    let path = options.profile.as_deref();
    let mut profiler = path
        .map(|path| Profiler::new(path, rayon::current_num_threads()))
        .transpose()?;
    let rows = searches::run(options, profiler.as_mut())?;
    let entries = searches::entries(&rows, sinks.session());
    let profile = profiler.map(Profiler::finish).transpose()?;
    let name = match options.selected()[..] {
        [search] => search.name(),
        _ => "searches",
    };
    sinks.write(name, &rows, searches::table, &entries, profile.as_ref())
}
