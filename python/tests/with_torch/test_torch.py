"""Tensors of torch, and the snippet itself."""

import sys
from pathlib import Path

import numpy as np
import pytest

import widebeam

torch = pytest.importorskip("torch")

PEERS = Path(__file__).parents[3] / "perf" / "peers"


@pytest.fixture(scope="module")
def snippet():
    """The snippet that this replaces, as `perf/peers` runs it."""
    sys.path.insert(0, str(PEERS))
    try:
        from programs import pytorch
    finally:
        sys.path.remove(str(PEERS))
    return lambda probs, beam_size=3: pytorch.snippet(probs, "probs", beam_size)


@pytest.mark.parametrize("seed", range(100))
def test_the_snippet_finds_the_same(snippet, seed):
    torch.manual_seed(seed)
    LM_prob = torch.softmax(torch.randn([32, 20, 1000]), dim=-1)
    indices, log_prob = widebeam.beam_search(LM_prob, beam_size=3)
    assert torch.is_tensor(indices) and torch.is_tensor(log_prob)
    assert indices.dtype == torch.int64 and log_prob.dtype == torch.float64

    exactly, exact_log_prob = snippet(LM_prob.double(), beam_size=3)
    assert torch.equal(indices, exactly)
    torch.testing.assert_close(log_prob, exact_log_prob, atol=1e-9, rtol=0)

    # The snippet adds in f32, so it may swap two sequences that are nearly equal: seed 4.
    expected, expected_log_prob = snippet(LM_prob, beam_size=3)
    torch.testing.assert_close(log_prob.float(), expected_log_prob, atol=1e-4, rtol=0)
    assert seed == 4 or torch.equal(indices, expected)


# A file that uses the snippet. What stands in it where ours has its import is the snippet's own code.
SCRIPT = """
import torch
{the_search}

for seed in range(100):
    torch.manual_seed(seed)
    LM_prob = torch.softmax(torch.randn([4, 20, 1000]), dim=-1)
    indices, log_prob = beam_search(LM_prob, beam_size=3)
    print(indices.tolist(), log_prob.shape, log_prob.argmax(-1).tolist())
"""


def test_the_file_of_the_snippet_runs_with_its_import_alone_changed(run_python):
    theirs = f"""
import sys; sys.path.insert(0, {str(PEERS)!r})
from programs import pytorch
beam_search = lambda LM_prob, beam_size: pytorch.snippet(LM_prob, "probs", beam_size)
"""
    searches = [theirs, "from widebeam import beam_search"]
    said = [run_python(SCRIPT.format(the_search=search)).stdout.splitlines() for search in searches]
    assert len(said[0]) == 100 and said[0] == said[1]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_types(dtype):
    logits = torch.randn([2, 5, 40]).to(dtype)
    indices, log_prob = widebeam.beam_search(logits, 4, scores="logits")
    expected = widebeam.beam_search(logits.float().numpy(), 4, scores="logits")
    assert (indices.numpy() == expected[0]).all() and (log_prob.numpy() == expected[1]).all()


@pytest.mark.filterwarnings("ignore:scores of float64")
def test_f64_is_rounded():
    logits = torch.randn([2, 5, 40], dtype=torch.float64)
    indices, log_prob = widebeam.beam_search(logits, 4, scores="logits")
    expected = widebeam.beam_search(logits.float(), 4, scores="logits")
    assert torch.equal(indices, expected[0]) and torch.equal(log_prob, expected[1])


def test_strides():
    logits = torch.randn([6, 4, 40])
    for view in [logits.transpose(0, 1), logits[::2], logits[:, 1:3], logits[:1].expand(5, 4, 40)]:
        found = widebeam.beam_search(view, scores="logits")
        expected = widebeam.beam_search(view.contiguous(), scores="logits")
        assert torch.equal(found[0], expected[0]) and torch.equal(found[1], expected[1])
    with pytest.raises(widebeam.Error, match="not contiguous"):
        widebeam.beam_search(logits.transpose(1, 2), scores="logits")


def test_a_tensor_with_a_gradient():
    logits = torch.randn([2, 4, 40], requires_grad=True)
    indices, log_prob = widebeam.beam_search(logits, scores="logits")
    assert torch.equal(indices, widebeam.beam_search(logits.detach(), scores="logits")[0])
    assert not log_prob.requires_grad
    parameter = torch.nn.Parameter(torch.randn([2, 40]))
    assert widebeam.top_k(parameter, 2)[0].shape == (2, 2)


def test_tensors_that_are_elsewhere_or_nowhere():
    with pytest.raises((widebeam.Error, ValueError)):
        widebeam.beam_search(torch.empty([2, 4, 40], device="meta"))
    with pytest.raises(Exception) as raised:
        widebeam.beam_search(torch.zeros([4, 4]).to_sparse())
    assert raised.type is not SystemError
    if torch.cuda.is_available():
        with pytest.raises(widebeam.Error, match=r"\.cpu\(\)"):
            widebeam.beam_search(torch.zeros([2, 4, 40], device="cuda"))


def test_lengths_and_hypotheses():
    logits = torch.randn([2, 4, 40])
    lengths = torch.tensor([4, 2])
    indices, _ = widebeam.beam_search(logits, 2, scores="logits", lengths=lengths)
    assert (indices[1, :, 2:] == -1).all()
    found = widebeam.IndependentSearch(2).decode(logits, "logits", lengths)
    best = found[1][0].tokens
    assert torch.is_tensor(best) and torch.equal(best, indices[1, 0, :2])


def test_top_k():
    logits = torch.randn([3, 4, 40])
    indices, values = widebeam.top_k(logits, 5)
    expected = logits.topk(5)
    assert torch.equal(indices, expected.indices) and torch.equal(values, expected.values)
    _, values = widebeam.log_softmax_top_k(logits, 5)
    torch.testing.assert_close(values.float(), logits.log_softmax(-1).topk(5).values)


def test_nothing():
    indices, log_prob = widebeam.beam_search(torch.zeros([0, 4, 40]))
    assert indices.shape == (0, 0, 4) and log_prob.shape == (0, 0)


def test_one_gigabyte_is_not_copied(run_python):
    done = run_python(
        """
import resource
import torch, widebeam

torch.set_grad_enabled(False)
LM_prob = torch.full([1, 1], 2e-5).expand(268, 20 * 50000).contiguous().view(268, 20, 50000)
widebeam.beam_search(LM_prob[:1])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
indices, log_prob = widebeam.beam_search(LM_prob)
grown = peak() - before
print(f"{LM_prob.nbytes} bytes of scores, {grown} bytes more")
assert LM_prob.nbytes > 10**9 and grown < 10**7 + indices.nbytes + log_prob.nbytes, grown
"""
    )
    print(done.stdout)
