#!/usr/bin/env bash
# fuzz/smoke.sh [SECONDS [TARGET...]]: runs each target (or those named) for some
# seconds, from the seeds, and says how many inputs it tried; in 0 seconds it
# builds them only. Needs a nightly toolchain, for the coverage and the
# sanitizer, but not cargo-fuzz. Exits 3 where there is none, 1 where a target
# fails; the input then lies in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-5}
shift || true

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'no nightly toolchain: the targets run under `cargo test --test fuzz` alone' >&2
    exit 3
fi
host=$(rustc +nightly -vV | sed -n 's/^host: //p')

# What cargo-fuzz passes: coverage of edges and comparisons for libFuzzer, the
# address sanitizer, and the checks of a debug build.
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing \
-Zsanitizer=address -Cdebug-assertions"
built=${CARGO_TARGET_DIR:-libfuzzer/target}
cargo +nightly build --quiet --locked --release --target "$host" --manifest-path libfuzzer/Cargo.toml
[ "$seconds" != 0 ] || exit 0

targets=("$@")
if [ ${#targets[@]} = 0 ]; then
    for source in libfuzzer/fuzz_targets/*.rs; do targets+=("$(basename "$source" .rs)"); done
fi
# Inputs become files; these need no disk.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
for target in "${targets[@]}"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target.log
    if ! "$built/$host/release/$target" "corpus/$target" "tests/seeds/$target" \
        -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "fuzz target $target failed" >&2
        exit 1
    fi
    sed -n "s/^Done \([0-9]*\) runs in \([0-9]*\) .*/$target: \1 inputs in \2 s, none failed/p" "$log"
done
