//! An allocator that counts, and refuses if it is told to, for the tests of what
//! is allocated.

#![allow(unsafe_code)]
// Each test binary uses some of the counters.
#![allow(dead_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};

static BY_ALL: AtomicUsize = AtomicUsize::new(0);
/// What the threads that are enlisted are granted and refused, all of them together.
static GRANTED_TO_ENLISTED: AtomicUsize = AtomicUsize::new(usize::MAX);
static REFUSED_TO_ENLISTED: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static BY_THIS_THREAD: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static GRANTED: Cell<usize> = const { Cell::new(usize::MAX) };
    static REFUSED: Cell<usize> = const { Cell::new(0) };
    static ENLISTED: Cell<bool> = const { Cell::new(false) };
}

/// Allocations so far by all threads; the test harness has threads too.
pub(crate) fn by_all_threads() -> usize {
    BY_ALL.load(Relaxed)
}

/// Allocations so far by this thread.
pub(crate) fn by_this_thread() -> usize {
    BY_THIS_THREAD.get()
}

/// Bytes allocated less bytes freed by this thread.
pub(crate) fn bytes_held() -> isize {
    HELD.get()
}

/// What `f` returns where after some allocations of this thread the next few
/// are refused. A panic in it may end the process, because its message is
/// allocated.
pub(crate) fn refusing<R>(after: usize, refused: usize, f: impl FnOnce() -> R) -> R {
    REFUSED.set(refused);
    GRANTED.set(after);
    let result = f();
    GRANTED.set(usize::MAX);
    result
}

/// What `f` returns in a pool whose threads are those that [`refusing_to_enlisted`] is about. They are
/// not as they begin and end, where rayon allocates and ends the process if it cannot: a thread that
/// is broadcast to has begun.
pub(crate) fn in_enlisted_pool<R>(threads: usize, f: impl FnOnce(&rayon::ThreadPool) -> R) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    let pool = pool.build().unwrap();
    pool.broadcast(|_| ENLISTED.set(true));
    let result = f(&pool);
    pool.broadcast(|_| ENLISTED.set(false));
    result
}

/// What `f` returns where after some allocations of all threads that are enlisted the next few
/// are refused.
pub(crate) fn refusing_to_enlisted<R>(after: usize, refused: usize, f: impl FnOnce() -> R) -> R {
    REFUSED_TO_ENLISTED.store(refused, SeqCst);
    GRANTED_TO_ENLISTED.store(after, SeqCst);
    let result = f();
    GRANTED_TO_ENLISTED.store(usize::MAX, SeqCst);
    result
}

/// One less, unless there is none left or no limit.
fn take(left: &AtomicUsize) -> bool {
    let less = |left: usize| match left {
        usize::MAX => Some(left),
        _ => left.checked_sub(1),
    };
    left.fetch_update(SeqCst, SeqCst, less).is_ok()
}

fn granted() -> bool {
    let enlisted = ENLISTED.get() && GRANTED_TO_ENLISTED.load(SeqCst) != usize::MAX;
    if enlisted && !take(&GRANTED_TO_ENLISTED) && take(&REFUSED_TO_ENLISTED) {
        return false;
    }
    match (GRANTED.get(), REFUSED.get()) {
        (usize::MAX, _) | (0, 0) => true,
        (0, refused) => {
            REFUSED.set(refused - 1);
            false
        }
        (granted, _) => {
            GRANTED.set(granted - 1);
            true
        }
    }
}

struct Counting;

fn count(size: usize) {
    BY_ALL.fetch_add(1, Relaxed);
    BY_THIS_THREAD.set(BY_THIS_THREAD.get() + 1);
    HELD.set(HELD.get() + size as isize);
}

fn release(size: usize) {
    HELD.set(HELD.get() - size as isize);
}

// SAFETY: every call is passed on to the system's allocator unchanged, or answered
// with null, which says that there is no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !granted() {
            return std::ptr::null_mut();
        }
        count(layout.size());
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        release(layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !granted() {
            return std::ptr::null_mut();
        }
        release(layout.size());
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Panics unless an allocation is counted: a count of 0 would prove nothing.
pub(crate) fn check() {
    let (all, own, bytes) = (by_all_threads(), by_this_thread(), bytes_held());
    let held = std::hint::black_box(vec![1u8; 1 << 20]);
    assert!(by_all_threads() > all && by_this_thread() > own);
    assert!(bytes_held() - bytes >= held.len() as isize);
}
