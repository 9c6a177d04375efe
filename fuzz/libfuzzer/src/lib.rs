//! What the fuzz targets need of libFuzzer's process.

/// Tries one input of a target, and keeps rayon on the thread that is fuzzed: whatever
/// runs in parallel is the same in order, and nothing has to be woken.
pub fn alone(run: fn(&[u8]), data: &[u8]) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    // After the first call there is one.
    let _ = pool.use_current_thread().build_global();
    run(data);
}
