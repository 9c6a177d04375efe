"""The stubs say what is there."""

import os
import subprocess
import sys

import pytest

USE = '''
import numpy as np
import numpy.typing as npt

import widebeam

probs: npt.NDArray[np.float32] = np.zeros((1, 2, 3), np.float32)
indices, log_prob = widebeam.beam_search(probs, beam_size=3)
indices_have: npt.NDArray[np.int64] = indices
log_prob_has: npt.NDArray[np.float64] = log_prob
for item in widebeam.IndependentSearch(2).decode(probs, scores="probs", lengths=[2]):
    for hypothesis in item:
        score: float = hypothesis.score
for either in widebeam.IndependentSearch(2).decode(probs, scores="probs", errors="return"):
    if isinstance(either, widebeam.Error):
        number: int | None = either.item
    else:
        best: widebeam.Hypothesis = either[0]
widebeam.set_num_threads(widebeam.get_num_threads())
'''

WRONG = '''
import numpy as np
import widebeam

widebeam.beam_search(np.zeros((1, 2, 3)), scores="probabilities")
widebeam.beam_search([[0.5]])
widebeam.IndependentSearch("2")
widebeam.top_k(np.zeros(3))
'''


def run(*command, cwd):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, env=environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture(autouse=True)
def has_mypy():
    pytest.importorskip("mypy")


def test_a_user_passes_the_strict_check(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    code, said = run("mypy", "--strict", "use.py", cwd=tmp_path)
    assert code == 0, said


def test_what_is_wrong_is_found(tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    code, said = run("mypy", "--strict", "wrong.py", cwd=tmp_path)
    assert code == 1 and said.count("error:") == 4, said


def test_the_package_passes_the_strict_check(tmp_path):
    code, said = run("mypy", "--strict", "--package", "widebeam", cwd=tmp_path)
    assert code == 0, said


def test_stubs_and_package_agree(tmp_path):
    code, said = run("mypy.stubtest", "widebeam", cwd=tmp_path)
    assert code == 0, said
