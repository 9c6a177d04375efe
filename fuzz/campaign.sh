#!/usr/bin/env bash
# fuzz/campaign.sh INPUTS [TARGET...]: tries so many inputs of each target (or those named), some
# minutes of each in turn, on one core at the lowest priority. It begins with what is in
# fuzz/corpus and the seeds; of these it keeps in the end what adds coverage, run once more under
# the address sanitizer. After each turn fuzz/campaigns.md has what was tried so far of this
# commit on this machine: it can be ended and started again. A target that fails has no more
# turns, and the exit code is 1; the input then lies in fuzz/artifacts. Exits 3 where there is no
# nightly toolchain.
#
#     nohup fuzz/campaign.sh 1000000 >/dev/null &
set -euo pipefail
cd "$(dirname "$0")"
inputs=$1
shift
. ./build.sh
[ $# != 0 ] || set -- $(targets)
renice -n 19 $$ >/dev/null
plain=$(build plain)
turn=300

# The best level of this processor; the targets try it and those below.
level=baseline
has() { grep -qm1 "^flags.*\b$1\b" /proc/cpuinfo; }
if has avx2 && has fma; then level=avx2; fi
if has avx512f && has avx512bw && has avx512dq && has avx512vl; then level=avx512; fi
# The last commit that changed what the targets run.
commit=$(git log -1 --format=%h -- ../src ../cli/src ../perf/src ../tests/toy src libfuzzer)

# The inputs of searches make their own cases of few bytes; files are longer.
longest() {
    case $1 in
    independent | ctc | autoregressive | stream | admission | transducer) echo 400 ;;
    *) echo 4096 ;;
    esac
}

row() { grep -F "| $commit | $level | \`$1\` |" campaigns.md || true; }
tried() { row "$1" | awk -F '|' '{ print $6 + 0 }'; }

# note TARGET INPUTS SECONDS EDGES FEATURES: adds to the target's row.
note() {
    awk -v line="$(row "$1")" -v name="| $(date -u +%F) | $commit | $level | \`$1\` |" \
        -v inputs="$2" -v seconds="$3" -v edges="$4" -v features="$5" '
        BEGIN {
            if (split(line, old, "|") > 5) {
                inputs += old[6]
                if (old[7] > 0) seconds += old[6] / old[7]
            }
            new = sprintf("%s %d | %d | %d | %d |", name, inputs, inputs / (seconds + 0.001), edges, features)
        }
        line == "" || $0 != line { print }
        END { print new }' campaigns.md >campaigns.new
    mv campaigns.new campaigns.md
}

declare -A failed=()
fails() {
    tail -n 60 "$2" >&2
    echo "fuzz target $1 failed" >&2
    failed[$1]=yes
}

going=yes
while [ $going = yes ]; do
    going=no
    for target in "$@"; do
        before=$(tried "$target")
        if [ -n "${failed[$target]:-}" ] || [ "${before:-0}" -ge "$inputs" ]; then continue; fi
        going=yes
        corpus=corpus/$target
        mkdir -p "$corpus" "artifacts/$target"
        log=artifacts/$target.log
        # The time of the processor: a machine may have other work as well.
        TIMEFORMAT='%U %S'
        if ! seconds=$({ time "$plain/$target" "$corpus" "tests/seeds/$target" \
            -artifact_prefix="artifacts/$target/" -max_total_time="$turn" \
            -runs=$((inputs - ${before:-0})) -timeout=300 \
            -max_len="$(longest "$target")" -entropic=0 -rss_limit_mb=4096 \
            >"$log" 2>&1; } 2>&1); then
            fails "$target" "$log"
            continue
        fi
        seconds=$(awk '{ print $1 + $2 }' <<<"$seconds")
        runs=$(sed -n 's/^Done \([0-9]*\) runs .*/\1/p' "$log")
        read -r edges features < <(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2/p' "$log" | tail -n 1)
        note "$target" "$runs" "$seconds" "$edges" "$features"
    done
done

address=$(build address)
# Traces of allocations, and a long quarantine of what is freed, cost more than the searches.
export ASAN_OPTIONS=malloc_context_size=0:quarantine_size_mb=4:detect_leaks=0
for target in "$@"; do
    if [ -n "${failed[$target]:-}" ]; then continue; fi
    less=corpus/$target.less
    rm -rf "$less"
    mkdir "$less"
    log=artifacts/$target.merge.log
    # Each input in a process that may fail alone; those that do are named in the log.
    if ! "$address/$target" -merge=1 -max_len="$(longest "$target")" -detect_leaks=0 \
        -artifact_prefix="artifacts/$target/" "$less" "corpus/$target" "tests/seeds/$target" \
        >"$log" 2>&1 || grep -q '^SUMMARY:' "$log"; then
        fails "$target" "$log"
        continue
    fi
    rm -rf "corpus/$target"
    mv "$less" "corpus/$target"
done
[ ${#failed[@]} = 0 ]
