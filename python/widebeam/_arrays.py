"""Types of arrays and of what is said of them, for annotations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, Union

if TYPE_CHECKING:
    import numpy.typing as npt


class SupportsDLPack(Protocol):
    """A tensor of any library that exports it by DLPack, in the memory of the processor."""

    def __dlpack__(self, *args: Any, **options: Any) -> Any:
        """The tensor in a capsule."""

    def __dlpack_device__(self) -> tuple[Any, Any]:
        """The type and number of the device where it lies."""


# A union of three, since stubtest asks for one where mypy sees one.
Kind = Union[Literal["probs"], Literal["log-probs"], Literal["logits"]]
Scores = Union["npt.NDArray[Any]", SupportsDLPack]
Lengths = Union[Iterable[SupportsIndex], SupportsDLPack]
