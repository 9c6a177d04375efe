#!/usr/bin/env bash
# tests/sanitize.sh [asan|memcheck [TEST...]]: all tests of the library, of the fuzz targets and of
# the tool under the address sanitizer (a nightly toolchain); or those that are named (`lib`, or an
# integration test of the library) under valgrind's memcheck, without names the unit tests of the
# kernels. Without an argument both. README.md beside it says what was found. Builds with the
# sanitizer go to a folder of their own.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${SANITIZE_TARGET_DIR:-/tmp/widebeam-sanitize}

asan() {
    local host
    host=$(rustc +nightly -vV | sed -n 's/^host: //p')
    # With --target, build scripts are not instrumented. Leaks are not looked
    # for: rayon's pools live as long as the process. An allocation that cannot be
    # is an error to the tests that ask for one, as without the sanitizer. Programs with the
    # sanitizer need more address space than three tests grant, and it takes the signal that a
    # fourth one, about a file that shrinks, waits for.
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
        RUSTFLAGS=-Zsanitizer=address \
        cargo +nightly test --locked --target "$host" --target-dir "$folder/asan" --no-fail-fast \
        --package widebeam --package widebeam-fuzz --package widebeam-cli --features widebeam/unstable \
        --lib --test '*' -- --skip limits::a_bomb --skip signals::a_file_that_shrinks
}

memcheck() {
    local test program tests=("${@:-lib}")
    for test in "${tests[@]}"; do
        local target=(--test "$test") only=()
        if [ "$test" = lib ]; then
            target=(--lib)
            # The tests of the longest rows take too long in it, and one runs itself again
            # without it, at a level that is not there with it.
            only=(--skip every_length_beyond_all_blocks --skip long_rows_and_large_k
                --skip short_rows_for_every_k --skip the_environment_chooses_the_level)
            [ $# != 0 ] || only+=(kernels:: simd::)
        fi
        program=$(cargo test --locked --package widebeam --features unstable "${target[@]}" --no-run \
            --message-format json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
        # Memcheck knows AVX2 but not AVX-512, which a processor under it does not have.
        valgrind --error-exitcode=9 --quiet "$program" --test-threads 1 "${only[@]}"
    done
}

case ${1:-both} in
asan) asan ;;
memcheck) shift && memcheck "$@" ;;
both) asan && memcheck ;;
*)
    sed -n '2,6s/^# //p' "$0" >&2
    exit 2
    ;;
esac
