"""Twenty thousand utterances with noise, a model of 100 MB, and what one process finds in them."""

import os
import struct
import time
from pathlib import Path

import numpy as np
import pytest

import widebeam
import widebeam.ray

COUNT = int(os.environ.get("UTTERANCES", "10000"))

ROOT = Path(__file__).parents[3]
MODEL = ROOT / "tests" / "fixtures" / "kenlm" / "order3.probing.bin"


def with_larger_tables(model, multiplier):
    """A binary file of KenLM, of type probing and order 3, with hash tables so many times as large as
    what they hold."""
    counts = struct.unpack_from("<3Q", model, 108)
    old = struct.unpack_from("<f", model, 92)[0]
    made, at = [model[:92] + struct.pack("<f", multiplier) + model[96:144]], 144

    def slots(count, multiplier):
        return 1 + max(count, int(np.float32(multiplier) * np.float32(count)) - 1)

    for count, size, before in [(counts[0], 12, 0), (counts[1], 16, 8 * (counts[0] + 1)), (counts[2], 12, 0)]:
        made.append(model[at : at + before])
        at += before
        table, room = bytearray(size * slots(count, multiplier)), slots(count, multiplier)
        for _ in range(slots(count, old)):
            slot, at = model[at : at + size], at + size
            key = struct.unpack_from("<Q", slot)[0]
            place = key % room
            while key and struct.unpack_from("<Q", table, size * place)[0]:
                place = (place + 1) % room
            if key:
                table[size * place : size * (place + 1)] = slot
        made.append(bytes(table))
    return b"".join([*made, model[at:]])


def speech(folder):
    data = np.load(folder / "speech" / "phonemes_f16.npz")
    items = [item[:n] for item, n in zip(data["log_probs"].astype("f4"), data["lengths"])]
    return items, (folder / "speech" / "phoneme_labels.txt").read_text().splitlines()


def ocr(folder):
    """Lines of text, with the labels that are likely somewhere."""
    data = np.load(folder / "ocr_lines_f16.npz")
    probs = data["probs"].astype("f4")
    likely = np.flatnonzero(probs.max((0, 1)) > 0.01)
    labels = (folder / "ocr_labels.txt").read_text().split("\n")
    log_probs = np.log(np.maximum(probs[..., likely], 1e-7))
    items = [item[:n] for item, n in zip(log_probs, data["lengths"])]
    return items, [labels[token] for token in likely]


def spelling(labels):
    """The labels, of which some are replaced by those that spell the words of the model: w0, w1 ..."""
    letters = ["w", *"0123456789"]
    kept = [label + "'" if label in letters else label for label in labels]
    return [*kept[:2], *letters, *kept[2 + len(letters) :]]


@pytest.fixture(scope="session", params=[speech, ocr], ids=["speech", "ocr"])
def job(request, tmp_path_factory):
    """A folder of Parquet, the settings of the decoder, and the answers of one process."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    shared = next((f / "shared" / "data" for f in Path(__file__).parents if (f / "shared").is_dir()), None)
    if shared is None:
        pytest.skip("the emissions are not here")
    items, labels = request.param(shared)
    labels = spelling(labels)
    vocab = len(labels)
    folder = tmp_path_factory.mktemp(request.param.__name__)
    for part, start in enumerate(range(0, COUNT, 500)):
        rows, ids = [], range(start, min(start + 500, COUNT))
        for number in ids:
            rng = np.random.default_rng(number)
            item = items[number % len(items)]
            begin = rng.integers(max(len(item) - 60, 1))
            scores = item[begin : begin + rng.integers(20, 60)]
            scores = scores + rng.normal(scale=1.0, size=scores.shape).astype("f4")
            if number % 97 == 13:
                scores[len(scores) // 2, 1] = np.nan
            rows.append(scores.ravel())
        table = pa.table({"id": pa.array(ids, pa.int64()), "scores": pa.array(rows, pa.list_(pa.float32()))})
        pq.write_table(table, folder / f"part-{part:03}.parquet", row_group_size=250)
    model = folder.parent / f"{folder.name}-large.probing.bin"
    model.write_bytes(with_larger_tables(MODEL.read_bytes(), 70_000))
    settings = {
        "scores": "logits", "labels": labels, "blank": 0, "beams": 16, "vocab": vocab,
        "columns": {name: name for name in ["text", "tokens", "score", "error"]},
        "lm": str(model), "lm_weight": 0.1, "unknown_score": 0.0,
    }  # fmt: skip
    widebeam.set_num_threads(2)
    decode = widebeam.ray.Ctc(**settings)
    begun, reading = time.perf_counter(), 0.0
    tables = []
    for path in sorted(folder.glob("*.parquet")):
        before = time.perf_counter()
        table = pq.read_table(path)
        reading += time.perf_counter() - before
        tables.append(decode(table))
    seconds = time.perf_counter() - begun
    expected = pa.concat_tables(tables)
    bad = [row for row, error in enumerate(expected["error"].to_pylist()) if error]
    assert bad == [row for row in range(COUNT) if row % 97 == 13]
    print(
        f"\n{request.param.__name__}: one process, 2 threads: {COUNT} utterances in {seconds:.2f} s "
        f"({reading:.2f} s of it reading), {COUNT / seconds:.0f} a second, {len(bad)} bad"
    )
    return folder, settings, expected, seconds


@pytest.fixture
def same():
    """Whether a table holds what one process found, to the bit."""

    def check(table, expected):
        assert table.num_rows == expected.num_rows, "rows are lost or there twice"
        for name in expected.column_names:
            found, wanted = (t[name].combine_chunks() for t in (table, expected))
            assert found.cast(wanted.type).equals(wanted), name

    return check
