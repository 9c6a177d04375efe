"""CtcDecoder, CtcStream, NgramModel."""

import gzip
import itertools
import math
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest

import widebeam
from widebeam import CtcDecoder, NgramModel

LABELS = ["-", "a", "b", "c", "|"]

UNIGRAMS = ["-1\t<s>\t-0.3", "-1\t</s>", "-2\t<unk>", "-1\tab\t-0.3", "-1\tba", "-1.2\tc"]
BIGRAMS = ["-0.3\t<s> ab", "-0.2\tab ba"]


def emissions(*shape, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(shape[-1]), size=shape[:-1]).astype("f4")


def spelled(text, noise=0.2):
    """Emissions that say `text`, not surely."""
    rows = []
    for letter in text:
        for token in [LABELS.index(letter), 0]:
            row = np.full(len(LABELS), noise / len(LABELS), "f4")
            row[token] += 1 - noise
            rows.append(row)
    return np.stack(rows)


@pytest.fixture(scope="module")
def arpa(write_arpa):
    return write_arpa(UNIGRAMS, BIGRAMS)


def facts(hypotheses):
    return [
        (h.tokens.tolist(), h.frames.tolist(), h.score, h.log_mass, h.alignment_score)
        for h in hypotheses
    ]


@pytest.mark.parametrize("seed", range(5))
def test_finds_the_mass_of_all_labellings(seed):
    probs = emissions(4, 3, seed=seed)
    masses = {}
    for path in itertools.product(range(3), repeat=4):
        labelling = tuple(token for token, _ in itertools.groupby(path) if token != 1)
        masses[labelling] = masses.get(labelling, 0) + math.prod(
            float(probs[frame, token]) for frame, token in enumerate(path)
        )
    best = sorted(masses.items(), key=lambda each: -each[1])[:20]
    (found,) = CtcDecoder(blank=1, beams=200).decode(probs, "probs")
    assert [tuple(h.tokens.tolist()) for h in found[:20]] == [each[0] for each in best]
    np.testing.assert_allclose([h.score for h in found[:20]], np.log([m for _, m in best]), rtol=1e-9)


def test_text_words_and_frames():
    (found,) = CtcDecoder(LABELS).decode(spelled("ab|ba"), "probs")
    best = found[0]
    assert best.text == "ab ba"
    assert best.words == [("ab", 0, 2), ("ba", 6, 8)] and best.words[1].text == "ba"
    assert best.tokens.tolist() == [1, 2, 4, 2, 1] and best.frames.tolist() == [0, 2, 4, 6, 8]
    assert best.last_frames.dtype == np.int64 and len(best.last_frames) == 5
    assert best.score == best.log_mass > best.alignment_score and best.scorer_score == 0
    assert repr(best).startswith('CtcHypothesis(text="ab ba", score=-')


def test_without_labels_there_is_no_text():
    (found,) = CtcDecoder(beams=2).decode(spelled("ab"), "probs")
    with pytest.raises(widebeam.Error, match="no labels"):
        found[0].text
    with pytest.raises(widebeam.Error, match="no labels"):
        found[0].words
    assert repr(found[0]).startswith("CtcHypothesis(tokens=[1, 2], score=")


def test_batches_lengths_and_refused_items():
    probs = np.stack([spelled("abc"), spelled("cba")])
    decoder = CtcDecoder(LABELS, beams=8)
    first, second = decoder.decode(probs, "probs", lengths=[6, 2])
    assert (first[0].text, second[0].text) == ("abc", "c")
    assert facts(second) == facts(decoder.decode(probs[1, :2], "probs")[0])
    probs[0, 1, 2] = np.nan
    refused, second = decoder.decode(probs, "probs", errors="return")
    assert (refused.item, refused.step, refused.token) == (0, 1, 2) and second[0].text == "cba"
    with pytest.raises(widebeam.Error, match="item 0, step 1, token 2"):
        decoder.decode(probs, "probs")


