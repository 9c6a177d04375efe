"""Types of arrays, for annotations."""

from __future__ import annotations

from typing import Any, Protocol


class SupportsDLPack(Protocol):
    """A tensor of any library that exports it by DLPack, in the memory of the processor."""

    def __dlpack__(self, *args: Any, **options: Any) -> Any:
        """The tensor in a capsule."""

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """The type and number of the device where it lies."""
