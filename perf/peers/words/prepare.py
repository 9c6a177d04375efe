"""Writes what every program of run.py reads: the same bytes for all of them.

    prepare.py DATA FOLDER [BUILD_BINARY]

DATA holds the OCR lines and the folder `speech`. Of each of the two, FOLDER gets
`emission.npz` (log_probs, f32, and lengths), `labels.txt`, `truth.json` and the lengths in
`frames.json`, speech also `lexicon.txt`. `unigrams.txt` has the words of the language model.
The model becomes `model.bin`, which KenLM's BUILD_BINARY makes (probing, its default), or
without it `model.arpa`.
"""

import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

# The OCR model's output, folded: letters of either case are one, as are apostrophes. What
# the language model has no words with (punctuation, digits, Chinese) joins the blank.
LETTERS = "abcdefghijklmnopqrstuvwxyz' "
APOSTROPHES = "'’`"
# The least probability. pyctcdecode has the same floor.
TINY = 1e-15


def main():
    data, folder = Path(sys.argv[1]), Path(sys.argv[2])
    speech(data / "speech", folder / "speech")
    ocr(data, folder / "ocr")
    model(data / "speech" / "en-us.arpa.gz", folder, sys.argv[3:])


def speech(data, folder):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = np.load(data / "phonemes_f16.npz")
    write(folder, arrays["log_probs"].astype(np.float32), arrays["lengths"])
    shutil.copyfile(data / "phoneme_labels.txt", folder / "labels.txt")
    (folder / "lexicon.txt").write_bytes(gzip.decompress((data / "lexicon.txt.gz").read_bytes()))
    clips = json.loads((data / "truth.json").read_text())
    (folder / "truth.json").write_text(json.dumps([clip["text"] for clip in clips]))


def ocr(data, folder):
    folder.mkdir(parents=True, exist_ok=True)
    arrays = np.load(data / "ocr_lines_f16.npz")
    labels = (data / "ocr_labels.txt").read_text(encoding="utf-8").split("\n")[: arrays["probs"].shape[2]]
    probs = arrays["probs"].astype(np.float64)
    folded = np.zeros((*probs.shape[:2], 1 + len(LETTERS)))
    for token, label in enumerate(labels):
        label = "'" if label in [*APOSTROPHES] else label.lower()
        folded[:, :, 1 + LETTERS.find(label) if len(label) == 1 else 0] += probs[:, :, token]
    folded /= folded.sum(axis=2, keepdims=True)
    write(folder, np.log(np.maximum(folded, TINY)).astype(np.float32), arrays["lengths"])
    (folder / "labels.txt").write_text("\n".join(["<blank>", *LETTERS[:-1], "<space>"]) + "\n")
    lines = json.loads((data / "ocr_lines_truth.json").read_text())
    keep = lambda line: " ".join("".join(c for c in line.lower() if c in LETTERS).split())
    (folder / "truth.json").write_text(json.dumps([keep(line) for line in lines]))


def write(folder, log_probs, lengths):
    np.savez(folder / "emission.npz", log_probs=log_probs, lengths=lengths.astype(np.int64))
    (folder / "frames.json").write_text(json.dumps(lengths.tolist()))


def model(source, folder, build_binary):
    arpa = folder / "model.arpa"
    if not arpa.exists():
        with gzip.open(source) as packed, open(folder / "unpacking", "wb") as out:
            shutil.copyfileobj(packed, out)
        (folder / "unpacking").rename(arpa)
    marks, words = {"<s>", "</s>", "<unk>"}, []
    with open(arpa, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("\\2-grams:"):
                break
            fields = line.split("\t")
            words += [fields[1].strip()] if len(fields) > 1 else []
    (folder / "unigrams.txt").write_text("\n".join(word for word in words if word not in marks) + "\n")
    if build_binary:
        command = [build_binary[0], "-s", "-T", folder / "sort", "-S", "1G", arpa, folder / "building"]
        subprocess.run(command, check=True, capture_output=True)
        (folder / "building").rename(folder / "model.bin")


if __name__ == "__main__":
    main()
