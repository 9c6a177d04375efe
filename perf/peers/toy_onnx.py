"""The toy transducer as the three ONNX files that sherpa-onnx loads."""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

import toy_transducer as toy


def file(path, nodes, inputs, outputs, constants, metadata={}):
    value = lambda name, kind, shape: helper.make_tensor_value_info(name, kind, shape)
    tensors = [numpy_helper.from_array(np.asarray(a), name) for name, a in constants.items()]
    graph = helper.make_graph(
        [helper.make_node(kind, i, [o], **extra) for kind, i, o, extra in nodes],
        path.stem,
        [value(*item) for item in inputs],
        [value(*item) for item in outputs],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    helper.set_model_props(model, {name: str(value) for name, value in metadata.items()})
    checker.check_model(model)
    save(model, path)


def encoder(path, model, frames):
    """One frame for each of the features', whatever they are: the table's first."""
    table = np.array([toy.encoder(model, frame) for frame in range(frames)])
    one = np.array([1], np.int64)
    file(
        path,
        [
            ("Shape", ["x"], "shape", {}),
            ("Slice", ["shape", "zero", "one"], "batch", {}),
            ("Slice", ["shape", "one", "two"], "length", {}),
            ("Slice", ["table", "zero", "length", "one"], "cut", {}),
            ("Concat", ["batch", "one", "one"], "copies", {"axis": 0}),
            ("Tile", ["cut", "copies"], "encoder_out", {}),
            ("Identity", ["x_lens"], "encoder_out_lens", {}),
        ],
        [
            ("x", TensorProto.FLOAT, ["N", "T", 80]),
            ("x_lens", TensorProto.INT64, ["N"]),
        ],
        [
            ("encoder_out", TensorProto.FLOAT, ["N", "T", model["vocab"]]),
            ("encoder_out_lens", TensorProto.INT64, ["N"]),
        ],
        {"table": table[None], "zero": 0 * one, "one": one, "two": 2 * one},
    )


def decoder(path, model):
    """The sum of a row for each label of the context, -1 if there was none."""
    labels = range(-1, model["vocab"])
    context = model["context"]
    tables = [[toy.last(model, max(label, 0)) for label in labels]]
    nodes = [("Add", ["y", "one"], "rows", {})]
    if context == 2:
        tables.insert(0, [toy.last_but_one(model, label) for label in labels])
    constants = {"one": np.array(1, np.int64)}
    for place, table in enumerate(tables):
        constants |= {f"table{place}": np.array(table), f"place{place}": np.array(place)}
        nodes += [
            ("Gather", ["rows", f"place{place}"], f"row{place}", {"axis": 1}),
            ("Gather", [f"table{place}", f"row{place}"], f"part{place}", {"axis": 0}),
        ]
    parts = [f"part{place}" for place in range(context)]
    nodes.append(("Sum", parts, "decoder_out", {}))
    file(
        path,
        nodes,
        [("y", TensorProto.INT64, ["N", context])],
        [("decoder_out", TensorProto.FLOAT, ["N", model["vocab"]])],
        constants,
        {"context_size": context, "vocab_size": model["vocab"]},
    )


def joiner(path, model):
    shape = ["N", model["vocab"]]
    file(
        path,
        [("Add", ["encoder_out", "decoder_out"], "logit", {})],
        [
            ("encoder_out", TensorProto.FLOAT, shape),
            ("decoder_out", TensorProto.FLOAT, shape),
        ],
        [("logit", TensorProto.FLOAT, shape)],
        {},
    )


def write(folder, model, frames, symbols):
    """Writes a model of up to so many frames, and its tokens.txt."""
    encoder(folder / "encoder.onnx", model, frames)
    decoder(folder / "decoder.onnx", model)
    joiner(folder / "joiner.onnx", model)
    lines = [f"{symbol} {label}\n" for label, symbol in enumerate(symbols)]
    (folder / "tokens.txt").write_text("".join(lines))