def test_an_empty_item_has_the_empty_hypothesis():
    (found,) = CtcDecoder(LABELS).decode(spelled("a")[:0], "probs")
    assert (found[0].text, found[0].words, found[0].score) == ("", [], 0)


def test_a_model_of_words(arpa):
    model = NgramModel(arpa)
    assert (model.order, model.vocab, model.path) == (2, 6, str(arpa))
    assert "ab" in model and "nothing" not in model
    assert model.score("ab ba") == pytest.approx(-0.3 - 0.2 - 1, abs=1e-6)
    assert model.score("ba", bos=False, eos=False) == pytest.approx(-1)
    for given in [arpa, str(arpa), model]:
        decoder = CtcDecoder(LABELS, lm=given, lm_weight=0.7)
        (found,) = decoder.decode(spelled("ab|ba", noise=0.5), "probs")
        best = found[0]
        assert best.text == "ab ba"
        natural = model.score("ab ba") * math.log(10)
        assert best.scorer_score == pytest.approx(0.7 * natural, abs=1e-6)
        assert best.score == pytest.approx(best.log_mass + best.scorer_score)
    bonus = CtcDecoder(LABELS, lm=model, word_bonus=1.5).decode(spelled("ab|ba"), "probs")
    plain = CtcDecoder(LABELS, lm=model).decode(spelled("ab|ba"), "probs")
    assert bonus[0][0].score == pytest.approx(plain[0][0].score + 3)


def test_a_compressed_model(arpa, tmp_path):
    path = tmp_path / "words.arpa.gz"
    path.write_bytes(gzip.compress(arpa.read_bytes()))
    assert NgramModel(path).score("ab ba c") == NgramModel(arpa).score("ab ba c")


@pytest.mark.parametrize("binary", ["trie", "probing"])
def test_kenlm_binaries(binary):
    folder = Path(__file__).parents[2] / "tests" / "fixtures" / "kenlm"
    models = [path for path in folder.glob("**/*") if path.is_file() and binary in path.name]
    if not models:
        pytest.skip("the fixtures of the repository are not here")
    for path in models:
        model, text = NgramModel(path), NgramModel(path.with_name(path.name[:6] + ".arpa"))
        assert (model.order, model.vocab) == (text.order, text.vocab)
        for sentence in ["w0 w1", "w2 w2 w4 w0", "w0 nothing w7"]:
            assert model.score(sentence) == pytest.approx(text.score(sentence), abs=1e-5)


def test_lexicons(tmp_path):
    heard = spelled("ab|ca", noise=0.4)
    for lexicon in [["ab", "ba"], ("ab", "ba")]:
        (found,) = CtcDecoder(LABELS, lexicon=lexicon).decode(heard, "probs")
        assert {word.text for h in found for word in h.words} <= {"ab", "ba"}
    path = tmp_path / "words.txt"
    path.write_text("ab\nba\n")
    (listed,) = CtcDecoder(LABELS, lexicon=path).decode(heard, "probs")
    assert facts(listed) == facts(found)
    path.write_text("Anna\ta b\nBo\tc a\n")
    (spelt,) = CtcDecoder(LABELS, lexicon=path).decode(heard, "probs")
    assert spelt[0].text == "Anna Bo"


