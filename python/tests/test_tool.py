"""The command line tool of the wheel."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

ELSEWHERE = tempfile.gettempdir()


def tool(*arguments, command=(sys.executable, "-m", "widebeam")):
    # Elsewhere: in this folder Python would take the sources for the package.
    return subprocess.run(
        [*command, *map(str, arguments)], capture_output=True, text=True, timeout=120, cwd=ELSEWHERE
    )


def test_help_and_version():
    assert "Usage: widebeam" in tool("--help").stdout
    assert tool("--version").stdout.startswith("widebeam ")


def test_the_script_is_the_module():
    script = shutil.which("widebeam", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed with its script")
    assert tool("--version", command=[script]).stdout == tool("--version").stdout


def test_decodes_a_file(tmp_path):
    probs = np.random.default_rng(0).dirichlet(np.ones(7), size=(2, 5)).astype("f4")
    np.save(tmp_path / "lm.npy", probs)
    done = tool(
        "decode", tmp_path / "lm.npy", "--search", "independent", "--scores", "probs",
        "--beams", 3, "--format", "jsonl",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len([json.loads(line) for line in done.stdout.splitlines()]) == 2


def test_exit_codes(tmp_path):
    assert tool("decode", tmp_path / "missing.npy", "--search", "independent", "--scores", "probs").returncode == 2
    assert tool("--nonsense").returncode == 2
    assert "--nonsense" in tool("--nonsense").stderr


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes to close")
def test_a_closed_pipe_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "widebeam", "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=60,
        cwd=ELSEWHERE,
    )
    os.close(writer)
    assert done.returncode in (0, 120) and b"Traceback" not in done.stderr
