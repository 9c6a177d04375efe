# Builds the targets under libFuzzer, for the scripts beside this one, which source it in this
# folder: `built` says where they are then, or says it before, where they are built already.
# Exits 3 where there is no nightly toolchain.
if [ -n "${FUZZ_BUILT:-}" ]; then
    built=$FUZZ_BUILT
elif ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'no nightly toolchain: the targets run under `cargo test --test fuzz` alone' >&2
    exit 3
else
    host=$(rustc +nightly -vV | sed -n 's/^host: //p')

    # What cargo-fuzz passes: coverage of edges and comparisons for libFuzzer, the
    # address sanitizer, and the checks of a debug build.
    export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing \
-Zsanitizer=address -Cdebug-assertions"
    built=${CARGO_TARGET_DIR:-libfuzzer/target}/$host/release
    cargo +nightly build --quiet --locked --release --target "$host" --manifest-path libfuzzer/Cargo.toml
fi

targets() {
    for source in libfuzzer/fuzz_targets/*.rs; do basename "$source" .rs; done
}

# Inputs become files; these need no disk.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
