#!/usr/bin/env python3
"""Mutation testing with cargo-mutants, in shares with the tests that each needs.

    tests/mutants/campaign.py run [FILE ...]    every mutant of these files, or of all
    tests/mutants/campaign.py changed BASE      some mutants of the lines changed since
                                                BASE, for CI: --most N, --seconds N

`run` writes the rows of these files in `table.md`. A mutant that no test notices is
missed, unless `equivalent.tsv` says why nothing could notice it. Exit code 1 if any
is missed. Mutates the tree in place, and puts it back.
"""

import argparse
import collections
import contextlib
import datetime
import fnmatch
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TABLE = HERE / "table.md"
EQUIVALENT = HERE / "equivalent.tsv"

EVERYWHERE = ["--test=determinism", "--test=extremes", "--test=out_of_memory", "--test=allocations",
              "--test=cancellation", "--test=panics"]
# What is mutated: `.cargo/mutants.toml` says what of it is not.
SOURCES = ["src", "cli/src", "perf/src/console"]
# Files, the packages whose tests guard them, and rounds of test targets: a mutant that
# one round does not notice goes on to the next. The first share that has a file counts.
SHARES = [
    (["src/kernels/*", "src/simd/*", "src/order.rs", "src/search/shortlist.rs"], ["widebeam"],
     [["--lib"], ["--test=independent", "--test=ctc", "--test=autoregressive", "--test=guard_pages", *EVERYWHERE]]),
    (["src/cancellation/*"], ["widebeam"],
     [["--test=cancellation"], ["--lib", *EVERYWHERE]]),
    (["src/scorers/*"], ["widebeam"],
     [["--test=scorers", "--test=words", "--test=kenlm"], ["--lib", "--test=ctc", *EVERYWHERE]]),
    (["src/search/transducer/*"], ["widebeam"],
     [["--test=transducer"], ["--lib", "--test=transducer_allocations", "--test=memory_needed", "--test=soak", *EVERYWHERE]]),
    (["src/search/ctc/*", "src/search/prefixes/*"], ["widebeam"],
     [["--test=ctc"], ["--lib", "--test=scorers", "--test=words", "--test=ctc_memory", "--test=memory_needed", "--test=soak", *EVERYWHERE]]),
    (["src/search/autoregressive/*"], ["widebeam"],
     [["--test=autoregressive", "--test=autoregressive_additions"], ["--lib", "--test=parity", "--test=autoregressive_allocations", "--test=soak", *EVERYWHERE]]),
    (["cli/src/*", "perf/src/console/*"], ["widebeam-cli", "widebeam-perf", "widebeam-fuzz"],
     [["--lib"], ["--test=cli", "--test=fuzz"]]),
    (["src/*"], ["widebeam"],
     [["--lib", "--test=independent"], ["--test=ctc", "--test=autoregressive", "--test=memory_needed", *EVERYWHERE]]),
]


def share(file):
    return next(number for number, (globs, _, _) in enumerate(SHARES)
                if any(fnmatch.fnmatch(file, glob) for glob in globs))


def listed(options):
    command = ["cargo", "mutants", "--workspace", "--list", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout or "[]")


class Clock:
    """The seconds that judging may take. What is built before does not count."""

    def __init__(self, seconds):
        self.left = seconds

    def wait_for(self, running):
        """Raises `TimeoutExpired` when time is up."""
        started = time.monotonic()
        try:
            running.wait(max(1, self.left))
        finally:
            self.left -= time.monotonic() - started


