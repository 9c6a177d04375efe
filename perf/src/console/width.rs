//! How wide what a person reads may be.

use std::io::{self, IsTerminal};

/// How many columns standard output has, where it is a terminal; `None` where there is no
/// limit.
pub(crate) fn of_stdout() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(usize::from(width.0))
}
