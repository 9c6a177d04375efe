"""PyTorch's step of a beam search: log_softmax over the rows, plus the beams'
scores, the best 2k of each request's beams x vocabulary. `run.py --only step`
sets it beside widebeam's, turn by turn on the same logits."""

import torch


def step(logits, scores, beams):
    requests = scores.shape[0]
    log_probs = torch.log_softmax(logits, dim=-1)
    total = log_probs.view(requests, beams, -1) + scores[:, :, None]
    return total.view(requests, -1).topk(2 * beams, dim=1)
