"""The stand-in for pyctcdecode."""

import importlib.util
import math

import numpy as np
import pytest

import widebeam
from widebeam.compat import pyctcdecode
from widebeam.compat.pyctcdecode import Alphabet, BeamSearchDecoderCTC, build_ctcdecoder

LABELS = ["<pad>", "a", "b", "c", "|", "<unk>"]

UNIGRAMS = ["-1\t<s>\t-0.3", "-1\t</s>", "-2\t<unk>", "-1\tab\t-0.3", "-1\tba"]


@pytest.fixture
def arpa(write_arpa):
    return write_arpa(UNIGRAMS, ["-0.2\tab ba"])


def heard(text, noise=0.3):
    rows = []
    for letter in text:
        for token in [LABELS.index(letter), 0]:
            row = np.full(len(LABELS), noise / len(LABELS), "f4")
            row[token] += 1 - noise
            rows.append(np.log(row))
    return np.stack(rows)


def test_alphabets():
    alphabet = Alphabet.build_alphabet(LABELS)
    assert alphabet.labels == ["", "a", "b", "c", " ", "⁇"] and not alphabet.is_bpe
    assert Alphabet.build_alphabet(["a", " "]).labels == ["a", " ", ""]
    assert Alphabet.build_alphabet(["▁a", "b", ""]).is_bpe
    assert Alphabet.loads(alphabet.dumps()).labels == alphabet.labels
    words = Alphabet.build_alphabet(["[UNK]", "a", "##b", "[SEP]"])
    assert words.labels == ["▁⁇▁", "▁a", "b", "[SEP]", ""] and words.is_bpe
    for labels in [["a", "a"], ["▁a", " "]]:
        with pytest.raises(ValueError):
            Alphabet.build_alphabet(labels)
    with pytest.raises(ValueError):
        Alphabet.loads('{"labels": ["a"]}')


def test_decodes():
    decoder = build_ctcdecoder(LABELS)
    logits = heard("ab|ba")
    assert decoder.decode(logits) == "ab ba"
    beams = decoder.decode_beams(logits, beam_width=10)
    text, state, frames, logit_score, lm_score = beams[0]
    assert (text, state) == ("ab ba", None) and frames == [("ab", (0, 3)), ("ba", (6, 9))]
    assert logit_score == lm_score and len(beams) <= 10
    assert [beam.lm_score for beam in beams] == sorted((beam.lm_score for beam in beams), reverse=True)
    assert len({beam.text for beam in beams}) == len(beams)


def test_space_around_words_does_not_count():
    # Half of the mass is that of "ab", and half that of "ab" with a space before it.
    logits = heard("|ab|")
    logits[0] = np.log([0.5, 1e-3, 1e-3, 1e-3, 0.5, 1e-3])
    beams = build_ctcdecoder(LABELS).decode_beams(logits, beam_width=50)
    texts = [beam.text for beam in beams]
    assert texts[0] == "ab" and len(set(texts)) == len(texts)
    assert all(text == " ".join(text.split()) for text in texts)


def test_batches_with_any_pool():
    decoder = build_ctcdecoder(LABELS)
    logits = [heard("ab"), heard("cab|a")]
    for pool in [None, object()]:
        assert decoder.decode_batch(pool, logits) == ["ab", "cab a"]
        found = decoder.decode_beams_batch(pool, logits, beam_width=5)
        assert [beams[0][0] for beams in found] == ["ab", "cab a"] and len(found[0][0]) == 4


def test_a_language_model_and_its_parameters(arpa):
    decoder = build_ctcdecoder(LABELS, kenlm_model_path=str(arpa), alpha=0.5, beta=1.0)
    logits = heard("ab|ba")
    beam = decoder.decode_beams(logits)[0]
    natural = widebeam.NgramModel(arpa).score("ab ba") * math.log(10)
    assert beam.lm_score - beam.logit_score == pytest.approx(0.5 * natural + 2, abs=1e-6)
    decoder.reset_params(alpha=0.0, beta=0.0)
    beam = decoder.decode_beams(logits)[0]
    assert beam.lm_score == pytest.approx(beam.logit_score)
    model = BeamSearchDecoderCTC.model_container[decoder._model_key]
    assert model.order == 2
    decoder.cleanup()
    assert decoder._model_key not in BeamSearchDecoderCTC.model_container


def test_hotwords():
    decoder = build_ctcdecoder(LABELS)
    logits = heard("ab", noise=0.9)
    assert "ca" in decoder.decode(logits, hotwords=["ca"], hotword_weight=30.0).split()
    assert decoder.decode(logits, hotwords=[" "]) == decoder.decode(logits)


def test_folders(arpa, tmp_path):
    decoder = build_ctcdecoder(LABELS, arpa, unigrams=["ab", "ba"], alpha=0.7, beta=0.2)
    decoder.save_to_dir(str(tmp_path / "saved"))
    again = BeamSearchDecoderCTC.load_from_dir(str(tmp_path / "saved"))
    logits = heard("ab|ba", noise=0.6)
    assert again.decode_beams(logits) == decoder.decode_beams(logits)
    build_ctcdecoder(LABELS).save_to_dir(str(tmp_path / "plain"))
    assert BeamSearchDecoderCTC.load_from_dir(str(tmp_path / "plain")).decode(logits)


def test_stands_in_where_it_is_not_installed(run_python):
    if importlib.util.find_spec("pyctcdecode") is not None:
        pytest.skip("pyctcdecode is installed")
    run_python(
        """
import importlib.util
import widebeam.compat.pyctcdecode as ours

assert importlib.util.find_spec("pyctcdecode") is None
ours.stand_in()
ours.stand_in()
import pyctcdecode
from pyctcdecode.alphabet import BLANK_TOKEN_PTN, UNK_TOKEN
from pyctcdecode.constants import DEFAULT_BEAM_WIDTH

assert pyctcdecode.BeamSearchDecoderCTC is ours.BeamSearchDecoderCTC
assert BLANK_TOKEN_PTN.match("<pad>") and DEFAULT_BEAM_WIDTH == 100
assert importlib.util.find_spec("pyctcdecode.nothing") is None
"""
    )


def test_integers_are_scores():
    logits = np.eye(6, dtype="i8")[[1, 0, 2]] * 9
    assert build_ctcdecoder(LABELS).decode(logits) == "ab"


def test_what_is_not_there_is_said():
    with pytest.raises(NotImplementedError, match="lm_start_state"):
        build_ctcdecoder(LABELS).decode(heard("a"), lm_start_state=object())
    assert pyctcdecode.DEFAULT_BEAM_WIDTH == 100
