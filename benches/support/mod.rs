//! What the benchmarks share.

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
