"""The stand-in for torchaudio's decoder; arrays may be numpy's here."""

import numpy as np
import pytest

from widebeam.compat.torchaudio import CTCHypothesis, ctc_decoder

TOKENS = ["-", "|", "a", "b", "c"]

UNIGRAMS = ["-1\t<s>", "-1\t</s>", "-2\t<unk>", "-0.5\tab", "-1\tbac"]


@pytest.fixture
def files(tmp_path, write_arpa):
    (tmp_path / "tokens.txt").write_text("\n".join(TOKENS) + "\n")
    (tmp_path / "lexicon.txt").write_text("ab a b |\nbac b a c |\n")
    listed = {name: str(tmp_path / name) for name in ["tokens.txt", "lexicon.txt"]}
    return {**listed, "lm.arpa": str(write_arpa(UNIGRAMS))}


def emissions(*texts):
    longest = max(map(len, texts))
    array = np.full((len(texts), 2 * longest, len(TOKENS)), -1.5, "f4")
    for item, text in enumerate(texts):
        for place, letter in enumerate(text):
            array[item, 2 * place, TOKENS.index(letter)] = 3
            array[item, 2 * place + 1, 0] = 3
    return array


def test_with_a_lexicon_and_a_model(files):
    decoder = ctc_decoder(
        lexicon=files["lexicon.txt"], tokens=files["tokens.txt"], lm=files["lm.arpa"], nbest=2
    )
    found = decoder(emissions("ab|bac|", "bac|ab|"))
    assert [item[0].words for item in found] == [["ab", "bac"], ["bac", "ab"]]
    best = found[0][0]
    assert isinstance(best, CTCHypothesis) and len(found[0]) == 2 and best.score > found[0][1].score
    assert decoder.idxs_to_tokens(best.tokens)[:3] == ["a", "b", "|"]
    assert best.timesteps.tolist()[:3] == [0, 2, 4]


def test_without_a_lexicon(files):
    decoder = ctc_decoder(lexicon=None, tokens=TOKENS, beam_size=10)
    (found,) = decoder(emissions("cab"), np.array([6]))
    assert len(found) == 1 and found[0].words == []
    assert decoder.idxs_to_tokens(found[0].tokens) == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("options", "exception"),
    [
        ({"lm": object()}, NotImplementedError),
        ({"sil_score": 1.0}, NotImplementedError),
        ({"unk_score": -1.0}, NotImplementedError),
        ({"word_score": 1.0}, NotImplementedError),
        ({"blank_token": "?"}, ValueError),
        ({"sil_token": "?"}, ValueError),
        ({"lexicon": "/nothing/here"}, FileNotFoundError),
    ],
)
def test_what_is_refused(options, exception):
    with pytest.raises(exception):
        ctc_decoder(**{"lexicon": None, "tokens": TOKENS, **options})
