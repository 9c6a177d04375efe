"""top_k and log_softmax_top_k."""

import numpy as np
import pytest

import widebeam


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("f4")


@pytest.mark.parametrize("dtype", ["f2", "f4"])
@pytest.mark.parametrize("k", [1, 3, 30, 50])
def test_is_a_stable_sort(dtype, k):
    array = np.round(numbers(6, 30), 1).astype(dtype)
    indices, values = widebeam.top_k(array, k)
    order = np.argsort(-array.astype("f4"), axis=-1, kind="stable")[:, :k]
    assert (indices == order).all() and indices.dtype == np.int64
    assert (values == np.take_along_axis(array, order, -1)).all() and values.dtype == np.float32


def test_log_softmax():
    array = numbers(6, 30)
    indices, values = widebeam.log_softmax_top_k(array, 5)
    exact = array - np.log(np.exp(array.astype("f8")).sum(-1, keepdims=True))
    assert (indices == widebeam.top_k(array, 5)[0]).all() and values.dtype == np.float64
    np.testing.assert_allclose(values, np.take_along_axis(exact, indices, -1), atol=6e-6)


@pytest.mark.parametrize("shape", [(30,), (4, 30), (2, 3, 30), (2, 1, 3, 30), (0, 30), (2, 0, 30)])
def test_any_number_of_axes(shape):
    array = numbers(*shape)
    indices, values = widebeam.top_k(array, 7)
    assert indices.shape == values.shape == (*shape[:-1], 7)
    flat = widebeam.top_k(array.reshape(-1, 30), 7)
    assert (indices.reshape(-1, 7) == flat[0]).all() and (values.reshape(-1, 7) == flat[1]).all()


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array[::2],
        lambda array: array[:, 0],
        lambda array: array[:1, :, 3:],
        lambda array: array[:, :1, :7],
        lambda array: np.broadcast_to(array[0, 0], (2, 3, 30)),
    ],
)
def test_strides(view):
    array = view(numbers(4, 1, 30))
    copied = np.array(array, order="C")
    for one, other in zip(widebeam.top_k(array, 4), widebeam.top_k(copied, 4)):
        assert (one == other).all()


def test_many_rows_in_several_pieces():
    # A quarter of a gigabyte, of 30 rows that repeat.
    array = np.ascontiguousarray(np.broadcast_to(numbers(30, 5000), (450, 30, 5000)))
    indices, values = widebeam.top_k(array, 3)
    assert (indices == indices[:1]).all() and (values == values[:1]).all()
