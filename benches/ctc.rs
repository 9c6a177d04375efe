//! CTC prefix search against its naive reference, on synthetic emissions:
//! `cargo bench --bench ctc`.

use criterion::{Criterion, criterion_group, criterion_main};
use widebeam_perf::workload::Search;

mod support;

fn ctc(criterion: &mut Criterion) {
    for &input in Search::Ctc.standard() {
        support::compare(criterion, Search::Ctc, input, Search::Ctc.usual_kind());
    }
}

criterion_group!(benches, ctc);
criterion_main!(benches);
