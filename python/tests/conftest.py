import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a Python of its own."""

    def run(script, *, check=True, timeout=120):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run(
            [sys.executable, str(path)], capture_output=True, text=True, timeout=timeout, cwd=tmp_path
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run


@pytest.fixture
def python_blocks():
    """The Python of a page of the repository, one block after the other."""

    def blocks(page):
        path = ROOT / page
        if not path.exists():
            pytest.skip(f"{page} is not here")
        return re.findall(r"^```python\n(.*?)^```$", path.read_text(), re.DOTALL | re.MULTILINE)

    return blocks


@pytest.fixture
def run_page(python_blocks, run_python):
    """Runs the Python of a page as one program, in the folder of the test."""

    def run(page):
        return run_python("\n".join(python_blocks(page)))

    return run


@pytest.fixture(scope="session")
def write_arpa(tmp_path_factory):
    """Writes a language model of words; returns its path."""

    def write(*ngrams):
        counts = [f"ngram {order}={len(lines)}" for order, lines in enumerate(ngrams, 1)]
        parts = [["\\data\\", *counts]]
        parts += [[f"\\{order}-grams:", *lines] for order, lines in enumerate(ngrams, 1)]
        parts.append(["\\end\\"])
        path = tmp_path_factory.mktemp("models") / "words.arpa"
        path.write_text("\n\n".join("\n".join(lines) for lines in parts) + "\n")
        return path

    return write
