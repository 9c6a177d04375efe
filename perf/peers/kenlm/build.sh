#!/usr/bin/env bash
# build.sh FOLDER: KenLM's Python module in FOLDER/venv, and its programs in FOLDER.
# It needs pip, g++ and the network. Then:
#   FOLDER/venv/bin/python fixtures.py   makes tests/fixtures/kenlm anew
#   FOLDER/venv/bin/python compare.py    asks 100,000 scores a file, to the bit
#   FOLDER/venv/bin/python variants.py   says which ARPA files KenLM reads, and we
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1" && cd "$1"
python3 -m venv venv
venv/bin/pip install -q cmake numpy
venv/bin/pip download -q --no-deps --no-binary :all: kenlm==0.3.0
tar xzf kenlm-0.3.0.tar.gz
venv/bin/pip install -q ./kenlm-0.3.0
sources=$(ls kenlm-0.3.0/{lm,util,util/double-conversion}/*.cc | grep -v -e _test.cc -e _main.cc -e cat_compressed -e lm/fragment)
flags='-O3 -DNDEBUG -DKENLM_MAX_ORDER=6 -Ikenlm-0.3.0'
mkdir -p objects
for source in $sources; do
    g++ $flags -c "$source" -o "objects/$(basename "$source" .cc).o"
done
g++ $flags kenlm-0.3.0/lm/build_binary_main.cc objects/*.o -o build_binary -lpthread
for program in build_rest measure; do
    g++ $flags "$here/$program.cc" objects/*.o -o "$program" -lpthread
done
