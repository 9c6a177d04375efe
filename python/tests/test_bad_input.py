"""What is refused, and in which words."""

import contextlib
import re
import threading

import numpy as np
import pytest

import widebeam

PROBS = np.full((2, 3, 4), 0.25, "f4")
SEARCH = widebeam.IndependentSearch(2)


class OnAGpu:
    def __init__(self, device):
        self.device = device

    def __dlpack_device__(self):
        return self.device

    def __dlpack__(self, **options):
        raise AssertionError("never asked")

    def cpu(self):
        return PROBS


class Exports:
    """Something that exports what it should not."""

    def __init__(self, capsule=None, error=None):
        self.capsule, self.error = capsule, error

    def __dlpack_device__(self):
        return (1, 0)

    def __dlpack__(self, **options):
        if self.error:
            raise self.error
        return self.capsule


def unaligned():
    return np.frombuffer(bytearray(4 * 12 + 1), "f4", offset=1).reshape(1, 3, 4)


def fields():
    return np.zeros((2, 3, 4), [("p", "f4"), ("other", "i1")])["p"]


def refused_at(item, step, token, value):
    probs = PROBS.copy()
    probs[item, step, token] = value
    return probs


REFUSED = {
    "a list": (lambda: [[0.5, 0.5]], TypeError, "this is a list"),
    "None": (lambda: None, TypeError, "this is a NoneType"),
    "a class": (lambda: np.ndarray, TypeError, "this is a type"),
    "whole numbers": (lambda: PROBS.astype("i8"), ValueError, "dtype int64 cannot be read"),
    "complex": (lambda: PROBS.astype("c8"), ValueError, "dtype complex64 cannot be read"),
    "objects": (lambda: PROBS.astype("O"), ValueError, "dtype object cannot be read"),
    "bool by DLPack": (
        lambda: Exports((PROBS > 0).__dlpack__()),
        ValueError,
        "dtype bool cannot be read",
    ),
    "whole numbers by DLPack": (
        lambda: Exports(PROBS.astype("u2").__dlpack__()),
        ValueError,
        "dtype uint16 cannot be read",
    ),
    "the other byte order": (lambda: PROBS.astype(">f4"), ValueError, "byte order"),
    "one axis": (lambda: PROBS[0, 0], ValueError, r"shape \[4\] cannot be read"),
    "four axes": (lambda: PROBS[None], ValueError, r"shape \[1, 2, 3, 4\] cannot be read"),
    "no axis": (lambda: PROBS[0, 0, 0] * np.ones((), "f4"), (ValueError, TypeError), None),
    "no vocabulary": (lambda: PROBS[..., :0], ValueError, "vocabulary"),
    "a vocabulary with gaps": (lambda: PROBS[..., ::2], ValueError, "last axis .* not contiguous"),
    "a vocabulary backwards": (lambda: PROBS[..., ::-1], ValueError, "backwards"),
    "time backwards": (lambda: PROBS[:, ::-1], ValueError, "backwards"),
    "no alignment": (unaligned, ValueError, "no multiple of 4"),
    "fields of a record": (fields, ValueError, "stride of 5 bytes|stride of 15"),
    "a GPU": (lambda: OnAGpu((2, 1)), ValueError, r"CUDA device \(1\).*\.cpu\(\)"),
    "a Metal GPU": (lambda: OnAGpu((8, 0)), ValueError, "Metal"),
    "another device": (lambda: OnAGpu((99, 0)), ValueError, "device 0 of DLPack's type 99"),
    "no device": (lambda: OnAGpu(None), TypeError, None),
    "no capsule": (lambda: Exports(3), TypeError, "no capsule"),
    "an error of the tensor's": (lambda: Exports(error=KeyError("k")), KeyError, "k"),
    "a tensor that cannot be exported": (
        lambda: Exports(error=BufferError("it has a gradient")),
        ValueError,
        "cannot be read in place: it has a gradient",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    "call",
    [lambda array: widebeam.beam_search(array), lambda array: SEARCH.decode(array, "probs")],
    ids=["beam_search", "decode"],
)
def test_arrays(name, call):
    make, exception, said = REFUSED[name]
    with pytest.raises(exception, match=said) as raised:
        call(make())
    assert raised.type is not SystemError
    if exception is ValueError:
        assert raised.type is widebeam.Error


def test_a_capsule_that_is_used_up():
    capsule = PROBS.__dlpack__()
    np.from_dlpack(Exports(capsule))
    with pytest.raises(widebeam.Error, match="holds no tensor"):
        widebeam.beam_search(Exports(capsule))


@pytest.mark.parametrize(
    ("options", "exception", "said"),
    [
        ({"beam_size": 0}, ValueError, "beam"),
        ({"beam_size": -3}, ValueError, "beam width is -3"),
        ({"beam_size": 2**31}, ValueError, "2147483648"),
        ({"beam_size": 2**80}, OverflowError, None),
        ({"beam_size": 1.5}, TypeError, None),
        ({"beam_size": None}, TypeError, None),
        ({"scores": "probabilities"}, ValueError, 'must be "probs", "log-probs" or "logits"'),
        ({"scores": None}, TypeError, None),
        ({"lengths": 3}, TypeError, "this is 3"),
        ({"lengths": "33"}, TypeError, "a str"),
        ({"lengths": [3]}, ValueError, "length"),
        ({"lengths": [3, 4]}, ValueError, "item 1"),
        ({"lengths": [3, -1]}, ValueError, "length of item 1 is -1"),
        ({"lengths": [3, 1.0]}, TypeError, "that of item 1 is 1.0"),
        ({"lengths": np.array([3.0, 1.0])}, TypeError, "that of item 0 is 3.0"),
        ({"lengths": [3, "x"]}, TypeError, "that of item 1 is 'x'"),
        ({"lengths": np.array([[3], [1]])}, TypeError, r"that of item 0 is \[3\]"),
    ],
)
def test_settings(options, exception, said):
    with pytest.raises(exception, match=said):
        widebeam.beam_search(PROBS, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5, 1.5])
