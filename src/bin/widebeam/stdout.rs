//! Whether there is a standard output.
//!
//! Where there is none (`widebeam ... >&-`), Rust opens `/dev/null` in its place
//! before `main`, so that no file is opened under its number. All that is then
//! written is lost, and nothing says so. A look before that is the only one that
//! can tell.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;

static IS_CLOSED: AtomicBool = AtomicBool::new(false);

#[cfg(unix)]
mod before_main {
    use std::io;
    use std::os::fd::AsFd;
    use std::sync::atomic::Ordering;

    // Before `main` Rust promises nothing of its library; this needs an allocator,
    // a lock and a system call of it, which are there.
    ctor::declarative::ctor! {
        #[ctor(unsafe)]
        fn look() {
            let copy = io::stdout().as_fd().try_clone_to_owned();
            super::IS_CLOSED.store(copy.is_err(), Ordering::Relaxed);
        }
    }
}

/// # Errors
///
/// If what is written to standard output would be lost.
pub(crate) fn require() -> Result<(), Failure> {
    match IS_CLOSED.load(Ordering::Relaxed) {
        true => Err(Failure::Machine("standard output is closed".to_owned())),
        false => Ok(()),
    }
}
