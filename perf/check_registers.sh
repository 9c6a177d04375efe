#!/usr/bin/env bash
# Proves from the built program that each level's kernels were compiled to the
# level's own registers:
#
#     cargo build --release && perf/check_registers.sh [PROGRAM]
#
# A function that is not inlined into its level's entry is compiled without the
# level's instructions. Its intrinsics then stay calls, and show up as symbols
# of core::arch; registers alone would not tell, as the rest still has them.
set -euo pipefail
program=${1:-$(dirname "$0")/../target/release/widebeam}

if ! command -v objdump >/dev/null; then
    echo 'check_registers: skipped, there is no objdump (binutils)' >&2
    exit 0
fi
if [[ $(objdump -f "$program") != *x86-64* ]]; then
    echo "check_registers: skipped, $program is not for x86-64" >&2
    exit 0
fi

objdump -d -C --no-show-raw-insn "$program" | awk '
    function fail(message) { print "check_registers: " message; failed = 1 }
    function finish() {
        if (level == "avx512" && !zmm) fail(name " uses no zmm register")
        if (level == "avx2" && !ymm) fail(name " uses no ymm register")
        if (level == "avx2" && zmm) fail(name " uses zmm registers")
        # Whatever else is ours is compiled for any processor.
        if (level == "baseline" && (ymm || zmm)) fail(name " uses ymm or zmm registers")
        if (level != "") { functions[level]++; vectors[level] += xmm + ymm + zmm; divisions[level] += divides }
        level = ""
    }
    /^[0-9a-f]+ <.*>:$/ {
        finish()
        name = $0; sub(/^[0-9a-f]+ </, "", name); sub(/>:$/, "", name)
        xmm = ymm = zmm = divides = 0
        if (name ~ /::avx512_entry/) level = "avx512"
        else if (name ~ /::avx2_entry/) level = "avx2"
        else if (name ~ /^<*widebeam(_cli|_perf)?::/) level = "baseline"
        # The standard library calls some itself, where it asks the processor
        # what it has; no vector arithmetic is among them.
        if (name ~ /core_arch::/ && name !~ /::(aes|xsave|cpuid)::/) fail("out of line: " name)
        next
    }
    level != "" { xmm += /%xmm/; ymm += /%ymm/; zmm += /%zmm/; divides += /divpd.*%[yz]mm/ }
    END {
        finish()
        if (!functions["avx512"]) fail("no entry of AVX-512 was found")
        if (!functions["avx2"]) fail("no entry of AVX2 was found")
        # Symbols do not tell one kernel from another. The logarithm and log-add
        # are the only ones that divide.
        if (!divisions["avx512"]) fail("no entry of AVX-512 divides whole registers of f64")
        if (!divisions["avx2"]) fail("no entry of AVX2 divides whole registers of f64")
        if (!vectors["baseline"]) fail("no vector code of the baseline was found")
        if (failed) exit 1
        printf "check_registers: %d AVX-512 entries use zmm, %d AVX2 entries ymm and no zmm, ", \
            functions["avx512"], functions["avx2"]
        printf "%d other functions neither; no intrinsic is called\n", functions["baseline"]
    }'