def test_a_score_that_is_none_is_named(value):
    with pytest.raises(widebeam.Error, match="item 1, step 2, token 3") as raised:
        widebeam.beam_search(refused_at(1, 2, 3, value))
    error = raised.value
    assert isinstance(error, ValueError)
    assert (error.item, error.step, error.token) == (1, 2, 3)


def test_items_that_are_refused_leave_the_others_alone():
    probs = refused_at(0, 1, 2, np.nan)
    refused, good = SEARCH.decode(probs, "probs", errors="return")
    assert isinstance(refused, widebeam.Error) and refused.item == 0
    assert [h.tokens.tolist() for h in good] == [
        h.tokens.tolist() for h in SEARCH.decode(PROBS, "probs")[1]
    ]
    with pytest.raises(widebeam.Error, match=re.escape(str(refused))):
        SEARCH.decode(probs, "probs")
    with pytest.raises(widebeam.Error, match='"raise" or "return"'):
        SEARCH.decode(probs, "probs", errors="ignore")
    assert len(SEARCH.decode(PROBS, "probs")) == 2


@pytest.mark.parametrize(
    ("rows", "k", "said"),
    [
        (PROBS, 0, "k"),
        (PROBS, -1, "k is -1"),
        (PROBS[..., ::2], 1, "not contiguous"),
        (PROBS[:, :2], 1, "equal distances"),
        (np.float32([1, np.nan]), 1, "NaN"),
        (np.float32([[1, 2], [3, np.inf]]), 1, "inf"),
        (np.zeros((2, 0), "f4"), 1, "vocabulary|columns"),
        (np.zeros((), "f4"), 1, "no rows"),
    ],
)
def test_top_k(rows, k, said):
    for find in [widebeam.top_k, widebeam.log_softmax_top_k]:
        with pytest.raises(widebeam.Error, match=said):
            find(rows, k)


