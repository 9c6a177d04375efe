//! The threads of this process.
//!
//! The pool is made when it is first needed. A child that is forked has none of its
//! parent's threads, so it makes a pool of its own. Threads that idle are ended before a
//! fork: then nothing of the pool is in the child, and Python, which warns of forks of
//! processes with threads from 3.12 on, has no reason to.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fs, io, mem, process, thread};

use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::error;

/// Locked only while the GIL is held, and never longer than it is: whoever forks holds the
/// GIL, so the lock is free in the child.
static STATE: Mutex<State> = Mutex::new(State {
    threads: None,
    pool: None,
});

struct State {
    /// What `set_num_threads` said.
    threads: Option<usize>,
    pool: Option<Arc<Pool>>,
}

/// The pool, and the process that has its threads.
pub(crate) struct Pool {
    process: u32,
    parts: Option<Parts>,
}

struct Parts {
    pool: ThreadPool,
    /// Each returns in the end where Linux lists it.
    workers: Vec<JoinHandle<Option<PathBuf>>>,
}

impl Pool {
    fn new(threads: usize) -> io::Result<Self> {
        let mut workers = Vec::new();
        let built = ThreadPoolBuilder::new()
            .num_threads(threads)
            .spawn_handler(|worker| {
                let name = format!("widebeam-{}", worker.index());
                let spawned = thread::Builder::new().name(name).spawn(move || {
                    worker.run();
                    let task = fs::read_link("/proc/thread-self").ok();
                    task.map(|task| Path::new("/proc").join(task))
                })?;
                workers.push(spawned);
                Ok(())
            })
            .build();
        let pool = built.map_err(io::Error::other)?;
        Ok(Pool {
            process: process::id(),
            parts: Some(Parts { pool, workers }),
        })
    }

    /// Runs `work` in the pool.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        match &self.parts {
            Some(parts) => parts.pool.install(work),
            None => work(),
        }
    }

    /// Runs `work` in the pool, and `beside` in this thread meanwhile. In a thread of the pool, as
    /// where a function of Python is called by a search, `beside` is left out.
    pub(crate) fn run_with(&self, work: impl FnOnce() + Send, beside: impl FnOnce()) {
        match &self.parts {
            Some(parts) if parts.pool.current_thread_index().is_none() => {
                parts.pool.in_place_scope(|scope| {
                    scope.spawn(|_| work());
                    beside();
                });
            }
            _ => work(),
        }
    }
}

/// Waits until the threads have ended.
impl Drop for Pool {
    fn drop(&mut self) {
        let Some(parts) = self.parts.take() else {
            return;
        };
        if self.process != process::id() {
            // These threads are the parent's: there is nobody here to talk to.
            mem::forget(parts);
            return;
        }
        drop(parts.pool);
        let ended = parts.workers.into_iter().map(JoinHandle::join);
        // Python counts what is listed, and a thread may be for some microseconds more.
        for task in ended.filter_map(|task| task.ok().flatten()) {
            let begun = Instant::now();
            while task.exists() && begun.elapsed() < Duration::from_millis(100) {
                thread::yield_now();
            }
        }
    }
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn default_threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The pool of this process.
pub(crate) fn current(_py: Python<'_>) -> PyResult<Arc<Pool>> {
    let mut state = state();
    if let Some(pool) = &state.pool
        && pool.process == process::id()
    {
        return Ok(pool.clone());
    }
    let threads = state.threads.unwrap_or_else(default_threads);
    let pool = Arc::new(Pool::new(threads).map_err(|error| no_threads(threads, &error))?);
    state.pool = Some(pool.clone());
    Ok(pool)
}

fn no_threads(threads: usize, error: &io::Error) -> PyErr {
    PyOSError::new_err(format!("{threads} threads could not be started: {error}"))
}

/// Sets how many threads the searches of this process use.
///
/// A search that is running keeps the threads it has. A process that is forked later begins
/// with this number.
#[pyfunction]
pub(crate) fn set_num_threads(py: Python<'_>, n: i64) -> PyResult<()> {
    let limit = rayon::max_num_threads();
    let threads = match usize::try_from(n) {
        Ok(threads) if (1..=limit).contains(&threads) => threads,
        _ => {
            let said = format!("the number of threads is {n}: it must be from 1 to {limit}");
            return Err(error::refusal(py, said));
        }
    };
    let pool = Pool::new(threads).map_err(|error| no_threads(threads, &error))?;
    let before = {
        let mut state = state();
        state.threads = Some(threads);
        state.pool.replace(Arc::new(pool))
    };
    py.detach(|| drop(before));
    Ok(())
}

/// How many threads the searches of this process use: by default one for each processor that
/// it may run on.
#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    state().threads.unwrap_or_else(default_threads)
}

/// Ends the threads of the pool if they idle. Python calls this before it forks.
#[pyfunction]
pub(crate) fn _before_fork() {
    let pool = state().pool.take_if(|pool| Arc::strong_count(pool) == 1);
    drop(pool);
}
