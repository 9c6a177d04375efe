"""Decoding with Hugging Face datasets: batched functions for ``Dataset.map``.

Each process uses ``threads`` threads, one if nothing is said; ``num_proc`` is the number of
processes. The cache of datasets knows a function by its settings, the names of files among them::

    import widebeam.datasets

    decode = widebeam.datasets.Ctc(scores="log-probs", labels=labels, blank=0, lm="words.bin")
    found = emissions.with_format("arrow").map(
        decode, batched=True, remove_columns=["scores"], num_proc=2
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

With the format "arrow" batches are tables, and nothing becomes a list of Python. Other formats are
taken, too, at the cost of that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ._batches import Batches

if TYPE_CHECKING:
    from ._arrays import Kind

__all__ = ["Ctc", "Independent"]


class _Function(Batches):
    """A function of batches."""

    def __call__(self, batch: Any) -> Any:
        """Decodes a batch: a ``pyarrow.Table``, or a mapping from columns to their values."""
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

        self.prepare(self._settings["threads"])
        if isinstance(batch, pa.Table):
            return self.decode(batch)
        return self.decode(pa.table({name: _column(batch[name]) for name in batch})).to_pydict()


def _column(values: Any) -> Any:
    """Values of any format as a column; arrays of numpy or torch are lists of frames."""
    import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return pa.array([value.tolist() if hasattr(value, "tolist") else value for value in values])


class Ctc(_Function):
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
        threads: int = 1,
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
        self._settings["threads"] = threads


class Independent(_Function):
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
        threads: int = 1,
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
        self._settings["threads"] = threads
