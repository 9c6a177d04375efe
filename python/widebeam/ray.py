"""Decoding with Ray Data: callable classes for ``Dataset.map_batches``.

A worker builds its decoder once, and uses the processors that Ray gives it::

    import widebeam.ray

    settings = {"scores": "log-probs", "labels": labels, "blank": 0, "lm": "words.bin"}
    found = emissions.map_batches(
        widebeam.ray.Ctc, fn_constructor_kwargs=settings,
        batch_format="pyarrow", concurrency=2, num_cpus=1,
    )

Each row of a table is an utterance. Settings by keyword:

scores
    What the numbers are: ``"probs"``, ``"log-probs"`` or ``"logits"``.
column, vocab, dtype
    The column of scores: lists of frames, each a list of as many scores as the vocabulary has; or
    flat lists ``[frames * vocab]``, or bytes of ``dtype`` (``"float16"``, ``"bfloat16"``,
    ``"float32"``), which need ``vocab`` unless ``labels`` is a list; or tensors ``[frames, vocab]``.
    Numbers are float16, float32 or float64, which is rounded to float32. They are read where they
    lie if all utterances of a piece have as many frames, and else copied once.
lengths
    A column of the frames in use; without one all are.
columns
    What is found, and the names of its columns: ``"text"`` (strings), ``"tokens"`` and ``"frames"``
    (lists of int32), ``"score"`` (float64) of the best hypothesis, and ``"error"``, which says why
    an utterance has none, and is null for all others. Other columns are passed on; those of scores
    and lengths are not.

``Ctc`` takes the settings of :class:`widebeam.CtcDecoder` beside, ``Independent`` those of
:class:`widebeam.IndependentSearch`. What is found in a row does not depend on the others, so no
size of batches changes a bit, if the vocabulary is known: by ``vocab``, the labels as a list, or the
type of the column; else frames have the width of most in the batch. Settings that make no sense raise ``widebeam.Error``, a ValueError;
a bad utterance is a row with an error.

A binary file of KenLM is mapped: the workers of a node share its memory. Every node needs the
file at the same path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._batches import Batches

if TYPE_CHECKING:
    from ._arrays import Kind

__all__ = ["Ctc", "Independent"]


class _Worker(Batches):
    """A worker of Ray."""

    _ready = False

    def __call__(self, table: Any) -> Any:
        """Decodes a batch, a ``pyarrow.Table``."""
        if not self._ready:
            self.prepare(_processors())
            self._ready = True
        return self.decode(table)


def _processors() -> int | None:
    """How many processors Ray gives this worker; ``None`` where there is no Ray, or its driver is."""
    import sys

    ray: Any = sys.modules.get("ray")
    if ray is None or not ray.is_initialized():
        return None
    try:
        given = ray.get_runtime_context().get_assigned_resources()
    except AssertionError:
        # So Ray says that this is no worker.
        return None
    return max(int(given.get("CPU", 1)), 1)


class Ctc(_Worker):
    """CTC emissions to text."""

    def __init__(
        self,
        *,
        scores: Kind,
        column: str = "scores",
        lengths: str | None = None,
        vocab: int | None = None,
        dtype: str | None = None,
        columns: Mapping[str, str] = {"text": "text", "score": "score", "error": "error"},
        **options: Any,
    ) -> None:
        """See the module."""
        super().__init__(
            "ctc", options,
            scores=scores,
            column=column,
            lengths=lengths,
            vocab=vocab,
            dtype=dtype,
            columns=columns,
        )


class Independent(_Worker):
    """Independent positions to their best sequence."""

    def __init__(
        self,
        *,
        scores: Kind,
        column: str = "scores",
        lengths: str | None = None,
        vocab: int | None = None,
        dtype: str | None = None,
        columns: Mapping[str, str] = {"tokens": "tokens", "score": "score", "error": "error"},
        beams: int = 16,
    ) -> None:
        """See the module."""
        super().__init__(
            "independent", {"beams": beams},
            scores=scores,
            column=column,
            lengths=lengths,
            vocab=vocab,
            dtype=dtype,
            columns=columns,
        )
