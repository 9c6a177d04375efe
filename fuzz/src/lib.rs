//! The fuzz targets of `tests/fuzz`, for libFuzzer.
//!
//! The tool's loaders are no part of any library: their sources are taken in as
//! they are, under the names that they know each other by.

#![allow(dead_code)]

#[path = "../../tests/toy/any_request.rs"]
mod any_request;
#[path = "../../tests/toy/any_tensor.rs"]
mod any_tensor;
#[path = "../../src/bin/widebeam/failure.rs"]
mod failure;
#[path = "../../src/bin/widebeam/labels.rs"]
mod labels;
#[path = "../../src/bin/widebeam/load/mod.rs"]
mod load;
#[path = "../../src/bin/widebeam/memory.rs"]
mod memory;
#[path = "../../src/bin/widebeam/printable.rs"]
mod printable;
#[path = "../../tests/toy/requests.rs"]
mod requests;
#[path = "../../tests/fuzz/targets/mod.rs"]
mod targets;
#[path = "../../src/bin/widebeam/text.rs"]
mod text;
#[path = "../../tests/toy/mod.rs"]
mod toy;
#[path = "../../src/bin/widebeam/words.rs"]
mod words;

/// Keeps rayon on the thread that is fuzzed: whatever runs in parallel is the
/// same in order, and nothing has to be woken.
fn on_this_thread() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    // After the first call there is one.
    let _ = pool.use_current_thread().build_global();
}

macro_rules! targets {
    ($($name:ident)*) => {$(
        /// The target of this name.
        pub fn $name(data: &[u8]) {
            on_this_thread();
            targets::$name::run(data);
        }
    )*};
}
targets! { admission arpa autoregressive ctc independent labels lexicon npy npz safetensors stream }
