"""The page for those who come from CTranslate2, with the toy model of `perf/peers`."""

from pathlib import Path

import pytest

pytest.importorskip("ctranslate2")

PEERS = Path(__file__).parents[3] / "perf" / "peers"


def test_the_ctranslate2_page(run_page, run_python):
    run_python(
        f"""
import os
import sys
sys.path.insert(0, {str(PEERS)!r})
import ctranslate2_fixtures
os.mkdir("model")
ctranslate2_fixtures.model("model")
"""
    )
    run_page("docs/coming_from/ctranslate2.md")
