"""PyTorch: the snippet that most begin with, the best formulation of its task
that we know, and a step of the search with the model in the loop. Transducer searches are
in `torch_transducer`."""

import torch
import torch_step

from programs import Program, torch_transducer

# The token that ends a hypothesis, as in rust/src/bin/widebeam.rs.
END = 2


def programs(case):
    torch.set_num_threads(case.threads)
    torch.set_grad_enabled(False)
    scores = torch.from_numpy(case.scores)
    if case.task == "step":
        return [step(scores)]
    if case.task == "transducer":
        return torch_transducer.programs(scores, case.beams)
    ways = [
        ("the snippet", snippet, scores, "sums in f32"),
        ("best formulation", best_formulation, scores, "sums in f32"),
    ]
    if scores.numel() <= 1 << 20:
        # For the answers: as exact as ours.
        ways.append(("the snippet in f64", snippet, scores.double(), ""))
    return [
        Program(
            f"PyTorch, {name}",
            lambda search=search, scores=scores: search(scores, case.kind, case.beams),
            hypotheses,
            differs=differs,
            exact=True,
        )
        for name, search, scores, differs in ways
    ]


def hypotheses(found):
    sequences, scores = found
    return [list(zip(*item)) for item in zip(sequences.tolist(), scores.tolist())]


def snippet(scores, kind, beam_size):
    """Beam search as it is usually written: at each step the best of
    beam x vocab by `topk`, the sequences grown by one column."""
    log_probs = scores.log() if kind == "probs" else scores.log_softmax(-1)
    batch, steps, vocab = log_probs.shape
    scores, tokens = log_probs[:, 0].topk(beam_size, dim=-1)
    sequences = tokens.unsqueeze(-1)
    for step in range(1, steps):
        totals = scores.unsqueeze(-1) + log_probs[:, step].unsqueeze(1)
        scores, flat = totals.reshape(batch, -1).topk(beam_size, dim=-1)
        parents = torch.div(flat, vocab, rounding_mode="floor")
        kept = sequences.gather(1, parents.unsqueeze(-1).expand(-1, -1, step))
        sequences = torch.cat([kept, (flat % vocab).unsqueeze(-1)], dim=-1)
    return sequences, scores


def best_formulation(scores, kind, beam_size):
    """One `topk` over all positions, the logarithm of what it finds alone,
    k x k a step, back-pointers, one trace at the end."""
    values, kept = scores.topk(beam_size, dim=-1)
    values = values.log() if kind == "probs" else values - scores.logsumexp(-1, keepdim=True)
    batch, steps, k = values.shape
    scores, ranks = values[:, 0], torch.arange(k).expand(batch, k)
    chosen, parents = [ranks], []
    for step in range(1, steps):
        totals = (scores.unsqueeze(-1) + values[:, step].unsqueeze(1)).reshape(batch, -1)
        scores, flat = totals.topk(beam_size, dim=-1)
        parents.append(flat // k)
        chosen.append(flat % k)
    sequences = torch.empty(batch, beam_size, steps, dtype=torch.int64)
    at = torch.arange(beam_size).expand(batch, beam_size)
    for step in range(steps - 1, -1, -1):
        ranks = chosen[step].gather(1, at)
        sequences[:, :, step] = kept[:, step].gather(1, ranks)
        if step:
            at = parents[step - 1].gather(1, at)
    return sequences, scores


def step(logits):
    copies, requests, beams, vocab = logits.shape
    # As ours begins: the first step has one row a request, and no beam has ended.
    first = torch.log_softmax(logits[0, :, 0], dim=-1)
    first[:, END] = -torch.inf
    scores = first.topk(beams, dim=-1).values
    rows = logits.view(copies, requests * beams, vocab)
    next_copy = 0

    def search():
        nonlocal next_copy
        copy, next_copy = next_copy, (next_copy + 1) % copies
        return torch_step.step(rows[copy], scores, beams)

    def answers(found):
        return [
            [
                ([request * beams + at // vocab, at % vocab], score)
                for score, at in zip(scores, flat)
                if at % vocab != END
            ][:beams]
            for request, (scores, flat) in enumerate(zip(found.values.tolist(), found.indices.tolist()))
        ]

    return Program(
        "PyTorch, log_softmax and topk",
        search,
        answers,
        differs="sums in f32; keeps no beams, ends nothing",
        exact=True,
    )
