#!/usr/bin/env bash
# tests/machines/rows.sh: the instructions that one row takes on aarch64, found under QEMU by
# reading the same 50 rows twice and three times; for each a line of type, kind, vocabulary, k and the
# count. QEMU says nothing of time. Exits 3 where the packages cannot be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

# As users build it: with less, small functions of vectors are calls, and bf16 rows took four times
# as many instructions as f32 ones.
export CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1 CARGO_PROFILE_RELEASE_OPT_LEVEL=3
program=$(tests/machines/run.sh --build aarch64 rows)
plugin=$(mktemp --suffix .so)
trap 'rm "$plugin"' EXIT
gcc -O2 -fPIC -shared -o "$plugin" tests/machines/instructions.c

count() {
    WIDEBEAM_ROWS="$*" qemu-aarch64 -plugin "$plugin" "$program" rows --exact --ignored \
        --test-threads 1 2>&1 >/dev/null | sed -n 's/ instructions$//p'
}
for row in 'f32 probs 5000 16' 'f16 probs 5000 16' 'bf16 probs 5000 16' 'f32 probs 1000 5' \
    'f16 probs 1000 5' 'f32 logits 5000 16' 'f16 logits 5000 16' 'bf16 logits 5000 16' \
    'f32 logits 50000 5' 'f16 logits 50000 5' 'f32 probs 29 16'; do
    twice=$(count "$row" 2)
    thrice=$(count "$row" 3)
    printf '%-20s %9d\n' "$row" $(((thrice - twice) / 50))
done
