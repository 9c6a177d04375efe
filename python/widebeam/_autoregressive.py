"""The search with the model in the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from ._widebeam import Completion, Feed, Outcome, RequestId, Rules, _AutoregressiveCore

if TYPE_CHECKING:
    from ._arrays import Kind, Scores


class AutoregressiveSearch:
    """Beam search for a model that the caller runs, with requests that come and go.

    ``vocab`` is the number of tokens. ``arrays`` says whose arrays a ``Feed`` and a
    ``Completion`` have.

    The search hands out the tokens to feed and the rows that they continue, by which a cache is
    reordered, and takes back scores ``[rows, vocab]``::

        search = widebeam.AutoregressiveSearch(vocab=50257)
        request = search.admit(prompt, beams=4, max_length=64, end_tokens=[50256])
        while not search.is_idle:
            feed = search.feed()
            search.advance(model(feed), "logits")
        print(search.outcome(request).best.tokens)

    One thread uses it at a time: a call while another thread is in one raises RuntimeError.
    """

    def __init__(self, vocab: int, *, arrays: Literal["numpy", "torch"] = "numpy") -> None:
        """See the class."""
        if arrays not in ("numpy", "torch"):
            raise ValueError(f'arrays={arrays!r}: it must be "numpy" or "torch"')
        self._core = _AutoregressiveCore(vocab, arrays == "torch")

    @property
    def vocab(self) -> int:
        """The number of tokens."""
        return self._core.vocab

    @property
    def is_idle(self) -> bool:
        """Whether every request is done."""
        return self._core.is_idle

    def admit(
        self,
        prompt: Iterable[int] = (),
        *,
        beams: int,
        max_length: int,
        end_tokens: Iterable[int] = (),
        stop_sequences: Iterable[Sequence[int]] = (),
        ends_when: Callable[[list[int]], bool] | None = None,
        rules: Rules | None = None,
        n_best: int | None = None,
        widths: Sequence[int] | None = None,
        min_length: int | None = None,
        repetition_penalty: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        no_repeat_ngram: int | None = None,
        suppress: Iterable[int] | None = None,
        permitted: Iterable[int] | None = None,
        sequences: Iterable[Sequence[int]] | None = None,
        required: Iterable[Sequence[Sequence[int]]] = (),
        groups: tuple[int, float] | None = None,
        sampling: Literal["stochastic-beams", "beam-sampling"] | None = None,
        seed: int | None = None,
        temperature: float | None = None,
        own_scores: bool = False,
    ) -> RequestId:
        """Adds a request, which joins at the next ``feed``. Returns its name.

        prompt
            The tokens before the first generated one.
        beams, max_length
            The beam width, and the most tokens that are generated, the end token counted.
        end_tokens, stop_sequences
            What ends a hypothesis. With neither, all hypotheses have the maximum length.
        ends_when
            A function that takes the tokens of the prompt and a hypothesis, the next one last, and
            says whether it ends there. It is called for some candidates of each step, by several
            threads, one at a time. What it raises comes out of ``advance``, when the step is over,
            in which the hypothesis goes on.
        rules
            How hypotheses finish and are ranked; default: ``Rules.plain()``.
        n_best, widths
            How many hypotheses come back, if not as many as beams; the beam width of each step,
            the last one repeated.
        min_length, repetition_penalty, frequency_penalty, presence_penalty, no_repeat_ngram
            What changes the log-probabilities of a row, in this order, after the log-softmax.
            An n-gram counts the prompt; None, not 0, is off.
        suppress, permitted, sequences
            Tokens that are never generated; the only tokens that are; the only sequences that
            are. The log-probabilities of the others stay as they are.
        required
            What must occur in every hypothesis: each a list of alternatives, one of which must.
        groups
            The number of diverse groups and the penalty between them.
        sampling, seed, temperature
            Draws continuations: sequences without replacement, or as transformers' beam
            sampling. Equal seeds draw the same.
        own_scores
            Keeps the model's own log-probabilities beside those that processors left.

        Raises ``widebeam.Error``, a ValueError, for settings that are refused, and MemoryError.
        """
        return self._core.admit(
            {
                "prompt": list(prompt),
                "beams": beams,
                "max_length": max_length,
                "end_tokens": list(end_tokens),
                "stop_sequences": [list(sequence) for sequence in stop_sequences],
                "ends_when": ends_when,
                "rules": rules,
                "n_best": n_best,
                "widths": widths,
                "own_scores": own_scores,
                "min_length": min_length,
                "repetition_penalty": repetition_penalty,
                "frequency_penalty": frequency_penalty,
                "presence_penalty": presence_penalty,
                "no_repeat_ngram": no_repeat_ngram,
                "suppress": None if suppress is None else list(suppress),
                "permitted": None if permitted is None else list(permitted),
                "sequences": None if sequences is None else [list(each) for each in sequences],
                "required": [[list(phrase) for phrase in any_of] for any_of in required],
                "groups": groups,
                "sampling": sampling,
                "seed": seed,
                "temperature": temperature,
            }
        )

    def feed(self) -> Feed:
        """What the model reads in the step that begins. Until ``advance`` it is the same, whatever
        is admitted or removed meanwhile."""
        return self._core.feed()

    def advance(self, array: Scores, scores: Kind) -> None:
        """Ends the step with the scores of its rows, ``[rows, vocab]``, in the order of the feed.

        ``scores`` says what their numbers are: ``"probs"``, ``"log-probs"`` or ``"logits"``. A
        row with an invalid score fails its request, and no other.
        """
        self._core.advance(array, scores)

    def abandon_step(self) -> None:
        """Gives up the step that ``feed`` began: the next ``feed`` begins it anew."""
        self._core.abandon_step()

    def finished(self) -> list[RequestId]:
        """The requests that the last step has finished."""
        return self._core.finished()

    def outcome(self, request: RequestId) -> Outcome | None:
        """What became of a request; None if it is not done. Raises ``widebeam.Error`` if it
        failed, or is not in the search."""
        return self._core.outcome(request)

    def live(self, request: RequestId) -> list[Completion]:
        """The hypotheses of a request that go on, best first."""
        return self._core.live(request)

    def finished_so_far(self, request: RequestId) -> list[Completion]:
        """The hypotheses of a request that have finished, best first."""
        return self._core.finished_so_far(request)

    def finish(self, request: RequestId) -> bool:
        """Ends a request with what it has. Returns whether it was under way."""
        return self._core.finish(request)

    def remove(self, request: RequestId) -> bool:
        """Takes a request out of the search. Returns whether it was there."""
        return self._core.remove(request)

    def run(self, model: Callable[[Feed], Scores], scores: Kind = "logits") -> None:
        """Runs until every request is done. ``model`` takes a ``Feed`` and returns the scores
        of its rows."""
        while not self.is_idle:
            self.advance(model(self.feed()), scores)
