import subprocess
import sys

import pytest


@pytest.fixture
def run_python(tmp_path):
    """Runs a script in a Python of its own."""

    def run(script, *, check=True, timeout=120):
        path = tmp_path / "script.py"
        path.write_text(script)
        done = subprocess.run(
            [sys.executable, str(path)], capture_output=True, text=True, timeout=timeout
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    return run
