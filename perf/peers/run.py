#!/usr/bin/env python3
"""widebeam beside other searches, on the same scores, turn by turn.

    perf/peers/run.py                       everything; the first time it installs
    perf/peers/run.py --quick               one small case of each search
    perf/peers/run.py --only ctc            the cases whose name holds a word
    perf/peers/run.py --peers torch,numpy   these peers alone
    perf/peers/run.py --axes --peers torch,numpy
                                            one search over tokens, beams and items

Of each case the scores are written once. Each peer reads them in a process of its
own and runs once to warm up; then, round by round, each searches in turn. Only
the search is timed. `best` counts the items whose best hypothesis is ours, `all`
the ranks at which the same hypotheses stand, `off by` the largest distance of
their scores; `log P of best` is the probability of the best labelling, computed
from the scores by no peer. A program that must find what exact search finds, and
does not, makes this one fail. It needs Python 3.11, cargo, and what pip needs.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import environments
from cases import AXES, CASES
from environments import HERE, ROOT
from peers import PEERS, WIDEBEAM
from report import Record, build_tool, table
from turns import Worker, in_turn


def main():
    options = arguments()
    peers = [peer for peer in PEERS if peer is WIDEBEAM or holds(peer.package, options.peers)]
    cases = [case for case in (AXES if options.axes else CASES) if holds(case.name, options.only)]
    if options.quick:
        smallest = {case.task: case for case in sorted(cases, key=lambda case: -case.bytes)}
        cases = list(smallest.values())
    if options.list:
        print("\n".join(case.name for case in cases))
        return
    if not cases:
        sys.exit("no case has such a name: see --list")
    options.environments.mkdir(parents=True, exist_ok=True)
    tasks = {case.task for case in cases}
    peers = [peer for peer in peers if tasks.intersection(peer.tasks)]
    rust, pythons = install(peers, options.environments)
    if "widebeam" in rust.failed:
        sys.exit(f"widebeam {rust.failed['widebeam']}")
    record = options.record and Record(options.record, build_tool())
    if options.install:
        return
    agreed = True
    for case in cases:
        threads = 1 if case.task == "ctc" else options.threads
        with tempfile.TemporaryDirectory(dir=options.environments) as folder:
            file = Path(folder) / "scores.npy"
            python = next(iter(pythons.values())).python
            subprocess.run([python, HERE / "cases.py", case.name, file], check=True)
            measured = measure(case, file, threads, peers, rust, pythons, options)
            lines, same = table(case, threads, options.rounds, measured, file)
        print("\n".join(lines), flush=True)
        agreed &= same
        if record:
            record.append(case, threads, measured, "axes" if options.axes else "peers")
    if not agreed:
        sys.exit("answers differ that must not")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words = lambda text: text.split(",")
    parser.add_argument("--only", type=words, help="cases whose name holds one of these words")
    parser.add_argument("--peers", type=words, help="peers whose package holds one of these words")
    parser.add_argument("--axes", action="store_true", help="the cases of the plots in place of those of the tables")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")
    parser.add_argument("--install", action="store_true", help="install and build what the cases need, and stop")
    parser.add_argument("--quick", action="store_true", help="the smallest case of each search, 2 rounds")
    parser.add_argument("--rounds", type=int, help="turns of each program [default: 7]")
    parser.add_argument("--threads", type=int, default=environments.processors(), help="[default: one a processor]; CTC has one")
    parser.add_argument("--slow", type=float, default=3.0, help="seconds after which a program has had its only turn [default: 3]")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which a peer is stopped [default: 60]")
    parser.add_argument("--environments", type=Path, default=ROOT / "target" / "peers", help="where packages are, or are installed [default: target/peers]")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="append to the record in FOLDER, perf/record")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 7)
    return options


def holds(name, words):
    return words is None or any(word in name for word in words)


def install(peers, folder):
    rust = environments.Rust(folder)
    rust.make([peer.package for peer in peers if not peer.environment])
    # One of them makes the scores, whoever takes part.
    names = {peer.environment for peer in peers if peer.environment} or {"ctc"}
    pythons = {name: environments.Python(folder, name) for name in sorted(names)}
    for python in pythons.values():
        python.make()
    return rust, pythons


def measure(case, file, threads, peers, rust, pythons, options):
    workers = []
    try:
        for peer in peers:
            if case.task not in peer.tasks:
                continue
            of = pythons[peer.environment] if peer.environment else rust
            command = [of.python, HERE / "worker.py", peer.module] if peer.environment else [rust.program(peer.package)]
            command += [case.task, file, case.kind, str(case.beams), str(threads)]
            failed = of.failed.get(peer.package)
            workers.append(Worker(peer.package, of.versions[peer.package], command, options.limit, failed))
        in_turn(workers, options.rounds, options.slow)
        return [program for worker in workers for program in worker.programs]
    finally:
        for worker in workers:
            worker.close()


if __name__ == "__main__":
    main()
