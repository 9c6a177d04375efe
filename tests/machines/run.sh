#!/usr/bin/env bash
# tests/machines/run.sh [--check | --short | --build] [TARGET [TEST...]]: the library's tests on other
# machines: TARGET is aarch64, s390x (big-endian), i686 (32 bits) or wasm32 (with and without simd128);
# without one, all of them. A TEST is `lib`, the name of an integration test, `load`, which is how the
# tool reads arrays, or one of `light`; without one, those listed below; with --short, the golden file
# alone, on two threads. Prints a line for each: tests passed, ignored, seconds; with --build
# only the paths of the programs. With --check nothing is built or run, but the library must compile.
#
# Debian's compiler makes the programs (rustup's here has the standard library of x86-64
# alone), QEMU or Node.js runs them. Packages that are missing are installed where that is
# allowed, unless INSTALL=no; exits 3 where they cannot be had, 1 where a test fails.
# tests/README.md has the results.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=tests/machines

option=
case ${1:-} in --*) option=$1 && shift ;; esac
targets=(aarch64 s390x i686 wasm32)
if [ $# != 0 ]; then targets=("$1"); shift; fi
chosen=("$@")

# Where there are threads and a file system.
everything=(lib determinism independent ctc autoregressive autoregressive_additions transducer
    words scorers kenlm ngram_fit top_k parity extremes misuse serde clones memory_needed machines load)
# A WebAssembly program has one thread, and a panic ends it.
on_one_thread=(determinism machines)

packages() {
    case $1 in
    aarch64) echo rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user ;;
    s390x) echo rustc-web rust-web-src gcc-s390x-linux-gnu libc6-dev-s390x-cross qemu-user ;;
    i686) echo rustc-web rust-web-src gcc-i686-linux-gnu libc6-dev-i386-cross ;;
    wasm32*) echo rustc-web rust-web-src lld-19 wasi-libc ;;
    *) echo "$1 is not a target: aarch64, s390x, i686 or wasm32" >&2; exit 2 ;;
    esac
}

[ "$option" != --short ] || export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 WIDEBEAM_SHORT=yes

# What is emulated is built to be fast; i686, which x86-64 runs, with the overflow checks and
# assertions of a debug build.
export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=false
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=${CARGO_PROFILE_RELEASE_CODEGEN_UNITS:-16}
export CARGO_PROFILE_RELEASE_OPT_LEVEL=${CARGO_PROFILE_RELEASE_OPT_LEVEL:-2}
checked() {
    env CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true \
        CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true \
        CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_OVERFLOW_CHECKS=false \
        CARGO_PROFILE_RELEASE_BUILD_OVERRIDE_DEBUG_ASSERTIONS=false "$@"
}

# Builds the tests for $1 and runs each.
run() {
    local name=$1 triple cc='' runner='' as=env flags='-Ctarget-feature=+crt-static' build_std=(-Zbuild-std)
    local tests=("${everything[@]}")
    case $name in
    # Dynamic programs hang in QEMU as soon as they start a thread, so all are static.
    aarch64) triple=aarch64-unknown-linux-gnu cc=aarch64-linux-gnu-gcc runner=qemu-aarch64 build_std=() ;;
    s390x) triple=s390x-unknown-linux-gnu cc=s390x-linux-gnu-gcc runner=qemu-s390x ;;
    i686) triple=i686-unknown-linux-gnu cc=i686-linux-gnu-gcc as=checked ;;
    wasm32*)
        build_std=(-Zbuild-std=std,panic_abort)
        triple=wasm32-wasip1 cc=wasm-ld-19 runner="node --no-warnings $PWD/$here/wasi.mjs"
        # The C library that rustc would bring along is Debian's here; wasi.mjs has what it lacks.
        flags='-Clink-self-contained=no -Clink-arg=-L/usr/lib/wasm32-wasi -Clink-arg=/usr/lib/wasm32-wasi/crt1-command.o -Clink-arg=--allow-undefined'
        [ "$name" != wasm32-simd128 ] || flags+=' -Ctarget-feature=+simd128'
        tests=("${on_one_thread[@]}")
        ;;
    esac
    [ "$option" != --short ] || tests=(golden)
    [ ${#chosen[@]} = 0 ] || tests=("${chosen[@]}")

    local arguments=() light=() of_tool=false test
    for test in "${tests[@]}"; do
        case $test in
        lib) arguments+=(--lib) ;;
        load) of_tool=true ;;
        golden | rows) light+=(--test "$test") ;;
        *) arguments+=(--test "$test") ;;
        esac
    done
    local variable=CARGO_TARGET_${triple^^}
    variable=${variable//-/_}
    # A line for each program: the name of its crate and its path.
    build() {
        "$as" "${variable}_LINKER=$cc" "${variable}_RUSTFLAGS=$flags" \
            cargo test --quiet --locked --release --target "$triple" "${build_std[@]}" "$@" --no-run \
            --message-format json-render-diagnostics |
            sed -n 's/.*"target":{"kind":\["\([a-z]*\)"[^}]*"name":"\([^"]*\)".*"executable":"\([^"]*\)".*/\2 \3/p'
    }
    local begin=$EPOCHREALTIME
    if [ "$option" = --check ]; then
        "$as" "${variable}_RUSTFLAGS=$flags" cargo check --quiet --locked --release --target "$triple" \
            "${build_std[@]}" --package widebeam --lib || return
        awk -v name="$name" -v begin="$begin" -v end="$EPOCHREALTIME" \
            'BEGIN { printf "%-14s the library compiles, %.1f s\n", name, end - begin }'
        return
    fi
    local programs=
    if [ ${#arguments[@]} != 0 ]; then
        programs=$(build --package widebeam --features unstable "${arguments[@]}") || return
    fi
    if [ ${#light[@]} != 0 ]; then
        programs+=$'\n'$(build --package widebeam-machines "${light[@]}") || return
    fi
    if $of_tool; then
        programs+=$'\n'$(build --package widebeam-cli --lib) || return
    fi
    programs=$(grep . <<<"$programs")
    if [ "$(grep -c . <<<"$programs")" != ${#tests[@]} ]; then
        echo "$name: not all of these were built: ${tests[*]}" >&2
        return 1
    fi

    if [ "$option" = --build ]; then
        sed 's/^[^ ]* //' <<<"$programs"
        return
    fi
    local status=0 test_name program output
    while read -r test_name program; do
        local only=()
        begin=$EPOCHREALTIME
        # Of the tool's tests only these look at bytes of files.
        [ "$test_name" != widebeam_cli ] || only=(load::)
        # Some tests run their program again.
        case $runner in qemu-*) export WIDEBEAM_TEST_EMULATOR=$runner ;; *) unset WIDEBEAM_TEST_EMULATOR ;; esac
        if output=$(RUST_BACKTRACE=0 $runner "$program" --quiet "${only[@]}" 2>&1); then :; else
            status=1
            printf '%s\n' "$output" >&2
        fi
        awk -v name="$name" -v test="$test_name" -v begin="$begin" -v end="$EPOCHREALTIME" '
            /^test result/ { passed += $4; failed += $6; ignored += $8 }
            END { printf "%-14s %-25s %4d passed, %d failed, %d ignored, %.1f s\n",
                name, test, passed, failed, ignored, end - begin }' <<<"$output"
    done <<<"$programs"
    return $status
}

status=0
for target in "${targets[@]}"; do
    wanted=$(packages "$target") || exit
    "$here/packages.sh" $wanted || exit
    case $target in
    wasm32) run wasm32 || status=1; run wasm32-simd128 || status=1 ;;
    *) run "$target" || status=1 ;;
    esac
done
exit $status
