#!/usr/bin/env python3
"""The PyTorch snippet beside widebeam: the same answers, and the times.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install -r perf/requirements.txt
    cargo build --release
    /tmp/venv/bin/python perf/snippet.py check
    /tmp/venv/bin/python perf/snippet.py speed

`check` decodes one random tensor with both and compares every token and score.
`speed` times three programs in turn, round after round: the snippet, the best
formulation in PyTorch that we know, and widebeam.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
# (batch, time, vocab) and beam width.
SHAPES = [
    ((32, 20, 1000), 3),
    ((32, 20, 50000), 5),
    ((8, 64, 128256), 10),
    ((64, 200, 5000), 16),
    ((1, 20, 50000), 5),
]


def snippet(log_probs, beam_size):
    """Beam search as it is usually written: at each step the best of
    beam x vocab by `topk`, the sequences grown by one column."""
    batch, steps, vocab = log_probs.shape
    scores, tokens = log_probs[:, 0].topk(beam_size, dim=-1)
    sequences = tokens.unsqueeze(-1)
    for step in range(1, steps):
        totals = scores.unsqueeze(-1) + log_probs[:, step].unsqueeze(1)
        scores, flat = totals.reshape(batch, -1).topk(beam_size, dim=-1)
        parents = torch.div(flat, vocab, rounding_mode="floor")
        kept = sequences.gather(1, parents.unsqueeze(-1).expand(-1, -1, step))
        sequences = torch.cat([kept, (flat % vocab).unsqueeze(-1)], dim=-1)
    return sequences, scores


def best_formulation(rows, beam_size):
    """The best we know in PyTorch: one `topk` over all positions, the logarithm
    of what it finds alone, k x k a step, back-pointers, one trace at the end."""
    values, kept = rows
    batch, steps, k = values.shape
    scores, ranks = values[:, 0], torch.arange(k).expand(batch, k)
    chosen, parents = [ranks], []
    for step in range(1, steps):
        totals = (scores.unsqueeze(-1) + values[:, step].unsqueeze(1)).reshape(batch, -1)
        scores, flat = totals.topk(beam_size, dim=-1)
        parents.append(flat // k)
        chosen.append(flat % k)
    sequences = torch.empty(batch, beam_size, steps, dtype=torch.int64)
    at = torch.arange(beam_size).expand(batch, beam_size)
    for step in range(steps - 1, -1, -1):
        ranks = chosen[step].gather(1, at)
        sequences[:, :, step] = kept[:, step].gather(1, ranks)
        if step:
            at = parents[step - 1].gather(1, at)
    return sequences, scores


def run_snippet(scores, kind, beam_size):
    return snippet(scores.log() if kind == "probs" else scores.log_softmax(-1), beam_size)


def run_best(scores, kind, beam_size):
    values, tokens = scores.topk(beam_size, dim=-1)
    if kind == "probs":
        values = values.log()
    else:
        values = values - scores.logsumexp(-1, keepdim=True)
    return best_formulation((values, tokens), beam_size)


def random_scores(shape, kind, seed=1):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator).mul_(3)
    return logits.softmax(-1) if kind == "probs" else logits


def check(options):
    """Both, on the same float32 probabilities; the snippet computes in f64."""
    shape, beams = SHAPES[0]
    scores = random_scores(shape, "probs")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.npy"
        np.save(path, scores.numpy())
        command = [options.widebeam, "decode", path, "--search", "independent", "--scores", "probs"]
        command += ["--beams", str(beams), "--format", "jsonl"]
        lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    answers = [json.loads(line) for line in lines]
    ours = torch.tensor([[h["tokens"] for h in item["hypotheses"]] for item in answers])
    our_scores = torch.tensor([[h["score"] for h in item["hypotheses"]] for item in answers], dtype=torch.float64)
    for name, search in [("the snippet", run_snippet), ("the best formulation", run_best)]:
        sequences, totals = search(scores.double(), "probs", beams)
        tokens_equal = ours.shape == sequences.shape and torch.equal(ours, sequences)
        largest = (our_scores - totals).abs().max().item()
        print(f"{shape}, {beams} beams, against {name}: tokens {'equal' if tokens_equal else 'DIFFER'}, "
              f"largest difference of scores {largest:.1e}")
        if not (tokens_equal and largest <= 1e-9):
            sys.exit("the answers differ")


def seconds(work, at_least=0.02):
    """Of one go; short work is repeated, as `widebeam bench` does."""
    start, done = time.perf_counter(), 0
    while done == 0 or time.perf_counter() - start < at_least:
        work()
        done += 1
    return (time.perf_counter() - start) / done


def ours(options, shape, kind, beams):
    """Median of 3 runs, in a process of its own, on scores of its own making."""
    command = [options.widebeam, "bench", "independent", "--shape", "x".join(map(str, shape))]
    command += ["--beams", str(beams), "--scores", kind, "--threads", str(options.threads)]
    command += ["--runs", "3", "--no-reference", "--json"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)["rows"][0]["engine"]["seconds"]


def speed(options):
    torch.set_num_threads(options.threads)
    rows = []
    for shape, beams in SHAPES:
        name = "x".join(map(str, shape))
        if options.shape and name not in options.shape:
            continue
        for kind in options.scores:
            scores = random_scores(shape, kind)
            programs = {
                "snippet": lambda: seconds(lambda: run_snippet(scores, kind, beams)),
                "best_pytorch": lambda: seconds(lambda: run_best(scores, kind, beams)),
                "widebeam": lambda: ours(options, shape, kind, beams),
            }
            # Both ways in PyTorch find the same sequences, so both are timed at
            # the same task. Sums that f32 rounds to the same number it may
            # rank in either order: scores are compared, and not to the bit.
            a, b = run_snippet(scores, kind, beams)[1], run_best(scores, kind, beams)[1]
            if not torch.allclose(a, b, rtol=1e-4, atol=1e-3):
                sys.exit(f"{name} {kind}: the two ways in PyTorch differ")
            times = {program: [] for program in programs}
            for _ in range(options.rounds):
                for program, measure in programs.items():
                    times[program].append(measure())
            median = {program: statistics.median(runs) for program, runs in times.items()}
            rows.append({
                "shape": list(shape), "beams": beams, "scores": kind,
                "seconds": median, "runs": times,
                "snippet_over_widebeam": median["snippet"] / median["widebeam"],
                "best_pytorch_over_widebeam": median["best_pytorch"] / median["widebeam"],
            })
            if sys.stderr.isatty():
                print(f"\r{name} {kind} done\033[K", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    if options.json:
        print(json.dumps({"torch": torch.__version__, "threads": options.threads, "rows": rows}, indent=1))
        return
    print(f"PyTorch {torch.__version__}, {options.threads} threads each, medians of {options.rounds} rounds in turn\n")
    header = ["shape", "beams", "scores", "snippet ms", "best PyTorch ms", "widebeam ms", "snippet /", "best PyTorch /"]
    table = [header]
    for row in rows:
        ms = [f"{1e3 * row['seconds'][p]:.2f}" for p in ("snippet", "best_pytorch", "widebeam")]
        ratios = [f"{row['snippet_over_widebeam']:.0f} x", f"{row['best_pytorch_over_widebeam']:.1f} x"]
        table.append(["x".join(map(str, row["shape"])), str(row["beams"]), row["scores"], *ms, *ratios])
    widths = [max(len(line[column]) for line in table) for column in range(len(header))]
    for line in table:
        cells = [cell.ljust(w) if i in (0, 2) else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths))]
        print("  ".join(cells).rstrip())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--widebeam", default=ROOT / "target/release/widebeam", help="the built tool")
    commands = parser.add_subparsers(required=True)
    checking = commands.add_parser("check", help="compare tokens and scores")
    checking.set_defaults(run=check)
    timing = commands.add_parser("speed", help="compare times")
    timing.add_argument("--rounds", type=int, default=5)
    timing.add_argument("--threads", type=int, default=os.cpu_count())
    timing.add_argument("--shape", action="append", help="only this one, as in 32x20x1000; may be repeated")
    timing.add_argument("--scores", nargs="+", choices=["probs", "logits"], default=["probs", "logits"])
    timing.add_argument("--json", action="store_true")
    timing.set_defaults(run=speed)
    options = parser.parse_args()
    options.run(options)


main()
