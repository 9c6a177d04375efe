"""The snippet: what is found, in which shapes and types."""

import itertools
import math

import numpy as np
import pytest

import widebeam


def probabilities(*shape, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype("f4")


def enumerated(probs, k):
    """The k best of all sequences of one item."""
    logs = np.log(probs.astype("f8"))
    steps, vocab = probs.shape
    scored = [
        (sum(logs[step, token] for step, token in enumerate(tokens)), tokens)
        for tokens in itertools.product(range(vocab), repeat=steps)
    ]
    return sorted(scored, key=lambda each: -each[0])[:k]


@pytest.mark.parametrize("seed", range(20))
def test_finds_the_best_of_all_sequences(seed):
    probs = probabilities(2, 4, 5, seed=seed)
    indices, log_prob = widebeam.beam_search(probs, beam_size=6)
    for item in range(2):
        best = enumerated(probs[item], 6)
        assert [tuple(tokens) for tokens in indices[item].tolist()] == [each[1] for each in best]
        np.testing.assert_allclose(log_prob[item], [each[0] for each in best], rtol=1e-12)


def test_shapes_and_types():
    indices, log_prob = widebeam.beam_search(probabilities(3, 4, 7))
    assert indices.shape == (3, 3, 4) and indices.dtype == np.int64
    assert log_prob.shape == (3, 3) and log_prob.dtype == np.float64
    assert indices.flags.writeable and indices.flags.c_contiguous


def test_one_item_without_an_axis_of_items():
    probs = probabilities(4, 7)
    indices, log_prob = widebeam.beam_search(probs, 2)
    assert indices.shape == (2, 4) and log_prob.shape == (2,)
    batched = widebeam.beam_search(probs[None], 2)
    assert (batched[0][0] == indices).all() and (batched[1][0] == log_prob).all()


def test_fewer_sequences_than_beams_and_shorter_items_are_padded():
    probs = np.array([[[0.5, 0.5, 0.0], [1, 0, 0]], [[1, 0, 0], [0.2, 0.3, 0.5]]], dtype="f4")
    indices, log_prob = widebeam.beam_search(probs, 9, lengths=[2, 1])
    assert indices.tolist() == [[[0, 0], [1, 0]], [[0, -1], [-1, -1]]]
    assert log_prob.tolist() == [[math.log(0.5)] * 2, [0.0, -math.inf]]


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 0, 3), (0, 0, 3), (0, 3)])
def test_nothing_in_nothing_out(shape):
    indices, log_prob = widebeam.beam_search(np.zeros(shape, "f4"), 2)
    assert indices.size == 0 and indices.ndim == len(shape)
    assert (log_prob == 0).all()


def test_kinds_of_scores_agree():
    logits = np.random.default_rng(1).normal(size=(2, 5, 11)).astype("f4")
    log_probs = logits - np.log(np.exp(logits.astype("f8")).sum(-1, keepdims=True)).astype("f4")
    by_logits = widebeam.beam_search(logits, scores="logits")
    by_logs = widebeam.beam_search(log_probs, scores="log-probs")
    by_probs = widebeam.beam_search(np.exp(log_probs), scores="probs")
    for other in [by_logs, by_probs]:
        assert (by_logits[0] == other[0]).all()
        np.testing.assert_allclose(by_logits[1], other[1], atol=1e-5)


def test_a_search_that_is_kept():
    search = widebeam.IndependentSearch(3)
    probs = probabilities(2, 4, 7)
    indices, log_prob = widebeam.beam_search(probs, 3)
    for _ in range(3):
        found = search.decode(probs, "probs")
        assert [[h.tokens.tolist() for h in item] for item in found] == indices.tolist()
        assert [[h.score for h in item] for item in found] == log_prob.tolist()
    assert search.beams == 3 and repr(search) == "IndependentSearch(beams=3)"
    assert repr(found[0][0]).startswith("Hypothesis(tokens=[")


def test_hypotheses_outlive_their_search():
    found = widebeam.IndependentSearch(2).decode(probabilities(1, 3, 4), scores="probs")
    best = found[0][0]
    del found
    assert best.tokens.shape == (3,) and best.score < 0


def test_a_batch_in_several_pieces_is_the_same():
    # Some 200 MB: two pieces and more.
    probs = np.broadcast_to(probabilities(40, 3, 1000)[:, None], (40, 10, 3, 1000))
    probs = np.ascontiguousarray(probs).reshape(400, 3, 1000)
    many = np.concatenate([probs] * 44)
    whole = widebeam.beam_search(many, 2)
    part = widebeam.beam_search(probs[:10], 2)
    assert (whole[0][:10] == part[0]).all() and (whole[1][:10] == part[1]).all()
    assert (whole[0].reshape(44, -1) == whole[0][:400].reshape(1, -1)).all()
