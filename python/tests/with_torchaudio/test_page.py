"""The page for those who come from torchaudio and flashlight-text."""

import pytest

pytest.importorskip("torchaudio")


def test_the_torchaudio_page(run_page):
    run_page("docs/coming_from/torchaudio.md")
