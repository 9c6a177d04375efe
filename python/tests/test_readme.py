"""The Python of every page, run in an empty folder."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_page_with_python_has_a_test():
    if not (ROOT / "docs").is_dir():
        pytest.skip("the pages are not here")
    folders = ["docs", "cli", "python", "examples", "perf", "tests", "fuzz"]
    pages = [*ROOT.glob("*.md"), *(page for folder in folders for page in (ROOT / folder).rglob("*.md"))]
    found = {str(page.relative_to(ROOT)) for page in pages if "\n```python\n" in page.read_text()}
    here = {"README.md", "python/README.md", "cli/README.md"}
    # with_*/test_page.py
    elsewhere = {page for page in found if page.startswith("docs/coming_from/")}
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("with_*/test_page.py"))
    assert all(page in tests for page in elsewhere) and found == here | elsewhere


def test_the_readme(run_page):
    said = run_page("README.md").stdout
    assert re.fullmatch(r"\(32, 3, 20\) \[-98\.\d+ -98\.\d+ -98\.\d+\]\n", said), said


def test_the_five_lines_give_an_answer(run_python, python_blocks):
    lines = python_blocks("python/README.md")[0]
    assert len([line for line in lines.splitlines() if line]) == 5
    said = run_python(lines).stdout
    assert re.fullmatch(r"\(32, 3, 20\) \[-98\.05\d+ -98\.05\d+ -98\.05\d+\]\n", said), said


def test_the_lines_on_a_model_in_the_loop(run_python, python_blocks):
    _, lines, _ = python_blocks("python/README.md")
    # The best of 4 beams, by a search in a few lines of numpy.
    expected = """
logs = table - np.log(np.exp(table.astype("f8")).sum(1, keepdims=True))
live, ended = [(0.0, [0])], []
for length in range(1, 13):
    longer = [(score + logs[tokens[-1], next], tokens + [next]) for score, tokens in live for next in range(30)]
    longer = sorted(longer, reverse=True)[:8]
    ended += [(score / length**0.6, tokens) for score, tokens in longer[:4] if tokens[-1] == 1]
    live = [each for each in longer if each[1][-1] != 1][:4]
ended += [(score / 12**0.6, tokens) for score, tokens in live]
print(np.array(max(ended)[1][1:]))
"""
    found, best = run_python(lines + expected).stdout.splitlines()
    assert found == best and found.endswith(" 1]"), (found, best)


def test_the_lines_on_ctc(run_python, python_blocks, write_arpa, tmp_path):
    _, _, lines = python_blocks("python/README.md")
    arpa = write_arpa(["-1\t<s>\t-0.3", "-1\t</s>", "-3\t<unk>", "-1\tWide", "-1\tbeam"])
    shutil.copy(arpa, tmp_path / "words.arpa")
    given = """
import numpy as np
labels = ["", " ", *"Widebam"]
text = "Wide beam"
logits = np.zeros([2, 2 * len(text), len(labels)], "f4")
for place, letter in enumerate(text):
    logits[:, 2 * place, labels.index(letter)] = logits[:, 2 * place + 1, 0] = 9
lengths = [2 * len(text), 8]
"""
    said = run_python(given + lines).stdout.splitlines()
    assert [line.split(" -")[0] for line in said] == ["Wide beam", "Wide"], said
    assert "Word(text='beam', start=10, end=16)" in said[0]


@pytest.mark.skipif(sys.platform != "linux", reason="the commands are for the shell of Linux")
def test_the_tour_of_the_tool(run_page, tmp_path):
    """The files that its page makes, and the commands that read them, with the tool of the wheel."""
    run_page("cli/README.md")
    script = shutil.which("widebeam", path=str(Path(sys.executable).parent))
    if script is None:
        pytest.skip("the package is not installed with its script")
    shell = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "cli/README.md").read_text(), re.DOTALL | re.MULTILINE)
    path = {"PATH": f"{Path(script).parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", shell[-1]], cwd=tmp_path, env=path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    made = {"nbest.jsonl", "nbest.npz", "texts.csv", "answers"}
    assert made <= {path.name for path in tmp_path.iterdir()}
