"""Transducer search in PyTorch, one symbol a frame: as published decoders do it, with the beam
in Python dictionaries, and the best formulation that we know, with the beam in tensors."""

import torch

from programs import Program

BLANK = 0
# A prefix is known by a polynomial of its tokens, modulo 2^64.
FACTOR = 6364136223846793005


def programs(scores, beams):
    ways = [
        (
            "PyTorch, icefall's modified beam search",
            in_dictionaries,
            sorted_beams,
            "cuts the beam before it merges prefixes; sums in f32",
            False,
        ),
        ("PyTorch, best formulation", in_tensors, traced, "sums in f32", True),
    ]
    return [
        Program(name, in_turn(search, scores, beams), answers, differs=differs, exact=exact)
        for name, search, answers, differs, exact in ways
    ]


def in_turn(search, copies, beams):
    """Each search takes the next copy of the scores."""
    next_copy = 0

    def run():
        nonlocal next_copy
        copy, next_copy = next_copy, (next_copy + 1) % len(copies)
        return search(copies[copy], beams)

    return run


class Hypothesis:
    __slots__ = ("tokens", "score")

    def __init__(self, tokens, score):
        self.tokens = tokens
        self.score = score


def in_dictionaries(frames, beams):
    """Written after `modified_beam_search` of icefall (pruned_transducer_stateless2/
    beam_search.py): `topk` for each utterance, lists of tokens copied, prefixes merged by a
    key made of their tokens. Rows that a merged prefix leaves empty are normalised as well,
    and icefall's would not be there."""
    _, utterances, _, vocab = frames.shape
    beam = [{"": Hypothesis([], torch.zeros(()))} for _ in range(utterances)]
    nothing = torch.zeros(())
    for frame in frames:
        before = [list(hypotheses.values()) for hypotheses in beam]
        scores = [
            hypothesis.score
            for hypotheses in before
            for hypothesis in hypotheses + [Hypothesis([], nothing)] * (beams - len(hypotheses))
        ]
        log_probs = frame.log_softmax(dim=-1)
        log_probs.add_(torch.stack(scores).view(utterances, beams, 1))
        beam = []
        for hypotheses, rows in zip(before, log_probs):
            values, places = rows[: len(hypotheses)].reshape(-1).topk(beams)
            parents = (places // vocab).tolist()
            tokens = (places % vocab).tolist()
            merged = {}
            for score, parent, token in zip(values, parents, tokens):
                extended = hypotheses[parent].tokens[:]
                if token != BLANK:
                    extended.append(token)
                key = "_".join(map(str, extended))
                if key in merged:
                    known = merged[key]
                    known.score = torch.logaddexp(known.score, score)
                else:
                    merged[key] = Hypothesis(extended, score)
            beam.append(merged)
    return beam


def sorted_beams(beams):
    found = [[(h.tokens, h.score.item()) for h in hypotheses.values()] for hypotheses in beams]
    return [sorted(hypotheses, key=lambda h: -h[1]) for hypotheses in found]


def in_tensors(frames, beams):
    """All utterances at once. A prefix of the beam that another one extends to takes its mass
    before the best are found, so the answer is that of exact search."""
    _, utterances, _, vocab = frames.shape
    scores = torch.full((utterances, beams), -torch.inf)
    scores[:, 0] = 0.0
    keys = torch.zeros((utterances, beams), dtype=torch.int64)
    lasts = torch.full((utterances, beams), BLANK)
    history = []
    for frame in frames:
        totals = frame.log_softmax(dim=-1)
        totals += scores[:, :, None]
        # [utterance, shorter, longer]: whether the last token of one leads from the other to it.
        leads = keys[:, :, None] * FACTOR + lasts[:, None, :] == keys[:, None, :]
        leads &= lasts[:, None, :] != BLANK
        entering = totals.gather(2, lasts[:, None, :].expand(-1, beams, -1))
        entering = entering.masked_fill_(~leads, -torch.inf).amax(dim=1)
        stays = torch.logaddexp(totals[:, :, BLANK], entering)
        utterance, shorter, longer = leads.nonzero(as_tuple=True)
        totals[utterance, shorter, lasts[utterance, longer]] = -torch.inf
        totals[:, :, BLANK] = stays
        scores, places = totals.view(utterances, -1).topk(beams, dim=1)
        parents = places // vocab
        tokens = places - parents * vocab
        emits = tokens != BLANK
        keys = keys.gather(1, parents)
        keys = torch.where(emits, keys * FACTOR + tokens, keys)
        lasts = torch.where(emits, tokens, lasts.gather(1, parents))
        history.append((parents, tokens))
    return scores, history


def traced(found):
    scores, history = found
    history = [(parents.tolist(), tokens.tolist()) for parents, tokens in history]

    def tokens_of(utterance, rank):
        found = []
        for parents, tokens in reversed(history):
            if tokens[utterance][rank] != BLANK:
                found.append(tokens[utterance][rank])
            rank = parents[utterance][rank]
        return found[::-1]

    return [
        [(tokens_of(utterance, rank), score) for rank, score in enumerate(found)]
        for utterance, found in enumerate(scores.tolist())
    ]
