"""Which arrays are read, and where they lie."""

import warnings

import ml_dtypes
import numpy as np
import pytest

import widebeam


def logits(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("f4")


def found(array, **options):
    indices, log_prob = widebeam.beam_search(array, 4, scores="logits", **options)
    return indices.tolist(), log_prob.tolist()


class OverDLPack:
    """What any other library shows of its tensors."""

    def __init__(self, array, versions=True):
        self.array, self.versions = array, versions

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()

    def __dlpack__(self, **options):
        if not self.versions and options:
            raise TypeError("__dlpack__() got an unexpected keyword argument")
        return self.array.__dlpack__(**options)


@pytest.mark.parametrize("dtype", ["f2", "f4", ml_dtypes.bfloat16])
def test_types(dtype):
    array = logits(3, 5, 17).astype(dtype)
    assert found(array) == found(array.astype("f4"))


@pytest.mark.parametrize("versions", [True, False])
@pytest.mark.parametrize("dtype", ["f2", "f4"])
def test_anything_that_exports_by_dlpack(dtype, versions):
    array = logits(3, 5, 17).astype(dtype)
    assert found(OverDLPack(array, versions)) == found(array)
    swapped = array.transpose(1, 0, 2)
    assert found(OverDLPack(swapped, versions)) == found(swapped)


@pytest.mark.parametrize(
    "view",
    [
        lambda array: array[::2],
        lambda array: array[:, 1:4],
        lambda array: array[:, ::3],
        lambda array: array.transpose(1, 0, 2),
        lambda array: array[..., 2:9],
        lambda array: array[1],
        lambda array: array[1:2][::-1],
        lambda array: array[..., :1],
        lambda array: array[..., :1].T,
        lambda array: np.broadcast_to(array[0], (4, 7, 11)),
        lambda array: np.broadcast_to(array[:, :1], (4, 9, 11)),
        lambda array: np.lib.stride_tricks.sliding_window_view(array[0, 0], 5),
        lambda array: array.astype("f2")[:, ::2],
    ],
)
def test_strides(view):
    array = view(logits(4, 7, 11))
    copied = np.array(array, order="C")
    if array.shape[-1] == 4:
        # The transposed column: its last axis is not contiguous.
        with pytest.raises(widebeam.Error, match="not contiguous"):
            found(array)
    else:
        assert found(array) == found(copied)


def test_read_only_and_subclasses():
    array = logits(2, 3, 5)
    expected = found(array)
    array.flags.writeable = False
    assert found(array) == expected

    class Liar(np.ndarray):
        __array_interface__ = {"data": (8, False), "shape": (9,), "typestr": "<f4"}

    assert found(array.view(Liar)) == expected

    class LiesOfItsView(np.ndarray):
        def view(self, *_):
            return Liar(self.shape)

    assert found(array.view(LiesOfItsView)) == expected


@pytest.mark.parametrize("shape", [(0, 4, 3), (4, 0, 3), (0, 0, 3)])
def test_strides_of_nothing(shape):
    nothing = np.zeros(shape, "f4")
    for view in [nothing[::-1], nothing[:, ::-1], nothing[..., ::-1]]:
        assert found(view) == found(nothing)
        assert widebeam.top_k(view, 2)[0].shape == (*shape[:-1], 2)


def test_memory_that_is_mapped(tmp_path):
    array = logits(2, 3, 5)
    np.save(tmp_path / "scores.npy", array)
    assert found(np.load(tmp_path / "scores.npy", mmap_mode="r")) == found(array)


def test_f64_is_rounded_and_said_once():
    array = logits(2, 3, 5).astype("f8") + 1e-12
    # Other tests may have had the warning.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = found(array.astype("f4"))
        assert found(array) == expected
        assert found(OverDLPack(array)) == expected
        assert found(array[:, ::-1]) == found(array[:, ::-1].astype("f4"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert found(array) == expected


def test_the_warning_about_f64(run_python):
    said = run_python(
        "import numpy, warnings, widebeam\n"
        "warnings.simplefilter('always')\n"
        "for _ in range(3): widebeam.top_k(numpy.zeros(3), 1)\n"
    )
    assert said.stderr.count("rounded to float32") == 1
    said = run_python(
        "import numpy, warnings, widebeam\n"
        "warnings.simplefilter('error')\n"
        "widebeam.top_k(numpy.zeros(3), 1)\n",
        check=False,
    )
    assert "UserWarning: scores of float64 are rounded" in said.stderr


def test_no_copy(run_python):
    # Room for the tensor is there already: decoding it may not need a tenth more.
    run_python(
        "import resource, numpy, widebeam\n"
        "array = numpy.full((64, 20, 50000), 2e-5, 'f4')\n"
        "widebeam.beam_search(array[:1], 3)\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "widebeam.beam_search(array, 3)\n"
        "grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before\n"
        "assert grown < 10_000, f'{grown} KiB more for 256 MB of scores'\n"
    )


@pytest.mark.parametrize("lengths", [[3, 1], (3, 1), np.array([3, 1]), iter([3, 1])])
def test_lengths(lengths):
    indices, _ = widebeam.beam_search(logits(2, 3, 5), 1, scores="logits", lengths=lengths)
    assert (indices[1, 0, 1:] == -1).all() and (indices[0] >= 0).all()
