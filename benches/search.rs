//! The independent search against its naive reference, over the shapes of the
//! README: `cargo bench --bench search`.

use criterion::{Criterion, criterion_group, criterion_main};
use widebeam::ScoreKind;
use widebeam_perf::workload::Search;

mod support;

fn independent(criterion: &mut Criterion) {
    for &input in Search::Independent.standard() {
        for kind in [ScoreKind::Probabilities, ScoreKind::Logits] {
            support::compare(criterion, Search::Independent, input, kind);
        }
    }
}

criterion_group!(benches, independent);
criterion_main!(benches);
