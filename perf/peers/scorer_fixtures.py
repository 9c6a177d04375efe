"""Writes tests/fixtures/transformers_scorer.json: beam searches over toy models
by the beam scorer of Hugging Face transformers 4.33, alone and in diverse
groups, for tests/parity.rs to replay.

The scorer is loaded from an unpacked wheel; the loop around it is the one that
its `beam_search` and `group_beam_search` document.

    pip download --no-deps transformers==4.33.3
    unzip transformers-4.33.3-py3-none-any.whl transformers/generation/beam_search.py -d old
    pip install torch numpy
    python perf/peers/scorer_fixtures.py old/transformers/generation/beam_search.py
"""

import json
import pathlib
import sys
import types

import numpy as np
import torch

import toy


def load_scorer(path):
    """The class BeamSearchScorer of a file, without its package."""
    package, generation = types.ModuleType("old"), types.ModuleType("old.generation")
    utils = types.ModuleType("old.utils")
    utils.add_start_docstrings = lambda *docs: lambda function: function
    constraints = types.ModuleType("old.generation.beam_constraints")
    constraints.Constraint = constraints.ConstraintListState = object
    for module in (package, generation):
        module.__path__ = []
    for module in (package, generation, utils, constraints):
        sys.modules[module.__name__] = module
    source = pathlib.Path(path).read_text()
    scorer = types.ModuleType("old.generation.beam_search")
    scorer.__package__ = "old.generation"
    exec(compile(source, path, "exec"), scorer.__dict__)
    return scorer.BeamSearchScorer


def run(scorer_class, case):
    beams, groups = case["beams"], case.get("groups", 1)
    width = beams // groups
    prompt, eos = case["prompt"], case["eos"]
    limit = len(prompt) + case["max_length"]
    scorer = scorer_class(
        batch_size=1,
        num_beams=beams,
        device="cpu",
        length_penalty=case["alpha"],
        do_early_stopping=toy.EARLY[case["early"]],
        num_beam_hyps_to_keep=beams,
        num_beam_groups=groups,
        max_length=limit,
    )
    ids = torch.tensor([prompt] * beams)
    scores = torch.full((beams,), -1e9)
    scores[::width] = 0
    while True:
        current = torch.zeros(beams, dtype=torch.long)
        order = torch.zeros(beams, dtype=torch.long)
        for group in range(groups):
            rows = slice(group * width, (group + 1) * width)
            group_ids = ids[rows]
            logits = torch.tensor(np.stack([toy.logits(case, row.tolist()) for row in group_ids]))
            log_probs = torch.log_softmax(logits, dim=-1)
            if group > 0:
                counts = torch.bincount(current[: group * width], minlength=case["vocab"])
                log_probs = log_probs - case["diversity"] * counts
            total = (log_probs + scores[rows, None]).view(1, -1)
            top, index = total.topk(max(2, 1 + len(eos)) * width, dim=1)
            out = scorer.process(
                group_ids,
                top,
                index % case["vocab"],
                index // case["vocab"],
                pad_token_id=0,
                eos_token_id=eos,
                group_index=group,
            )
            scores[rows] = out["next_beam_scores"]
            current[rows] = out["next_beam_tokens"]
            order[rows] = out["next_beam_indices"] + group * width
        ids = torch.cat([ids[order], current[:, None]], dim=-1)
        if scorer.is_done or ids.shape[1] >= limit:
            break
    scorer.finalize(
        ids, scores, None, None, max_length=limit, pad_token_id=0, eos_token_id=eos
    )
    found = [hypothesis for hyps in scorer._beam_hyps for hypothesis in hyps.beams]
    found.sort(key=lambda hypothesis: -hypothesis[0])
    return [
        toy.hypothesis(tokens[len(prompt) :].tolist(), score)
        for score, tokens, _ in found[:beams]
    ]


def cases():
    # The scorer refuses a single beam.
    yield from (case for case in toy.settings() if case["beams"] > 1)
    for i, (groups, width) in enumerate([(2, 1), (2, 2), (2, 4), (3, 2), (4, 2)]):
        for early in ("heuristic", "first", "never"):
            for diversity in (0.5, 1.5):
                yield {
                    "seed": 2000 + 10 * i + len(early) + int(diversity * 100),
                    "vocab": 48,
                    "eos": [5],
                    "eos_bonus": 2.0,
                    "prompt": [1, 7],
                    "beams": groups * width,
                    "groups": groups,
                    "diversity": diversity,
                    "alpha": 1.0,
                    "early": early,
                    "max_length": 8,
                }


def main():
    scorer_class = load_scorer(sys.argv[1])
    done = [dict(case, hypotheses=run(scorer_class, case)) for case in cases()]
    versions = {"transformers": "4.33.3", "torch": torch.__version__}
    path = pathlib.Path(__file__).parents[2] / "tests/fixtures/transformers_scorer.json"
    lines = ",\n".join(json.dumps(case) for case in done)
    path.write_text(f'{{"versions": {json.dumps(versions)}, "cases": [\n{lines}\n]}}\n')
    print(len(done), "cases,", path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
