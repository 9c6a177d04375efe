"""Decoding with Ray Data: callable classes for ``Dataset.map_batches``.

A worker builds its decoder once, and uses the processors that Ray gives it::

    import widebeam.ray

    settings = {"scores": "log-probs", "labels": labels, "blank": 0, "lm": "words.bin"}
    found = emissions.map_batches(
        widebeam.ray.Ctc, fn_constructor_kwargs=settings,
        batch_format="pyarrow", compute=ray.data.ActorPoolStrategy(size=2), num_cpus=1,
    )

Workers keep their processors to the end of the job. Ray needs another one to read and to write: a job
waits for ever whose workers hold all there are.

Each row of a table is an utterance. ``Ctc`` and ``Independent`` say what their settings are. What
is found in a row does not depend on the others, so no size of batches changes a bit, if the
vocabulary is known: by ``vocab``, the labels as a list, or the type of the column; else frames have
the width of most in the batch. A bad utterance is a row with an error.

A binary file of KenLM is mapped: the workers of a node share its memory. Every node needs the
file at the same path.
"""

from __future__ import annotations

from typing import Any

from ._batches import Batches, CtcBatches, IndependentBatches

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


class Ctc(_Worker, CtcBatches):
    """CTC emissions to text."""


class Independent(_Worker, IndependentBatches):
    """Independent positions to their best sequence."""
