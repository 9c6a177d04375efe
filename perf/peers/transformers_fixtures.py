"""Writes tests/fixtures/transformers.json: beam searches of Hugging Face
transformers over toy models, for tests/parity.rs to replay.

    pip install transformers torch numpy
    python perf/peers/transformers_fixtures.py
"""

import json
import pathlib

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.generation import GenerationMode
from transformers.modeling_outputs import CausalLMOutput

import toy


class ToyConfig(PretrainedConfig):
    model_type = "toy"

    def __init__(self, vocab_size=48, **kwargs):
        super().__init__(**kwargs)
        self.vocab_size = vocab_size
        self.num_hidden_layers = 1


class Toy(PreTrainedModel, GenerationMixin):
    config_class = ToyConfig
    _is_stateful = False

    def __init__(self, config):
        super().__init__(config)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.case = None

    def forward(self, input_ids, **kwargs):
        rows = [toy.logits(self.case, row.tolist()) for row in input_ids]
        return CausalLMOutput(logits=torch.tensor(np.stack(rows))[:, None, :])

    def prepare_inputs_for_generation(self, input_ids, **kwargs):
        return {"input_ids": input_ids}


# One beam is a beam search too.
GenerationConfig.get_generation_mode = lambda self, *a, **k: GenerationMode.BEAM_SEARCH


def run(model, case):
    model.case = case
    out = model.generate(
        torch.tensor([case["prompt"]]),
        generation_config=GenerationConfig(
            num_beams=case["beams"],
            num_return_sequences=case["beams"],
            length_penalty=case["alpha"],
            early_stopping=toy.EARLY[case["early"]],
            max_new_tokens=case["max_length"],
            eos_token_id=case["eos"],
            pad_token_id=0,
            use_cache=False,
            return_dict_in_generate=True,
            output_scores=True,
            **case.get("processors", {}),
        ),
    )
    start = len(case["prompt"])
    return [
        toy.hypothesis(toy.cut(row[start:].tolist(), case["eos"]), score.item())
        for row, score in zip(out.sequences, out.sequences_scores)
    ]


def cases():
    yield from toy.settings()
    processors = [
        {"repetition_penalty": 1.3},
        {"no_repeat_ngram_size": 2},
        {"min_new_tokens": 4},
        {"suppress_tokens": [2, 3, 4, 6, 20]},
        {"forced_bos_token_id": None, "forced_eos_token_id": 5},
        {"repetition_penalty": 0.8, "no_repeat_ngram_size": 3, "min_new_tokens": 2},
    ]
    for i, extra in enumerate(processors):
        for beams in (1, 3, 4, 8):
            yield {
                "seed": 1000 + 10 * i + beams,
                "vocab": 48,
                "eos": [5],
                "eos_bonus": 1.0,
                "prompt": [1, 7, 9, 7],
                "beams": beams,
                "alpha": 1.0,
                "early": "heuristic",
                "max_length": 9,
                "processors": {k: v for k, v in extra.items() if v is not None},
            }


def main():
    torch.set_grad_enabled(False)
    model = Toy(ToyConfig()).eval()
    done = [dict(case, hypotheses=run(model, case)) for case in cases()]
    versions = {"transformers": transformers.__version__, "torch": torch.__version__}
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/transformers.json"
    lines = ",\n".join(json.dumps(case) for case in done)
    path.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    print(len(done), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
