//! What the benchmarks of the searches share: the workloads of `widebeam-perf`, each
//! beside its reference and the bare reading of its scores.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use widebeam::ScoreKind;
use widebeam_perf::workload::{Case, Dtype, Search, Shape, naive_share, prepare};

/// Whether times are wanted: `cargo bench`. Under `cargo test` each benchmark
/// runs once, unoptimised, so shapes are cut: the code is the same.
///
/// As Criterion itself tells the two apart.
pub(crate) fn is_measured() -> bool {
    let given = |name: &str| std::env::args().any(|argument| argument == name);
    given("--bench") && !given("--test")
}

/// A shape as it is, or cut to what a test has time for.
pub(crate) fn cut([batch, time, vocab]: [usize; 3]) -> [usize; 3] {
    match is_measured() {
        true => [batch, time, vocab],
        false => [batch.min(2), time.min(6), vocab.min(2000)],
    }
}

/// Measures a search on scores of a shape and a kind, once its answer has been found to
/// be that of the reference.
///
/// Throughput is in steps of items. The reference is given as many of them as it does in
/// about a second, so its throughput, not its time, is what compares.
#[allow(dead_code)]
pub(crate) fn compare(
    criterion: &mut Criterion,
    search: Search,
    (shape, beams): ([usize; 3], usize),
    kind: ScoreKind,
) {
    let shape @ [batch, time, _] = cut(shape);
    let case = Case {
        search,
        shape: Shape(shape),
        beams,
        kind,
        dtype: Dtype::F32,
        level: None,
    };
    let (items, steps) = naive_share(&case);
    let mut workload = prepare(case).expect("a valid case");
    workload.run().expect("valid scores");
    workload.found().expect("the right answer");
    let expected = workload.reference(items, steps).expect("valid scores");
    assert_eq!(
        workload.part(items, steps).expect("valid scores"),
        expected,
        "{case}"
    );

    let mut group = criterion.benchmark_group(search.name());
    let name = format!("{kind:?}/{}/{beams}", case.shape).to_lowercase();
    group.throughput(Throughput::Elements((batch * time) as u64));
    group.bench_function(BenchmarkId::new("read", &name), |bencher| {
        bencher.iter(|| workload.read().expect("valid scores"));
    });
    group.bench_function(BenchmarkId::new("engine", &name), |bencher| {
        bencher.iter(|| workload.run().expect("valid scores"));
    });
    group.throughput(Throughput::Elements((items * steps) as u64));
    group.sample_size(10);
    group.warm_up_time(Duration::from_millis(500));
    group.bench_function(BenchmarkId::new("reference", &name), |bencher| {
        bencher.iter(|| workload.reference(items, steps).expect("valid scores"));
    });
    group.finish();
}
