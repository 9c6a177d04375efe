#!/usr/bin/env bash
# fuzz/smoke.sh [SECONDS [TARGET...]]: runs each target (or those named) for some
# seconds, from the seeds, and says how many inputs it tried; in 0 seconds it
# builds them only. Needs a nightly toolchain, for the coverage and the
# sanitizer, but not cargo-fuzz. Exits 3 where there is none, 1 where a target
# fails; the input then lies in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=${1:-5}
shift || true

. ./build.sh
built=$(build address)
[ "$seconds" != 0 ] || exit 0

[ $# != 0 ] || set -- $(targets)
for target in "$@"; do
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target.log
    if ! "$built/$target" "corpus/$target" "tests/seeds/$target" \
        -artifact_prefix="artifacts/$target/" -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=2048 -print_final_stats=1 >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "fuzz target $target failed" >&2
        exit 1
    fi
    sed -n "s/^Done \([0-9]*\) runs in \([0-9]*\) .*/$target: \1 inputs in \2 s, none failed/p" "$log"
done
