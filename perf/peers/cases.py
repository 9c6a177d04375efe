"""What is searched. Run as a program, in an environment that has NumPy, it writes
the scores of one case:

    cases.py NAME FILE.npy
"""

import sys
from dataclasses import dataclass
from math import prod
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
# Of the logits of a step, or of a transducer's frames, there are copies that take turns, so
# that they come from memory: as many as take this many bytes, which no cache of a desktop
# holds.
ROTATION = 128 << 20


@dataclass(frozen=True)
class Case:
    # `independent`, `step`, `ctc` or `transducer`.
    task: str
    # Where its scores come from, as perf/record/README.md has it.
    input: str
    # Items, steps and tokens; of a step, requests, 1 and tokens.
    shape: tuple[int, int, int]
    beams: int
    kind: str

    @property
    def name(self):
        said = {"independent": self.kind, "step": "logits"}.get(self.task, Path(self.input).stem)
        return f"{self.task}-{said}-{'x'.join(map(str, self.shape))}-{self.beams}"

    @property
    def bytes(self):
        """Of scores that one search reads."""
        rows = self.beams if self.task in ("step", "transducer") else 1
        return 4 * prod(self.shape) * rows


# As the record names it; a file of the package `cli`.
OCR = "assets/ocr_lines.npz"
CASES = [
    *(
        Case("independent", "random", shape, beams, kind)
        for shape, beams in [
            ((32, 20, 1000), 3),
            ((32, 20, 50000), 5),
            ((8, 64, 128256), 10),
            ((64, 200, 5000), 16),
            ((1, 20, 50000), 5),
        ]
        for kind in ("probs", "logits")
    ),
    *(
        Case("step", "random", (requests, 1, vocab), beams, "logits")
        for requests, beams, vocab in [
            (1, 4, 32000),
            (8, 4, 32000),
            (8, 8, 49152),
            (32, 5, 50257),
            (1, 64, 32000),
            (1, 512, 32000),
            (1, 2000, 32000),
        ]
    ),
    *(
        Case("ctc", source, shape, beams, kind)
        for source, shape, kind in [
            ("emissions", (1, 371, 29), "log-probs"),
            (OCR, (1, 107, 6625), "probs"),
        ]
        for beams in (16, 100)
    ),
    *(
        Case("transducer", "emissions", shape, beams, "logits")
        for shape, beams in [
            ((1, 200, 500), 4),
            ((1, 200, 1025), 8),
            ((32, 25, 1025), 8),
            ((8, 25, 5000), 16),
        ]
    ),
]

# One search, of which one size at a time is another: tokens, beams, items. Plots show them.
BASE = (32, 20, 5000), 8
AXES = [
    *(((32, 20, vocab), 8) for vocab in (500, 2000, 20000, 50000, 128256)),
    *(((32, 20, 5000), beams) for beams in (1, 2, 4, 16, 64, 256)),
    *(((items, 20, 5000), 8) for items in (1, 4, 128, 512)),
]
AXES = [Case("independent", "random", shape, beams, "logits") for shape, beams in [BASE, *AXES]]


def scores(case):
    """As a peer reads them: of a step [copies, requests, beams, tokens], of CTC
    [frames, tokens], of a transducer [copies, frames, utterances, beams, tokens], the blank
    first."""
    import numpy as np

    random = np.random.default_rng(1)
    if case.task == "step":
        shape = (max(ROTATION // case.bytes, 1), case.shape[0], case.beams, case.shape[2])
        return 3 * random.standard_normal(shape, np.float32)
    if case.task == "ctc":
        return emissions(random, *case.shape[1:]) if case.input == "emissions" else ocr_line(random)
    if case.task == "transducer":
        return joined(random, case)
    values = 3 * random.standard_normal(case.shape, np.float32)
    if case.kind == "probs":
        for item in values:
            np.exp(item, out=item)
            item /= item.sum(-1, keepdims=True)
    return values


def emissions(random, frames, vocab):
    """Log-probabilities that look like speech: a peak a frame, over half of them
    blank, not always right."""
    import numpy as np

    logits = random.normal(0, 1.5, (frames, vocab))
    peaks = np.where(random.random(frames) < 0.55, 0, random.integers(0, vocab, frames))
    logits[np.arange(frames), peaks] += random.uniform(4, 9, frames)
    return (logits - np.log(np.exp(logits).sum(-1, keepdims=True))).astype(np.float32)


def joined(random, case):
    """What a joiner says, with peaks as of `emissions`. All prefixes of a frame have the same
    scores, each in memory of its own: so it does not matter in which order a program holds its
    beam, and answers can be compared."""
    import numpy as np

    utterances, frames, vocab = case.shape
    copies = max(ROTATION // case.bytes, 1)
    rows = copies * frames * utterances
    logits = 1.5 * random.standard_normal((rows, vocab), np.float32)
    peaks = np.where(random.random(rows) < 0.6, 0, random.integers(0, vocab, rows))
    logits[np.arange(rows), peaks] += random.uniform(4, 9, rows).astype(np.float32)
    logits = logits.reshape(copies, frames, utterances, 1, vocab)
    return np.repeat(logits, case.beams, axis=3)


def ocr_line(random):
    """The first line of the built-in sample. That holds only the tokens that
    matter; what a row lacks of 1 is spread unevenly over the others, as a
    softmax leaves it."""
    import numpy as np

    with np.load(ROOT / "cli" / OCR) as file:
        frames, vocab = file["lengths"][0], file["shape"][2]
        counts = file["counts"][:frames]
        rows = np.zeros((frames, vocab), np.float32)
        kept = np.arange(int(counts.sum()))
        rows[np.repeat(np.arange(frames), counts), file["tokens"][kept]] = file["probs"][kept]
    tail = np.where(rows == 0, np.exp(random.standard_normal(rows.shape, np.float32)), 0)
    left = np.maximum(1 - rows.sum(-1, keepdims=True), 1e-6)
    return rows + tail * left / tail.sum(-1, keepdims=True)


if __name__ == "__main__":
    import numpy

    name, file = sys.argv[1:]
    case = next(case for case in [*CASES, *AXES] if case.name == name)
    numpy.save(file, scores(case))
