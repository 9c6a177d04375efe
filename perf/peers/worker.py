"""One process of a comparison: it reads a case, says what a peer's programs find,
and then times one program for each line that it reads.

    worker.py PEER TASK FILE KIND BEAMS THREADS

PEER is a module of `programs`. `rust/src/lib.rs` is the same in Rust, and
`turns.py` speaks with both.
"""

import importlib
import json
import os
import sys
import time

AT_LEAST = 0.02


def turn(search):
    """Seconds of one search; a short one is repeated."""
    start, done = time.perf_counter(), 0
    while done == 0 or time.perf_counter() - start < AT_LEAST:
        search()
        done += 1
    return (time.perf_counter() - start) / done


def announce(program):
    said = {key: getattr(program, key) for key in ("name", "differs", "exact", "skipped")}
    start = time.perf_counter()
    found = None if program.skipped else program.search()
    said["seconds"] = time.perf_counter() - start
    said["answers"] = [] if program.skipped else program.answers(found)
    return said


def main():
    peer, task, file, kind, beams, threads = sys.argv[1:]
    # Before a library starts its threads.
    os.environ["OMP_NUM_THREADS"] = threads
    import numpy as np

    from programs import Case

    module = importlib.import_module(f"programs.{peer}")
    case = Case(task, kind, int(beams), int(threads), np.load(file))
    programs = module.programs(case)
    print(json.dumps([announce(program) for program in programs]), flush=True)
    for line in sys.stdin:
        print(turn(programs[int(line)].search), flush=True)


if __name__ == "__main__":
    main()
