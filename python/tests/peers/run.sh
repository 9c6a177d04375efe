#!/usr/bin/env bash
# Runs the tests of the wheel that need other packages, each set in an environment of its own with
# pinned versions:
#
#     python/tests/peers/run.sh [torch] [transformers] [torchaudio] [pyctcdecode] [fast_ctc_decode]
#         [ctranslate2] [sherpa_onnx] [jax] [engines] [suite]
#
# By default all but the last, which runs pyctcdecode's own tests against the stand-in and needs a
# checkout of it in $PYCTCDECODE. `engines` are Ray, Spark (with a Java) and datasets.
# Environments are kept in $PEERS, if it is set, and else each is gone when its tests are done: one
# with torch takes 6 GB. $WHEEL is a wheel that is built already. Exits with 3 if something cannot
# be had.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
not_run() { echo "NOT RUN: $*" >&2; exit 3; }

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
peers=${PEERS:-$scratch}
names=("$@")
[ $# -gt 0 ] || names=(
    torch transformers torchaudio pyctcdecode fast_ctc_decode ctranslate2 sherpa_onnx jax engines
)

environment() { # NAME: the folder of its environment, with the packages of NAME.txt and the wheel
    local folder=$peers/$1
    [ -e "$folder" ] || "$python" -m venv "$folder" || not_run "$python has no venv"
    "$folder/bin/pip" install --quiet --disable-pip-version-check -r "$here/$1.txt" ||
        not_run "pip could not install what $1.txt lists"
    "$folder/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$WHEEL"
}

if [ -z "${WHEEL:-}" ]; then
    "$python" -m venv "$scratch/build" || not_run "$python has no venv"
    "$scratch/build/bin/pip" install --quiet 'maturin>=1.10,<2' || not_run "maturin cannot be had"
    (cd "$here/../.." && "$scratch/build/bin/maturin" build --quiet --locked --profile dev --out "$scratch/wheel")
    WHEEL=$(echo "$scratch"/wheel/*.whl)
fi

for name in "${names[@]}"; do
    echo "== $name"
    case $name in
    suite)
        environment pyctcdecode
        "$peers/pyctcdecode/bin/python" "$here/pyctcdecode_suite.py" \
            "${PYCTCDECODE:?a checkout of kensho-technologies/pyctcdecode}" ||
            echo "README.md says which of these are known to fail, and why"
        ;;
    *)
        environment "$name"
        # In a folder of its own: engines look for packages where they are started.
        (cd "$scratch" && "$peers/$name/bin/pytest" --quiet -rP --show-capture stdout -p no:cacheprovider \
            -c "$here/../../pyproject.toml" "$here/../with_$name")
        ;;
    esac
    [ -n "${PEERS:-}" ] || rm -rf "${peers:?}/$name"
done
