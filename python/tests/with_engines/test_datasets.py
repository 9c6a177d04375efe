"""Hugging Face datasets with two processes."""

import subprocess
import sys
import time

import pytest

datasets = pytest.importorskip("datasets")

import widebeam.datasets  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def test_the_same_as_one_process(job, same, tmp_path):
    folder, settings, expected, alone = job
    files = sorted(map(str, folder.glob("*.parquet")))
    datasets.disable_progress_bars()
    emissions = datasets.load_dataset("parquet", data_files=files, split="train", cache_dir=str(tmp_path))
    decode = widebeam.datasets.Ctc(**settings)

    def found():
        begun = time.perf_counter()
        mapped = emissions.with_format("arrow").map(
            decode, batched=True, batch_size=256, remove_columns=["scores"], num_proc=2
        )
        return mapped, time.perf_counter() - begun

    mapped, wall = found()
    same(mapped.with_format("arrow")[:], expected)
    _, again = found()
    print(f"\ndatasets: {wall:.2f} s (one process: {alone:.2f}); from its cache {again:.2f} s")
    assert again < wall


def test_the_hash_is_stable():
    script = (
        "from datasets.fingerprint import Hasher; import widebeam.datasets\n"
        "print(Hasher.hash(widebeam.datasets.Ctc(scores='logits', labels=['', 'a'])))\n"
    )
    hashes = {subprocess.check_output([sys.executable, "-c", script], cwd="/") for _ in range(2)}
    assert len(hashes) == 1
