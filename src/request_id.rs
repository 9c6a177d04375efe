//! Names of requests.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How many requests this process has admitted. It makes ids unique across searches, and
/// nothing else depends on it.
static ADMITTED: AtomicU64 = AtomicU64::new(0);

/// Names a request, from its admission to its removal.
///
/// No two requests of a process have the same id, whichever searches they were admitted
/// to. A clone of a search holds the same requests as the search, under the same ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId {
    admission: u64,
    /// Where its search keeps it.
    pub(crate) slot: u32,
}

impl RequestId {
    /// An id that no request has had, for the one in `slot`.
    pub(crate) fn new(slot: u32) -> Self {
        RequestId {
            admission: ADMITTED.fetch_add(1, Relaxed),
            slot,
        }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "request {}", self.admission)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_ids_are_equal_even_for_one_slot() {
        let ids: Vec<RequestId> = (0..100).map(|_| RequestId::new(7)).collect();
        for (at, id) in ids.iter().enumerate() {
            assert_eq!(id.slot, 7);
            assert!(ids[..at].iter().all(|before| before < id));
        }
    }
}