def mutate(number, options, clock=None):
    """Runs the rounds of a share; what became of each mutant that was judged, by name."""
    _, packages, rounds = SHARES[number]
    results = {}
    with tempfile.TemporaryDirectory() as out:
        for turn, targets in enumerate(rounds):
            # What the mutants are held against. Built by package, as cargo-mutants will.
            of_packages = [word for package in packages for word in ("--package", package)]
            subprocess.run(["cargo", "test", "--locked", "--quiet", *of_packages, *targets],
                           cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
            command = ["cargo", "mutants", "--in-place", "--timeout=90", "--colors=never", "--no-shuffle",
                       "--baseline=skip", "--workspace", f"--test-package={','.join(packages)}", "-o", out, *options,
                       *(["--iterate"] if turn else [])]
            command += [word for argument in targets for word in ("-C", argument)]
            late = carry_out(command, clock)
            for mutant in outcomes(pathlib.Path(out)):
                # A later round repeats what timed out before.
                if results.get(mutant.name, mutant).summary != "Timeout":
                    results[mutant.name] = mutant._replace(turn=turn)
            if late or not any(mutant.summary == "MissedMutant" for mutant in results.values()):
                break
    # Missed is what every round has missed.
    last = len(rounds) - 1
    judged = (mutant for mutant in results.values() if mutant.summary != "MissedMutant" or mutant.turn == last)
    return list(judged)


def carry_out(command, clock):
    """Whether it was stopped because time was up."""
    running = subprocess.Popen(command, cwd=ROOT)
    try:
        clock.wait_for(running) if clock else running.wait()
    except subprocess.TimeoutExpired:
        stop(running)
        return True
    except KeyboardInterrupt:
        stop(running)
        raise
    # Nothing missed, something missed, something timed out.
    if running.returncode not in (0, 2, 3):
        sys.exit(f"cargo-mutants failed: {' '.join(command)}")
    return False


def stop(running):
    # Interrupted, it puts the tree back.
    running.send_signal(signal.SIGINT)
    running.wait()


@contextlib.contextmanager
def kept_seeds():
    """Puts the seeds that properties keep back: those that a mutant fails are not ours."""
    paths = subprocess.run(["git", "ls-files", "*proptest-regressions*"], cwd=ROOT, check=True,
                           stdout=subprocess.PIPE, text=True).stdout.splitlines()
    seeds = {ROOT / path: (ROOT / path).read_bytes() for path in paths}
    try:
        yield
    finally:
        for path, content in seeds.items():
            path.write_bytes(content)


Mutant = collections.namedtuple("Mutant", "name file what line column summary turn")


def outcomes(out):
    folder = out / "mutants.out"
    if not (folder / "outcomes.json").exists():
        return
    for outcome in json.loads((folder / "outcomes.json").read_text())["outcomes"]:
        if isinstance(outcome["scenario"], str):
            continue
        mutant = outcome["scenario"]["Mutant"]
        diff = (folder / outcome["diff_path"]).read_text().splitlines()[3:]
        line = next((line[1:] for line in diff if line.startswith("-")), "")
        # Places shift; what was changed, and where in which line, does not.
        column = mutant["span"]["start"]["column"] - (len(line) - len(line.lstrip()))
        what = mutant["name"].split(": ", 1)[1]
        yield Mutant(mutant["name"], mutant["file"], what, line.strip(), str(column), outcome["summary"], 0)


def equivalents():
    rows = [line.split("\t") for line in EQUIVALENT.read_text().splitlines() if not line.startswith("#")]
    return {tuple(row[:4]) for row in rows}


def stale():
    """Rows of equivalents whose line is no longer in their file: they excuse nothing."""
    rows = sorted(equivalents())
    texts = {file: path.read_text() if (path := ROOT / file).exists() else "" for file, *_ in rows}
    return [row for row in rows if row[2] not in texts[row[0]]]


def is_equivalent(mutant, known):
    return mutant.summary == "MissedMutant" and (mutant.file, mutant.what, mutant.line, mutant.column) in known


def report(results):
    """Prints what was missed; how many."""
    known = equivalents()
    missed = [mutant for mutant in results if mutant.summary == "MissedMutant" and not is_equivalent(mutant, known)]
    for mutant in missed:
        print("missed", mutant.file, mutant.what, mutant.line, mutant.column, sep="\t")
    counts = collections.Counter(mutant.summary for mutant in results)
    print(f"{len(results)} mutants: {counts['CaughtMutant']} noticed, {counts['Timeout']} timed out, "
          f"{counts['Unviable']} not compiled, {len(missed)} missed, "
          f"{counts['MissedMutant'] - len(missed)} equivalent", flush=True)
    return len(missed)


def write_row(file, results, total):
    rows = {}
    if TABLE.exists():
        rows = {line.split("|")[1].strip(): line for line in TABLE.read_text().splitlines() if line.endswith("|")}
        rows = {name: line for name, line in rows.items() if name.endswith(".rs")}
    known = equivalents()
    counts = collections.Counter("equivalent" if is_equivalent(mutant, known) else mutant.summary for mutant in results)
    counts["not run"] = total - len(results)
    columns = [counts[kind] for kind in ("CaughtMutant", "Timeout", "MissedMutant", "equivalent", "not run")]
    rows[file] = f"| {file} | " + " | ".join(map(str, columns)) + f" | {datetime.date.today().isoformat()} |"
    header = ["| file | noticed | timed out | missed | equivalent | not run | day |", "|---|--:|--:|--:|--:|--:|---|"]
    TABLE.write_text("\n".join(header + [rows[file] for file in sorted(rows)]) + "\n")


def run(globs):
    totals = collections.Counter(mutant["file"] for mutant in listed([]))
    files = [file for file in sorted(totals) if not globs or any(fnmatch.fnmatch(file, glob) for glob in globs)]
    missed = 0
    for file in files:
        results = mutate(share(file), ["-f", file])
        write_row(file, results, totals[file])
        missed += report(results)
    return missed


def changed(base, most, seconds):
    clock = Clock(seconds)
    with tempfile.NamedTemporaryFile("w", suffix=".diff") as diff:
        command = ["git", "diff", "--no-ext-diff", "--no-color", base, "--", *SOURCES]
        subprocess.run(command, cwd=ROOT, check=True, stdout=diff)
        mutants = listed(["--in-diff", diff.name])
    # Every n-th, so that the same change gives the same ones.
    chosen = mutants[::max(1, -(-len(mutants) // most))]
    print(f"{len(chosen)} of {len(mutants)} mutants of the lines changed since {base}", flush=True)
    results = []
    # The unit tests of the library are built longest: at the end.
    shares = {share(mutant["file"]) for mutant in chosen}
    for number in sorted(shares, key=lambda number: ("--lib" in SHARES[number][2][0], -number)):
        if clock.left <= 0:
            break
        names = {mutant["name"] for mutant in chosen if share(mutant["file"]) == number}
        files = {mutant["file"] for mutant in chosen if share(mutant["file"]) == number}
        options = [word for file in sorted(files) for word in ("-f", file)]
        options += [word for name in sorted(names) for word in ("-F", f"^{escape(name)}$")]
        # Fields that are left out come along whatever is asked for.
        results += [mutant for mutant in mutate(number, options, clock) if mutant.name in names]
    if len(results) < len(chosen):
        print(f"{len(chosen) - len(results)} not judged in {seconds} s")
    if chosen and not results:
        sys.exit("no mutant was judged")
    return report(results)


def escape(name):
    # `\\<` would be the beginning of a word.
    return "".join(c if c.isalnum() or c in " _/<>" else "\\" + c for c in name)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("files", nargs="*")
    some = commands.add_parser("changed")
    some.add_argument("base")
    some.add_argument("--most", type=int, default=20)
    some.add_argument("--seconds", type=int, default=200)
    given = parser.parse_args()
    if rows := stale():
        for row in rows:
            print("stale", *row, sep="\t")
        sys.exit(f"{EQUIVALENT.name} has rows whose line is gone: each goes, or moves with it")
    with kept_seeds():
        missed = run(given.files) if given.command == "run" else changed(given.base, given.most, given.seconds)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