def test_top_k_names_the_row_of_the_whole_array():
    # Some 200 MB: two pieces and more.
    rows = np.zeros((10_000, 5_000), "f4")
    rows[9_998, 7] = np.nan
    for find in [widebeam.top_k, widebeam.log_softmax_top_k]:
        with pytest.raises(widebeam.Error, match="row 9998, column 7"):
            find(rows, 2)


@pytest.mark.parametrize(
    ("n", "exception"),
    [(0, ValueError), (-2, ValueError), (10**7, ValueError), ("2", TypeError), (None, TypeError)],
)
def test_threads(n, exception):
    before = widebeam.get_num_threads()
    with pytest.raises(exception):
        widebeam.set_num_threads(n)
    assert widebeam.get_num_threads() == before


def test_memory_that_is_not_there():
    def repeated(*shape):
        one = np.full(4, 0.25, "f4")
        return np.lib.stride_tricks.as_strided(one, (*shape, 4), (0,) * len(shape) + (4,))

    for shape in [(2**40, 8), (1, 2**45), (2**50, 0), (2**31, 2**31)]:
        with pytest.raises((MemoryError, ValueError)):
            widebeam.IndependentSearch(2**20).decode(repeated(*shape), "probs")
        with pytest.raises((MemoryError, ValueError)):
            widebeam.beam_search(repeated(*shape), 2)
    with pytest.raises(MemoryError):
        widebeam.top_k(repeated(2**40, 8), 1)


def test_arrays_that_are_larger_than_what_was_found():
    # One item has 2^20 hypotheses, and the others of the batch would be padded to as many.
    items = 2**22
    many = np.broadcast_to(np.full(4, 0.25, "f4"), (items, 20, 4))
    lengths = np.zeros(items, "i8")
    lengths[0] = 20
    with pytest.raises(MemoryError):
        widebeam.beam_search(many, 2**20, lengths=lengths)


@contextlib.contextmanager
def meanwhile(work):
    """Does something again and again in another thread."""
    over = threading.Event()

    def repeat():
        while not over.is_set():
            work()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize(
    "decoder", [widebeam.IndependentSearch(4), widebeam.CtcDecoder(beams=8)], ids=["independent", "ctc"]
)
def test_an_array_that_changes_while_it_is_read(decoder):
    rng = np.random.default_rng(0)
    array = rng.normal(size=(8, 60, 500)).astype("f4")
    kept = array.copy()
    others = [rng.normal(size=array.shape[1:]).astype("f4"), np.nan, -np.inf, 1e30, 0]

    def change():
        array[rng.integers(len(array))] = others[rng.integers(len(others))]

    facts = lambda items: [[(h.tokens.tolist(), h.score) for h in item] for item in items]
    expected = facts(decoder.decode(kept, "logits"))
    ends = set()
    with meanwhile(change):
        for _ in range(40):
            try:
                found = decoder.decode(array, "logits")
                ends.add(len(found))
            except widebeam.Error as error:
                ends.add(type(error))
    assert ends <= {len(array), widebeam.Error}
    # What the searches keep has taken no harm.
    assert facts(decoder.decode(kept, "logits")) == expected


def test_memory_that_would_shrink_while_it_is_read():
    rows = np.random.default_rng(0).normal(size=(200, 5000)).astype("f4")
    memory = bytearray(rows.tobytes())
    array, refused = np.frombuffer(memory, "f4").reshape(rows.shape), []

    def shrink():
        with pytest.raises(BufferError):
            del memory[-4:]
        refused.append(True)

    expected = widebeam.top_k(rows, 5)
    with meanwhile(shrink):
        for _ in range(20):
            found = widebeam.top_k(array, 5)
            assert all((one == other).all() for one, other in zip(found, expected))
    assert refused
