#!/usr/bin/env python3
"""The CTC search: its answers beside those of others, its time beside a read.

    python3 -m venv venv && venv/bin/pip install -r perf/peers/requirements/ctc.txt
    cargo build --release --bins --examples
    venv/bin/python perf/peers/ctc.py target/release OCR_LINES.npz kjv.arpa

- agreement: small random emissions, every beam open, against pyctcdecode and
  ctc-beam-decoder with all pruning off: same texts in the same order, and for
  pyctcdecode same scores;
- n-grams: the score of a text by the ARPA file against KenLM's;
- memory: all twelve lines, four times over: 160 MB of f32 that no cache holds,
  decoded by our search and read in turn.

How long the others take: `run.py --only ctc`.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

os.environ["OMP_NUM_THREADS"] = "1"

import ctc_beam_decoder
import kenlm
import numpy as np
import pyctcdecode

OFF = -1e9


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def agreement(tool, folder):
    random = np.random.default_rng(5)
    labels = ["", "a", "b", "c"]
    peers = {
        "pyctcdecode": pyctcdecode.build_ctcdecoder(labels),
        "ctc-beam-decoder": ctc_beam_decoder.build_ctcdecoder(labels),
    }
    label_file = f"{folder}/labels.txt"
    with open(label_file, "w") as file:
        file.write("\n".join(labels) + "\n")
    worst, cases = 0.0, 60
    for case in range(cases):
        frames = 1 + case % 7
        probs = softmax(random.normal(0, 2, (frames, len(labels)))).astype(np.float32)
        logs = np.log(probs)
        np.save(f"{folder}/case.npy", logs)
        command = [tool, "decode", f"{folder}/case.npy", "--search", "ctc", "--blank", "0"]
        command += ["--scores", "log-probs", "--beams", "20000", "--labels", label_file]
        command += ["--format", "jsonl", "--nbest", "5"]
        done = subprocess.run(command, capture_output=True, check=True, text=True)
        ours = [(h["text"], h["score"]) for h in json.loads(done.stdout)["hypotheses"]]
        for name, peer in peers.items():
            beams = peer.decode_beams(
                logs, beam_width=20000, beam_prune_logp=OFF, token_min_logp=OFF
            )
            found = [(beam[0], float(beam[-2])) for beam in beams[: len(ours)]]
            if [text for text, _ in found] != [text for text, _ in ours]:
                sys.exit(f"case {case}: {name} {found}, ours {ours}\n{probs}")
            for (_, a), (_, b) in zip(found, ours):
                worst = max(worst, abs(a - b))
    print(f"agreement: {cases} cases, best 5 texts equal to {' and '.join(peers)};")
    print(f"    scores within {worst:.1e}")


def n_grams(tool, folder, arpa):
    """Scores one fixed text a character at a time by a one-path emission."""
    model = kenlm.Model(arpa)
    text = "In the beginning was the Word, and the Word was with God"
    labels = ["", *sorted(set(text))]
    with open(f"{folder}/labels.txt", "w") as file:
        file.write("\n".join(labels) + "\n")
    frames = np.zeros((2 * len(text), len(labels)), np.float32)
    for at, character in enumerate(text):
        frames[2 * at, labels.index(character)] = 1
        frames[2 * at + 1, 0] = 1
    np.save(f"{folder}/case.npy", frames)
    command = [tool, "decode", f"{folder}/case.npy", "--search", "ctc", "--blank", "0"]
    command += ["--scores", "probs", "--beams", "1", "--labels", f"{folder}/labels.txt"]
    command += ["--format", "jsonl", "--lm", arpa, "--lm-weight", "1"]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    ours = json.loads(done.stdout)["hypotheses"][0]["score"]
    words = ["<space>" if c == " " else c for c in text]
    scores = [score for score, _, _ in model.full_scores(" ".join(words), bos=True, eos=True)]
    theirs = sum(score * float(np.log(10)) for score in scores[:-1])
    theirs += scores[-1] * float(np.log(10))
    if abs(ours - theirs) > 1e-12 * abs(theirs):
        sys.exit(f"n-grams: ours {ours!r}, KenLM's {theirs!r}")
    print(f"n-grams: {len(scores)} scores of KenLM's add up to ours within 1e-12: {ours:.6f}")


def from_memory(ours, folder, lines):
    """All lines, several times over, read from memory."""
    for dtype, kept in [("f32", np.float32), ("f16", np.float16)]:
        copies = np.concatenate([lines.astype(kept)] * 4)
        path = f"{folder}/lines"
        copies.tofile(path)
        print(f"\nOCR from memory, {copies.shape}, {copies.nbytes / 1e6:.0f} MB of {dtype}, one thread")
        for beams in (16, 100):
            command = [f"{ours}/examples/ctc_time", path, dtype]
            command += [str(n) for n in (*copies.shape, 0, beams, 7)]
            done = subprocess.run(command, capture_output=True, check=True, text=True)
            rows = [line.split() for line in done.stdout.splitlines()]
            decode, read = [statistics.median(map(float, seconds)) for _, *seconds in rows]
            print(
                f"    {beams:3} beams: {1e3 * decode:.1f} ms, {decode / read:.2f} x a read of the"
                f" emissions ({copies.nbytes / read / 1e9:.1f} GB/s)"
            )


def main():
    ours, ocr, arpa = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        agreement(f"{ours}/widebeam", folder)
        n_grams(f"{ours}/widebeam", folder, arpa)
        with np.load(ocr) as file:
            lines = file["probs"]
        from_memory(ours, folder, lines)


if __name__ == "__main__":
    main()
