#!/usr/bin/env bash
# Draws the pictures of terminals in the READMEs anew, from what the tool prints.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --release -p widebeam-cli --bins --example picture
release=${CARGO_TARGET_DIR:-target}/release
shown=$(CLICOLOR_FORCE=1 "$release/widebeam")
{
    sed -n '1,21p' <<<"$shown"
    echo ...
    grep 'Character errors' <<<"$shown"
} | "$release/examples/picture" '$ cargo run --release' '' >docs/ocr.svg
