//! Whether standard output was closed when the program began (`widebeam ... >&-`).
//!
//! Rust opens `/dev/null` in its place before `main`, so that no file gets its number. What is
//! written there is lost without an error: it can only be seen earlier, by a function that the
//! loader calls before Rust begins.

use widebeam_perf::console::failure::Failure;

/// # Errors
///
/// If standard output was closed.
pub(crate) fn refuse() -> Result<(), Failure> {
    match look::was_closed() {
        true => Err(Failure::input(
            "standard output is closed: redirect it to a file, or give --output",
        )),
        false => Ok(()),
    }
}

#[cfg(any(target_os = "linux", target_vendor = "apple"))]
mod look {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

    static CLOSED: AtomicBool = AtomicBool::new(false);

    pub(super) fn was_closed() -> bool {
        CLOSED.load(Relaxed)
    }

    /// Called once, before `main`, on the only thread. It allocates nothing and takes no lock.
    extern "C" fn look() {
        // SAFETY: this asks the system for the flags of a number, open or not.
        #[allow(unsafe_code)]
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        CLOSED.store(flags == -1, Relaxed);
    }

    // SAFETY: the section holds pointers to functions that the loader calls before `main`, as
    // this one is. It uses nothing that Rust sets up later.
    #[allow(unsafe_code)]
    #[used]
    #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
    #[cfg_attr(
        target_vendor = "apple",
        unsafe(link_section = "__DATA,__mod_init_func")
    )]
    static LOOK: extern "C" fn() = look;
}

#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
mod look {
    pub(super) fn was_closed() -> bool {
        false
    }
}
