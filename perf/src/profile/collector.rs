//! The subscriber that hears of the phases.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber, callsite};

use super::span::{Phase, Span};

pub(super) struct Collector {
    listening: AtomicBool,
    origin: Instant,
    /// When the profiled run began, in nanoseconds since `origin`.
    began: AtomicU64,
    threads: Vec<Mutex<Thread>>,
}

/// What one thread of the pool has done since the profiled run began.
#[derive(Default)]
struct Thread {
    /// The phases it is in: each with its start and the time spent within.
    open: Vec<(Phase, u64, u64)>,
    spans: Vec<Span>,
}

impl Collector {
    pub(super) fn new(threads: usize) -> Self {
        Collector {
            listening: AtomicBool::new(false),
            origin: Instant::now(),
            began: AtomicU64::new(0),
            threads: (0..threads.max(1)).map(|_| Mutex::default()).collect(),
        }
    }

    /// Begins to listen.
    pub(super) fn start(&self) {
        self.listen(true);
        self.began.fetch_add(self.now(), Ordering::SeqCst);
    }

    /// Listens no more, and returns how long it did and what it heard.
    pub(super) fn stop(&self) -> (u64, Vec<Vec<Span>>) {
        let end = self.now();
        self.listen(false);
        let taken = |thread: &Mutex<Thread>| mem::take(&mut *lock(thread)).spans;
        (end, self.threads.iter().map(taken).collect())
    }

    fn listen(&self, listening: bool) {
        self.listening.store(listening, Ordering::SeqCst);
        // Spans look at what this call finds out, and at nothing else: while
        // nobody listens they cost one load.
        callsite::rebuild_interest_cache();
    }

    fn now(&self) -> u64 {
        self.origin.elapsed().as_nanos() as u64 - self.began.load(Ordering::SeqCst)
    }

    fn own(&self) -> MutexGuard<'_, Thread> {
        let thread = rayon::current_thread_index().unwrap_or(0);
        lock(&self.threads[thread.min(self.threads.len() - 1)])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Spans carry no data and end on the thread they began on, so all spans of a
/// phase may have one identity.
impl Subscriber for Collector {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "widebeam"
            && self.listening.load(Ordering::SeqCst)
            && Phase::ALL
                .iter()
                .any(|phase| phase.name() == metadata.name())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.listening.load(Ordering::SeqCst) {
            true => LevelFilter::TRACE,
            false => LevelFilter::OFF,
        })
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let name = span.metadata().name();
        let index = Phase::ALL.iter().position(|phase| phase.name() == name);
        Id::from_u64(1 + index.unwrap_or(0) as u64)
    }

    fn enter(&self, id: &Id) {
        let phase = Phase::ALL[(id.into_u64() - 1) as usize];
        let now = self.now();
        self.own().open.push((phase, now, 0));
    }

    fn exit(&self, _: &Id) {
        let end = self.now();
        let mut thread = self.own();
        let Some((phase, start, nested)) = thread.open.pop() else {
            return;
        };
        if let Some((_, _, within)) = thread.open.last_mut() {
            *within += end - start;
        }
        let is_nested = !thread.open.is_empty();
        thread.spans.push(Span {
            phase,
            start,
            end,
            nested,
            is_nested,
        });
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
}
