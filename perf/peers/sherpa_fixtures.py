"""Writes tests/fixtures/sherpa_onnx.json: searches by sherpa-onnx over toy transducers,
`greedy_search` and `modified_beam_search`, for tests/transducer/peers/sherpa.rs to replay.

The models are three ONNX files each (toy_onnx.py). Their encoder looks at the number of frames
alone, so the audio is silence of a length.

    pip install sherpa-onnx onnx numpy
    python perf/peers/sherpa_fixtures.py
"""

import json
import pathlib
import sys
import tempfile

import numpy as np
import sherpa_onnx

import toy_onnx

RATE, SHIFT = 16000, 160
# It takes a subsampling by four for granted, of frames of 10 ms.
SECONDS = 0.04
# More paths than the small models have.
ALL = 2000


def symbols(vocab):
    """The labels' text: characters, for hotwords are cut into those. The blank is the first."""
    return ["<blk>"] + [chr(0x4E00 + label) for label in range(1, vocab)]


def decode(recognizer, lengths):
    """Decodes silence of some lengths in one batch."""
    streams = []
    for length in lengths:
        stream = recognizer.create_stream()
        stream.accept_waveform(RATE, np.zeros(SHIFT * length, np.float32))
        streams.append(stream)
    recognizer.decode_streams(streams)
    return [(length, stream.result) for length, stream in zip(lengths, streams)]


def models():
    seed = 0
    for context in (1, 2):
        for vocab in (5, 8, 12, 20):
            for blank_bonus in (0.0, 2.0, 4.0):
                seed += 1
                yield dict(seed=seed, vocab=vocab, context=context, blank_bonus=blank_bonus)
    for context in (1, 2):
        for vocab in (3, 4):
            for blank_bonus in (0.0, 2.0):
                seed += 1
                yield dict(seed=seed, vocab=vocab, context=context, blank_bonus=blank_bonus)


def searches(model):
    yield {"method": "greedy_search", "paths": 1}
    open_beam = model["vocab"] < 5
    for paths in (ALL,) if open_beam else (1, 2, 4, 8):
        yield {"method": "modified_beam_search", "paths": paths}
    for paths in (ALL,) if open_beam else (4,):
        a, b = 1 + model["seed"] % 2, 2 - model["seed"] % 2
        # Neither begins within itself or within the other.
        hotwords = [[a, b]] if model["vocab"] < 5 else [[a, b, 3], [4, b]]
        yield {
            "method": "modified_beam_search",
            "paths": paths,
            "hotwords": hotwords,
            # Of each token.
            "boost": 1.5,
        }


def lengths(model):
    return [3, 5, 4] if model["vocab"] < 5 else [12, 5, 18]


def run(folder, model, search):
    """All utterances of a model in one batch."""
    text = symbols(model["vocab"])
    name = lambda file: str(folder / file)
    hotwords = search.get("hotwords", [])
    lines = "".join("".join(text[label] for label in word) + "\n" for word in hotwords)
    (folder / "hotwords.txt").write_text(lines)
    recognizer = sherpa_onnx.OfflineRecognizer.from_transducer(
        encoder=name("encoder.onnx"),
        decoder=name("decoder.onnx"),
        joiner=name("joiner.onnx"),
        tokens=name("tokens.txt"),
        sample_rate=RATE,
        decoding_method=search["method"],
        max_active_paths=search["paths"],
        modeling_unit="cjkchar",
        hotwords_file=name("hotwords.txt") if hotwords else "",
        hotwords_score=search.get("boost", 0.0),
    )
    for length, result in decode(recognizer, lengths(model)):
        yield {
            "frames": length,
            "tokens": [text.index(token) for token in result.tokens],
            "at": [round(time / SECONDS) for time in result.timestamps],
            "log_probabilities": [round(score, 4) for score in result.ys_log_probs],
        }


def main():
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for model in models():
            model["blank"] = 0
            toy_onnx.write(folder, model, max(lengths(model)), symbols(model["vocab"]))
            for search in searches(model):
                found = list(run(folder, model, search))
                lines.append(json.dumps({"model": model, **search, "utterances": found}))
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/sherpa_onnx.json"
    versions = json.dumps({"sherpa_onnx": sherpa_onnx.__version__})
    cases = ",\n".join(lines)
    path.write_text(f'{{"versions": {versions}, "cases": [\n{cases}\n]}}\n')
    print(len(lines), "cases,", path.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
