"""The adapters of engines without the engines: tables and iterators of Arrow."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

import widebeam
import widebeam.datasets
import widebeam.ray
import widebeam.spark

pa = pytest.importorskip("pyarrow")

LABELS = ["<blank>", "a", "b", " ", "c"]
VOCAB = len(LABELS)
COLUMNS = {name: name for name in ["text", "tokens", "frames", "score", "error"]}
SETTINGS = {"scores": "logits", "labels": LABELS, "beams": 8, "columns": COLUMNS}


def utterances(count, seed=0, frames=(0, 30)):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(*frames, size=count)
    return [rng.normal(scale=3, size=(size, VOCAB)).astype("f4") for size in sizes]


def flat(items, dtype="f4"):
    return pa.array([item.astype(dtype).ravel() for item in items])


def nested(items, inner=None):
    kind = pa.list_(inner or pa.list_(pa.float32()))
    return pa.array([item.tolist() for item in items], kind)


def of_bytes(items, dtype="f2"):
    return pa.array([item.astype(dtype).tobytes() for item in items], pa.binary())


def of_shapes(items):
    data = pa.array([item.ravel() for item in items])
    return pa.StructArray.from_arrays([data, pa.array([item.shape for item in items])], ["data", "shape"])


def alone(item, **more):
    (found,) = widebeam.CtcDecoder(LABELS, beams=8, **more).decode(item, "logits")
    best = found[0]
    return [best.text, best.tokens.tolist(), best.frames.tolist(), best.score, None]


def rows(table):
    return [[row[name] for name in COLUMNS] for row in table.to_pylist()]


@pytest.mark.parametrize(
    "column",
    [
        flat,
        lambda items: flat(items).cast(pa.large_list(pa.float32())),
        nested,
        lambda items: nested(items, pa.list_(pa.float32(), VOCAB)),
        lambda items: nested(items).cast(pa.large_list(pa.large_list(pa.float32()))),
        of_shapes,
        lambda items: of_bytes(items, "f4"),
    ],
    ids=["flat", "large", "frames", "fixed frames", "large frames", "tensors", "bytes"],
)
def test_columns_of_every_kind(column):
    items = utterances(40)
    table = pa.table({"id": range(40), "scores": column(items)})
    decode = widebeam.ray.Ctc(**SETTINGS, dtype="float32")
    found = decode(table)
    assert found.column_names == ["id", *COLUMNS]
    assert rows(found) == [alone(item) for item in items]
    # Any part of it, also one that does not begin where the memory does.
    for part in [table.slice(7, 11), pa.concat_tables([table.slice(30), table.slice(0, 3)])]:
        expected = [alone(items[row]) for row in part["id"].to_pylist()]
        assert rows(decode(part)) == expected
    assert rows(decode(table.slice(0, 0))) == []


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_floats(dtype):
    import ml_dtypes

    items = utterances(9)
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    expected = [alone(item.astype(kind).astype("f4")) for item in items]
    found = widebeam.ray.Ctc(**SETTINGS, dtype=dtype)(pa.table({"scores": of_bytes(items, kind)}))
    assert rows(found) == expected
    if dtype != "bfloat16":
        assert rows(widebeam.ray.Ctc(**SETTINGS)(pa.table({"scores": flat(items, dtype)}))) == expected


def test_what_lies_in_order_is_not_copied():
    from widebeam._columns import Column

    items = utterances(6, frames=(5, 6))
    column = Column(flat(items), VOCAB, None)
    assert np.shares_memory(column.padded(np.arange(6)), column.values)
    assert np.shares_memory(column.padded(np.arange(2, 5)), column.values)
    assert not np.shares_memory(column.padded(np.array([0, 2, 3])), column.values)
    assert (column.padded(np.array([3, 1])) == np.stack([items[3], items[1]])).all()


def test_bad_utterances_are_rows_with_errors():
    items = utterances(7, frames=(3, 9))
    items[2][1, 3] = np.nan
    scores = [item.ravel() for item in items]
    scores[4] = None
    scores[5] = scores[5][:-2]
    table = pa.table({"scores": pa.array(scores, pa.list_(pa.float32())), "n": [1, None, 2, -1, 1, 2, 99]})
    found = widebeam.ray.Ctc(**SETTINGS)(table.select(["scores"]))
    errors = found["error"].to_pylist()
    assert [row for row, error in enumerate(errors) if error] == [2, 4, 5]
    assert errors[2].startswith("step 1, token 3: ") and "no scores" in errors[4]
    assert "no multiple of the vocabulary of 5" in errors[5]
    assert found["text"].null_count == found["score"].null_count == found["tokens"].null_count == 3
    assert [rows(found)[row] for row in (0, 1, 3, 6)] == [alone(items[row]) for row in (0, 1, 3, 6)]
    # The same words wherever the row stands.
    assert widebeam.ray.Ctc(**SETTINGS)(table.select(["scores"]).slice(2))["error"].to_pylist() == errors[2:]

    found = widebeam.ray.Ctc(**SETTINGS, lengths="n")(table)
    errors = found["error"].to_pylist()
    assert [row for row, error in enumerate(errors) if error] == [1, 2, 3, 4, 5, 6]
    assert "length is nan" in errors[1] and "length is -1" in errors[3] and "length is 99" in errors[6]
    assert rows(found)[0] == alone(items[0][:1])

    ragged = nested(utterances(2, frames=(3, 4))).to_pylist()
    ragged[1][2] = [0.5]
    errors = widebeam.ray.Ctc(**SETTINGS)(pa.table({"scores": ragged}))["error"].to_pylist()
    assert errors[0] is None and errors[1] == "its frames do not all have 5 scores"
    # As many scores as frames of one width would have.
    ragged[1] = [[0.2] * 4, [0.2] * 6]
    errors = widebeam.ray.Ctc(**SETTINGS)(pa.table({"scores": ragged}))["error"].to_pylist()
    assert errors[0] is None and errors[1] == "its frames do not all have 5 scores"
    # No row has a frame, so that nothing tells the vocabulary.
    scores = pa.array([None, []], pa.list_(pa.list_(pa.float32())))
    found = widebeam.ray.Independent(beams=2, scores="probs")(pa.table({"scores": scores}))
    assert found["error"].to_pylist()[0] == "there are no scores"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"scores": "probabilities"}, '"probs", "log-probs" or "logits"'),
        ({"columns": {"words": "words"}}, "columns has 'words'"),
        ({"labels": None}, "there are no labels"),
        ({"columns": {"text": "x", "score": "x"}}, "gives two columns one name"),
    ],
)
def test_settings_that_are_refused(settings, said):
    for adapter in [widebeam.ray, widebeam.spark, widebeam.datasets]:
        with pytest.raises(widebeam.Error, match=said):
            adapter.Ctc(**{**SETTINGS, **settings})


@pytest.mark.parametrize(
    ("settings", "table", "exception", "said"),
    [
        ({}, {"other": [1]}, widebeam.Error, "no column 'scores': it has other"),
        ({"lengths": "n"}, {"scores": [[0.5]]}, widebeam.Error, "no column 'n'"),
        ({}, {"scores": ["a"]}, TypeError, "a column of string has no scores"),
        ({}, {"scores": [[1]]}, TypeError, "must be lists of floats"),
        ({}, {"scores": [b"1234"]}, ValueError, "say dtype="),
        ({"dtype": "int8"}, {"scores": [b"1234"]}, ValueError, "scores are floats"),
        ({}, {"scores": [[0.5] * VOCAB], "text": ["x"]}, widebeam.Error, "'text' already"),
        ({"beams": 0}, {"scores": [[0.5] * VOCAB]}, widebeam.Error, "beam"),
        ({"labels": tuple("abc"), "blank": 9}, {"scores": [[0.5] * 3]}, widebeam.Error, "blank"),
    ],
)
def test_tables_that_are_refused(settings, table, exception, said):
    with pytest.raises(exception, match=said):
        widebeam.ray.Ctc(**{**SETTINGS, **settings})(pa.table(table))


def test_the_independent_search():
    items = utterances(5)
    decode = widebeam.datasets.Independent(beams=3, scores="logits", vocab=VOCAB)
    found = decode(pa.table({"scores": flat(items)}))
    for item, tokens, score in zip(items, found["tokens"].to_pylist(), found["score"].to_pylist()):
        best = widebeam.IndependentSearch(3).decode(item, "logits")[0][0]
        assert (tokens, score) == (best.tokens.tolist(), best.score)


def test_functions_of_spark():
    pandas = pytest.importorskip("pandas")
    items = utterances(10)
    table = pa.table({"id": range(10), "scores": nested(items)})
    decode = pickle.loads(pickle.dumps(widebeam.spark.Ctc(**SETTINGS)))
    batches = list(decode.in_arrow(iter(table.to_batches(max_chunksize=4))))
    assert [batch.num_rows for batch in batches] == [4, 4, 2]
    expected = [alone(item) for item in items]
    assert rows(pa.Table.from_batches(batches)) == expected
    frames = list(decode.in_pandas(batch.to_pandas() for batch in table.to_batches(max_chunksize=6)))
    assert all(isinstance(frame, pandas.DataFrame) for frame in frames)
    assert pandas.concat(frames)["text"].tolist() == [row[0] for row in expected]


def test_functions_of_datasets():
    items = utterances(6)
    decode = widebeam.datasets.Ctc(**SETTINGS)
    expected = [alone(item) for item in items]
    assert rows(decode(pa.table({"scores": flat(items)}))) == expected
    for batch in [{"scores": [item.tolist() for item in items]}, {"scores": items}]:
        assert decode(batch)["text"] == [row[0] for row in expected]


def test_a_pickle_is_the_same_in_every_process(tmp_path):
    script = (
        "import pickle, sys, widebeam.datasets\n"
        f"decode = widebeam.datasets.Ctc(**{SETTINGS!r})\n"
        "if len(sys.argv) > 1:\n"
        "    import pyarrow; decode(pyarrow.table({'scores': [[0.5] * 5]}))\n"
        "sys.stdout.buffer.write(pickle.dumps(decode))"
    )
    runs = [[], ["used"]]
    pickles = [
        subprocess.check_output([sys.executable, "-c", script, *run], cwd=tmp_path) for run in runs
    ]
    assert pickles[0] == pickles[1]


def test_threads_are_those_that_the_engine_gives():
    before = widebeam.get_num_threads()
    try:
        widebeam.datasets.Ctc(**SETTINGS, threads=3)(pa.table({"scores": flat(utterances(2))}))
        assert widebeam.get_num_threads() == 3
        widebeam.datasets.Ctc(**SETTINGS)(pa.table({"scores": flat(utterances(2))}))
        assert widebeam.get_num_threads() == 1
    finally:
        widebeam.set_num_threads(before)
