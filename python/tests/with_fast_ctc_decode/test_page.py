"""The page for those who come from fast-ctc-decode."""

import pytest

pytest.importorskip("fast_ctc_decode")


def test_the_fast_ctc_decode_page(run_page):
    run_page("docs/coming_from/fast_ctc_decode.md")
