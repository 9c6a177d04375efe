"""What was measured, for people and for the record."""

import ast
import array
import csv
import json
import math
import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

from answers import Agreement, log_probability
from environments import ROOT

COLUMNS = (
    "session,commit,compiler,cpu,family,model,stepping,best_level,processors,caches,suite,search,"
    "input,shape,beams,scores,dtype,program,version,threads,seconds,spread,runs,bytes,note"
).split(",")
# What a search with the model in the loop is called there.
SEARCHES = {"step": "autoregressive"}


def table(case, threads, rounds, measured, file):
    """Lines of text, and whether all programs that must agree do."""
    ours = measured[0]
    agreed = True
    shape = "x".join(map(str, case.shape))
    head = f"{case.name}: {case.task}, {shape}, {case.beams} beams, {case.kind} in f32, "
    head += f"{threads} thread{'s' * (threads > 1)}, medians of {rounds} rounds in turn"
    header = ["program", "version", "ms", "spread", "runs", "times ours", "best", "all", "off by"]
    frames = log_frames(case, file) if case.task == "ctc" else None
    if frames:
        header.append("log P of best")
    rows, missing = [], []
    for program in measured:
        if program.missing:
            missing.append(f"    {program.name}: not run: {program.missing}")
            continue
        row = [
            program.name,
            program.version,
            digits(1e3 * program.seconds),
            f"{100 * program.spread:.0f} %" if len(program.times) > 1 else "",
            str(len(program.times)),
            digits(program.seconds / ours.seconds),
        ]
        found = Agreement(program.answers, ours.answers)
        if program.answers and ours.answers:
            row += [f"{found.best}/{found.items}", f"{found.same}/{found.ranks}"]
            row.append("" if found.apart is None else f"{found.apart:.0e}")
            if program.exact and found.wrong is not None:
                agreed = False
                missing.append(f"    {program.name}: item {found.wrong} DIFFERS by more than rounding")
        else:
            row += ["", "", ""]
        if frames:
            answered = program.answers and program.answers[0]
            row.append(f"{log_probability(frames, program.answers[0][0][0]):.4f}" if answered else "")
        rows.append((program.seconds, row, program.differs))
    rows.sort(key=lambda row: row[0])
    cells = [header, *(row for _, row, _ in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(header))]
    lines = [head, ""]
    for line, differs in zip(cells, ["differs by", *(differs for _, _, differs in rows)]):
        aligned = [cell.ljust(w) if at < 2 else cell.rjust(w) for at, (cell, w) in enumerate(zip(line, widths))]
        lines.append("  ".join([*aligned, differs]).rstrip())
    return [*lines, *missing, ""], agreed


def digits(x):
    """Three significant digits, and all before the point."""
    return f"{x:.{max(0, 2 - math.floor(math.log10(x)))}f}"


def log_frames(case, file):
    """The log-probabilities of each frame, read without any package."""
    with open(file, "rb") as npy:
        magic = npy.read(10)
        header = ast.literal_eval(npy.read(int.from_bytes(magic[8:10], "little")).decode())
        values = array.array("f")
        values.frombytes(npy.read())
    assert magic[6] == 1 and header["descr"] == "<f4" and not header["fortran_order"]
    frames, vocab = header["shape"]
    logs = [math.log(max(x, 1e-30)) for x in values] if case.kind == "probs" else values
    return [logs[frame * vocab : (frame + 1) * vocab] for frame in range(frames)]


def build_tool():
    """The command line tool, which knows the machine."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT, check=True)
    return Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "widebeam"


class Record:
    """Appends to perf/record/MACHINE/DATE.csv, as perf/record/README.md has it."""

    def __init__(self, folder, widebeam):
        done = subprocess.run([widebeam, "info", "--json", "--megabytes", "1"], check=True, capture_output=True, text=True)
        self.machine = json.loads(done.stdout)
        now = datetime.now(timezone.utc)
        self.session = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        self.file = folder / self.machine["machine"] / f"{now:%Y-%m-%d}.csv"

    def append(self, case, threads, measured, suite):
        """All programs that searched a case."""
        rows = []
        for program in measured:
            timed = not program.missing
            rows.append({
                "suite": suite,
                "search": SEARCHES.get(case.task, case.task),
                "input": case.input,
                "shape": "x".join(map(str, case.shape)),
                "beams": case.beams,
                "scores": case.kind,
                "dtype": "f32",
                "program": program.name,
                "version": program.version,
                "threads": threads,
                "seconds": f"{program.seconds:.6e}" if timed else "",
                "spread": f"{program.spread:.4f}" if timed else "",
                "runs": len(program.times) if timed else "",
                "bytes": case.bytes,
                "note": program.missing or program.differs,
            })
        self.write(rows)

    def write(self, rows):
        self.file.parent.mkdir(parents=True, exist_ok=True)
        new = not self.file.exists()
        common = {"session": self.session, **{key: self.machine[key] for key in COLUMNS[1:10]}}
        with open(self.file, "a", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerows({**common, **row} for row in rows)
