"""The time of ``widebeam.beam_search`` in Python, beside the snippet that it replaces.

Tensors of torch in and out, at the five shapes of the README. Prints medians over turns of either.
"""

import statistics
import sys
import time
from pathlib import Path

import torch

import widebeam

sys.path.insert(0, str(Path(__file__).parents[3] / "perf" / "peers"))
from programs import pytorch  # noqa: E402

SHAPES = [(32, 20, 1000, 3), (32, 20, 50000, 5), (8, 64, 128256, 10), (64, 200, 5000, 16), (1, 20, 50000, 5)]
TURNS, SECONDS = 4, 0.7


def turn(search):
    """Milliseconds of each run. The first is left out: threads of the other way, which wait for
    work in a loop, take its time."""
    times, ends = [], time.perf_counter() + SECONDS
    while len(times) < 3 or time.perf_counter() < ends:
        begun = time.perf_counter()
        search()
        times.append(1e3 * (time.perf_counter() - begun))
    return times[1:]


def main():
    threads = torch.get_num_threads()
    widebeam.set_num_threads(threads)
    print(f"{threads} threads each")
    for *shape, beams in SHAPES:
        torch.manual_seed(0)
        probs = torch.softmax(torch.randn(shape), dim=-1)
        ways = {
            "widebeam": lambda: widebeam.beam_search(probs, beams),
            "snippet": lambda: pytorch.snippet(probs, "probs", beams),
        }
        times = {name: [] for name in ways}
        for _ in range(TURNS):
            for name, search in ways.items():
                times[name] += turn(search)
        ours, theirs = (statistics.median(times[name]) for name in ways)
        said = " x ".join(map(str, shape))
        print(f"{said}, {beams} beams: widebeam {ours:.3f} ms, the snippet {theirs:.1f} ms: {theirs / ours:.0f} times")


if __name__ == "__main__":
    main()
