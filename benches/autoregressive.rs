//! The autoregressive search, whole requests from the first step to the last, against
//! its naive reference: `cargo bench --bench autoregressive`.
//!
//! The steps rotate through more logits than the caches hold, so that each reads them
//! from memory.

use criterion::{Criterion, criterion_group, criterion_main};
use widebeam_perf::workload::Search;

mod support;

/// Shapes and beam widths beside the standard ones: many beams, and few rows.
const MORE: [([usize; 3], usize); 4] = [
    ([1, 32, 32_000], 512),
    ([1, 8, 32_000], 2000),
    ([8, 16, 32_000], 4),
    ([8, 16, 49_152], 8),
];

fn autoregressive(criterion: &mut Criterion) {
    let search = Search::Autoregressive;
    for &(shape, beams) in search.standard().iter().chain(&MORE) {
        let beams = match support::is_measured() {
            true => beams,
            false => beams.min(1000),
        };
        support::compare(criterion, search, (shape, beams), search.usual_kind());
    }
}

criterion_group!(benches, autoregressive);
criterion_main!(benches);
