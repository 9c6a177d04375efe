//! `widebeam completions`: what a shell needs to complete the command line.

use clap_complete::Shell;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::target::Target;

const EXAMPLES: &str = "\
Examples:
  bash: widebeam completions bash \\
            > ~/.local/share/bash-completion/completions/widebeam
  zsh:  widebeam completions zsh > \"${fpath[1]}/_widebeam\"
  fish: widebeam completions fish > ~/.config/fish/completions/widebeam.fish";

/// Write the file from which a shell completes commands, options and values
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

/// Writes the completions of `command` to standard output.
pub(crate) fn run(options: &Completions, mut command: clap::Command) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut command, "widebeam", &mut script);
    Target::Stdout.write(|out| out.write_all(&script))
}
