"""The search with predictor and joiner in the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from ._text import read_settings
from ._widebeam import (
    NgramModel,
    RequestId,
    TransducerFeed,
    TransducerHypothesis,
    _TransducerCore,
)

if TYPE_CHECKING:
    from ._arrays import Kind, Scores
    from ._text import Path


class TransducerSearch:
    """Beam search for transducers (RNN-T, TDT) whose networks the caller runs.

    The search hands out steps of the predictor, whose states the caller keeps in numbered slots,
    and rows for the joiner to score, each a frame and a slot; it takes back scores ``[rows,
    columns]``::

        search = widebeam.TransducerSearch(vocab=500, beams=4)
        utterance = search.admit(frames=len(encoded))
        while not search.is_idle:
            feed = search.feed()
            states = predict(states, feed)
            search.advance(join(encoded, states, feed), "logits")
        print(search.outcome(utterance)[0].tokens)

    vocab, blank, beams
        The number of tokens with the blank, the blank's token id, and the beam width.
    topology
        ``"standard"`` (a token stays in its frame), ``"one-symbol"`` (it goes to the next), or
        ``"tdt"``, with ``durations`` in the order of their scores, which stand after the tokens
        in a row. ``max_symbols`` is the most tokens of one frame; default: 10.
    n_best
        How many hypotheses come back, if not as many as beams.
    per_token
        Whether the final ranking divides a score by the number of tokens, plus one.
    commit_delay
        For streams without end: keep only prefixes that agree with the best one in what is older.
    labels, word_delimiter, lm, ..., strict
        Text and what scores it, as in ``CtcDecoder``.
    arrays
        Whose arrays a feed and a hypothesis have.

    One thread uses it at a time: a call while another thread is in one raises RuntimeError.
    Raises ``widebeam.Error``, a ValueError, for settings and files that are refused.
    """

    def __init__(
        self,
        vocab: int,
        *,
        blank: int = 0,
        beams: int = 4,
        topology: Literal["standard", "one-symbol", "tdt"] = "standard",
        max_symbols: int | None = None,
        durations: Sequence[int] | None = None,
        n_best: int | None = None,
        per_token: bool = False,
        commit_delay: int | None = None,
        labels: Path | Sequence[str] | None = None,
        word_delimiter: str | None = None,
        lm: Path | NgramModel | None = None,
        lm_unit: Literal["word", "token", "character"] = "word",
        lm_weight: float | None = None,
        token_bonus: float | None = None,
        word_bonus: float | None = None,
        unknown_score: float | None = None,
        lm_lookahead: Literal["unigram", "none"] | None = None,
        bos: bool = True,
        eos: bool = True,
        lexicon: Path | Iterable[str] | None = None,
        hotwords: Path | Iterable[str] | Mapping[str, float] | None = None,
        hotword_weight: float | None = None,
        whole_words: bool = False,
        strict: bool = False,
        arrays: Literal["numpy", "torch"] = "numpy",
    ) -> None:
        """See the class."""
        if arrays not in ("numpy", "torch"):
            raise ValueError(f'arrays={arrays!r}: it must be "numpy" or "torch"')
        settings = {
            "vocab": vocab,
            "blank": blank,
            "beams": beams,
            "topology": topology,
            "max_symbols": max_symbols,
            "durations": durations,
            "n_best": n_best,
            "per_token": per_token,
            "commit_delay": commit_delay,
            "labels": labels,
            "word_delimiter": word_delimiter,
            "lm": lm,
            "lm_unit": lm_unit,
            "lm_weight": lm_weight,
            "token_bonus": token_bonus,
            "word_bonus": word_bonus,
            "unknown_score": unknown_score,
            "lm_lookahead": lm_lookahead,
            "bos": bos,
            "eos": eos,
            "lexicon": lexicon,
            "hotwords": hotwords,
            "hotword_weight": hotword_weight,
            "whole_words": whole_words,
            "strict": strict,
            "merge_text": False,
        }
        self._core = _TransducerCore(read_settings(settings), arrays == "torch")

    @property
    def columns(self) -> int:
        """The length of a row: tokens, then durations."""
        return self._core.columns

    @property
    def is_idle(self) -> bool:
        """Whether no request is running. A stream that waits for frames is."""
        return self._core.is_idle

    def admit(self, frames: int | None = None) -> RequestId:
        """Adds an utterance of so many frames, or a stream, whose frames come by
        ``add_frames``. Returns its name."""
        return self._core.admit(frames)

    def add_frames(self, request: RequestId, count: int) -> None:
        """Says that ``count`` more frames of an utterance have come."""
        self._core.add_frames(request, count)

    def end(self, request: RequestId) -> None:
        """Says that no more frames of an utterance come."""
        self._core.end(request)

    def finish(self, request: RequestId) -> None:
        """Ends an utterance now, as if there were no frames but those that are complete."""
        self._core.finish(request)

    def remove(self, request: RequestId) -> bool:
        """Takes a request out of the search. Returns whether it was there."""
        return self._core.remove(request)

    def feed(self) -> TransducerFeed:
        """What predictor and joiner compute in the step that begins. Until ``advance`` it is the
        same, whatever is admitted or removed meanwhile."""
        return self._core.feed()

    def advance(self, array: Scores, scores: Kind) -> None:
        """Ends the step with the scores of its rows, ``[rows, columns]``, in the order of the
        feed. A row with an invalid score fails its request, and no other."""
        self._core.advance(array, scores)

    def abandon_step(self) -> None:
        """Gives up the step that ``feed`` began."""
        self._core.abandon_step()

    def finished(self) -> list[RequestId]:
        """The requests that the last step has finished."""
        return self._core.finished()

    def frames(self, request: RequestId) -> int:
        """How many frames of an utterance are complete."""
        return self._core.frames(request)

    def current(self, request: RequestId) -> list[TransducerHypothesis]:
        """The hypotheses so far, best first, without the tokens that were taken."""
        return self._core.current(request)

    def outcome(self, request: RequestId) -> list[TransducerHypothesis] | None:
        """The hypotheses of an utterance that is done, best first; None if it is not. Raises
        ``widebeam.Error`` if it failed, or is not in the search."""
        return self._core.outcome(request)

    def take_stable(self, request: RequestId) -> tuple[Any, Any, Any]:
        """Takes the tokens that no further frame can change: ``(tokens, frames, durations)``,
        three arrays of int64. Later hypotheses begin after them."""
        return self._core.take_stable(request)

    def run(self, networks: Callable[[TransducerFeed], Scores], scores: Kind = "logits") -> None:
        """Runs until no request is running, or all that run wait for frames. ``networks`` takes a
        ``TransducerFeed``, runs predictor and joiner, and returns the scores of its rows."""
        while not self.is_idle:
            feed = self.feed()
            if feed.rows == 0:
                self.abandon_step()
                return
            self.advance(networks(feed), scores)
