//! A progress bar for work that takes long enough to want one.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner shows no bar.
const DELAY: Duration = Duration::from_secs(1);

/// A bar on standard error that shows itself after a second, on a terminal
/// alone, and leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// `total` bytes of scores are to be read.
    pub(crate) fn new(source: &str, total: usize) -> Self {
        let style = ProgressStyle::with_template(
            "{msg} [{wide_bar}] {bytes}/{total_bytes} {binary_bytes_per_sec} {eta}",
        )
        .expect("the template is a constant that a test renders")
        .progress_chars("=> ");
        let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::hidden())
            .with_style(style)
            .with_message(source.to_owned());
        Progress {
            bar,
            started: Instant::now(),
        }
    }

    pub(crate) fn advance(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
        if self.bar.is_hidden() && self.started.elapsed() > DELAY {
            // This target draws on terminals only.
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_and_bytes_add_up() {
        let progress = Progress::new("a.npy", 10);
        progress.advance(4);
        progress.advance(6);
        assert_eq!(progress.bar.position(), 10);
    }
}
