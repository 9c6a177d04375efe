"""Writes tests/fixtures/torchaudio.json: beam searches by torchaudio's RNNTBeamSearch over toy
transducers, for tests/transducer/peers/torchaudio.rs to replay.

The decoder is loaded from an unpacked wheel: it is Python, and any torch does.

    pip download --no-deps torchaudio==2.11.1
    unzip torchaudio-2.11.1-*.whl torchaudio/models/rnnt_decoder.py -d audio
    pip install torch numpy
    python perf/peers/torchaudio_fixtures.py audio/torchaudio/models/rnnt_decoder.py
"""

import json
import pathlib
import sys
import types

import numpy as np
import torch

import toy_transducer

VERSION = "2.11.1"
FRAMES = [1, 4, 8]
# No prefix has so many tokens.
LONGEST = 100


def load_search(path):
    """The class RNNTBeamSearch of a file, without its package."""
    package, models = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.models")
    models.RNNT = torch.nn.Module
    sys.modules.update({"torchaudio": package, "torchaudio.models": models})
    decoder = types.ModuleType("rnnt_decoder")
    exec(compile(pathlib.Path(path).read_text(), path, "exec"), decoder.__dict__)
    return decoder.RNNTBeamSearch


class Model(torch.nn.Module):
    """The toy transducer, with the methods that the search calls."""

    def __init__(self, model):
        super().__init__()
        labels = range(-1, model["vocab"])
        rows = lambda part, items: torch.tensor(np.array([part(model, item) for item in items]))
        self.frames = rows(toy_transducer.encoder, range(max(FRAMES)))
        self.last = rows(toy_transducer.last, range(model["vocab"]))
        self.last_but_one = rows(toy_transducer.last_but_one, labels)
        self.counts = rows(toy_transducer.count, range(LONGEST))
        self.context = model["context"]

    def transcribe(self, input, length):
        return self.frames[None, : input.shape[1]], length

    def predict(self, tokens, lengths, state):
        """The state is the label before, and the number of tokens."""
        if state is None:
            before, count = torch.full_like(tokens, -1), torch.zeros_like(tokens)
        else:
            before, count = state[0][0], state[0][1] + 1
        out = self.last[tokens]
        if self.context == 2:
            out = self.last_but_one[before + 1] + out
        return out + self.counts[count], lengths, [[tokens, count]]

    def join(self, frames, lengths, predicted, predicted_lengths):
        return (frames[:, :, None] + predicted[:, None]), lengths, predicted_lengths


def models():
    seed = 0
    for context in (1, 2):
        for vocab in (6, 10, 16):
            for blank_bonus in (2.0, 4.0, 6.0):
                seed += 1
                # Its blank is the last label.
                blank = vocab - 1
                model = dict(seed=seed, vocab=vocab, context=context, blank=blank)
                # Without a count, prefixes that are made of the same pairs of labels would tie.
                yield dict(model, blank_bonus=blank_bonus, count_span=2.0)


def searches(model):
    for beams in (1, 2, 4, 8):
        # It takes as many tokens of the first prefix.
        if beams < model["vocab"]:
            # What prefixes are ranked by at the end of each frame, and the most tokens there.
            for key, most in (("score", 2), ("score", 100), ("default", 100)):
                yield {"beams": beams, "max_symbols": most, "key": key}


def main():
    search_class = load_search(sys.argv[1])
    keys = {"score": lambda hypothesis: hypothesis[3], "default": None}
    lines = []
    for model in models():
        rows = Model(model)
        for search in searches(model):
            decoder = search_class(
                rows,
                model["blank"],
                hypo_sort_key=keys[search["key"]],
                step_max_tokens=search["max_symbols"],
            )
            utterances = []
            for frames in FRAMES:
                found = decoder(torch.zeros(frames, 1), torch.tensor(frames), search["beams"])
                # Tokens begin with a blank.
                hypotheses = [[tokens[1:], round(score, 5)] for tokens, _, _, score in found]
                utterances.append({"frames": frames, "hypotheses": hypotheses})
            lines.append(json.dumps({"model": model, **search, "utterances": utterances}))
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/torchaudio.json"
    versions = json.dumps({"torchaudio": VERSION, "torch": torch.__version__})
    cases = ",\n".join(lines)
    path.write_text(f'{{"versions": {versions}, "cases": [\n{cases}\n]}}\n')
    print(len(lines), "cases,", path.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
