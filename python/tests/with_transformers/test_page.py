"""The page for those who come from transformers."""

import pytest

pytest.importorskip("transformers")


def test_the_transformers_page(run_page):
    run_page("docs/coming_from/transformers.md")
