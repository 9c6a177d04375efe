#!/usr/bin/env python3
"""Character error rates on the OCR lines: greedy, beam 16, beam 16 with a model.

    error_rates.py target/release/widebeam ocr_lines_f16.npz cli/assets/ocr_labels.txt \\
        cli/assets/ocr_truth.txt kjv.arpa

The model is made by kjv_ngrams.py. Its weight and the bonus a character are
chosen on the first half of the lines and reported on the second, and the other
way round; the last line of the table joins the two halves.
"""

import itertools
import json
import subprocess
import sys

import numpy

WEIGHTS = [0.2, 0.4, 0.6, 0.8, 1.0]
BONUSES = [0.0, 0.5, 1.0, 1.5]


def distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        before, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (x != y))
    return row[-1]


def main():
    tool, emissions, label_file, truth_file, model = sys.argv[1:]
    with open(label_file, encoding="utf-8") as file:
        labels = file.read().split("\n")
    with open(truth_file, encoding="utf-8") as file:
        truth = file.read().splitlines()
    half = len(truth) // 2

    def errors(texts):
        return [distance(a, b) for a, b in zip(truth, texts, strict=True)]

    def beam(*more):
        command = [tool, "decode", emissions, "--array", "probs", "--search", "ctc"]
        command += ["--blank", "0", "--scores", "probs", "--beams", "16", "--labels", label_file]
        command += ["--format", "jsonl", "--nbest", "1", *more]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        return errors([json.loads(l)["hypotheses"][0]["text"] for l in done.stdout.splitlines()])

    def greedy():
        with numpy.load(emissions) as file:
            best, lengths = file["probs"].argmax(-1), file["lengths"]
        texts = []
        for path, length in zip(best, lengths):
            runs = [token for token, _ in itertools.groupby(path[:length])]
            texts.append("".join(labels[token] for token in runs if token != 0))
        return errors(texts)

    grid = {
        (weight, bonus): beam(
            "--lm", model, "--lm-weight", str(weight), "--token-bonus", str(bonus)
        )
        for weight in WEIGHTS
        for bonus in BONUSES
    }
    first = min(grid, key=lambda at: sum(grid[at][:half]))
    second = min(grid, key=lambda at: sum(grid[at][half:]))
    rows = {
        "greedy": greedy(),
        "beam 16": beam(),
        "beam 16 + model": grid[second][:half] + grid[first][half:],
    }
    characters = sum(map(len, truth))
    print(f"{len(truth)} lines, {characters} characters; weight and bonus {second}, {first}")
    for name, found in rows.items():
        print(f"{name:16} {sum(found):3} errors  {100 * sum(found) / characters:.2f} %")


if __name__ == "__main__":
    main()
