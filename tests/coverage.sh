#!/usr/bin/env bash
# Line coverage of the library by its unit and integration tests, by file. Needs
# cargo-llvm-cov, and the llvm-cov and llvm-profdata of the compiler's LLVM version,
# which `rustc -vV` names:
#
#     LLVM_COV=llvm-cov-22 LLVM_PROFDATA=llvm-profdata-22 tests/coverage.sh [--text]
#
# `--text` lists each line with its count in place of the table.
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo llvm-cov --locked --package widebeam --tests \
    --ignore-filename-regex '(tests|reference|measure|benches|examples|perf)/|(marks|reference|tests|cases)\.rs$' "$@"
