"""Decoding with Spark: functions for ``mapInArrow`` and ``mapInPandas``, and their schema.

A task uses the processors that Spark gives it (``spark.task.cpus``), and workers that Spark
reuses keep their decoder::

    import widebeam.spark

    decode = widebeam.spark.Ctc(scores="log-probs", labels=labels, blank=0, lm="words.bin")
    found = emissions.mapInArrow(decode.in_arrow, decode.schema(emissions.schema))

Each row of a table is an utterance. ``Ctc`` and ``Independent`` say what their settings are. What
is found in a row does not depend on the others, so no size of batches changes a bit, if the
vocabulary is known: by ``vocab``, the labels as a list, or the type of the column; else frames have
the width of most in the batch. A bad utterance is a row with an error.

A binary file of KenLM is mapped: the workers of a node share its memory. Every node needs the
file at the same path.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ._batches import Batches, CtcBatches, IndependentBatches

__all__ = ["Ctc", "Independent"]


class _Function(Batches):
    """Functions of iterators, as Spark calls them."""

    def schema(self, of_input: Any) -> Any:
        """The ``StructType`` of the result for an input of this one."""
        given = of_input.jsonValue()
        fields = [field for field in given["fields"] if field["name"] not in self.dropped()]
        for name, kind in self.added().items():
            of_list = {"type": "array", "elementType": "integer", "containsNull": True}
            typed = of_list if kind == "array<int>" else kind
            fields.append({"name": name, "type": typed, "nullable": True, "metadata": {}})
        return type(of_input).fromJson({**given, "fields": fields})

    def in_arrow(self, batches: Iterator[Any]) -> Iterator[Any]:
        """For ``mapInArrow``: decodes batches, each a ``pyarrow.RecordBatch``."""
        self.prepare(_processors())
        for batch in batches:
            yield self.decode(batch)

    def in_pandas(self, frames: Iterator[Any]) -> Iterator[Any]:
        """For ``mapInPandas``: decodes batches, each a ``pandas.DataFrame``. A column of scores has
        to be copied; ``in_arrow`` is faster."""
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

        self.prepare(_processors())
        for frame in frames:
            yield self.decode(pa.RecordBatch.from_pandas(frame, preserve_index=False)).to_pandas()


def _processors() -> int | None:
    """How many processors Spark gives this task; none of its own where Spark is not."""
    import sys

    spark: Any = sys.modules.get("pyspark")
    task = None if spark is None else spark.TaskContext.get()
    return None if task is None else max(int(task.cpus()), 1)


class Ctc(_Function, CtcBatches):
    """CTC emissions to text."""


class Independent(_Function, IndependentBatches):
    """Independent positions to their best sequence."""
