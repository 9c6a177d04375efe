#!/usr/bin/env python3
"""widebeam beside flashlight-text and pyctcdecode, with a language model of words.

    perf/peers/words/run.py DATA --build-binary BUILD_BINARY
    perf/peers/words/run.py DATA --beams 100 --rounds 3 --json FILE

DATA holds the OCR lines and the folder `speech`. All programs read the same scores, lexicon
and model, which prepare.py writes, and run on one thread, each in a process of its own.

Answers: every program decodes every item with every pair of a weight (of ln P) and a word
bonus. `fixed` has the word errors at --weight and no bonus (OCR: at
--ocr-fixed), `best` those of the best pair,
`held` those of pairs that the other half of the items chose: the even items choose for the
odd ones, the odd ones for the even ones. Of equal pairs the middle one is chosen.
Times: at the fixed pair, in turns, the median over --rounds; `+-` is the width of the middle
half of the rounds; `cpu` is the median by the clock of the thread. Loading is not timed.
"""

import argparse
import contextlib
import fcntl
import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import environments  # noqa: E402
from report import Record, build_tool  # noqa: E402


@dataclass
class Decoder:
    """A program with settings of its own."""

    name: str
    task: str
    program: str
    settings: dict
    # Of which the answers are found: weights and bonuses. The fixed pair is timed.
    weights: tuple = ()
    bonuses: tuple = (0.0,)
    fixed: tuple = (0.0, 0.0)
    edits: dict = field(default_factory=dict)
    texts: dict = field(default_factory=dict)
    times: list = field(default_factory=list)
    cpu: list = field(default_factory=list)


# flashlight's spellings end with the boundary or not. If not, a word may follow another
# without it: fewer errors in some clips, and several times the work. `within`: what lies further
# below the best of its frame is dropped. 25 to 50 are usual, 10 is the least that costs no word
# here. `summed` adds the alignments of a prefix up (log_add), as widebeam does.
ENDS, OPTIONAL = {"trailing": True}, {"trailing": False}
FLASHLIGHT = [
    ("<wb> ends words, all kept", {**ENDS, "threshold": 1e9}),
    ("<wb> ends words, within 25", {**ENDS, "threshold": 25.0}),
    ("<wb> ends words, within 12", {**ENDS, "threshold": 12.0}),
    ("<wb> ends words, within 10", {**ENDS, "threshold": 10.0}),
    ("<wb> ends words, within 25, summed", {**ENDS, "threshold": 25.0, "log_add": True}),
    ("<wb> ends words, within 10, summed", {**ENDS, "threshold": 10.0, "log_add": True}),
    ("<wb> optional, within 10", {**OPTIONAL, "threshold": 10.0}),
    ("<wb> optional, within 10, summed", {**OPTIONAL, "threshold": 10.0, "log_add": True}),
]
WIDEBEAM_SPEECH = [
    ("<wb> ends words, all kept", {"lookahead": True}),
    ("<wb> ends words, within 25", {"lookahead": True, "threshold": 25.0}),
    ("<wb> ends words, within 12", {"lookahead": True, "threshold": 12.0}),
    ("<wb> ends words, within 10", {"lookahead": True, "threshold": 10.0}),
    ("<wb> optional, all kept", {"lookahead": True, "optional": True}),
]
# As pyctcdecode's defaults cut improbable spaces, a high word bonus helps; with less cut it
# breaks words up. With nothing cut one pass takes it a minute.
PYCTCDECODE = [
    ("tokens -5, beams -10 (default)", {"threshold": 10.0, "least": -5.0, "unknown": -10.0}),
    ("tokens -10, beams -25", {"threshold": 25.0, "least": -10.0, "unknown": -10.0}),
]
WIDEBEAM_OCR = [
    ("no look-ahead", {"unknown": -10.0}),
    ("look-ahead", {"unknown": -10.0, "lookahead": True}),
    ("no look-ahead, tokens -5", {"unknown": -10.0, "least": -5.0}),
]


def decoders(options):
    found = []
    for beams in options.beams:
        speech = dict(weights=options.weights, bonuses=options.bonuses, fixed=(options.weight, 0.0))
        for program, variants in ("flashlight-text", FLASHLIGHT), ("widebeam", WIDEBEAM_SPEECH):
            for name, settings in variants:
                found.append(Decoder(name, "speech", program, {"beams": beams, **settings}, **speech))
        ocr = dict(weights=options.ocr_weights, bonuses=options.ocr_bonuses, fixed=options.ocr_fixed)
        for program, variants in ("pyctcdecode", PYCTCDECODE), ("widebeam", WIDEBEAM_OCR):
            for name, settings in variants:
                found.append(Decoder(name, "ocr", program, {"beams": beams, **settings}, **ocr))
    asked = lambda decoder: (
        decoder.task in options.tasks
        and decoder.program in options.programs
        and (not options.settings or decoder.name in options.settings)
    )
    return [decoder for decoder in found if asked(decoder)]


