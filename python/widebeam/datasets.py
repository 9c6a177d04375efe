"""Decoding with Hugging Face datasets: batched functions for ``Dataset.map``.

Each process uses ``threads`` threads, one if nothing is said; ``num_proc`` is the number of
processes. The cache of datasets knows a function by its settings, the names of files among them::

    import widebeam.datasets

    decode = widebeam.datasets.Ctc(scores="log-probs", labels=labels, blank=0, lm="words.bin")
    found = emissions.with_format("arrow").map(
        decode, batched=True, remove_columns=["scores"], num_proc=2
    )

Each row of a table is an utterance. ``Ctc`` and ``Independent`` say what their settings are. What
is found in a row does not depend on the others, so no size of batches changes a bit, if the
vocabulary is known: by ``vocab``, the labels as a list, or the type of the column; else frames have
the width of most in the batch. A bad utterance is a row with an error.

With the format "arrow" batches are tables, and nothing becomes a list of Python. Other formats are
taken, too, at the cost of that.
"""

from __future__ import annotations

from typing import Any

from ._batches import Batches, CtcBatches, IndependentBatches

__all__ = ["Ctc", "Independent"]


class _Function(Batches):
    """A function of batches, on ``threads`` threads."""

    def __init__(self, *, threads: int = 1, **settings: Any) -> None:
        """``threads``, and the settings of ``widebeam.ray.Ctc`` or ``widebeam.ray.Independent``."""
        super().__init__(**settings)
        self._settings["threads"] = threads

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


class Ctc(_Function, CtcBatches):
    """CTC emissions to text."""


class Independent(_Function, IndependentBatches):
    """Independent positions to their best sequence."""
