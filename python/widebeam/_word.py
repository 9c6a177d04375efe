"""A word of a transcript."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A word, and the frames of the best alignment in which it is.

    ``start`` is the frame of its first token, ``end`` the last frame of its last token.
    """

    text: str
    start: int
    end: int
