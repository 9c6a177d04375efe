//! Times, and what is said of many of them.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Seconds that a piece of work took, run by run.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Times(Vec<f64>);

/// The times of a piece of work on some scores, and what is said of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Measured {
    pub seconds: f64,
    pub spread: f64,
    pub gigabytes_per_second: f64,
    pub runs: Times,
}

impl Measured {
    pub(crate) fn new(runs: Times, bytes: usize) -> Self {
        let seconds = runs.median();
        Measured {
            seconds,
            spread: runs.spread(),
            gigabytes_per_second: bytes as f64 / seconds / 1e9,
            runs,
        }
    }
}

/// Work on fewer bytes is repeated within a run: the clock and a thread that
/// wakes up would weigh too much.
const RUN_BYTES: usize = 16 << 20;
const MAX_REPEATS: usize = 100;

/// How long work is done before it is measured. Processors that were idle are slow at
/// first: those of a virtual machine may share a core until their host moves them
/// apart, which takes it a tenth of a second or two.
const WARM_UP: Duration = Duration::from_millis(250);

/// Does `work`, which is to be measured in so many `runs`, at least once and for a while.
/// A single run is a trial, whose time means little with any start: once must do.
pub(crate) fn warm_up<E>(runs: usize, mut work: impl FnMut() -> Result<(), E>) -> Result<(), E> {
    let start = Instant::now();
    loop {
        work()?;
        if runs == 1 || start.elapsed() >= WARM_UP {
            return Ok(());
        }
    }
}

impl Times {
    /// Does `work`, which reads `bytes`, and notes the time of one go.
    pub(crate) fn measure<E>(
        &mut self,
        bytes: usize,
        mut work: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        let repeats = (RUN_BYTES / bytes.max(1)).clamp(1, MAX_REPEATS);
        let start = Instant::now();
        for _ in 0..repeats {
            work()?;
        }
        self.0.push(start.elapsed().as_secs_f64() / repeats as f64);
        Ok(())
    }

    pub(crate) fn total(&self) -> f64 {
        self.0.iter().sum()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// The width of the middle half of the times, over the median.
    pub(crate) fn spread(&self) -> f64 {
        (self.quantile(0.75) - self.quantile(0.25)) / self.median()
    }

    /// Linear between the two times it falls between.
    fn quantile(&self, fraction: f64) -> f64 {
        let mut times = self.0.clone();
        times.sort_by(f64::total_cmp);
        let at = fraction * (times.len() as f64 - 1.0);
        let (low, high) = (at.floor() as usize, at.ceil() as usize);
        times[low] + (times[high] - times[low]) * at.fract()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_sorted_times() {
        let times = Times(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(times.median(), 2.5);
        assert_eq!(times.spread(), (3.25 - 1.75) / 2.5);
        assert_eq!(Times(vec![7.0]).median(), 7.0);
        assert_eq!(Times(vec![7.0]).spread(), 0.0);
    }

    #[test]
    fn small_work_is_repeated_and_large_work_is_not() {
        for (bytes, expected) in [(0, 100), (4 << 20, 4), (16 << 20, 1), (256 << 20, 1)] {
            let (mut times, mut done) = (Times::default(), 0);
            let work = || {
                done += 1;
                Ok::<(), ()>(())
            };
            times.measure(bytes, work).unwrap();
            assert_eq!((done, times.len()), (expected, 1), "{bytes} bytes");
        }
    }
}
