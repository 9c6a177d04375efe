"""The page for those who come from the snippet."""

import pytest

pytest.importorskip("torch")


def test_the_snippet_page(run_page):
    run_page("docs/coming_from/snippet.md")