class Worker:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.read()

    def ask(self, settings):
        print(json.dumps(settings), file=self.process.stdin, flush=True)
        return self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.process.args[0]} ended with code {self.process.wait()}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def main():
    options = arguments()
    options.environments.mkdir(parents=True, exist_ok=True)
    python, rust = environments.Python(options.environments, "ctc"), environments.Rust(options.environments)
    python.make()
    for name, reason in python.failed.items():
        sys.exit(f"{name} {reason}") if name in ("numpy", *options.programs) else None
    if "widebeam" in options.programs:
        rust.make(["words"])
        if rust.failed:
            sys.exit(f"words {rust.failed['words']}")
    folder = options.environments / "words"
    prepare = [python.python, HERE / "prepare.py", options.data, folder]
    subprocess.run([*prepare, *([options.build_binary] if options.build_binary else [])], check=True)
    model = folder / ("model.bin" if options.build_binary else "model.arpa")
    commands = {
        "flashlight-text": [python.python, HERE / "flashlight_words.py"],
        "pyctcdecode": [python.python, HERE / "pyctcdecode_words.py"],
        "widebeam": [rust.program("words")],
    }
    chosen = decoders(options)
    workers = {}
    try:
        for task, program in dict.fromkeys((decoder.task, decoder.program) for decoder in chosen):
            inputs = [folder / task, model, *([folder / "unigrams.txt"] if task == "ocr" else [])]
            workers[task, program] = Worker([*commands[program], *inputs])
        truths = {task: json.loads((folder / task / "truth.json").read_text()) for task in ("speech", "ocr")}
        frames = {task: json.loads((folder / task / "frames.json").read_text()) for task in truths}
        for decoder in chosen:
            answers(decoder, workers[decoder.task, decoder.program], truths[decoder.task])
        for _ in range(options.rounds):
            for decoder in chosen:
                turn(decoder, workers[decoder.task, decoder.program], sum(frames[decoder.task]), options.lock)
    finally:
        for worker in workers.values():
            worker.close()
    rows = [row(decoder, truths[decoder.task]) for decoder in chosen]
    print("\n".join(table(rows, truths, frames)))
    versions = {**python.versions, "widebeam": rust.versions["widebeam"]}
    if options.record:
        Record(options.record, build_tool()).write(recorded(row, versions, truths, frames, folder) for row in rows)
    if options.json:
        versions = {program: versions[program] for program in options.programs}
        options.json.write_text(json.dumps({"versions": versions, "model": model.name, "rows": rows}, indent=1) + "\n")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    numbers = lambda text: tuple(map(float, text.split(",")))
    words = lambda text: text.split(",")
    parser.add_argument("data", type=Path, help="the folder of the OCR lines and of `speech`")
    parser.add_argument("--build-binary", type=Path, help="KenLM's program: the model is loaded faster")
    parser.add_argument("--environments", type=Path, default=environments.ROOT / "target" / "peers", help="where packages and inputs are, or go [default: target/peers]")
    parser.add_argument("--tasks", type=words, default=["speech", "ocr"])
    parser.add_argument("--programs", type=words, default=["flashlight-text", "pyctcdecode", "widebeam"])
    parser.add_argument("--beams", type=lambda text: tuple(map(int, text.split(","))), default=(100, 500))
    parser.add_argument("--weights", type=numbers, default=(0.5, 0.6, 0.7, 0.8, 0.9, 1.0))
    parser.add_argument("--bonuses", type=numbers, default=(0.0,))
    parser.add_argument("--weight", type=float, default=0.8, help="the fixed weight of speech [default: 0.8]")
    parser.add_argument("--ocr-weights", type=numbers, default=(0.05, 0.1, 0.2, 0.5))
    parser.add_argument("--ocr-bonuses", type=numbers, default=(0.0, 1.5, 3.0, 8.0))
    parser.add_argument("--ocr-fixed", type=numbers, default=(0.1, 1.5), help="weight and bonus [default: 0.1,1.5]")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each program [default: 5]")
    parser.add_argument("--lock", type=Path, help="a file to lock during each turn, where others measure too")
    parser.add_argument("--settings", type=lambda text: text.split(";"), help="decoders of these names alone, `;` between them")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="append to the record in FOLDER, perf/record")
    parser.add_argument("--json", type=Path, help="write all numbers and texts to a file")
    return parser.parse_args()


def answers(decoder, worker, truth):
    pairs = [(weight, bonus) for weight in decoder.weights for bonus in decoder.bonuses]
    for pair in dict.fromkeys([*pairs, decoder.fixed]):
        found = worker.ask({**decoder.settings, "weight": pair[0], "bonus": pair[1]})
        decoder.texts[pair] = found["texts"]
        decoder.edits[pair] = [edits(x.split(), y.split()) for x, y in zip(truth, found["texts"])]


