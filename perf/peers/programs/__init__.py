"""The peers in Python, one file each. A file has `programs(case)`."""

from dataclasses import dataclass
from typing import Any, Callable

# The smallest probability that peers are given which want its logarithm; the
# same in rust/src/lib.rs.
TINY = 1e-30
# Where prefixes with and without a last blank are merged only among themselves, a
# beam holds fewer prefixes than it is wide, and a share of a prefix's mass is cut.
HELD_TWICE = "holds a prefix twice"


@dataclass
class Case:
    task: str
    kind: str
    beams: int
    threads: int
    scores: Any

    def log_probs(self):
        import numpy as np

        if self.kind == "probs":
            return np.log(np.maximum(self.scores, np.float32(TINY)))
        return self.scores


@dataclass
class Program:
    """A search that is timed. `search` returns what `answers` makes readable: of
    each item its hypotheses, best first, each a list of tokens and the natural
    logarithm of its probability, or None. A step's tokens are a row and the
    token that continues it."""

    name: str
    search: Callable[[], Any]
    answers: Callable[[Any], list]
    # How it differs from exact search with as many beams.
    differs: str = ""
    # Whether it must find what exact search finds, up to rounding, all the same.
    exact: bool = False
    # Why it is not run, if so.
    skipped: str | None = None
