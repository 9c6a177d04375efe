# Builds the targets under libFuzzer, for the scripts beside this one, which source it in this
# folder. `build address` builds them with the address sanitizer and traces of comparisons, from
# which libFuzzer learns what the code compares its input with; `build plain` without both, which
# tries two to twelve times as many inputs. Either prints the folder where the targets are then.
# Exits 3 where there is no nightly toolchain.
if ! cargo +nightly --version >/dev/null 2>&1; then
    echo 'no nightly toolchain: the targets run under `cargo test --test fuzz` alone' >&2
    exit 3
fi

build() {
    local host folder flags
    host=$(rustc +nightly -vV | sed -n 's/^host: //p')
    folder=${CARGO_TARGET_DIR:-libfuzzer/target}
    # What cargo-fuzz passes: coverage of edges for libFuzzer, and the checks of a debug build.
    flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
        -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 --cfg fuzzing -Cdebug-assertions'
    case $1 in
    address)
        flags+=' -Cllvm-args=-sanitizer-coverage-level=4
            -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address'
        ;;
    plain)
        flags+=' -Cllvm-args=-sanitizer-coverage-level=3'
        folder+=/plain
        ;;
    esac
    RUSTFLAGS=$(xargs <<<"$flags") cargo +nightly build --quiet --locked --release \
        --target "$host" --target-dir "$folder" --manifest-path libfuzzer/Cargo.toml || return
    echo "$folder/$host/release"
}

targets() {
    for source in libfuzzer/fuzz_targets/*.rs; do basename "$source" .rs; done
}

# Inputs become files; these need no disk.
if [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
