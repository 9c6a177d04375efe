//! Strong and weak scaling.

use serde::Serialize;

use crate::workload::{Case, Shape};

/// What more threads are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Law {
    /// The same work.
    Strong,
    /// So much more work.
    Weak,
}

impl Law {
    /// The name of its suite in a record.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Law::Strong => "strong",
            Law::Weak => "weak",
        }
    }
}

impl Law {
    /// What `threads` threads of at most `most` are given.
    pub(super) fn case(self, strong: Case, threads: usize, most: usize) -> Case {
        let [batch, time, vocab] = strong.shape.0;
        match self {
            Law::Strong => strong,
            Law::Weak => Case {
                shape: Shape([batch.div_ceil(most) * threads, time, vocab]),
                ..strong
            },
        }
    }
}
