#!/usr/bin/env bash
# Runs the whole suite again and again, each time with another seed, and says which
# runs failed:
#
#     tests/repeat.sh 200 [FIRST_SEED]
#
# The documentation's examples are left out: no seed changes them. Output of a failed
# run stays in target/repeat/SEED.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
runs=${1:?how many runs}
first=${2:-1}
mkdir -p target/repeat
tests=(cargo test --locked --lib --bins --tests --examples)
"${tests[@]}" --no-run
failed=()
for ((seed = first; seed < first + runs; seed++)); do
    log=target/repeat/$seed.txt
    if PROPTEST_RNG_SEED=$seed "${tests[@]}" --no-fail-fast >"$log" 2>&1; then
        rm "$log"
    else
        # A seed that a property keeps would fail every later run too.
        git checkout -q -- '*proptest-regressions*'
        failed+=("$seed")
        echo "seed $seed failed: $log"
    fi
done
echo "$runs runs from seed $first: ${#failed[@]} failed"
[ ${#failed[@]} = 0 ]
