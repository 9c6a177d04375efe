//! Transducer search, one symbol a frame, against its naive reference, on synthetic rows of a
//! joiner: `cargo bench --bench transducer`.

use criterion::{Criterion, criterion_group, criterion_main};
use widebeam_perf::workload::Search;

mod support;

fn transducer(criterion: &mut Criterion) {
    let kind = Search::Transducer.usual_kind();
    for &input in Search::Transducer.standard() {
        support::compare(criterion, Search::Transducer, input, kind);
    }
}

criterion_group!(benches, transducer);
criterion_main!(benches);
