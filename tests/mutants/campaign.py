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
import datetime
import fnmatch
import json
import pathlib
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TABLE = HERE / "table.md"
EQUIVALENT = HERE / "equivalent.tsv"

LIBRARY = ["--no-default-features"]
EVERYWHERE = ["--test=determinism", "--test=extremes", "--test=out_of_memory", "--test=allocations"]
# Files, and rounds of test targets: a mutant that one round does not notice goes on to
# the next. The first share that has a file counts.
SHARES = [
    (["src/kernels/*", "src/simd/*", "src/order.rs", "src/search/shortlist.rs"], LIBRARY,
     [["--lib"], ["--test=independent", "--test=ctc", "--test=autoregressive", "--test=guard_pages", *EVERYWHERE]]),
    (["src/search/ctc/scorers/*", "src/search/ctc/scorer.rs"], LIBRARY,
     [["--test=scorers"], ["--lib", "--test=ctc", *EVERYWHERE]]),
    (["src/search/ctc/*"], LIBRARY,
     [["--test=ctc"], ["--lib", "--test=scorers", "--test=ctc_memory", "--test=memory_needed", "--test=soak", *EVERYWHERE]]),
    (["src/search/autoregressive/*"], LIBRARY,
     [["--test=autoregressive"], ["--lib", "--test=parity", "--test=autoregressive_allocations", "--test=soak", *EVERYWHERE]]),
    (["src/bin/widebeam/*"], [],
     [["--bin=widebeam"], ["--test=cli", "--test=fuzz"]]),
    (["src/*"], LIBRARY,
     [["--lib", "--test=independent"], ["--test=ctc", "--test=autoregressive", "--test=memory_needed", *EVERYWHERE]]),
]


def share(file):
    return next(number for number, (globs, _, _) in enumerate(SHARES)
                if any(fnmatch.fnmatch(file, glob) for glob in globs))


def listed(options):
    command = ["cargo", "mutants", "--list", "--json", *options]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout or "[]")


def mutate(number, options, deadline=None):
    """Runs the rounds of a share: (file, key) of every mutant and what became of it."""
    _, features, rounds = SHARES[number]
    results = {}
    with tempfile.TemporaryDirectory() as out:
        for turn, targets in enumerate(rounds):
            command = ["cargo", "mutants", "--in-place", "--baseline=skip", "--timeout=90", "--colors=never",
                       "--no-shuffle", "-o", out, *options, *(["--iterate"] if turn else [])]
            command += [word for argument in [*features, *targets] for word in ("-C", argument)]
            running = subprocess.Popen(command, cwd=ROOT)
            try:
                left = deadline and max(1, deadline - datetime.datetime.now().timestamp())
                running.wait(left)
            except (subprocess.TimeoutExpired, KeyboardInterrupt) as stopped:
                # Interrupted, it puts the tree back.
                running.send_signal(signal.SIGINT)
                running.wait()
                if isinstance(stopped, KeyboardInterrupt):
                    raise
            for outcome in outcomes(pathlib.Path(out)):
                name, file, key, summary = outcome
                results[name] = (file, key, summary)
            missed = any(summary == "MissedMutant" for _, _, summary in results.values())
            late = deadline and datetime.datetime.now().timestamp() >= deadline
            if not missed or late:
                break
        if late and turn + 1 < len(rounds):
            # Not every test has seen these.
            results = {name: found for name, found in results.items() if found[2] != "MissedMutant"}
    return list(results.values())


def outcomes(out):
    folder = out / "mutants.out"
    if not (folder / "outcomes.json").exists():
        return
    for outcome in json.loads((folder / "outcomes.json").read_text())["outcomes"]:
        if isinstance(outcome["scenario"], str):
            continue
        mutant = outcome["scenario"]["Mutant"]
        diff = (folder / outcome["diff_path"]).read_text().splitlines()[3:]
        line = next((line[1:].strip() for line in diff if line.startswith("-")), "")
        # Places shift; what was changed, and in which line, does not.
        what = mutant["name"].split(": ", 1)[1]
        yield mutant["name"], mutant["file"], (what, line), outcome["summary"]


