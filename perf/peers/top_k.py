#!/usr/bin/env python3
"""The best k of rows of f32: widebeam beside NumPy, PyTorch, faiss and crates of Rust.

    perf/peers/top_k.py --python ENV/bin/python     # an environment with numpy, torch and faiss-cpu
    perf/peers/top_k.py --threads 1 --json top_k.json

Each case is one file of scores that all programs read. Rust's programs take turns in one
process (src/bin/top_k.rs), NumPy, PyTorch and faiss in another, after them. Times are medians. Each
answer is compared with ours, row by row: all indices in order, and where numbers tie, the
numbers. NumPy uses one thread.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
CASES = [(1, 32000, 50), (1, 128256, 50), (64, 50257, 50), (4096, 1000, 8), (64, 1_000_000, 100)]


def repeat(run, rounds):
    """The median time of a call, and its last result."""
    run()
    times = []
    for _ in range(rounds):
        start, count = time.perf_counter(), 0
        while count == 0 or time.perf_counter() - start < 0.01:
            result = run()
            count += 1
        times.append((time.perf_counter() - start) / count)
    return statistics.median(times), result


def in_python(path, rows, columns, k, threads, rounds, answer):
    """NumPy, PyTorch and faiss, those that are there: program, seconds and rows alike."""
    import numpy

    scores = numpy.fromfile(path, numpy.float32).reshape(rows, columns)
    ours = numpy.fromfile(answer, numpy.uint32).reshape(rows, k)
    best = numpy.take_along_axis(scores, ours.astype(numpy.int64), 1)

    def partitioned():
        some = numpy.argpartition(scores, columns - k, axis=1)[:, columns - k :]
        values = numpy.take_along_axis(scores, some, 1)
        order = numpy.argsort(-values, axis=1)
        return numpy.take_along_axis(some, order, 1)

    def alike(indices):
        values = numpy.take_along_axis(scores, indices, 1)
        return int((values == best).all(1).sum())

    seconds, found = repeat(partitioned, rounds)
    results = [{"program": f"numpy {numpy.__version__} argpartition", "seconds": seconds, "rows_alike": alike(found)}]
    try:
        import torch

        torch.set_num_threads(threads)
        tensor = torch.from_numpy(scores)
        seconds, found = repeat(lambda: torch.topk(tensor, k), rounds)
        results.append({"program": f"torch {torch.__version__} topk", "seconds": seconds, "rows_alike": alike(found.indices.numpy())})
    except ImportError:
        pass
    try:
        import faiss
    except ImportError:
        return results
    faiss.omp_set_num_threads(threads)

    def heaps():
        values, indices = numpy.empty((rows, k), numpy.float32), numpy.empty((rows, k), numpy.int64)
        heaps = faiss.float_minheap_array_t()
        heaps.nh, heaps.k = rows, k
        heaps.val, heaps.ids = faiss.swig_ptr(values), faiss.swig_ptr(indices)
        heaps.heapify()
        heaps.addn(columns, faiss.swig_ptr(scores))
        heaps.reorder()
        return indices

    seconds, found = repeat(heaps, rounds)
    results.append({"program": f"faiss {faiss.__version__} heaps", "seconds": seconds, "rows_alike": alike(found)})
    return results


def make(path, rows, columns, seed):
    """Numbers near a normal distribution, from the bits of a generator."""
    import numpy

    generator = numpy.random.default_rng(seed)
    generator.standard_normal(rows * columns, numpy.float32).tofile(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="a Python with numpy, and torch and faiss if they are to be measured")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of cases")
    parser.add_argument("--program", help="top_k of perf/peers/rust, where it is built")
    parser.add_argument("--json", help="a file for the results")
    parser.add_argument("--worker", nargs=7, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        path, *numbers, answer = options.worker
        if numbers[-1] == "make":
            return make(path, int(numbers[0]), int(numbers[1]), 1)
        print(json.dumps(in_python(path, *map(int, numbers), answer)))
        return None
    program = options.program
    if not program:
        build = ["cargo", "build", "--release", "--quiet", "--features", "top-k", "--bin", "top_k"]
        subprocess.run(build, cwd=HERE / "rust", check=True)
        target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", HERE / "rust" / "target"))
        program = target / "release" / "top_k"
    everything = []
    for number, (rows, columns, k) in enumerate(CASES):
        if options.only and number not in options.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            path, answer = f"{folder}/scores", f"{folder}/answer"
            worker = [options.python, __file__, "--worker"]
            subprocess.run([*worker, path, str(rows), str(columns), "0", "0", "make", "-"], check=True)
            for threads in options.threads:
                case = [str(x) for x in (rows, columns, k, threads, options.rounds)]
                found = []
                for command in ([program, path, *case, answer], [*worker, path, *case, answer]):
                    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
                    found += json.loads(output)
                print(f"\n{rows} x {columns}, k = {k}, {threads} threads")
                ours = found[0]["seconds"]
                for result in found:
                    alike = result["rows_alike"]
                    note = "" if alike == rows else f"  {alike} of {rows} rows alike"
                    print(f"  {result['program']:28} {1e6 * result['seconds']:12.1f} us  {result['seconds'] / ours:7.2f}{note}")
                everything.append({"rows": rows, "columns": columns, "k": k, "threads": threads, "results": found})
                if any(result["rows_alike"] != rows for result in found):
                    raise SystemExit("an answer differs")
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(everything, indent=1))
    return None


if __name__ == "__main__":
    main()
