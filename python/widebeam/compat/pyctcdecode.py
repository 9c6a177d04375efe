"""The interface of ``pyctcdecode`` over :class:`widebeam.CtcDecoder`.

Change the import, and nothing else::

    from widebeam.compat.pyctcdecode import build_ctcdecoder

    decoder = build_ctcdecoder(labels, kenlm_model_path="lm.arpa", alpha=0.5, beta=1.0)
    text = decoder.decode(logits)

Where others import it, as transformers does, this module can stand in::

    import widebeam.compat.pyctcdecode

    widebeam.compat.pyctcdecode.stand_in()

Answers differ where this search is exact and the original is not. Each prefix is held once, with
the mass of all its alignments, where the original keeps the best of several. Four times as many
labellings are held as there are beams, since those that differ in the space around words are one
text. Nothing is pruned:
``beam_prune_logp``, ``token_min_logp`` and ``prune_history`` are accepted and have no effect. The
words of the model count in place of ``unigrams``, which are only kept. A hotword of n words adds n
times ``hotword_weight`` where it stands as whole words. There is no ``lm_start_state`` yet: the
state in a result is None, and none is taken.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from .._ctc import CtcDecoder
from .._widebeam import CtcHypothesis, NgramModel
from . import _stand_in

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Alphabet",
    "BeamSearchDecoderCTC",
    "LanguageModel",
    "OutputBeam",
    "OutputBeamMPSafe",
    "build_ctcdecoder",
    "stand_in",
]

DEFAULT_ALPHA = 0.5
DEFAULT_BETA = 1.5
DEFAULT_UNK_LOGP_OFFSET = -10.0
DEFAULT_BEAM_WIDTH = 100
DEFAULT_HOTWORD_WEIGHT = 10.0
DEFAULT_PRUNE_LOGP = -10.0
DEFAULT_MIN_TOKEN_LOGP = -5.0
DEFAULT_SCORE_LM_BOUNDARY = True

BLANK_TOKEN_PTN = re.compile(r"^[<\[]pad[>\]]$", flags=re.IGNORECASE)
BPE_TOKEN = "▁"  # begins a word
UNK_TOKEN = "⁇"  # the label of an unknown token
UNK_BPE_TOKEN = "▁⁇▁"
UNK_TOKEN_PTN = re.compile(r"^[<\[]unk[>\]]$", flags=re.IGNORECASE)

# A beam of texts needs more labellings: those that differ in the space around words are one text.
_LABELLINGS = 4

WordFrames = tuple[str, tuple[int, int]]


class OutputBeam(NamedTuple):
    """A hypothesis of ``decode_beams``."""

    text: str
    last_lm_state: None
    text_frames: list[WordFrames]
    logit_score: float
    lm_score: float


class OutputBeamMPSafe(NamedTuple):
    """A hypothesis of ``decode_beams_batch``."""

    text: str
    text_frames: list[WordFrames]
    logit_score: float
    lm_score: float


class Alphabet:
    """The labels of the tokens: ``""`` is the blank, ``" "`` stands between words."""

    def __init__(self, labels: Sequence[str], is_bpe: bool) -> None:
        """Takes labels as they are."""
        self._labels = list(labels)
        self._is_bpe = is_bpe

    @property
    def labels(self) -> list[str]:
        """A copy of the labels."""
        return list(self._labels)

    @property
    def is_bpe(self) -> bool:
        """Whether words begin with U+2581."""
        return self._is_bpe

    @classmethod
    def build_alphabet(cls, labels: Sequence[str]) -> Alphabet:
        """Labels with the names that this decoder knows for the blank, the space and the unknown
        token. A blank is added at the end if there is none."""
        begins = any(label.startswith("▁") and len(label) > 1 for label in labels)
        continues = any(label.startswith("##") for label in labels)
        is_bpe = begins or continues
        if is_bpe and " " in labels:
            raise ValueError("a label is a space, and others are parts of words")
        named = [_named(label, is_bpe) for label in labels]
        if continues:
            named = [_begun(label) for label in named]
        if "" not in named:
            named.append("")
        if len(set(named)) < len(named):
            raise ValueError("two labels are the same")
        return cls(named, is_bpe)

    def dumps(self) -> str:
        """The alphabet as JSON."""
        return json.dumps({"labels": self._labels, "is_bpe": self._is_bpe})

    @classmethod
    def loads(cls, text: str) -> Alphabet:
        """The alphabet that ``dumps`` wrote."""
        read = json.loads(text)
        if set(read) != {"labels", "is_bpe"}:
            raise ValueError(f"an alphabet has labels and is_bpe, and this has {sorted(read)}")
        return cls(read["labels"], read["is_bpe"])


def _named(label: str, is_bpe: bool) -> str:
    if BLANK_TOKEN_PTN.match(label) or label == "_":
        return ""
    if UNK_TOKEN_PTN.match(label):
        return UNK_BPE_TOKEN if is_bpe else UNK_TOKEN
    return " " if label == "|" and not is_bpe else label


def _begun(label: str) -> str:
    """A label with the mark of a word's begin, where labels had the mark ``##`` of its
    continuation."""
    if label.startswith("##"):
        return label[2:]
    is_special = label in ("", "▁") or label.startswith("▁") or label[0] + label[-1] in ("[]", "<>")
    return label if is_special else f"▁{label}"


class LanguageModel:
    """An n-gram model of words, and how it counts."""

    def __init__(
        self,
        kenlm_model: Any,
        unigrams: Collection[str] | None = None,
        alpha: float = DEFAULT_ALPHA,
        beta: float = DEFAULT_BETA,
        unk_score_offset: float = DEFAULT_UNK_LOGP_OFFSET,
        score_boundary: bool = DEFAULT_SCORE_LM_BOUNDARY,
    ) -> None:
        """``kenlm_model`` is the path of one, an ``NgramModel``, or a ``kenlm.Model``, whose file
        is read again. ``unigrams`` are accepted, and the words of the model count."""
        if not isinstance(kenlm_model, NgramModel):
            kenlm_model = NgramModel(os.fsdecode(getattr(kenlm_model, "path", kenlm_model)))
        self.model: NgramModel = kenlm_model
        self.unigrams = None if unigrams is None else sorted(unigrams)
        self.alpha = alpha
        self.beta = beta
        self.unk_score_offset = unk_score_offset
        self.score_boundary = score_boundary

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        return self.model.order

    def settings(self) -> dict[str, Any]:
        """As the decoder of widebeam names them. The offset is in log10, and weighed."""
        return {
            "lm": self.model,
            "lm_weight": self.alpha,
            "word_bonus": self.beta,
            "unknown_score": self.alpha * math.log(10) * self.unk_score_offset,
            "bos": self.score_boundary,
            "eos": self.score_boundary,
        }


class BeamSearchDecoderCTC:
    """A CTC decoder with the methods of pyctcdecode's."""

    _ALPHABET_SERIALIZED_FILENAME = "alphabet.json"
    _LANGUAGE_MODEL_SERIALIZED_DIRECTORY = "language_model"

    # Where others look for the language model of a decoder.
    model_container: dict[bytes, Optional[LanguageModel]] = {}

    def __init__(self, alphabet: Alphabet, language_model: LanguageModel | None = None) -> None:
        """A decoder for these labels."""
        self._alphabet = alphabet
        self._model_key = os.urandom(16)
        BeamSearchDecoderCTC.model_container[self._model_key] = language_model
        # The last one, and what it was made for.
        self._made: tuple[Any, CtcDecoder] | None = None

    @property
    def _language_model(self) -> LanguageModel | None:
        return BeamSearchDecoderCTC.model_container[self._model_key]

    def reset_params(
        self,
        alpha: float | None = None,
        beta: float | None = None,
        unk_score_offset: float | None = None,
        lm_score_boundary: bool | None = None,
    ) -> None:
        """Changes how the language model counts."""
        model = self._language_model
        if model is None:
            return
        model.alpha = model.alpha if alpha is None else alpha
        model.beta = model.beta if beta is None else beta
        if unk_score_offset is not None:
            model.unk_score_offset = unk_score_offset
        if lm_score_boundary is not None:
            model.score_boundary = lm_score_boundary
        self._made = None

    @classmethod
    def clear_class_models(cls) -> None:
        """Forgets the language models of all decoders."""
        cls.model_container.clear()

    def cleanup(self) -> None:
        """Forgets the language model of this decoder."""
        BeamSearchDecoderCTC.model_container.pop(self._model_key, None)

    def _decoder(
        self, beam_width: int, hotwords: Iterable[str] | None, hotword_weight: float
    ) -> CtcDecoder:
        phrases = tuple(phrase for phrase in hotwords or () if phrase.strip())
        key = (beam_width, phrases, hotword_weight)
        made = self._made
        if made is not None and made[0] == key:
            return made[1]
        labels = self._alphabet.labels
        model = self._language_model
        decoder = CtcDecoder(
            labels,
            blank=labels.index(""),
            beams=_LABELLINGS * beam_width,
            hotwords={p: hotword_weight * len(p.split()) for p in phrases},
            whole_words=True,
            merge_text="words",
            **({} if model is None else model.settings()),
        )
        self._made = key, decoder
        return decoder

    def decode_beams(
        self,
        logits: npt.NDArray[Any],
        beam_width: int = DEFAULT_BEAM_WIDTH,
        beam_prune_logp: float = DEFAULT_PRUNE_LOGP,
        token_min_logp: float = DEFAULT_MIN_TOKEN_LOGP,
        prune_history: bool = False,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float = DEFAULT_HOTWORD_WEIGHT,
        lm_start_state: None = None,
    ) -> list[OutputBeam]:
        """The best hypotheses of ``[time, vocab]`` logits or log-probabilities, best first."""
        if lm_start_state is not None:
            raise NotImplementedError("lm_start_state: the search begins with no words before")
        decoder = self._decoder(beam_width, hotwords, hotword_weight)
        if logits.dtype.kind in "biu":
            logits = logits.astype("f4")
        (found,) = decoder.decode(logits, "logits")
        return [
            OutputBeam(" ".join(h.text.split()), None, _frames(h), h.log_mass, h.score)
            for h in found[:beam_width]
        ]

    def decode(
        self,
        logits: npt.NDArray[Any],
        beam_width: int = DEFAULT_BEAM_WIDTH,
        beam_prune_logp: float = DEFAULT_PRUNE_LOGP,
        token_min_logp: float = DEFAULT_MIN_TOKEN_LOGP,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float = DEFAULT_HOTWORD_WEIGHT,
        lm_start_state: None = None,
    ) -> str:
        """The text of the best hypothesis."""
        found = self.decode_beams(
            logits,
            beam_width,
            hotwords=hotwords,
            hotword_weight=hotword_weight,
            lm_start_state=lm_start_state,
        )
        return found[0].text if found else ""

    def decode_beams_batch(
        self,
        pool: object,
        logits_list: Iterable[npt.NDArray[Any]],
        beam_width: int = DEFAULT_BEAM_WIDTH,
        beam_prune_logp: float = DEFAULT_PRUNE_LOGP,
        token_min_logp: float = DEFAULT_MIN_TOKEN_LOGP,
        prune_history: bool = False,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float = DEFAULT_HOTWORD_WEIGHT,
    ) -> list[list[OutputBeamMPSafe]]:
        """The best hypotheses of each. ``pool`` is accepted: the search has its own threads."""
        phrases = list(hotwords or ())
        return [
            [
                OutputBeamMPSafe(beam.text, beam.text_frames, beam.logit_score, beam.lm_score)
                for beam in self.decode_beams(
                    logits, beam_width, hotwords=phrases, hotword_weight=hotword_weight
                )
            ]
            for logits in logits_list
        ]

    def decode_batch(
        self,
        pool: object,
        logits_list: Iterable[npt.NDArray[Any]],
        beam_width: int = DEFAULT_BEAM_WIDTH,
        beam_prune_logp: float = DEFAULT_PRUNE_LOGP,
        token_min_logp: float = DEFAULT_MIN_TOKEN_LOGP,
        hotwords: Iterable[str] | None = None,
        hotword_weight: float = DEFAULT_HOTWORD_WEIGHT,
    ) -> list[str]:
        """The text of the best hypothesis of each."""
        found = self.decode_beams_batch(
            pool, logits_list, beam_width, hotwords=hotwords, hotword_weight=hotword_weight
        )
        return [beams[0].text if beams else "" for beams in found]

    def save_to_dir(self, filepath: str) -> None:
        """Writes the decoder to a folder, in the original's layout."""
        os.makedirs(filepath, exist_ok=True)
        path = os.path.join(filepath, self._ALPHABET_SERIALIZED_FILENAME)
        with open(path, "w", encoding="utf-8") as file:
            file.write(self._alphabet.dumps())
        model = self._language_model
        if model is None:
            return
        folder = os.path.join(filepath, self._LANGUAGE_MODEL_SERIALIZED_DIRECTORY)
        os.makedirs(folder, exist_ok=True)
        shutil.copy(model.model.path, folder)
        attributes = {
            "alpha": model.alpha,
            "beta": model.beta,
            "unk_score_offset": model.unk_score_offset,
            "score_boundary": model.score_boundary,
        }
        with open(os.path.join(folder, "attrs.json"), "w", encoding="utf-8") as file:
            json.dump(attributes, file)
        with open(os.path.join(folder, "unigrams.txt"), "w", encoding="utf-8") as file:
            file.write("\n".join(model.unigrams or ()))

    @classmethod
    def load_from_dir(
        cls, filepath: str, unigram_encoding: str | None = None
    ) -> BeamSearchDecoderCTC:
        """The decoder that ``save_to_dir`` wrote, here or in the original."""
        path = os.path.join(filepath, cls._ALPHABET_SERIALIZED_FILENAME)
        with open(path, encoding="utf-8") as file:
            alphabet = Alphabet.loads(file.read())
        folder = os.path.join(filepath, cls._LANGUAGE_MODEL_SERIALIZED_DIRECTORY)
        if not os.path.isdir(folder):
            return cls(alphabet)
        with open(os.path.join(folder, "attrs.json"), encoding="utf-8") as file:
            attributes = json.load(file)
        others = {"attrs.json", "unigrams.txt"}
        models = sorted(name for name in os.listdir(folder) if name not in others)
        if len(models) != 1:
            raise ValueError(f"{folder}: it must hold one model, and holds {models}")
        words = os.path.join(folder, "unigrams.txt")
        unigrams = None
        if os.path.exists(words):
            with open(words, encoding=unigram_encoding or "utf-8") as file:
                unigrams = file.read().splitlines()
        model = LanguageModel(os.path.join(folder, models[0]), unigrams, **attributes)
        return cls(alphabet, model)

    @classmethod
    def load_from_hf_hub(
        cls, model_id: str, cache_dir: str | None = None, **kwargs: Any
    ) -> BeamSearchDecoderCTC:
        """The decoder in a repository of the Hugging Face hub. Needs ``huggingface_hub``, whose
        ``snapshot_download`` takes the other arguments."""
        import huggingface_hub  # type: ignore[import-not-found,unused-ignore]

        if cache_dir is None:
            cache_dir = os.path.join(os.path.expanduser("~"), ".cache", "pyctcdecode")
        return cls.load_from_dir(
            huggingface_hub.snapshot_download(model_id, cache_dir=cache_dir, **kwargs)
        )


