"""The stand-in for torchaudio's decoder beside the original, which needs flashlight-text."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
decoders = pytest.importorskip("torchaudio.models.decoder")
pytest.importorskip("flashlight.lib.text")

from widebeam.compat import torchaudio as ours  # noqa: E402

TOKENS = ["-", "|", *"abcdefgh"]
WORDS = ["ab", "bad", "cab", "dad", "fed", "gag", "had", "head", "egg", "badge"]

KENLM = Path(__file__).parents[3] / "tests" / "fixtures" / "kenlm"

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def files(tmp_path_factory, write_arpa):
    folder = tmp_path_factory.mktemp("decoder")
    (folder / "tokens.txt").write_text("\n".join(TOKENS) + "\n")
    spelled = [f"{word} {' '.join(word)} |" for word in WORDS]
    (folder / "lexicon.txt").write_text("\n".join(spelled) + "\n")
    rng = np.random.default_rng(0)
    unigrams = [f"{-rng.uniform(0.5, 2):.4f}\t{word}\t-0.3" for word in WORDS]
    pairs = sorted({(rng.choice(WORDS), rng.choice(WORDS)) for _ in range(12)})
    bigrams = [f"{-rng.uniform(0.2, 1):.4f}\t{first} {second}" for first, second in pairs]
    arpa = write_arpa(["-1\t<s>\t-0.3", "-1\t</s>", "-3\t<unk>", *unigrams], bigrams)
    return {"lexicon": folder / "lexicon.txt", "tokens": folder / "tokens.txt", "lm": arpa}


def emission(seed):
    """Three words of the list, each letter in some frames, and noise; normalised."""
    rng = np.random.default_rng(seed)
    text = "".join(f"{word}|" for word in rng.choice(WORDS, 3))
    frames = [label for letter in text for label in [TOKENS.index(letter)] * rng.integers(1, 3) + [0]]
    scores = rng.normal(scale=1.2, size=(1, len(frames), len(TOKENS))).astype("f4")
    scores[0, range(len(frames)), frames] += 3
    return torch.log_softmax(torch.from_numpy(scores), dim=-1)


@pytest.mark.parametrize("scored", [False, True])
@pytest.mark.parametrize("log_add", [False, True])
def test_the_documented_example(files, scored, log_add):
    named = {name: str(path) for name, path in files.items() if scored or name != "lm"}
    options = {"nbest": 3, "beam_size": 500, "log_add": log_add}
    if scored:
        options.update(lm_weight=1.5, word_score=-0.26)
    theirs = decoders.ctc_decoder(**named, **options)
    stand_in = ours.ctc_decoder(**named, **options)
    same = 0
    for seed in range(100):
        emissions = emission(seed)
        (expected,), (found,) = theirs(emissions), stand_in(emissions)
        assert len(found) == 3 and found[0].tokens.dtype == expected[0].tokens.dtype
        same += found[0].words == expected[0].words
        # The original may put silence before a word, which the stand-in does not. Where it has not,
        # the mass of all alignments is at least that of those that it adds.
        if found[0].tokens.tolist() == expected[0].tokens.tolist():
            assert found[0].score >= expected[0].score - 1e-3, (seed, found[0], expected[0])
    print(f"scored={scored}, log_add={log_add}: {same} of 100 have the same words")
    assert same >= 85


# What torchaudio's tutorial does with a model and its files, here those of this test.
TUTORIAL = """
import sys
import torch
from torchaudio.models.decoder import ctc_decoder

lexicon, tokens, lm, emission_file = sys.argv[1:]
emission = torch.load(emission_file)
beam_search_decoder = ctc_decoder(
    lexicon=lexicon, tokens=tokens, lm=lm, nbest=3, beam_size=1500, lm_weight=3.23, word_score=-0.26,
)
beam_search_result = beam_search_decoder(emission)
best = beam_search_result[0][0]
print(" ".join(best.words).strip())
print([label for label in beam_search_decoder.idxs_to_tokens(best.tokens) if label != "|"])
print(len(best.timesteps) == len(best.tokens), len(beam_search_result[0]))
"""


@pytest.mark.parametrize("model", ["arpa", "binary"])
def test_the_tutorial_runs_with_one_import_changed(files, tmp_path, model):
    lexicon, tokens, lm = files["lexicon"], files["tokens"], files["lm"]
    scores = emission(0)
    if model == "binary":
        # The words of this model are w0, w1 ...
        lm = KENLM / "order3.probing.bin"
        (tmp_path / "tokens.txt").write_text("\n".join(["-", "|", "w", *"0123456"]) + "\n")
        words = ["w0", "w2", "w4", "w5", "w6"]
        (tmp_path / "lexicon.txt").write_text("".join(f"{w} w {w[1]} |\n" for w in words))
        lexicon, tokens = tmp_path / "lexicon.txt", tmp_path / "tokens.txt"
    torch.save(scores, tmp_path / "emission.pt")
    changed = TUTORIAL.replace("torchaudio.models.decoder", "widebeam.compat.torchaudio")
    said = []
    for script in [TUTORIAL, changed]:
        (tmp_path / "tutorial.py").write_text(script)
        command = [sys.executable, tmp_path / "tutorial.py", lexicon, tokens, lm, tmp_path / "emission.pt"]
        said.append(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    print(said)
    assert said[0] == said[1] and said[1].endswith("True 3\n")
