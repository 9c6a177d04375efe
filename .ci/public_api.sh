#!/usr/bin/env bash
# Compares the public items of the library with those of tests/public_api.txt, so that a
# change of the API is seen in review. `--write` makes the file anew.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --rustdoc ]; then
    # Called by cargo below. Rustdoc's JSON is not stable: the variable lets a stable
    # compiler write it.
    shift
    RUSTC_BOOTSTRAP=1 exec "$(rustc --print sysroot)/bin/rustdoc" "$@"
fi
target=${CARGO_TARGET_DIR:-target}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
printf '#!/bin/sh\nexec "%s" --rustdoc "$@"\n' "$PWD/.ci/public_api.sh" >"$scratch/rustdoc"
chmod +x "$scratch/rustdoc"
RUSTDOC=$scratch/rustdoc cargo rustdoc --locked --quiet --package widebeam --lib --features serde,tracing \
    -- -Z unstable-options --output-format json --cap-lints allow
cargo run --locked --quiet --manifest-path tests/public_api/Cargo.toml --target-dir "$target/public_api" \
    -- "$target/doc/widebeam.json" >"$scratch/listed"
if [ "${1:-}" = --write ]; then
    cp "$scratch/listed" tests/public_api.txt
elif ! diff -u tests/public_api.txt "$scratch/listed"; then
    echo 'The public API has changed. If that is meant: .ci/public_api.sh --write' >&2
    exit 1
fi