def test_a_lexicon_of_spellings_with_a_model(arpa, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("ab\ta b\nba\tb a\nc\ta c\n")
    decoder = CtcDecoder(LABELS, lexicon=path, lm=arpa, hotwords=["ba"])
    (found,) = decoder.decode(spelled("ab|ba"), "probs")
    assert found[0].text == "ab ba" and found[0].scorer_score != 0


def test_hotwords(tmp_path):
    heard = spelled("ab", noise=0.9)
    decode = lambda **options: CtcDecoder(LABELS, **options).decode(heard, "probs")[0][0]
    plain = decode()
    assert decode(hotwords=["ca"], hotword_weight=9).text.count("ca") >= 1
    weighed = decode(hotwords={"ca": 18.0})
    path = tmp_path / "hotwords.txt"
    path.write_text("ca :18.0\n")
    assert facts([weighed]) == facts([decode(hotwords=path)])
    assert facts([weighed]) == facts([decode(hotwords=["ca"], hotword_weight=9)])
    assert plain.scorer_score == 0 and weighed.scorer_score > 0


def test_words_that_labels_cannot_spell():
    with pytest.warns(UserWarning, match='1 of 2 cannot be spelled .* left out: "xyz"'):
        CtcDecoder(LABELS, lexicon=["ab", "xyz"])
    with pytest.warns(UserWarning, match="hotwords: 1 of 2"):
        CtcDecoder(LABELS, hotwords=["ab", "xyz"])
    for options in [{"lexicon": ["ab", "xyz"], "strict": True}, {"hotwords": ["xyz"]}]:
        with pytest.raises(widebeam.Error, match="xyz"):
            CtcDecoder(LABELS, **options)


def test_labels_from_files(tmp_path):
    lines = tmp_path / "labels.txt"
    lines.write_text("\n".join(LABELS) + "\n")
    numbered = tmp_path / "tokens.txt"
    numbered.write_text("".join(f"{label} {token}\n" for token, label in enumerate(LABELS)))
    for path in [lines, numbered, str(lines)]:
        assert CtcDecoder(path).decode(spelled("a|b"), "probs")[0][0].text == "a b"
    parted = CtcDecoder(LABELS, word_delimiter="c").decode(spelled("acb"), "probs")
    assert parted[0][0].text == "a b"


def test_no_hotwords_are_hotwords_too():
    (found,) = CtcDecoder(LABELS, hotwords=[], hotword_weight=9.0).decode(spelled("ab"), "probs")
    assert facts(found) == facts(CtcDecoder(LABELS).decode(spelled("ab"), "probs")[0])


def test_texts_are_merged():
    labels = ["-", "a", "b", "ab"]
    probs = np.array([[0.1, 0.5, 0, 0.4], [0.3, 0.2, 0.5, 0]], "f4")
    (found,) = CtcDecoder(labels, merge_text=True).decode(probs, "probs")
    texts = [h.text for h in found]
    assert len(texts) == len(set(texts)) and texts[0] == "ab"
    (apart,) = CtcDecoder(labels).decode(probs, "probs")
    total = sum(math.exp(h.score) for h in apart if h.text == "ab")
    assert math.exp(found[0].score) == pytest.approx(total)
    with pytest.raises(widebeam.Error, match="a stream does not merge"):
        CtcDecoder(labels, merge_text=True).stream()


def test_merging_texts_that_differ_in_space():
    labels = ["-", "a", " "]
    probs = np.random.default_rng(3).dirichlet(np.ones(3), size=5).astype("f4")
    (plain,) = CtcDecoder(labels, beams=400).decode(probs, "probs")
    (found,) = CtcDecoder(labels, beams=400, merge_text="words").decode(probs, "probs")
    masses = {}
    for h in plain:
        words = " ".join(h.text.split())
        masses[words] = np.logaddexp(masses.get(words, -np.inf), h.log_mass)
    assert len(plain) > len(masses) == len(found) > 2
    assert {" ".join(h.text.split()): h.log_mass for h in found} == pytest.approx(masses)


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_a_stream_finds_what_decode_finds(arpa, chunk):
    probs = emissions(40, 5, seed=3)
    decoder = CtcDecoder(LABELS, beams=16, lm=arpa)
    expected = facts(decoder.decode(probs, "probs")[0])
    stream = decoder.stream()
    for _ in range(2):
        for start in range(0, 40, chunk):
            stream.push(probs[start : start + chunk], "probs")
            assert stream.frames == min(start + chunk, 40) and len(stream.current()) <= 16
        found = stream.finish()
        assert facts(found) == expected and isinstance(found[0].text, str)
        with pytest.raises(widebeam.Error, match="finished"):
            stream.push(probs, "probs")
        with pytest.raises(widebeam.Error, match="finished"):
            stream.finish()
        stream.reset()
        assert stream.frames == 0


def test_a_stream_without_end():
    stream = CtcDecoder(LABELS, beams=8, commit_delay=10).stream()
    taken = []
    for frame in spelled("abc|" * 50):
        stream.push(frame[None], "probs")
        tokens, frames = stream.take_stable()
        assert len(tokens) == len(frames) and tokens.dtype == np.int64
        taken += tokens.tolist()
    taken += stream.finish()[0].tokens.tolist()
    assert taken == [1, 2, 3, 4] * 50


def test_a_stream_that_refuses_is_as_it_was():
    decoder = CtcDecoder(LABELS, beams=8)
    probs = emissions(10, 5)
    stream = decoder.stream()
    stream.push(probs[:4], "probs")
    bad = probs.copy()
    bad[2, 3] = np.nan
    for wrong, said in [(bad, "step 2, token 3"), (probs[:, :4], "labels"), (probs[None].repeat(2, 0), "item")]:
        with pytest.raises(widebeam.Error, match=said):
            stream.push(wrong, "probs")
    stream.push(probs[4:], "probs")
    assert facts(stream.finish()) == facts(decoder.decode(probs, "probs")[0])


def test_one_stream_from_two_threads():
    stream = CtcDecoder(beams=200).stream()
    probs = emissions(3000, 50)
    stop, seen = threading.Event(), []

    def push():
        stream.push(probs, "probs")
        stop.set()

    thread = threading.Thread(target=push)
    thread.start()
    while not stop.is_set():
        try:
            stream.current()
        except RuntimeError as error:
            seen.append(str(error))
    thread.join()
    assert seen and all("in use by another thread" in said for said in seen)
    assert len(stream.finish()) == 200


def test_threads_share_a_decoder(arpa):
    decoder = CtcDecoder(LABELS, lm=arpa, beams=20)
    probs = emissions(6, 30, 5)
    expected = [facts(item) for item in decoder.decode(probs, "probs")]
    found = []
    work = lambda: found.append([facts(item) for item in decoder.decode(probs, "probs")] == expected)
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 6


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(arpa, tmp_path, protocol):
    again = lambda value: pickle.loads(pickle.dumps(value, protocol))
    words = tmp_path / "words.txt"
    words.write_text("ab\nba\n")
    decoder = CtcDecoder(LABELS, lm=arpa, lexicon=words, hotwords={"ab": 1.0}, beams=7)
    copy = again(decoder)
    probs = spelled("ab|ba")
    (found,) = decoder.decode(probs, "probs")
    assert facts(copy.decode(probs, "probs")[0]) == facts(found)
    assert copy.beams == 7 and repr(copy) == repr(decoder)
    assert again(NgramModel(arpa)).score("ab") == NgramModel(arpa).score("ab")
    hypothesis = again(found[0])
    assert facts([hypothesis]) == facts(found[:1])
    assert (hypothesis.text, hypothesis.words) == (found[0].text, found[0].words)
    with pytest.raises(TypeError, match="pickle"):
        again(decoder.stream())
    pickled = pickle.dumps(decoder, protocol)
    words.unlink()
    with pytest.raises((OSError, widebeam.Error)):
        pickle.loads(pickled)


@pytest.mark.parametrize(
    ("options", "exception", "said"),
    [
        ({"beams": 0}, ValueError, "beam width of 0"),
        ({"beams": -1}, ValueError, "beam width is -1"),
        ({"beams": 2**21}, ValueError, "2097152"),
        ({"beams": "8"}, TypeError, "beams"),
        ({"blank": -1}, ValueError, "blank is -1"),
        ({"blank": 2**40}, ValueError, "blank"),
        ({"labels": 3}, TypeError, None),
        ({"labels": ["a", 3]}, TypeError, "labels"),
        ({"word_delimiter": "x"}, ValueError, 'word_delimiter "x"'),
        ({"labels": None, "word_delimiter": "|"}, ValueError, "labels"),
        ({"lm": "/nothing/here"}, FileNotFoundError, "/nothing/here"),
        ({"lm": 3}, TypeError, "lm"),
        ({"lexicon": "/nothing/here"}, FileNotFoundError, "/nothing/here"),
        ({"lexicon": []}, ValueError, "lexicon"),
        ({"lexicon": ["ab", ""]}, ValueError, "entry at 1 is empty"),
        ({"lexicon": [3]}, TypeError, "lexicon"),
        ({"lexicon": ["a b"]}, ValueError, "more than one word|space"),
        ({"labels": None, "lexicon": ["a"]}, ValueError, "labels"),
        ({"hotwords": ["a", " "]}, ValueError, "entry at 1 is empty"),
        ({"hotwords": {"a": float("nan")}}, ValueError, "finite"),
        ({"hotwords": {"a": "much"}}, TypeError, "hotwords"),
        ({"hotwords": "/nothing/here"}, FileNotFoundError, "/nothing/here"),
        ({"hotwords": ["a"], "hotword_weight": float("inf")}, ValueError, "finite"),
        ({"top_tokens": 0}, ValueError, "top"),
        ({"top_tokens": -1}, ValueError, "top_tokens is -1"),
        ({"min_token_log_prob": 1.0}, ValueError, "log-probability"),
        ({"score_threshold": -1.0}, ValueError, "threshold"),
        ({"blank_skip": float("nan")}, ValueError, "NaN|number"),
        ({"commit_delay": 0}, ValueError, "delay"),
        ({"merge_text": True, "labels": None}, ValueError, "labels"),
        ({"merge_text": "spaces"}, ValueError, '"words"'),
        ({"lm_unit": "sentence"}, ValueError, "lm"),
        ({"word_bonus": 1.0}, ValueError, "lm"),
        ({"lm_weight": 0.5}, ValueError, "lm_weight needs lm"),
        ({"lm_unit": "token"}, ValueError, "lm_unit needs lm"),
        ({"bos": False}, ValueError, "bos needs lm"),
        ({"eos": False}, ValueError, "eos needs lm"),
        ({"hotword_weight": 2.0}, ValueError, "hotword_weight needs hotwords"),
        ({"whole_words": True}, ValueError, "whole_words needs hotwords"),
        ({"strict": True}, ValueError, "strict needs a lexicon or hotwords"),
    ],
)
def test_settings_that_are_refused(options, exception, said):
    with pytest.raises(exception, match=said):
        CtcDecoder(**{"labels": LABELS, **options})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lm_unit": "words"}, 'must be "word", "token" or "character"'),
        ({"lm_unit": "token", "word_bonus": 1.0}, "word_bonus"),
        ({"lm_unit": "word", "token_bonus": 1.0}, "token_bonus"),
        ({"lm_lookahead": "far"}, 'must be "unigram" or "none"'),
        ({"lm_weight": float("nan")}, "weight"),
        ({"lm_unit": "character"}, "words.arpa"),
    ],
)
def test_settings_of_the_model_that_are_refused(arpa, options, said):
    with pytest.raises(widebeam.Error, match=said):
        CtcDecoder(LABELS, lm=arpa, **options)


def test_files_that_are_no_models(arpa, tmp_path):
    path = tmp_path / "model"
    cut_off = arpa.read_bytes()[:90]
    binary = b"mmap lm http://kheafield.com/code format version 5\n\0"
    for content, said in [(b"", "model"), (b"hello\n", "model"), (cut_off, "line"), (binary, "model")]:
        path.write_bytes(content)
        with pytest.raises(widebeam.Error, match=said):
            NgramModel(path)
    with pytest.raises((OSError, widebeam.Error), match="folder"):
        NgramModel(tmp_path)


def test_scores_that_do_not_fit():
    decoder = CtcDecoder(LABELS)
    with pytest.raises(widebeam.Error, match="4 tokens, and there are 5 labels"):
        decoder.decode(emissions(3, 4), "probs")
    with pytest.raises(widebeam.Error, match="blank"):
        CtcDecoder(blank=9).decode(emissions(3, 4), "probs")
    with pytest.raises(widebeam.Error, match="probs"):
        decoder.decode(emissions(3, 5), "prob")
    with pytest.raises(TypeError):
        decoder.decode(emissions(3, 5))
