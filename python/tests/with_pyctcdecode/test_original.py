"""The stand-in for pyctcdecode beside the original."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pyctcdecode = pytest.importorskip("pyctcdecode")

from widebeam import NgramModel  # noqa: E402
from widebeam.compat import pyctcdecode as ours  # noqa: E402

# The blank, the mark between words, and a letter for each of 39 phones.
LABELS = ["", " ", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM"]

FOLDERS = [folder / "shared" / "data" / "speech" for folder in Path(__file__).parents]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def speech():
    """Log-probabilities of real speech, ``[frames, labels]`` each; drawn ones where they are not."""
    path = next((path for path in FOLDERS if path.is_dir()), None)
    if path is None:
        drawn = np.random.default_rng(0).normal(scale=4, size=(11, 200, len(LABELS)))
        return list(drawn - np.log(np.exp(drawn).sum(-1, keepdims=True)))
    data = np.load(path / "phonemes_f16.npz")
    return [item[:length].astype("f8") for item, length in zip(data["log_probs"], data["lengths"])]


def emission(speech, seed):
    """A part of an item with noise, normalised: as hard as a seed makes it."""
    rng = np.random.default_rng(seed)
    item = speech[seed % len(speech)]
    start = rng.integers(max(len(item) - 120, 1))
    part = np.maximum(item[start : start + 120], -15)
    part = part + rng.normal(scale=rng.choice([0.1, 1, 2]), size=part.shape)
    return (part - np.log(np.exp(part).sum(-1, keepdims=True))).astype("f4")


def log_prob(text, frames):
    """The logarithm of the mass of all alignments of all labellings that spell a text: between
    words there may be several spaces, and some before and after."""
    frames = frames.astype("f8")
    symbols = [1, *(LABELS.index(letter) for letter in text), 1]
    count = len(symbols)
    # The states are the blank 0, and for each symbol itself (2 i + 1) and a blank (2 i + 2).
    labels = [0] + [label for symbol in symbols for label in (symbol, 0)]
    before = [[state] for state in range(len(labels))]
    optional = {0, count - 1}
    for place, symbol in enumerate(symbols):
        state = 2 * place + 1
        before[state + 1].append(state)
        before[state].append(state - 1)
        if symbol == 1:
            before[state].append(state + 1)
        if place and symbols[place - 1] != symbol:
            before[state].append(state - 2)
        if place - 1 in optional:
            before[state].append(state - 3)
            # Before the first optional symbol there is nothing but the blank.
            if place > 1 and symbols[place - 2] != symbol:
                before[state].append(state - 4)
    mass = np.full(len(labels), -np.inf)
    for state in (0, 1, 3):
        mass[state] = frames[0, labels[state]]
    links = np.full((len(labels), len(labels)), -np.inf)
    for state, sources in enumerate(before):
        links[state, sources] = 0
    for frame in frames[1:]:
        mass = np.logaddexp.reduce(links + mass, axis=1) + frame[labels]
    ends = mass[-1], mass[-2], mass[-3], mass[-4]
    return np.logaddexp.reduce(ends)


def test_the_mass_of_texts():
    frames = np.log(np.random.default_rng(1).dirichlet(np.ones(len(LABELS)), size=3))
    # Of all labellings of three frames, those that spell this.
    total = -np.inf
    for path in np.ndindex(*(len(LABELS) for _ in range(3))):
        kept = [path[0], *(b for a, b in zip(path, path[1:]) if a != b)]
        if " ".join("".join(LABELS[label] for label in kept).split()) == "a b":
            total = np.logaddexp(total, sum(frames[t, label] for t, label in enumerate(path)))
    assert log_prob("a b", frames) == pytest.approx(total)


@pytest.mark.parametrize("seed", range(200))
def test_our_best_is_at_least_as_probable(speech, seed):
    frames = emission(speech, seed)
    texts = [
        module.build_ctcdecoder(LABELS).decode(frames, beam_width=100) for module in (ours, pyctcdecode)
    ]
    found, theirs = (log_prob(text, frames) for text in texts)
    # What spells a text is more than a beam holds: where two are nearly equal, the order is chance.
    assert found >= theirs - 0.01, texts


@pytest.fixture(scope="module")
def words(speech, write_arpa):
    """A language model of words that are said in the items, or nearly."""
    decoder = ours.build_ctcdecoder(LABELS)
    said = sorted({word for item in speech for word in decoder.decode(item).split()})
    rng = np.random.default_rng(0)
    unigrams = [f"{-rng.uniform(1, 3):.4f}\t{word}\t-0.3" for word in said]
    pairs = {(rng.choice(said), rng.choice(said)) for _ in range(50)}
    bigrams = [f"{-rng.uniform(0.2, 1):.4f}\t{first} {second}" for first, second in sorted(pairs)]
    return write_arpa(["-1\t<s>\t-0.3", "-1\t</s>", "-3\t<unk>", *unigrams], bigrams)


@pytest.mark.parametrize("seed", range(200))
def test_our_best_scores_as_much_with_a_model(speech, words, seed):
    pytest.importorskip("kenlm")
    frames, model = emission(speech, seed), NgramModel(words)

    def score(text):
        known = [word in model for word in text.split()]
        log10 = model.score(text) - 10 * known.count(False)
        return log_prob(text, frames) + 0.5 * math.log(10) * log10 + 1.5 * len(known)

    texts = []
    for module in (ours, pyctcdecode):
        decoder = module.build_ctcdecoder(LABELS, str(words), alpha=0.5, beta=1.5)
        texts.append(decoder.decode(frames, beam_width=100))
    found, theirs = map(score, texts)
    assert found >= theirs - 1e-5, texts


# What the page of pyctcdecode shows, in its order, over the files of this test.
DOCUMENTED = """
import multiprocessing, sys
import numpy as np
from pyctcdecode import build_ctcdecoder, BeamSearchDecoderCTC

