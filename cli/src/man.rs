//! `widebeam man`: the manual pages.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueHint;
use clap_mangen::Man;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::target::Target;

const EXAMPLES: &str = "\
Examples:
  widebeam man | man -l -
      the page of the tool
  widebeam man ~/.local/share/man/man1
      its page, and one for each command, as files: man widebeam-decode";

/// Write the manual pages, as roff
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Manual {
    /// A folder, in which to write the pages of all commands [default: the tool's own page to
    /// standard output]
    #[arg(value_name = "FOLDER", value_hint = ValueHint::DirPath)]
    folder: Option<PathBuf>,
}

impl Manual {
    /// Whether the pages go to files.
    pub(crate) fn writes_files(&self) -> bool {
        self.folder.is_some()
    }
}

/// Writes the pages of `command`.
pub(crate) fn run(options: &Manual, command: clap::Command) -> Result<(), Failure> {
    // The command `help` has no page.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let Some(folder) = &options.folder else {
        return write(&Target::Stdout, command);
    };
    let commands = command.get_subcommands();
    let pages: Vec<_> = [command.clone()]
        .into_iter()
        .chain(commands.cloned())
        .map(|command| {
            let name = command.get_display_name().unwrap_or(command.get_name());
            (folder.join(format!("{name}.1")), command)
        })
        .collect();
    for (file, command) in pages {
        write(&Target::file(&file)?, command)?;
    }
    Ok(())
}

fn write(target: &Target, command: clap::Command) -> Result<(), Failure> {
    let page = Man::new(command);
    target.write(|out: &mut dyn Write| {
        let mut roff = Vec::new();
        page.render(&mut roff)?;
        out.write_all(&roff)
    })
}
