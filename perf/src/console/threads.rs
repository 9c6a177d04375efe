//! How many threads there are.

use std::num::NonZeroU16;
use std::{env, thread};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::failure::Failure;

/// The most threads, but for machines with more processors: some ten thousand
/// that look for work keep a small machine from doing any.
const MAX_THREADS: usize = 1024;

/// What rayon reads where nobody says how many.
const VARIABLE: &str = "RAYON_NUM_THREADS";

/// Runs `work` in a pool of so many threads; else of as many as the environment
/// says, else of one per processor.
pub fn on_threads<T: Send>(
    threads: Option<NonZeroU16>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> Result<T, Failure> {
    let pool = match (threads, from_environment()) {
        (Some(threads), _) => pool(threads.get().into())?,
        (None, Some(threads)) => pool(threads)
            .map_err(|failure| failure.about(format_args!("environment variable {VARIABLE}")))?,
        (None, None) => pool(processors())?,
    };
    pool.install(work)
}

/// That so many threads are not too many.
fn check(threads: usize) -> Result<(), Failure> {
    let limit = MAX_THREADS.max(processors());
    if threads > limit {
        return Err(Failure::Input(format!(
            "{threads} threads are above the limit of {limit}"
        )));
    }
    Ok(())
}

/// A pool of so many threads.
pub fn pool(threads: usize) -> Result<ThreadPool, Failure> {
    check(threads)?;
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| Failure::Machine(format!("the threads could not be started: {error}")))
}

/// As rayon has it: what is no number, or 0, says nothing.
fn from_environment() -> Option<usize> {
    let threads = env::var(VARIABLE).ok()?.parse().ok()?;
    (threads > 0).then_some(threads)
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_has_as_many_threads_as_asked_for() {
        for threads in [1, 3] {
            assert_eq!(pool(threads).unwrap().current_num_threads(), threads);
        }
        let three = on_threads(NonZeroU16::new(3), || Ok(rayon::current_num_threads()));
        assert_eq!(three.unwrap(), 3);
        assert!(processors() > 0);
    }

    #[test]
    fn threads_above_the_limit_are_refused_before_one_is_started() {
        let limit = processors().max(1024);
        assert!(check(limit).is_ok());
        let Err(Failure::Input(message)) = pool(limit + 1) else {
            panic!("they were started")
        };
        let (threads, said) = (limit + 1, "threads are above the limit of");
        assert_eq!(message, format!("{threads} {said} {limit}"));
    }
}
