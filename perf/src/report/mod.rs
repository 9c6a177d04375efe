//! `widebeam report`: the tables and plots of Markdown files, written from the
//! newest record between markers:
//!
//! ```text
//! <!-- begin:NAME -->
//! whatever stands here is replaced
//! <!-- end:NAME -->
//! ```
//!
//! `NAME` is one of `blocks::NAMES`, with `@` and a machine's folder behind
//! it where not all machines are meant.

mod axes_plot;
mod blocks;
mod cost_plot;
mod line_plot;
mod markers;
mod newest;
mod peers_plot;
mod picture;
mod words_plot;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::ValueHint;

use self::newest::Machine;
use crate::console::failure::Failure;
use crate::console::printable;
use crate::console::target::Target;
use crate::scaling::{panels, svg};

/// Write the tables and plots of Markdown files from the newest record
///
/// What stands between `<!-- begin:NAME -->` and `<!-- end:NAME -->` is
/// replaced. The names are machines, speed, independent, autoregressive, ctc,
/// transducer, kernels, sweep, scaling, peers-independent, peers-autoregressive,
/// peers-ctc and peers-transducer; `NAME@MACHINE` means one machine of the record, where NAME means all.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// Markdown files with markers
    #[arg(value_name = "FILE.md", required = true, value_hint = ValueHint::FilePath)]
    files: Vec<PathBuf>,

    /// The folder of the record
    #[arg(long, value_name = "DIR", default_value = "perf/record", value_hint = ValueHint::DirPath)]
    record: PathBuf,

    /// Write nothing; fail if a file is not what the record says
    #[arg(long)]
    check: bool,
}

/// Carries out the command.
///
/// # Errors
///
/// If the input or the machine is at fault.
pub fn run(options: &Report) -> Result<(), Failure> {
    let machines = newest::read(&options.record)?;
    // All is made before anything is written.
    let mut files = Vec::new();
    for machine in &machines {
        let scaling = panels(&machine.entries);
        let peers = peers_plot::panels(machine);
        let curves = |panels: Vec<_>, columns| {
            (!panels.is_empty()).then(|| line_plot::svg(&panels, columns))
        };
        let plots = [
            (SCALING_PLOT, (!scaling.is_empty()).then(|| svg(&scaling))),
            (COST_PLOT, curves(cost_plot::panels(&machine.entries), 3)),
            (AXES_PLOT, curves(axes_plot::panels(&machine.entries), 2)),
            (WORDS_PLOT, curves(words_plot::panels(&machine.entries), 2)),
            (
                PEERS_PLOT,
                (!peers.is_empty()).then(|| peers_plot::svg(&peers)),
            ),
        ];
        for (name, plot) in plots {
            let Some(plot) = plot else { continue };
            let plot = plot.map_err(|error| Failure::Machine(format!("no plot: {error}")))?;
            files.push((folder(&options.record, machine).join(name), plot));
        }
    }
    for path in &options.files {
        let about = |failure: Failure| failure.about(printable::path(path));
        let text = fs::read_to_string(path).map_err(|error| about(Failure::reading(&error)))?;
        let link = |machine: &Machine, plot: &str| {
            let plot = folder(&options.record, machine).join(plot);
            let folder = path.parent().unwrap_or(Path::new(""));
            plot.strip_prefix(folder)
                .unwrap_or(&plot)
                .display()
                .to_string()
        };
        let block = |name: &str| blocks::block(name, &machines, &link);
        let new = markers::replace(&text, block).map_err(about)?;
        files.push((path.clone(), new));
    }
    for (path, new) in files {
        let old = match fs::read_to_string(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::reading(&error).about(printable::path(&path)));
            }
            old => old.unwrap_or_default(),
        };
        if old == new {
            continue;
        }
        if options.check {
            return Err(Failure::input(format_args!(
                "{}: not what the record says; `widebeam report` writes it",
                printable::path(&path)
            )));
        }
        Target::file(&path)?.write(|out| out.write_all(new.as_bytes()))?;
    }
    Ok(())
}

/// The names of a machine's plots.
const SCALING_PLOT: &str = "scaling.svg";
const COST_PLOT: &str = "top-k.svg";
const AXES_PLOT: &str = "axes.svg";
const WORDS_PLOT: &str = "words.svg";
const PEERS_PLOT: &str = "peers.svg";

fn folder(record: &Path, machine: &Machine) -> PathBuf {
    record.join(&machine.folder)
}
