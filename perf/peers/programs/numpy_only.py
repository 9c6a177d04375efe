"""NumPy: the best formulation of the independent search that we know, and of
CTC the best path, which is no search."""

import numpy as np

from programs import Program


def programs(case):
    if case.task == "ctc":
        return [Program("NumPy argmax", lambda: case.scores.argmax(-1), best_path, differs="no search: the best path")]
    return [Program("NumPy argpartition", lambda: independent(case), hypotheses, differs="one thread; sums in f32", exact=True)]


def best_path(path):
    entered = np.concatenate([[True], path[1:] != path[:-1]])
    return [[(path[entered & (path != 0)].tolist(), None)]]


def best(values, k):
    """The places of the k largest along the last axis, largest first."""
    kept = np.argpartition(values, -k, axis=-1)[..., -k:]
    order = np.argsort(-np.take_along_axis(values, kept, -1), axis=-1, kind="stable")
    return np.take_along_axis(kept, order, -1)


def independent(case):
    scores, beams = case.scores, case.beams
    tokens = best(scores, beams)
    values = np.take_along_axis(scores, tokens, -1)
    if case.kind == "probs":
        values = np.log(values)
    else:
        largest = values[..., :1]
        sums = np.exp(scores - largest).sum(-1, keepdims=True)
        values = values - largest - np.log(sums)
    batch, steps, k = values.shape
    totals, chosen, parents = values[:, 0], [np.tile(np.arange(k), (batch, 1))], []
    for step in range(1, steps):
        pairs = (totals[:, :, None] + values[:, step, None]).reshape(batch, -1)
        flat = best(pairs, beams)
        totals = np.take_along_axis(pairs, flat, -1)
        parents.append(flat // k)
        chosen.append(flat % k)
    sequences = np.empty((batch, beams, steps), np.int64)
    at = np.tile(np.arange(beams), (batch, 1))
    for step in range(steps - 1, -1, -1):
        ranks = np.take_along_axis(chosen[step], at, -1)
        sequences[:, :, step] = np.take_along_axis(tokens[:, step], ranks, -1)
        if step:
            at = np.take_along_axis(parents[step - 1], at, -1)
    return sequences, totals


def hypotheses(found):
    return [list(zip(*item)) for item in zip(found[0].tolist(), found[1].tolist())]
