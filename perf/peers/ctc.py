#!/usr/bin/env python3
"""The CTC search beside other decoders: agreement first, then time.

    python3 -m venv venv && venv/bin/pip install -r perf/peers/requirements/ctc.txt
    cargo build --release --bins --examples
    venv/bin/python perf/peers/ctc.py target/release OCR_LINES.npz kjv.arpa

- agreement: small random emissions, every beam open, against pyctcdecode and
  ctc-beam-decoder with all pruning off: same texts in the same order, and for
  pyctcdecode same scores;
- n-grams: the score of a text by the ARPA file against KenLM's;
- time: one line of OCR emissions (f16 and f32 for ours; the others need f32) and
  a speech-like item, one thread, all decoders in turn within each round, medians
  of the rounds. A line stays in the last cache from run to run, for all alike.
  What each leaves out is in its name; peers are at their defaults where it says
  so;
- memory: all twelve lines, four times over: 160 MB of f32 that no cache holds.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["OMP_NUM_THREADS"] = "1"

import ctc_beam_decoder
import fast_ctc_decode
import kenlm
import numpy as np
import pyctcdecode
from flashlight.lib.text.decoder import (
    CriterionType,
    LexiconFreeDecoder,
    LexiconFreeDecoderOptions,
    ZeroLM,
)

ROUNDS = 15
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


def flashlight(vocab, blank, tokens):
    options = LexiconFreeDecoderOptions(
        beam_size=100,
        beam_size_token=tokens,
        beam_threshold=1e9,
        lm_weight=0.0,
        sil_score=0.0,
        log_add=True,
        criterion_type=CriterionType.CTC,
    )
    return LexiconFreeDecoder(options, ZeroLM(), -1, blank, [])


def search_time(ours, path, dtype, kind, shape, beams, runs):
    """Our own seconds of each run, and those of a bare read of the same bytes."""
    command = [f"{ours}/examples/ctc_time", path, dtype, kind]
    command += [str(n) for n in (*shape, 0, beams, runs)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    found = json.loads(done.stdout)
    return found["decode"], found["read"]


def from_memory(ours, folder, lines):
    """All lines, several times over, read from memory."""
    lines = np.concatenate([lines.astype(np.float32)] * 4)
    path = f"{folder}/lines"
    lines.tofile(path)
    print(f"\nOCR from memory, {lines.shape}, {lines.nbytes / 1e6:.0f} MB of f32, one thread")
    for beams in (16, 100):
        decode, read = search_time(ours, path, "f32", "probs", lines.shape, beams, 7)
        decode, read = statistics.median(decode), statistics.median(read)
        print(
            f"    {beams:3} beams: {1e3 * decode:.1f} ms, {decode / read:.2f} x a read of the"
            f" emissions ({lines.nbytes / read / 1e9:.1f} GB/s)"
        )


def times(ours, folder, title, emissions, kind, dtype):
    """`emissions` as our decoder reads them, [frames, vocab]."""
    frames, vocab = emissions.shape
    probs = emissions.astype(np.float32)
    if kind == "log-probs":
        probs = np.exp(probs)
    logs = np.ascontiguousarray(np.log(np.maximum(probs, 1e-30)), np.float32)
    alphabet = [chr(0x4E00 + token) for token in range(vocab)]
    labels = ["", *alphabet[1:]]
    files = {}
    for kept in sorted({dtype, "f32"}):
        files[kept] = f"{folder}/{kept}"
        kept_type = {"f16": np.float16, "f32": np.float32}[kept]
        emissions.astype(kept_type).tofile(files[kept])
    threshold = min(1e-3, 0.5 / vocab)
    decoders = {"numpy argmax, f16 or f32 (greedy)": lambda: emissions.argmax(-1)}
    for tokens in (20, 100):
        decoder = flashlight(vocab, 0, min(tokens, vocab))
        decoders[f"flashlight-text, log_add, {tokens} tokens, 100 beams"] = (
            lambda decoder=decoder: decoder.decode(logs.ctypes.data, frames, vocab)
        )
    cbd = ctc_beam_decoder.build_ctcdecoder(labels)
    decoders["ctc-beam-decoder, its defaults (100 beams)"] = lambda: cbd.decode_beams(logs)
    decoders["fast-ctc-decode, its defaults (5 beams, no cut)"] = (
        lambda: fast_ctc_decode.beam_search(probs, alphabet)
    )
    decoders[f"fast-ctc-decode, 5 beams, cut {threshold:.0e}"] = (
        lambda: fast_ctc_decode.beam_search(probs, alphabet, 5, threshold)
    )
    taken = {name: [] for name in decoders}
    for round in range(ROUNDS + 1):
        for name, decode in decoders.items():
            start = time.perf_counter()
            decode()
            if round:
                taken[name].append(time.perf_counter() - start)
        for beams in (16, 100):
            for kept, path in files.items():
                decode, read = search_time(
                    ours, path, kept, kind, (1, frames, vocab), beams, 5
                )
                if round:
                    name = f"widebeam, unpruned, {beams} beams, {kept}"
                    taken.setdefault(name, []).extend(decode)
                    taken.setdefault(f"widebeam, reading {kept} once", []).extend(read)
    print(f"\n{title}, {frames} x {vocab}, one thread, medians of {ROUNDS} rounds")
    reading = statistics.median(taken["widebeam, reading f32 once"])
    for name, seconds in sorted(taken.items(), key=lambda row: statistics.median(row[1])):
        median = statistics.median(seconds)
        print(f"{1e6 * median:10.0f} us {median / reading:8.1f} x  {name}")


def main():
    ours, ocr, arpa = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        agreement(f"{ours}/widebeam", folder)
        n_grams(f"{ours}/widebeam", folder, arpa)
        with np.load(ocr) as file:
            lines = file["probs"]
        times(ours, folder, "OCR", lines[0], "probs", "f16")
        from_memory(ours, folder, lines)
        random = np.random.default_rng(9)
        logits = random.normal(0, 1.5, (371, 29))
        peaks = np.where(random.random(371) < 0.55, 0, random.integers(0, 29, 371))
        logits[np.arange(371), peaks] += random.uniform(4, 9, 371)
        speech = np.log(softmax(logits)).astype(np.float32)
        times(ours, folder, "speech-like", speech, "log-probs", "f32")


if __name__ == "__main__":
    main()
