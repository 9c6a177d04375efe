#!/usr/bin/env bash
# examples/browser/build.sh: builds widebeam_browser.wasm beside the page, with the vectors of
# WebAssembly (simd128), which every browser has had since 2023; BROWSER_SIMD=no builds it
# without.
#
# rustup's compiler does it where it has the target (`rustup target add
# wasm32-unknown-unknown`). Else Debian's does, with the standard library built from source;
# exits 3 where its packages are not there and cannot be installed.
set -euo pipefail
cd "$(dirname "$0")"

triple=wasm32-unknown-unknown
arguments=(--quiet --locked --release --target "$triple")
if [ "${BROWSER_SIMD:-}" != no ]; then export RUSTFLAGS='-Ctarget-feature=+simd128'; fi
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ]; then
    ../../tests/machines/packages.sh rustc-web rust-web-src lld-19
    export RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19
    arguments+=(-Zbuild-std=std,panic_abort)
fi
cargo build "${arguments[@]}"
cp "${CARGO_TARGET_DIR:-target}/$triple/release/widebeam_browser.wasm" .
