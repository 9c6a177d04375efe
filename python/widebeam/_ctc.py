"""The decoder for CTC models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from ._error import Error
from ._text import read_settings
from ._widebeam import CtcHypothesis, CtcStream, NgramModel, _CtcCore

if TYPE_CHECKING:
    from ._arrays import Kind, Lengths, Scores
    from ._text import Path


class CtcDecoder:
    """Beam search for CTC emissions: speech, OCR, base-calling.

    It finds the labellings with the most probability, summed over their alignments, and prunes
    nothing unless told to. A decoder can be used from several threads, and is pickled by its
    settings and the paths of its files.

    labels
        What each token spells, in order of the token ids; or a file of them: lines, lines with
        ids (``tokens.txt``), or JSON. Without labels, hypotheses have tokens and no text.
    blank
        The token id of the blank.
    beams
        The beam width.
    word_delimiter
        The label between words, where the labels do not show it. They do by U+2581 as in
        SentencePiece, by ``##`` or ``@@``, or by a label that is a space, ``|``, ``<space>`` or
        ``<wb>``.
    lm
        An n-gram model, ARPA or a binary file of KenLM: a path or an ``NgramModel``, which
        decoders share. ``lm_unit`` says what it calls a word: a ``"word"`` of the text, the label
        of a ``"token"``, or a ``"character"``. Its log-probability (natural logarithm) counts
        ``lm_weight`` times (default: 0.5). ``bos`` and ``eos`` say whether sentences have its
        marks.
    token_bonus
        Added to the score for each token, with a model of tokens or characters. Default: 0.
    word_bonus, unknown_score
        Added to the score for each word, and for each word that the model does not know. With a
        model of words. Defaults: 0 and -10.
    lm_lookahead
        What a model of words says of a word that is being spelled: ``"unigram"`` (the best of the
        words that begin so; default where the model has its words) or ``"none"``.
    lexicon
        The only words allowed: a list, or a file with one a line, or with spellings: a word, a tab
        and its labels with spaces between them.
    hotwords
        Phrases to favour: a list, a mapping from phrases to what each adds as a whole, or a file
        with one a line, which may end in a weight of its own, as ``hello :10.0``. Others add
        ``hotword_weight`` for each character (default: 2). ``whole_words`` favours them as whole
        words only.
    strict
        Refuse words and phrases that the labels cannot spell. By default they are left out, with
        a warning.
    merge_text
        Merge hypotheses that spell the same text: their probabilities add up. With ``"words"`` also
        those whose texts differ only in the space between words, before and after them. Not for
        streams.
    top_tokens, min_token_log_prob, score_threshold, blank_skip
        Pruning, all off by default: use only the best tokens of each frame, only tokens of at
        least this log-probability, only prefixes that score at most so far below the best, only
        the blank in frames where it has at least this log-probability.
    commit_delay
        For streams without end: every so many frames, keep only prefixes that agree with the best
        one in what is older.

    Raises ``widebeam.Error``, a ValueError, for settings and files that are refused, such as a
    setting of what is not there, and OSError for files that cannot be read.
    """

    def __init__(
        self,
        labels: Path | Sequence[str] | None = None,
        *,
        blank: int = 0,
        beams: int = 100,
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
        merge_text: bool | Literal["words"] = False,
        top_tokens: int | None = None,
        min_token_log_prob: float | None = None,
        score_threshold: float | None = None,
        blank_skip: float | None = None,
        commit_delay: int | None = None,
    ) -> None:
        """See the class."""
        settings: dict[str, Any] = {
            "labels": labels,
            "blank": blank,
            "beams": beams,
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
            "merge_text": merge_text,
            "top_tokens": top_tokens,
            "min_token_log_prob": min_token_log_prob,
            "score_threshold": score_threshold,
            "blank_skip": blank_skip,
            "commit_delay": commit_delay,
        }
        self.__setstate__(read_settings(settings))

    @overload
    def decode(
        self,
        array: Scores,
        scores: Kind,
        lengths: Lengths | None = None,
        *,
        errors: Literal["raise"] = "raise",
    ) -> list[list[CtcHypothesis]]: ...
    @overload
    def decode(
        self,
        array: Scores,
        scores: Kind,
        lengths: Lengths | None = None,
        *,
        errors: Literal["return"],
    ) -> list[list[CtcHypothesis] | Error]: ...
    def decode(
        self,
        array: Scores,
        scores: Kind,
        lengths: Lengths | None = None,
        *,
        errors: Literal["raise", "return"] = "raise",
    ) -> Any:
        """The best hypotheses of each item, best first: a list of items, each a list of
        ``CtcHypothesis``.

        ``array`` has the shape ``[batch, time, vocab]``, or ``[time, vocab]``, which is a batch
        of one. ``scores`` says what its numbers are: ``"probs"``, ``"log-probs"`` (natural
        logarithms) or ``"logits"``. ``lengths`` is the number of frames in use of each item.

        An item with an invalid score raises ``widebeam.Error``, a ValueError; with
        ``errors="return"`` the exception stands in the place of the item, and the others are
        decoded. Also raises MemoryError.
        """
        return self._core.decode(array, scores, lengths, errors)

    def stream(self) -> CtcStream:
        """A stream of frames to be decoded as they come, with the settings of this decoder. Raises
        ``widebeam.Error`` if it merges texts."""
        return self._core.stream()

    @property
    def beams(self) -> int:
        """The beam width."""
        beams: int = self._settings["beams"]
        return beams

    def __repr__(self) -> str:
        """The settings that matter most."""
        said = [f"blank={self._settings['blank']}", f"beams={self.beams}"]
        for name in ("labels", "lm", "lexicon", "hotwords"):
            if self._settings[name] is not None:
                said.append(f"{name}=...")
        return f"CtcDecoder({', '.join(said)})"

    def __getstate__(self) -> dict[str, Any]:
        """The settings."""
        return self._settings

    def __setstate__(self, settings: dict[str, Any]) -> None:
        """A decoder with these settings."""
        self._core = _CtcCore(settings)
        self._settings = settings
