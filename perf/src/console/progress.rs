//! A progress bar for work that takes long enough to want one.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Work that ends sooner shows no bar.
const DELAY: Duration = Duration::from_secs(1);

/// How often a bar that is not advanced is drawn: its clock goes on.
const TICK: Duration = Duration::from_millis(500);

/// A bar on standard error that shows itself after a second, on a terminal
/// alone, and leaves nothing behind.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// `total` bytes are to be read.
    pub fn new(name: &str, total: usize) -> Self {
        let style = ProgressStyle::with_template(
            "{msg} [{wide_bar}] {binary_bytes}/{binary_total_bytes} {elapsed}{left}",
        )
        .expect("the template is a constant that a test renders")
        .with_key("left", write_left)
        .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden())
            .with_style(style)
            .with_message(name.to_owned());
        if io::stderr().is_terminal() {
            show_later(bar.clone());
        }
        Progress { bar }
    }

    /// So many bytes more have been read.
    pub fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    /// How many bytes have been read.
    pub fn position(&self) -> u64 {
        self.bar.position()
    }

    /// Says what is being done.
    pub fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    /// Does what prints, on a line of its own.
    pub fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Nothing is known of what is left before something is done.
fn write_left(state: &ProgressState, out: &mut dyn fmt::Write) {
    if state.pos() > 0 {
        // Writing to a line in memory does not fail.
        let _ = write!(out, ", {:#} left", HumanDuration(state.eta()));
    }
}

/// By the clock, not by what is done: the first piece of work may take longest.
fn show_later(bar: ProgressBar) {
    // Without a thread for it there is no bar, which is no reason to fail.
    let _ = thread::Builder::new().spawn(move || {
        thread::sleep(DELAY);
        if !bar.is_finished() {
            bar.set_draw_target(ProgressDrawTarget::stderr());
            bar.enable_steady_tick(TICK);
        }
    });
}

/// Leaves a terminal at the start of a line, where a bar or the `^C` that the
/// terminal has echoed may stand.
#[cfg(unix)]
pub fn wipe() {
    let mut stderr = io::stderr();
    if stderr.is_terminal() {
        // Whether it is read or not, the program ends here.
        let _ = stderr.write_all(b"\r\x1b[2K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_and_bytes_add_up() {
        let progress = Progress::new("a.npy", 10);
        progress.advance(4);
        progress.say("b.npy".to_owned());
        progress.advance(6);
        assert_eq!(progress.bar.position(), 10);
        assert_eq!(progress.aside(|| 7), 7);
    }
}
