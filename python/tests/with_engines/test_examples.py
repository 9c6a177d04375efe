"""The examples of jobs: Parquet in, Parquet out, and what is bad in a column."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import widebeam

pa = pytest.importorskip("pyarrow")
EXAMPLES = Path(__file__).parents[2] / "examples"
LABELS = ["<blank>", "a", "b", "<space>", "c"]
COUNT, BAD = 600, {5, 300, 599}


@pytest.mark.parametrize("engine", ["ray", "pyspark"])
def test_runs_to_its_end(engine, tmp_path):
    pytest.importorskip(engine)
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    logits = [rng.normal(scale=3, size=(rng.integers(2, 30), len(LABELS))) for _ in range(COUNT)]
    items = [(one - np.logaddexp.reduce(one, axis=1)[:, None]).astype("f4") for one in logits]
    for bad in BAD:
        items[bad][1, 2] = np.nan
    (tmp_path / "emissions").mkdir()
    for part in range(3):
        ids = range(part, COUNT, 3)
        scores = pa.array([items[row].tolist() for row in ids], pa.list_(pa.list_(pa.float32())))
        pq.write_table(pa.table({"id": ids, "scores": scores}), tmp_path / "emissions" / f"{part}.parquet")
    (tmp_path / "labels.txt").write_text("\n".join(LABELS) + "\n")
    script = EXAMPLES / f"{engine.removeprefix('py')}_job.py"
    ran = subprocess.run(
        [sys.executable, script, "emissions", "transcripts", "labels.txt"],
        cwd=tmp_path, env={**os.environ, "PYSPARK_PYTHON": sys.executable}, text=True,
        capture_output=True, timeout=500,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert f"{COUNT} utterances, {len(BAD)} bad" in ran.stdout
    found = pq.read_table(tmp_path / "transcripts").sort_by("id").to_pylist()
    assert [row["id"] for row in found] == list(range(COUNT))
    assert {row["id"] for row in found if row["error"]} == BAD
    decoder = widebeam.CtcDecoder(LABELS, blank=0, beams=16)
    for row, item in zip(found, items):
        if row["id"] in BAD:
            assert row["text"] is None and row["error"].startswith("step 1, token 2: ")
        else:
            best = decoder.decode(item, "log-probs")[0][0]
            assert (row["text"], row["score"]) == (best.text, best.score)
