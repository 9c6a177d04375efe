"""The page for those who come from sherpa-onnx, with toy transducers of `perf/peers`."""

from pathlib import Path

import pytest

pytest.importorskip("sherpa_onnx")

PEERS = Path(__file__).parents[3] / "perf" / "peers"


@pytest.mark.parametrize("context", [1, 2])
def test_the_sherpa_onnx_page(run_page, run_python, context):
    run_python(
        f"""
import pathlib
import sys
sys.path.insert(0, {str(PEERS)!r})
import toy_onnx
model = dict(seed=3, vocab=12, context={context}, blank_bonus=2.0, blank=0)
symbols = ["<blk>"] + [chr(0x4E00 + label) for label in range(1, 12)]
toy_onnx.write(pathlib.Path(), model, 100, symbols)
"""
    )
    run_page("docs/coming_from/sherpa_onnx.md")
