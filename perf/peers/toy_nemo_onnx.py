"""The toy transducer as ONNX files in the manner of NeMo, with or without durations, as
sherpa-onnx loads them.

The predictor's two states hold the label before, plus one, and the number of its steps: both 0
before the first.
"""

import numpy as np
from onnx import TensorProto

import toy_transducer as toy
from toy_onnx import file

# More tokens than an utterance has.
LONGEST = 300


def encoder(path, model, frames):
    """One frame for each of the features', whatever they are: the table's first."""
    table = np.array([toy.encoder(model, frame) for frame in range(frames)])
    one = np.array([1], np.int64)
    file(
        path,
        [
            ("Shape", ["audio_signal"], "shape", {}),
            ("Slice", ["shape", "zero", "one"], "batch", {}),
            ("Slice", ["shape", "two", "three"], "frames", {}),
            ("Slice", ["table", "zero", "frames", "two"], "cut", {}),
            ("Concat", ["batch", "one", "one"], "copies", {"axis": 0}),
            ("Tile", ["cut", "copies"], "outputs", {}),
            ("Identity", ["length"], "encoded_lengths", {}),
        ],
        [
            ("audio_signal", TensorProto.FLOAT, ["N", 80, "T"]),
            ("length", TensorProto.INT64, ["N"]),
        ],
        [
            ("outputs", TensorProto.FLOAT, ["N", toy.columns(model), "T"]),
            ("encoded_lengths", TensorProto.INT64, ["N"]),
        ],
        {"table": table.T[None], "zero": 0 * one, "one": one, "two": 2 * one, "three": 3 * one},
        {
            # Less the blank.
            "vocab_size": model["vocab"] - 1,
            "subsampling_factor": 4,
            "normalize_type": "NA",
            "pred_rnn_layers": 1,
            "pred_hidden": 1,
            # It is what tells models with durations.
            "url": "tdt" if model["durations"] else "rnnt",
        },
    )


def decoder(path, model):
    labels = range(model["vocab"])
    if model["context"] == 2:
        before = [toy.last_but_one(model, label) for label in range(-1, model["vocab"])]
    else:
        before = np.zeros((model["vocab"] + 1, toy.columns(model)), np.float32)
    counts = [toy.count(model, tokens) for tokens in range(LONGEST)]
    state = [1, "N", 1]
    integer = {"to": TensorProto.INT64}
    file(
        path,
        [
            ("Gather", ["last", "targets"], "part0", {"axis": 0}),
            ("Cast", ["state0"], "row1", integer),
            ("Gather", ["before", "row1"], "many1", {"axis": 0}),
            ("Squeeze", ["many1", "zero"], "part1", {}),
            ("Cast", ["state1"], "row2", integer),
            ("Gather", ["counts", "row2"], "many2", {"axis": 0}),
            ("Squeeze", ["many2", "zero"], "part2", {}),
            # The order of the additions is that of the other models.
            ("Add", ["part0", "part1"], "labels", {}),
            ("Add", ["labels", "part2"], "rows", {}),
            ("Transpose", ["rows"], "outputs", {"perm": [0, 2, 1]}),
            ("Identity", ["target_length"], "prednet_lengths", {}),
            ("Cast", ["targets"], "label", {"to": TensorProto.FLOAT}),
            ("Unsqueeze", ["label", "zero"], "label3", {}),
            ("Add", ["label3", "one"], "next_state0", {}),
            ("Add", ["state1", "one"], "next_state1", {}),
        ],
        [
            ("targets", TensorProto.INT32, ["N", 1]),
            ("target_length", TensorProto.INT32, ["N"]),
            ("state0", TensorProto.FLOAT, state),
            ("state1", TensorProto.FLOAT, state),
        ],
        [
            ("outputs", TensorProto.FLOAT, ["N", toy.columns(model), 1]),
            ("prednet_lengths", TensorProto.INT32, ["N"]),
            ("next_state0", TensorProto.FLOAT, state),
            ("next_state1", TensorProto.FLOAT, state),
        ],
        {
            "last": [toy.last(model, label) for label in labels],
            "before": before,
            "counts": counts,
            "zero": np.array([0], np.int64),
            "one": np.array(1, np.float32),
        },
    )


def joiner(path, model):
    shape = ["N", toy.columns(model), 1]
    file(
        path,
        [
            ("Add", ["encoder_outputs", "decoder_outputs"], "sum", {}),
            ("Mul", ["sum", "scale"], "scaled", {}),
            ("Transpose", ["scaled"], "outputs", {"perm": [0, 2, 1]}),
        ],
        [
            ("encoder_outputs", TensorProto.FLOAT, shape),
            ("decoder_outputs", TensorProto.FLOAT, shape),
        ],
        [("outputs", TensorProto.FLOAT, ["N", 1, toy.columns(model)])],
        {"scale": np.array(model["scale"], np.float32)},
    )


def write(folder, model, frames, symbols):
    """Writes a model of up to so many frames, and its tokens.txt."""
    encoder(folder / "encoder.onnx", model, frames)
    decoder(folder / "decoder.onnx", model)
    joiner(folder / "joiner.onnx", model)
    lines = [f"{symbol} {label}\n" for label, symbol in enumerate(symbols)]
    (folder / "tokens.txt").write_text("".join(lines))
