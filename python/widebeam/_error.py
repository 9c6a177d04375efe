"""The exception of the package."""

from __future__ import annotations


class Error(ValueError):
    """What widebeam refuses, in one sentence that names the value and the limit.

    ``item``, ``step`` and ``token`` say where in the scores, as far as the error is about such
    a place, and are None otherwise.
    """

    item: int | None = None
    step: int | None = None
    token: int | None = None