if __name__ == "__main__":
    model, folder, file = sys.argv[1:]
    labels = ["", " ", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM"]
    logits_list = list(np.load(file))
    logits = logits_list[0]
    print(build_ctcdecoder(labels).decode(logits))
    decoder = build_ctcdecoder(labels, kenlm_model_path=model, alpha=0.5, beta=1.0)
    text = decoder.decode(logits)
    print(text)
    beams = decoder.decode_beams(logits)
    print(beams[0][0], [word for word, _ in beams[0][2]])
    print(*[frame for _, frames in beams[0][2] for frame in frames])
    hotwords = text.split()[:1]
    print(decoder.decode(logits, hotwords=hotwords, hotword_weight=10.0))
    with multiprocessing.get_context("fork").Pool(2) as pool:
        print(decoder.decode_batch(pool, logits_list))
    decoder.save_to_dir(folder)
    decoder = BeamSearchDecoderCTC.load_from_dir(folder)
    print(decoder.decode(logits))
    decoder.reset_params(alpha=0.3, beta=0.5)
    print(decoder.decode(logits))
"""


def test_the_documented_example_runs_with_one_import_changed(speech, words, tmp_path):
    pytest.importorskip("kenlm")
    # Two items in which no two texts are nearly equal: there the original's pruning decides.
    np.save(tmp_path / "logits.npy", np.stack([np.maximum(item[:80], -15) for item in speech[:2]]).astype("f4"))
    changed = DOCUMENTED.replace("from pyctcdecode", "from widebeam.compat.pyctcdecode")
    said = []
    for name, script in [("theirs", DOCUMENTED), ("ours", changed)]:
        (tmp_path / "example.py").write_text(script)
        command = [sys.executable, tmp_path / "example.py", words, tmp_path / name, tmp_path / "logits.npy"]
        (tmp_path / name).mkdir()
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        said.append(ran.stdout.splitlines())
    print(said)
    # The frames of words are those of the best alignment here, and of any that was merged there.
    theirs, found = ([int(frame) for frame in lines.pop(3).split()] for lines in said)
    assert len(found) == len(theirs) >= 8 and np.abs(np.subtract(found, theirs)).max() <= 2
    assert len(said[0]) == 7 and said[0] == said[1]
