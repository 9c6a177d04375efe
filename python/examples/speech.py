"""Speech to text: the networks of moonshine-voice, run by onnxruntime, and a beam search with their
cache reordered.

    pip install widebeam onnxruntime
    pip install --no-deps moonshine-voice==0.0.49
    python speech.py [SOUND.wav, mono, 16 kHz]
"""

import importlib.util
import sys
import wave
from pathlib import Path

import numpy as np
import onnxruntime

from widebeam import AutoregressiveSearch, Rules

ASSETS = Path(importlib.util.find_spec("moonshine_voice").origin).parent / "assets"
BEGIN, END = 1, 2


def pieces(data):
    """The tokens of the tokenizer's file: each its length, in one byte or two, and its bytes."""
    place = 0
    while place < len(data):
        length, place = data[place], place + 1
        if length >= 128:
            length, place = length - 128 + 128 * data[place], place + 1
        yield data[place : place + length]
        place += length


class Decoder:
    """The decoder with its cache, one row for each hypothesis."""

    def __init__(self, encoded, samples):
        self.model = onnxruntime.InferenceSession(ASSETS / "tiny-en" / "decoder_model_merged.ort")
        self.encoded, self.samples = encoded, samples
        names = [i.name for i in self.model.get_inputs() if i.name.startswith("past")]
        self.cache = {name: np.zeros((1, 8, 0, 36), "f4") for name in names}

    def __call__(self, feed):
        is_first = bool(feed.fresh)
        tokens = [prompt for _, prompt in feed.fresh] if is_first else feed.tokens[:, None]
        if not is_first:
            self.cache = {name: rows[feed.parents] for name, rows in self.cache.items()}
        logits, *caches = self.model.run(
            None,
            {
                "input_ids": np.array(tokens, "i8"),
                "encoder_hidden_states": np.repeat(self.encoded, feed.rows, 0),
                "encoder_attention_mask": np.ones((feed.rows, self.samples), "i8"),
                "use_cache_branch": np.array([not is_first]),
                **self.cache,
            },
        )
        for name, rows in zip(self.cache, caches):
            # The keys of the encoder come out of the first step alone.
            if is_first or ".decoder." in name:
                self.cache[name] = rows
        return logits[:, -1]


def main():
    with wave.open(sys.argv[1] if len(sys.argv) > 1 else str(ASSETS / "beckett.wav")) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "i2")[None] / np.float32(32768)
    samples = sound.shape[1]
    encoder = onnxruntime.InferenceSession(ASSETS / "tiny-en" / "encoder_model.ort")
    mask = np.ones((1, samples), "i8")
    (encoded,) = encoder.run(None, {"input_values": sound, "attention_mask": mask})

    vocabulary = list(pieces((ASSETS / "tiny-en" / "tokenizer.bin").read_bytes()))
    search = AutoregressiveSearch(len(vocabulary))
    request = search.admit(
        [BEGIN], beams=4, max_length=samples // 2000, end_tokens=[END], rules=Rules.hugging_face()
    )
    search.run(Decoder(encoded, samples))
    for hypothesis in search.outcome(request).hypotheses:
        text = b"".join(vocabulary[token] for token in hypothesis.tokens if token != END)
        print(f"{hypothesis.score:7.3f} {text.decode().replace('▁', ' ')}")


if __name__ == "__main__":
    main()
