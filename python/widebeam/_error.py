"""The exception of the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._widebeam import RequestId


class Error(ValueError):
    """What widebeam refuses, in one sentence that names the value and the limit.

    ``item``, ``step`` and ``token`` say where in the scores, and ``request`` in which request,
    as far as the error is about such a place; they are None otherwise.
    """

    item: int | None = None
    step: int | None = None
    token: int | None = None
    request: RequestId | None = None
