//! The memory that this process may use, and what is asked of it.
//!
//! Linux grants more memory than there is, and ends the process that uses it.
//! So whatever grows with a number in somebody's file is compared with what is
//! available before it is allocated.

use std::fmt;

use serde::Serialize;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use super::cgroup::{self, Group};
use super::failure::Failure;

/// The machine's memory and the limit of the container that the process runs in, in bytes.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// Of the machine.
    pub total: usize,
    /// Of the container, where it may use less than the machine has.
    pub limit: Option<usize>,
    /// What can be used without swapping.
    pub available: usize,
}

impl Memory {
    /// Asks the system; `None` where it does not say.
    ///
    /// The container is the control group (version 1 or 2) at the root of what is mounted,
    /// as in Docker and Kubernetes, and each group from there to that of the process, such as
    /// a service of systemd or a job of Slurm: the tightest of them counts.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let ram = MemoryRefreshKind::nothing().with_ram();
        let system = System::new_with_specifics(RefreshKind::nothing().with_memory(ram));
        let total = system.total_memory();
        // Without a total, sysinfo would panic when asked for the limits.
        if total == 0 {
            return None;
        }
        // Not its `free_memory`, which counts cached pages of files as used: they give
        // way to an allocation, and an input that was mapped fills the container with
        // them. So pages of tmpfs and of the kernel are not counted either.
        // It looks in the usual places, also where the list of mounts does not name them.
        let container = system.cgroup_limits().map(|container| Group {
            limit: container.total_memory,
            free: container.total_memory.saturating_sub(container.rss),
        });
        let groups = container.into_iter().chain(cgroup::groups());
        let (mut limit, mut available) = (None, system.available_memory());
        for group in groups.filter(|group| group.limit < total) {
            limit = Some(limit.map_or(group.limit, |limit: u64| limit.min(group.limit)));
            available = available.min(group.free);
        }
        let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
        Some(Memory {
            total: bytes(total),
            limit: limit.map(bytes),
            available: bytes(available),
        })
    }
}

/// So many bytes are not worth asking the system about, which takes it half a millisecond.
pub const UNASKED: usize = 16 << 20;

/// # Errors
///
/// If `what` needs more bytes than are available.
pub fn require(bytes: usize, what: impl fmt::Display) -> Result<(), Failure> {
    if bytes > UNASKED
        && let Some(Memory { available, .. }) = Memory::detect()
        && bytes > available
    {
        return Err(Failure::Machine(format!(
            "{what} would take {bytes} bytes of memory, {available} are available"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn no_more_is_granted_than_is_there() {
        let memory = Memory::detect().unwrap();
        assert!(memory.limit.is_none_or(|limit| limit < memory.total));
        assert!(memory.available <= memory.limit.unwrap_or(memory.total));
        assert!(memory.available > UNASKED);
        // What is available changes from one look to the next.
        let there = memory.available;
        assert!(require(there / 4, "a part").is_ok());
        for little in [0, UNASKED] {
            assert!(require(little, "little").is_ok());
        }
        for bytes in [there.saturating_mul(4), usize::MAX] {
            let Err(Failure::Machine(message)) = require(bytes, "much") else {
                panic!("{bytes} bytes of {there} were granted")
            };
            let start = format!("much would take {bytes} bytes of memory, ");
            assert!(message.starts_with(&start), "{message}");
        }
    }
}
