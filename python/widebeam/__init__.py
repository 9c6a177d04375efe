"""Exact, SIMD-optimised and multithreaded beam search.

Arrays are numpy's, or anything that has ``__dlpack__``, such as the tensors of torch and jax.
They are read in place, on the processor; results are numpy arrays, or torch tensors where torch
came in.

>>> import numpy
>>> import widebeam
>>> probs = numpy.array([[[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]]], dtype="float32")
>>> indices, log_prob = widebeam.beam_search(probs, beam_size=2)
>>> indices.tolist()
[[[0, 2], [1, 2]]]
"""

from ._error import Error
from ._widebeam import (
    Hypothesis,
    IndependentSearch,
    __version__,
    beam_search,
    get_num_threads,
    log_softmax_top_k,
    set_num_threads,
    top_k,
)

__all__ = [
    "Error",
    "Hypothesis",
    "IndependentSearch",
    "__version__",
    "beam_search",
    "get_num_threads",
    "log_softmax_top_k",
    "set_num_threads",
    "top_k",
]