def equivalents():
    rows = [line.split("\t") for line in EQUIVALENT.read_text().splitlines() if not line.startswith("#")]
    return {(file, what, line): why for file, what, line, why in rows}


def report(results):
    """Prints what was missed; how many."""
    known = equivalents()
    missed = [(file, *key) for file, key, summary in results
              if summary == "MissedMutant" and (file, *key) not in known]
    for file, what, line in missed:
        print(f"missed\t{file}\t{what}\t{line}")
    counts = collections.Counter(summary for _, _, summary in results)
    print(f"{len(results)} mutants: {counts['CaughtMutant']} noticed, {counts['Timeout']} timed out, "
          f"{counts['Unviable']} not compiled, {len(missed)} missed, "
          f"{counts['MissedMutant'] - len(missed)} equivalent")
    return len(missed)


def write_table(results):
    rows = {}
    if TABLE.exists():
        rows = {line.split("|")[1].strip(): line for line in TABLE.read_text().splitlines() if line.startswith("| src")}
    known = equivalents()
    files = collections.defaultdict(collections.Counter)
    for file, key, summary in results:
        equivalent = summary == "MissedMutant" and (file, *key) in known
        files[file]["equivalent" if equivalent else summary] += 1
    today = datetime.date.today().isoformat()
    for file, counts in files.items():
        columns = [counts[kind] for kind in ("CaughtMutant", "Timeout", "MissedMutant", "equivalent", "not run")]
        rows[file] = f"| {file} | " + " | ".join(map(str, columns)) + f" | {today} |"
    header = ["| file | noticed | timed out | missed | equivalent | not run | day |", "|---|--:|--:|--:|--:|--:|---|"]
    TABLE.write_text("\n".join(header + [rows[file] for file in sorted(rows)]) + "\n")


def run(files):
    wanted = sorted({mutant["file"] for mutant in listed([])})
    if files:
        wanted = [file for file in wanted if any(fnmatch.fnmatch(file, glob) for glob in files)]
    missed = 0
    for file in wanted:
        results = mutate(share(file), ["-f", file])
        write_table(results)
        missed += report(results)
    return missed


def changed(base, most, seconds):
    deadline = datetime.datetime.now().timestamp() + seconds
    with tempfile.NamedTemporaryFile("w", suffix=".diff") as diff:
        subprocess.run(["git", "diff", base, "--", "src"], cwd=ROOT, check=True, stdout=diff)
        mutants = listed(["--in-diff", diff.name])
        # Every n-th, so that the same change gives the same ones.
        parts = max(1, -(-len(mutants) // most))
        options = ["--in-diff", diff.name, "--shard", f"0/{parts}", "--sharding", "round-robin"]
        chosen = listed(options)
        print(f"{len(chosen)} of {len(mutants)} mutants of the lines changed since {base}", flush=True)
        results = []
        for number in sorted({share(mutant["file"]) for mutant in chosen}):
            files = sorted({mutant["file"] for mutant in chosen if share(mutant["file"]) == number})
            names = [f"^{escape(mutant['name'])}$" for mutant in chosen if mutant["file"] in files]
            results += mutate(number, [word for name in names for word in ("-F", name)], deadline)
    if len(results) < len(chosen):
        print(f"{len(chosen) - len(results)} not judged in {seconds} s")
    return report(results)


def escape(name):
    return "".join(c if c.isalnum() or c in " _/" else "\\" + c for c in name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run").add_argument("files", nargs="*")
    some = commands.add_parser("changed")
    some.add_argument("base")
    some.add_argument("--most", type=int, default=20)
    some.add_argument("--seconds", type=int, default=180)
    given = parser.parse_args()
    missed = run(given.files) if given.command == "run" else changed(given.base, given.most, given.seconds)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
