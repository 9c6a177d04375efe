from collections.abc import Iterable
from typing import Any, Final, Literal, SupportsIndex, final, overload

import numpy as np
import numpy.typing as npt

from ._arrays import SupportsDLPack
from ._error import Error

__all__ = [
    "Hypothesis",
    "IndependentSearch",
    "__version__",
    "_before_fork",
    "beam_search",
    "get_num_threads",
    "log_softmax_top_k",
    "set_num_threads",
    "top_k",
]

__version__: Final[str]

_Kind = Literal["probs", "log-probs", "logits"]
_Lengths = Iterable[SupportsIndex] | SupportsDLPack

@overload
def beam_search(
    array: npt.NDArray[Any],
    beam_size: int = 3,
    *,
    scores: _Kind = "probs",
    lengths: _Lengths | None = None,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]: ...
@overload
def beam_search(
    array: SupportsDLPack,
    beam_size: int = 3,
    *,
    scores: _Kind = "probs",
    lengths: _Lengths | None = None,
) -> tuple[Any, Any]: ...
@overload
def top_k(
    scores: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]: ...
@overload
def top_k(scores: SupportsDLPack, k: int) -> tuple[Any, Any]: ...
@overload
def log_softmax_top_k(
    logits: npt.NDArray[Any], k: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]: ...
@overload
def log_softmax_top_k(logits: SupportsDLPack, k: int) -> tuple[Any, Any]: ...
def set_num_threads(n: int) -> None: ...
def get_num_threads() -> int: ...
def _before_fork() -> None: ...
@final
class Hypothesis:
    @property
    def tokens(self) -> Any: ...
    @property
    def score(self) -> float: ...
    @staticmethod
    def _restore(tokens: list[int], score: float, torch: bool) -> Hypothesis: ...

@final
class IndependentSearch:
    def __new__(cls, beams: int) -> IndependentSearch: ...
    @property
    def beams(self) -> int: ...
    @overload
    def decode(
        self,
        array: npt.NDArray[Any] | SupportsDLPack,
        scores: _Kind,
        lengths: _Lengths | None = None,
        *,
        errors: Literal["raise"] = "raise",
    ) -> list[list[Hypothesis]]: ...
    @overload
    def decode(
        self,
        array: npt.NDArray[Any] | SupportsDLPack,
        scores: _Kind,
        lengths: _Lengths | None = None,
        *,
        errors: Literal["return"],
    ) -> list[list[Hypothesis] | Error]: ...
