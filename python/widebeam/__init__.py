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

from ._autoregressive import AutoregressiveSearch
from ._ctc import CtcDecoder
from ._error import Error
from ._transducer import TransducerSearch
from ._widebeam import (
    Completion,
    CtcHypothesis,
    CtcStream,
    Feed,
    Hypothesis,
    IndependentSearch,
    NgramModel,
    Outcome,
    RequestId,
    Rules,
    TransducerFeed,
    TransducerHypothesis,
    __version__,
    beam_search,
    get_num_threads,
    log_softmax_top_k,
    set_num_threads,
    top_k,
)
from ._word import Word

__all__ = [
    "AutoregressiveSearch",
    "Completion",
    "CtcDecoder",
    "CtcHypothesis",
    "CtcStream",
    "Error",
    "Feed",
    "Hypothesis",
    "IndependentSearch",
    "NgramModel",
    "Outcome",
    "RequestId",
    "Rules",
    "TransducerFeed",
    "TransducerHypothesis",
    "TransducerSearch",
    "Word",
    "__version__",
    "beam_search",
    "get_num_threads",
    "log_softmax_top_k",
    "set_num_threads",
    "top_k",
]
