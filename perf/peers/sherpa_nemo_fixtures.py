"""Writes tests/fixtures/sherpa_onnx_nemo.json: searches by sherpa-onnx over toy transducers in
the manner of NeMo, with several tokens a frame or with durations, for
tests/transducer/peers/sherpa_nemo.rs to replay.

The models are sure of every symbol, so that any search finds the same. Not recorded is where a
frame is full of tokens: there sherpa-onnx goes on as if that cost nothing.

    pip install sherpa-onnx onnx numpy
    python perf/peers/sherpa_nemo_fixtures.py
"""

import json
import pathlib
import sys
import tempfile

import sherpa_onnx

import toy_nemo_onnx
from sherpa_fixtures import RATE, SECONDS, decode, symbols

LENGTHS = [12, 5, 25, 40]
# The most tokens of a frame by its greedy search, without durations and with them.
MOST = {False: 10, True: 5}


def models():
    seed = 0
    for durations in (0, 3, 5):
        for context in (1, 2):
            for vocab in (5, 12, 30):
                for blank_bonus in (6.0, 9.0) if durations else (14.0, 18.0):
                    seed += 1
                    yield dict(
                        seed=seed,
                        vocab=vocab,
                        context=context,
                        blank=vocab - 1,
                        blank_bonus=blank_bonus,
                        count_span=12.0,
                        frame_span=16.0,
                        # 0, 1, 2 ...
                        durations=durations,
                        scale=1000.0,
                    )


def run(folder, text, search):
    name = lambda file: str(folder / file)
    recognizer = sherpa_onnx.OfflineRecognizer.from_transducer(
        encoder=name("encoder.onnx"),
        decoder=name("decoder.onnx"),
        joiner=name("joiner.onnx"),
        tokens=name("tokens.txt"),
        sample_rate=RATE,
        model_type="nemo_transducer",
        **search,
    )
    frames = lambda times: [round(time / SECONDS) for time in times]
    for length, result in decode(recognizer, LENGTHS):
        yield {
            "frames": length,
            "tokens": [text.index(token) for token in result.tokens],
            "at": frames(result.timestamps),
            "durations": frames(result.durations),
        }


def main():
    lines = []
    searches = [
        {"decoding_method": "greedy_search"},
        {"decoding_method": "modified_beam_search", "max_active_paths": 4},
    ]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for model in models():
            blank, *others = symbols(model["vocab"])
            text = [*others, blank]
            toy_nemo_onnx.write(folder, model, max(LENGTHS), text)
            most = MOST[model["durations"] > 0]
            utterances = []
            for greedy, beams in zip(*(run(folder, text, search) for search in searches)):
                if all(greedy["at"].count(frame) < most for frame in greedy["at"]):
                    assert greedy == beams
                    utterances.append(greedy)
            case = {"model": model, "max_symbols": most, "utterances": utterances}
            lines.append(json.dumps(case))
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/sherpa_onnx_nemo.json"
    versions = json.dumps({"sherpa_onnx": sherpa_onnx.__version__})
    cases = ",\n".join(lines)
    path.write_text(f'{{"versions": {versions}, "cases": [\n{cases}\n]}}\n')
    print(len(lines), "cases,", path.stat().st_size, "bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