def _frames(hypothesis: CtcHypothesis) -> list[WordFrames]:
    """The frames of each word, the last one not included."""
    return [(word.text, (word.start, word.end + 1)) for word in hypothesis.words]


def build_ctcdecoder(
    labels: Sequence[str],
    kenlm_model_path: str | os.PathLike[str] | None = None,
    unigrams: Collection[str] | None = None,
    alpha: float = DEFAULT_ALPHA,
    beta: float = DEFAULT_BETA,
    unk_score_offset: float = DEFAULT_UNK_LOGP_OFFSET,
    lm_score_boundary: bool = DEFAULT_SCORE_LM_BOUNDARY,
) -> BeamSearchDecoderCTC:
    """A decoder for these labels, with an n-gram model of words if a path of one is given."""
    model = None
    if kenlm_model_path is not None:
        model = LanguageModel(
            kenlm_model_path, unigrams, alpha, beta, unk_score_offset, lm_score_boundary
        )
    return BeamSearchDecoderCTC(Alphabet.build_alphabet(labels), model)


def stand_in() -> None:
    """Makes ``import pyctcdecode`` find this module where pyctcdecode is not installed, and
    ``import kenlm`` one with ``Model`` where KenLM is not."""
    modules = ("alphabet", "constants", "decoder", "language_model")
    names = ["pyctcdecode", *(f"pyctcdecode.{name}" for name in modules)]
    here = {name: value for name, value in globals().items() if not name.startswith("__")}
    contents: dict[str, dict[str, Any]] = {name: here for name in names}
    contents["kenlm"] = {"Model": NgramModel}
    _stand_in.stand_in(contents)
