"""Rows of Arrow in, rows of Arrow out: what the adapters of engines share."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ._columns import Column, ragged
from ._ctc import CtcDecoder
from ._error import Error
from ._widebeam import IndependentSearch, get_num_threads, set_num_threads

if TYPE_CHECKING:
    from ._arrays import Kind

# What may be asked of each utterance, and the type of its column in the words of Spark.
_TYPES = {
    "text": "string",
    "score": "double",
    "tokens": "array<int>",
    "frames": "array<int>",
    "error": "string",
}

# Bytes of scores that are decoded at once.
_PIECE = 32 << 20


# The decoders of this process, by their settings: tasks that follow each other share one.
_DECODERS: dict[bytes, Any] = {}


def _decoder(settings: bytes) -> Any:
    made = _DECODERS.get(settings)
    if made is None:
        search, options = pickle.loads(settings)
        made = CtcDecoder(**options) if search == "ctc" else IndependentSearch(options["beams"])
        # A process works at one task, or at two that take turns.
        if len(_DECODERS) > 1:
            _DECODERS.clear()
        _DECODERS[settings] = made
    return made


class Batches:
    """Decodes the rows of tables, each of them an utterance. Pickled by its settings."""

    def __init__(
        self,
        search: str,
        options: dict[str, Any],
        *,
        scores: str,
        column: str,
        lengths: str | None,
        vocab: int | None,
        dtype: str | None,
        columns: Mapping[str, str],
    ) -> None:
        """The search, its settings, and those of the batches: see ``CtcBatches``."""
        if scores not in ("probs", "log-probs", "logits"):
            raise Error(f'scores is {scores!r}: it must be "probs", "log-probs" or "logits"')
        known = [name for name in _TYPES if search == "ctc" or name not in ("text", "frames")]
        for name in columns:
            if name not in known:
                raise Error(f"columns has {name!r}: what can be had is {', '.join(known)}")
        if "text" in columns and options.get("labels") is None:
            raise Error("columns has 'text', and there are no labels=")
        if vocab is None and isinstance(options.get("labels"), (list, tuple)):
            vocab = len(options["labels"])
        if len(set(columns.values())) < len(columns):
            raise Error(f"columns={dict(columns)!r} gives two columns one name")
        self._settings: dict[str, Any] = {
            "decoder": pickle.dumps((search, options), 4),
            "scores": scores,
            "column": column,
            "lengths": lengths,
            "vocab": vocab,
            "dtype": dtype,
            "columns": dict(columns),
        }

    def __getstate__(self) -> dict[str, Any]:
        """The settings."""
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        """With these settings."""
        self._settings = settings

    def prepare(self, threads: int | None) -> None:
        """Makes the decoder of this process, if it has none of these settings, and has it use so
        many threads; ``None`` leaves them as they are."""
        if threads is not None and threads != get_num_threads():
            set_num_threads(threads)
        _decoder(self._settings["decoder"])

    def added(self) -> dict[str, str]:
        """The names of the columns that are added, and their types in the words of Spark."""
        return {name: _TYPES[what] for what, name in self._settings["columns"].items()}

    def dropped(self) -> list[str]:
        """The names of the columns that are read and not passed on."""
        read = [self._settings["column"], self._settings["lengths"]]
        return [name for name in read if name is not None]

    def decode(self, table: Any) -> Any:
        """The table without its scores and with what was found; a ``Table`` or ``RecordBatch``."""
        dropped = self.dropped()
        for name in self._settings["columns"].values():
            if name in table.schema.names and name not in dropped:
                raise Error(f"the table has a column {name!r} already: columns= gives other names")
        found = self._found(table)
        for name in dropped:
            table = table.drop_columns([name])
        for name, column in found.items():
            if hasattr(table, "append_column"):
                table = table.append_column(name, column)
            else:
                table = table.add_column(table.num_columns, name, column)
        return table

    def _found(self, table: Any) -> dict[str, Any]:
        settings = self._settings
        for name in self.dropped():
            if name not in table.schema.names:
                raise Error(f"the table has no column {name!r}: it has {', '.join(table.schema.names)}")
        column = Column(table[settings["column"]], settings["vocab"], settings["dtype"])
        answers: list[Any] = [None] * table.num_rows
        for row, said in column.refused.items():
            answers[row] = said
        used = self._used(table, column, answers)
        left = np.array([row for row, answer in enumerate(answers) if answer is None], "i8")
        # Those of a length side by side: what is found in a row does not depend on the others.
        left = left[np.argsort(column.frames[left], kind="stable")]
        row_bytes = column.frames * column.vocab * column.values.itemsize
        while len(left):
            # The last is the longest of those that are taken.
            sizes = row_bytes[left] * np.arange(1, len(left) + 1)
            count = max(int(np.searchsorted(sizes, _PIECE, side="right")), 1)
            piece, left = left[:count], left[count:]
            decoder = _decoder(settings["decoder"])
            items = decoder.decode(
                column.padded(piece), settings["scores"], used[piece], errors="return"
            )
            for row, item in zip(piece, items):
                answers[row] = _without_item(str(item)) if isinstance(item, Error) else item[0]
        return self._columns(answers)

    def _used(self, table: Any, column: Column, answers: list[Any]) -> Any:
        """The frames in use of each row."""
        name = self._settings["lengths"]
        if name is None:
            return column.frames
        # A length that is missing is NaN, and between no limits.
        lengths = np.asarray(table[name], "f8")
        whole = lengths == np.floor(lengths)
        for row in np.flatnonzero(~(whole & (lengths >= 0) & (lengths <= column.frames))):
            if answers[row] is None:
                answers[row] = f"its length is {lengths[row]:g}, and it has {column.frames[row]} frames"
        return np.nan_to_num(lengths).astype("i8")

    def _columns(self, answers: list[Any]) -> dict[str, Any]:
        """What was found as columns; an answer that is a text says why there is none."""
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

        missing = np.array([isinstance(answer, str) for answer in answers], bool)
        nothing = np.zeros(0, "i8")
        made = {}
        for what, name in self._settings["columns"].items():
            if what == "error":
                said = [answer if isinstance(answer, str) else None for answer in answers]
                made[name] = pa.array(said, pa.string())
            elif what == "text":
                read = [None if isinstance(answer, str) else answer.text for answer in answers]
                made[name] = pa.array(read, pa.string())
            elif what == "score":
                numbers = [0.0 if isinstance(answer, str) else answer.score for answer in answers]
                made[name] = pa.array(np.array(numbers, "f8"), pa.float64(), mask=missing)
            else:
                lists = [nothing if isinstance(a, str) else getattr(a, what) for a in answers]
                made[name] = ragged(lists, missing)
        return made


class CtcBatches(Batches):
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
        """Settings by keyword, beside those of :class:`widebeam.CtcDecoder`:

        scores
            What the numbers are: ``"probs"``, ``"log-probs"`` or ``"logits"``.
        column, vocab, dtype
            The column of scores: lists of frames, each a list of as many scores as the vocabulary
            has; or flat lists ``[frames * vocab]``, or bytes of ``dtype`` (``"float16"``,
            ``"bfloat16"``, ``"float32"``), which need ``vocab`` unless ``labels`` is a list; or
            tensors ``[frames, vocab]``. Numbers are float16, float32 or float64, which is rounded
            to float32. They are read where they lie if all utterances of a piece have as many
            frames, and else copied once.
        lengths
            A column of the frames in use; without one all are.
        columns
            What is found, and the names of its columns: ``"text"`` (strings), ``"tokens"`` and
            ``"frames"`` (lists of int32), ``"score"`` (float64) of the best hypothesis, and
            ``"error"``, which says why an utterance has none, and is null for all others. Other
            columns are passed on; those of scores and lengths are not.

        Settings that make no sense raise ``widebeam.Error``, a ValueError.
        """
        super().__init__(
            "ctc",
            options,
            scores=scores,
            column=column,
            lengths=lengths,
            vocab=vocab,
            dtype=dtype,
            columns=columns,
        )


class IndependentBatches(Batches):
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
        """Settings by keyword: those of ``CtcBatches``, without ``"text"`` and ``"frames"``, and
        ``beams``, as :class:`widebeam.IndependentSearch` has it."""
        super().__init__(
            "independent",
            {"beams": beams},
            scores=scores,
            column=column,
            lengths=lengths,
            vocab=vocab,
            dtype=dtype,
            columns=columns,
        )


def _without_item(said: str) -> str:
    """A message without the number of the item, which counts within a piece."""
    return re.sub(r"\bitem \d+(, |: )", "", said, count=1)
