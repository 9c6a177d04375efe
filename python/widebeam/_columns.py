"""Columns of Arrow as arrays of numpy, in place, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


class Column:
    """The scores of many utterances: ``[frames, vocab]`` of each, one behind the other.

    ``values`` is where they lie; utterance ``row`` begins at ``starts[row]`` and has
    ``frames[row]`` frames. ``refused`` says of some rows why they cannot be read.
    """

    def __init__(self, column: Any, vocab: int | None, dtype: str | None) -> None:
        """Reads an array of Arrow; see ``widebeam.ray`` for its types."""
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

        self.refused: dict[int, str] = {}
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if isinstance(array, pa.ChunkedArray):
            array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
        rows = np.arange(len(array))
        missing = rows[np.asarray(array.is_null())]
        shape = getattr(array.type, "shape", None)
        if isinstance(array.type, pa.BaseExtensionType):
            array = array.storage
        if pa.types.is_struct(array.type):
            # A tensor of a shape of its own in each row, as Ray has them.
            sizes, _, stops = _lists(array.field("shape"))
            array = array.field("data")
            widths = sizes.to_numpy()[stops - 1] if len(sizes) else np.zeros(len(rows), "i8")
            vocab = _common(widths, vocab)
            for row in rows[widths != vocab]:
                self.refused[int(row)] = f"its vocabulary is {widths[row]}, and others have {vocab}"
        elif shape is not None and len(shape) == 2:
            vocab = int(shape[1])
        starts, stops, inner = self._flat(array, dtype)
        if inner is not None:
            widths = np.diff(inner)
            vocab = _common(widths, vocab)
            odd = np.append(0, np.cumsum(widths != vocab))
            for row in rows[odd[stops] != odd[starts]]:
                self.refused[int(row)] = f"its frames do not all have {vocab} scores"
            starts, stops = inner[starts], inner[stops]
            if vocab is None:
                vocab = 1  # No row has a frame.
        if vocab is None:
            raise ValueError("the column has no shape: say vocab=, the scores of a frame")
        for row in rows[(stops - starts) % max(vocab, 1) != 0]:
            said = f"{stops[row] - starts[row]} scores are no multiple of the vocabulary of {vocab}"
            self.refused.setdefault(int(row), said)
        for row in missing:
            self.refused[int(row)] = "there are no scores"
        self.vocab = vocab
        self.starts, self.frames = starts, (stops - starts) // max(vocab, 1)

    def _flat(self, array: Any, dtype: str | None) -> tuple[Any, Any, Any]:
        """Where rows begin and end: among the values, or among frames, whose offsets come third."""
        import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

        kind = array.type
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
            if dtype is None:
                raise ValueError("the column is binary: say dtype=, as in dtype='float16'")
            offsets = np.frombuffer(array.buffers()[1], "i4" if pa.types.is_binary(kind) else "i8")
            offsets = offsets[array.offset : array.offset + len(array) + 1].astype("i8")
            scores = _dtype(dtype)
            for row in np.flatnonzero(np.diff(offsets) % scores.itemsize):
                self.refused[int(row)] = f"its bytes are no multiple of {scores.itemsize}, the size of a {dtype}"
            self._bytes = np.frombuffer(array.buffers()[2] or b"", "u1")
            return self._of_bytes(offsets, scores)
        if not (_is_list(kind) or pa.types.is_fixed_size_list(kind)):
            raise TypeError(f"a column of {kind} has no scores: it must be lists of floats")
        child, starts, stops = _lists(array)
        if _is_list(child.type) or pa.types.is_fixed_size_list(child.type):
            values, begin, end = _lists(child)
            inner = np.append(begin, end[-1:] if len(end) else [0])
        else:
            values, inner = child, None
        if not pa.types.is_floating(values.type):
            raise TypeError(f"a column of {kind} has no scores: it must be lists of floats")
        # With missing numbers they are NaN, which the search refuses.
        self.values = values.to_numpy(zero_copy_only=values.null_count == 0)
        return starts, stops, inner

    def _of_bytes(self, offsets: Any, scores: Any) -> tuple[Any, Any, None]:
        """Bytes where they lie, or copied where rows lie at odd addresses."""
        size = scores.itemsize
        whole = self._bytes[: len(self._bytes) // size * size]
        if not (offsets % size).any():
            self.values = whole.view(scores)
            return offsets[:-1] // size, offsets[1:] // size, None
        parts = [self._bytes[a : a + (b - a) // size * size] for a, b in zip(offsets[:-1], offsets[1:])]
        ends = np.cumsum([len(part) // size for part in parts])
        self.values = np.concatenate(parts).view(scores)
        return np.append(0, ends[:-1]), ends, None

    def padded(self, rows: npt.NDArray[Any]) -> Any:
        """The scores of these rows as ``[rows, most frames, vocab]``: in place if they have as
        many frames and lie at equal distances, else copied."""
        frames, starts = self.frames[rows], self.starts[rows]
        most = int(frames.max(initial=0))
        size = most * self.vocab
        is_f64 = self.values.dtype == "f8"
        if not is_f64 and (frames == most).all() and (np.diff(starts) == size).all():
            lying = self.values[starts[0] : starts[0] + len(rows) * size]
            return lying.reshape(len(rows), most, self.vocab)
        dtype = "f4" if is_f64 else self.values.dtype
        copied = np.zeros((len(rows), most, self.vocab), dtype)
        for place, (start, count) in enumerate(zip(starts, frames)):
            scores = self.values[start : start + count * self.vocab]
            copied[place, :count] = scores.reshape(count, self.vocab)
        return copied


def _is_list(kind: Any) -> bool:
    import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def _lists(array: Any) -> tuple[Any, Any, Any]:
    """The elements of lists, and where each list begins and ends among them."""
    import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

    if pa.types.is_fixed_size_list(array.type):
        size = array.type.list_size
        starts = (np.arange(len(array)) + array.offset) * size
        return array.values, starts, starts + size
    offsets = array.offsets.to_numpy().astype("i8")
    return array.values, offsets[:-1], offsets[1:]


def _common(widths: Any, vocab: int | None) -> int | None:
    """The width that most frames have, unless one is given."""
    if vocab is not None or len(widths) == 0:
        return vocab
    found, counts = np.unique(widths, return_counts=True)
    return int(found[counts.argmax()])


def _dtype(name: str) -> Any:
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    dtype = np.dtype(name)
    if dtype.kind != "f":
        raise ValueError(f"dtype={name!r}: scores are floats")
    return dtype


def ragged(arrays: list[Any], missing: Any) -> Any:
    """Arrays of whole numbers as a column of lists of int32, null where ``missing``."""
    import pyarrow as pa  # type: ignore[import-not-found,import-untyped,unused-ignore]

    ends = np.cumsum([len(array) for array in arrays], dtype="i4")
    values = np.concatenate(arrays).astype("i4") if arrays else np.zeros(0, "i4")
    offsets = pa.array(np.append(np.int32(0), ends).astype("i4"), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(values), mask=pa.array(missing))
