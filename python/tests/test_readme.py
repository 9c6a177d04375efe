"""What the README says, run in an empty folder."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def test_the_five_lines_give_an_answer(run_python):
    if not README.exists():
        pytest.skip("the README is not here")
    lines = re.search(r"## Five lines\n\n```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    assert len([line for line in lines.splitlines() if line]) == 5
    said = run_python(lines).stdout
    assert re.fullmatch(r"\(32, 3, 20\) \[-98\.05\d+ -98\.05\d+ -98\.05\d+\]\n", said), said
