"""Arrays of jax on the CPU."""

import numpy as np
import pytest

import widebeam

jax = pytest.importorskip("jax")
jnp = jax.numpy


def logits(dtype):
    return jax.random.normal(jax.random.key(0), (3, 6, 40)).astype(dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_types(dtype):
    array = logits(dtype)
    indices, log_prob = widebeam.beam_search(array, 4, scores="logits")
    assert isinstance(indices, np.ndarray) and isinstance(log_prob, np.ndarray)
    expected = widebeam.beam_search(np.asarray(array.astype("float32")), 4, scores="logits")
    assert (indices == expected[0]).all() and (log_prob == expected[1]).all()


def test_lengths_and_rows():
    array, lengths = logits("float32"), jnp.array([6, 2, 0])
    found = widebeam.CtcDecoder(beams=3).decode(array, "logits", lengths)
    expected = widebeam.CtcDecoder(beams=3).decode(np.asarray(array), "logits", [6, 2, 0])
    assert [[h.score for h in item] for item in found] == [[h.score for h in item] for item in expected]
    indices, values = widebeam.top_k(array, 5)
    best, places = jax.lax.top_k(array, 5)
    assert (indices == np.asarray(places)).all() and (values == np.asarray(best)).all()


def test_a_model_in_the_loop():
    table = jax.nn.log_softmax(jax.random.normal(jax.random.key(1), (40, 40)))
    search = widebeam.AutoregressiveSearch(40)
    request = search.admit([3], beams=4, max_length=5, end_tokens=[0])
    search.run(lambda feed: table[jnp.array([p[-1] for _, p in feed.fresh] or feed.tokens)], "log-probs")
    for h in search.outcome(request).hypotheses:
        path = [3, *h.tokens.tolist()]
        assert h.log_probability == pytest.approx(sum(float(table[a, b]) for a, b in zip(path, path[1:])), abs=1e-4)