def turn(decoder, worker, frames, lock):
    weight, bonus = decoder.fixed
    with open(lock, "a") if lock else contextlib.nullcontext() as file:
        if lock:
            fcntl.flock(file, fcntl.LOCK_EX)
        found = worker.ask({**decoder.settings, "weight": weight, "bonus": bonus})
    decoder.times.append(sum(found["seconds"]) / frames)
    decoder.cpu.append(sum(found["cpu"]) / frames)


def edits(truth, found):
    """The least number of words put in, left out or replaced."""
    row = list(range(len(found) + 1))
    for place, word in enumerate(truth, 1):
        corner, row[0] = row[0], place
        for other, candidate in enumerate(found, 1):
            best = min(row[other] + 1, row[other - 1] + 1, corner + (word != candidate))
            corner, row[other] = row[other], best
    return row[-1]


def choose(edits, items):
    """The pair with the fewest edits in these items, the middle one of several."""
    total = {pair: sum(of[item] for item in items) for pair, of in edits.items()}
    least = sorted(pair for pair in total if total[pair] == min(total.values()))
    return least[(len(least) - 1) // 2]


def row(decoder, truth):
    items = range(len(truth))
    even, odd = items[::2], items[1::2]
    by_even, by_odd, best = (choose(decoder.edits, of) for of in (even, odd, items))
    held = {"odd": sum(decoder.edits[by_even][item] for item in odd), "even": sum(decoder.edits[by_odd][item] for item in even)}
    quartiles = statistics.quantiles(decoder.times, n=4, method="inclusive") if len(decoder.times) > 1 else [0.0] * 3
    return {
        "program": decoder.program,
        "task": decoder.task,
        "name": decoder.name,
        "settings": decoder.settings,
        "fixed": {"pair": decoder.fixed, "edits": sum(decoder.edits[decoder.fixed])},
        "best": {"pair": best, "edits": sum(decoder.edits[best])},
        "held_out": {"chosen_on_even": by_even, "chosen_on_odd": by_odd, **held, "edits": sum(held.values())},
        "edits": [{"weight": pair[0], "bonus": pair[1], "edits": of, "texts": decoder.texts[pair]} for pair, of in decoder.edits.items()],
        "seconds_per_frame": {"median": statistics.median(decoder.times), "middle_half": quartiles[2] - quartiles[0], "cpu": statistics.median(decoder.cpu), "all": decoder.times} if decoder.times else None,
    }


def recorded(row, versions, truths, frames, folder):
    """A row of perf/record: the time at the fixed pair, and its errors."""
    time, task = row["seconds_per_frame"], row["task"]
    labels = len((folder / task / "labels.txt").read_text(encoding="utf-8").splitlines())
    total = sum(frames[task])
    return {
        "suite": "words",
        "search": "ctc",
        "input": {"speech": "speech", "ocr": "lines of text"}[task],
        # One utterance after another.
        "shape": f"1x{total}x{labels}",
        "beams": row["settings"]["beams"],
        "scores": "log-probs",
        "dtype": "f32",
        "program": f"{row['program']}, {row['name']}",
        "version": versions[row["program"]],
        "threads": 1,
        "seconds": f"{time['median'] * total:.6e}",
        "spread": f"{time['middle_half'] / time['median']:.4f}",
        "runs": len(time["all"]),
        "bytes": 4 * total * labels,
        "note": f"{row['fixed']['edits']} of {sum(len(text.split()) for text in truths[task])} words wrong",
    }


def table(rows, truths, frames):
    """At most 80 columns wide."""
    lines = []
    for task in dict.fromkeys(row["task"] for row in rows):
        words = sum(len(text.split()) for text in truths[task])
        lines += [f"{task}: {len(truths[task])} items, {words} words, {sum(frames[task])} frames; word errors in %"]
        lines += [f"{'':37}{'beam':>5}{'fixed':>6}{'held':>6}{'best':>6}{'ms/frame':>9}{'+-':>5}{'cpu':>6}"]
        program = None
        for row in (row for row in rows if row["task"] == task):
            if row["program"] != program:
                program = row["program"]
                lines += [program]
            share = lambda kind: f"{100 * row[kind]['edits'] / words:6.1f}"
            time = row["seconds_per_frame"]
            timed = f"{1e3 * time['median']:9.3f}{100 * time['middle_half'] / time['median']:4.0f}%{1e3 * time['cpu']:6.3f}" if time else ""
            lines += [f"  {row['name']:35}{row['settings']['beams']:5}{share('fixed')}{share('held_out')}{share('best')}{timed}"]
        lines += [""]
    return lines


if __name__ == "__main__":
    main()
