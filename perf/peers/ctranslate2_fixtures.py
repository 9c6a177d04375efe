"""Writes tests/fixtures/ctranslate2.json: beam searches by CTranslate2 over a
toy decoder, for tests/parity.rs to replay.

The decoder is a Transformer whose attention and feed-forward weights are zero,
so that its logits follow from the last token and its position alone; they are
recorded as it gives them. (Without positions, sequences made of the same pairs
of tokens would tie.)

    pip install ctranslate2 numpy
    python perf/peers/ctranslate2_fixtures.py
"""

import json
import pathlib
import tempfile

import ctranslate2
import numpy as np
from ctranslate2.specs import transformer_spec

import toy

VOCAB, UNITS, LENGTH = 24, 16, 8


def model(folder):
    rng = np.random.default_rng(3)
    # Positions are encoded by sinusoids.
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(1, 1)
    decoder = spec.decoder
    normal = lambda *shape: rng.normal(size=shape).astype(np.float32)
    zeros = lambda *shape: np.zeros(shape, np.float32)
    decoder.embeddings.weight = normal(VOCAB, UNITS)
    decoder.scale_embeddings = False
    decoder.projection.weight = normal(VOCAB, UNITS)
    # End tokens that come up now and then.
    decoder.projection.bias = zeros(VOCAB)
    decoder.projection.bias[[5, 11]] = 2
    layer = decoder.layer[0]
    for norm in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
        norm.gamma, norm.beta = np.ones(UNITS, np.float32), zeros(UNITS)
    layer.self_attention.linear[0].weight = zeros(3 * UNITS, UNITS)
    layer.self_attention.linear[0].bias = zeros(3 * UNITS)
    layer.self_attention.linear[1].weight = zeros(UNITS, UNITS)
    layer.self_attention.linear[1].bias = zeros(UNITS)
    layer.ffn.linear_0.weight = zeros(UNITS, UNITS)
    layer.ffn.linear_0.bias = zeros(UNITS)
    layer.ffn.linear_1.weight = zeros(UNITS, UNITS)
    layer.ffn.linear_1.bias = zeros(UNITS)
    spec.register_vocabulary([f"t{i}" for i in range(VOCAB)])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "t0"
    spec.validate()
    spec.save(folder)
    return ctranslate2.Generator(folder, device="cpu", compute_type="float32")


def main():
    with tempfile.TemporaryDirectory() as folder:
        generator = model(folder)
        rows = generator.forward_batch([[f"t{i}"] * LENGTH for i in range(VOCAB)])
        # By position, then by last token.
        table = np.array(rows).transpose(1, 0, 2)
        cases = []
        for alpha in (0.0, 0.6, 1.0, 2.0):
            for beams in range(2, 9):
                for patience in (1.0,) if alpha == 0 else (1.0, 2.0):
                    for extra in ({}, {"repetition_penalty": 1.3}, {"min_length": 3}):
                        start = 1 + (beams + 3 * len(extra) + int(alpha * 10)) % 4
                        result = generator.generate_batch(
                            [[f"t{start}"]],
                            beam_size=beams,
                            num_hypotheses=beams,
                            length_penalty=alpha,
                            patience=patience,
                            max_length=LENGTH,
                            end_token=[5],
                            return_scores=True,
                            include_prompt_in_result=False,
                            **extra,
                        )[0]
                        cases.append(
                            {
                                "start": start,
                                "beams": beams,
                                "alpha": alpha,
                                "patience": patience,
                                "processors": extra,
                                "hypotheses": [
                                    toy.hypothesis(tokens, score)
                                    for tokens, score in zip(result.sequences_ids, result.scores)
                                ],
                            }
                        )
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/ctranslate2.json"
    lines = ",\n".join(json.dumps(case) for case in cases)
    short = lambda row: json.dumps([float(str(x)) for x in row])
    position = lambda rows: "[" + ",\n".join(short(row) for row in rows) + "]"
    logits = ",\n".join(position(rows) for rows in table)
    versions = json.dumps({"ctranslate2": ctranslate2.__version__})
    path.write_text(
        f'{{"versions": {versions}, "max_length": {LENGTH}, "end": 5,\n"logits": [\n{logits}\n],\n'
        f'"cases": [\n{lines}\n]}}\n'
    )
    print(len(cases), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
