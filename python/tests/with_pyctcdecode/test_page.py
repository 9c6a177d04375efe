"""The page for those who come from pyctcdecode."""

import pytest

pytest.importorskip("pyctcdecode")
pytest.importorskip("kenlm")


def test_the_pyctcdecode_page(run_page):
    run_page("docs/coming_from/pyctcdecode.md")
