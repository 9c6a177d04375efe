#!/usr/bin/env bash
# tests/sanitize.sh [asan|memcheck]: the tests that reach every unsafe block,
# under the address sanitizer (a nightly toolchain), or the ones of the kernels
# under valgrind's memcheck. Without an argument both. README.md beside it says
# what each covers. Builds with the sanitizer go to a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${SANITIZE_TARGET_DIR:-/tmp/widebeam-sanitize}

asan() {
    local host
    host=$(rustc +nightly -vV | sed -n 's/^host: //p')
    # With --target, build scripts are not instrumented. Leaks are not looked
    # for: rayon's pools live as long as the process. An allocation that cannot be
    # is an error to the tests that ask for one, as without the sanitizer.
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
        RUSTFLAGS=-Zsanitizer=address \
        cargo +nightly test --locked --target "$host" --target-dir "$folder/asan" \
        --package widebeam --package widebeam-fuzz --lib --test independent --test ctc --test autoregressive --test guard_pages \
        --test extremes --test fuzz --test soak
}

memcheck() {
    local binary
    binary=$(cargo test --locked --package widebeam --lib --no-run --message-format json |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
    # Memcheck knows AVX2 but not AVX-512; where the processor has that, the
    # tests of that level end on the first of its instructions. The tests of the
    # longest rows take too long in it.
    valgrind --error-exitcode=9 --quiet "$binary" --test-threads 1 kernels:: simd:: \
        --skip every_length_beyond_all_blocks --skip long_rows_and_large_k \
        --skip short_rows_for_every_k
}

case ${1:-both} in
asan) asan ;;
memcheck) memcheck ;;
both) asan && memcheck ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
