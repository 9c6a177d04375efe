"""The interface of ``torchaudio.models.decoder.ctc_decoder`` over :class:`widebeam.CtcDecoder`.

Change the import, and nothing else::

    from widebeam.compat.torchaudio import ctc_decoder

    decoder = ctc_decoder(lexicon="lexicon.txt", tokens="tokens.txt", lm="lm.bin", nbest=3)
    hypotheses = decoder(emissions, lengths)

Answers differ where this search is exact and the original is not. Each prefix is held once, with
the mass of all its alignments, as with ``log_add``. Nothing is pruned: ``beam_size_token`` and
``beam_threshold`` are accepted and have no effect. Emissions are normalised, so a score is a
log-probability and what the scorers add. Tokens have no silence put around them. With a lexicon no
other word is found, so ``unk_word`` has no effect, and no ``unk_score`` is taken. The items of a
batch are searched in parallel. A ``CTCDecoderLM``, an ``lm_dict``, a ``sil_score``, and a
``word_score`` without a model are not taken, and there is no decoding step by step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from .._ctc import CtcDecoder

if TYPE_CHECKING:
    from .._arrays import SupportsDLPack

__all__ = ["CTCDecoder", "CTCHypothesis", "ctc_decoder"]


class CTCHypothesis(NamedTuple):
    """A hypothesis: token ids and the frame of each as tensors, words, and the score."""

    tokens: Any
    words: list[str]
    score: float
    timesteps: Any


class CTCDecoder:
    """What :func:`ctc_decoder` returns: a decoder for batches of emissions."""

    def __init__(self, decoder: CtcDecoder, tokens: list[str], nbest: int, has_words: bool) -> None:
        """Is called by :func:`ctc_decoder`."""
        self._decoder = decoder
        self._tokens = tokens
        self._nbest = nbest
        self._has_words = has_words

    def __call__(
        self, emissions: SupportsDLPack, lengths: SupportsDLPack | None = None
    ) -> list[list[CTCHypothesis]]:
        """The best hypotheses of each item of ``[batch, frames, tokens]``, best first."""
        found = self._decoder.decode(emissions, "logits", lengths)
        return [
            [
                CTCHypothesis(
                    h.tokens, [w.text for w in h.words] if self._has_words else [], h.score, h.frames
                )
                for h in item[: self._nbest]
            ]
            for item in found
        ]

    def idxs_to_tokens(self, idxs: Any) -> list[str]:
        """The labels of token ids."""
        return [self._tokens[int(index)] for index in idxs]


def ctc_decoder(
    lexicon: str | None,
    tokens: str | Sequence[str],
    lm: str | None = None,
    lm_dict: str | None = None,
    nbest: int = 1,
    beam_size: int = 50,
    beam_size_token: int | None = None,
    beam_threshold: float = 50,
    lm_weight: float = 2,
    word_score: float = 0,
    unk_score: float = float("-inf"),
    sil_score: float = 0,
    log_add: bool = False,
    blank_token: str = "-",
    sil_token: str = "|",
    unk_word: str = "<unk>",
) -> CTCDecoder:
    """A decoder for these tokens, a list or a file with one a line.

    ``lexicon`` is a file of words and their tokens, or None for any text. ``lm`` is a path of an
    ARPA file or a binary file of KenLM, of words with a lexicon and of tokens without; its log10
    probabilities count ``lm_weight`` times.
    """
    if lm is not None and not isinstance(lm, (str, os.PathLike)):
        raise NotImplementedError("lm: only the path of an n-gram model is taken")
    if lm_dict is not None or sil_score != 0:
        raise NotImplementedError("lm_dict and sil_score are not taken")
    if unk_score != float("-inf"):
        raise NotImplementedError("unk_score: no word is found that is not in the lexicon")
    if lm is None and word_score != 0:
        raise NotImplementedError("word_score is only taken with lm, a language model")
    if isinstance(tokens, (str, os.PathLike)):
        with open(tokens, encoding="utf-8") as file:
            tokens = file.read().splitlines()
    labels = list(tokens)
    for name, label in [("blank_token", blank_token), ("sil_token", sil_token)]:
        if label not in labels:
            raise ValueError(f"{name}={label!r} is not among the tokens")
    scoring: dict[str, Any] = {}
    if lm is not None:
        scoring = {"lm": lm, "lm_weight": lm_weight / math.log(10)}
        if lexicon is None:
            scoring.update(lm_unit="token", token_bonus=word_score)
        else:
            # A word of the lexicon that the model does not know counts as its <unk>.
            scoring.update(word_bonus=word_score, unknown_score=0.0)
    decoder = CtcDecoder(
        labels,
        blank=labels.index(blank_token),
        beams=beam_size,
        word_delimiter=sil_token,
        lexicon=lexicon,
        **scoring,
    )
    return CTCDecoder(decoder, labels, nbest, lexicon is not None)
