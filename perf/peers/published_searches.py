"""The published beam searches of OpenAI's Whisper and of vLLM, written anew in plain Python over
the toy model of toy.py.

Whisper: `whisper/decoding.py`, `BeamSearchDecoder` and `MaximumLikelihoodRanker` (20250625).
vLLM: `vllm/beam_search.py` and `entrypoints/llm.py`, `LLM.beam_search` (0.11).
"""

import math

import toy


def log_probabilities(case, history):
    row = [float(x) for x in toy.logits(case, history)]
    top = max(row)
    total = top + math.log(math.fsum(math.exp(x - top) for x in row))
    return [x - total for x in row]


def best(pairs, count=None):
    """The pairs of the highest values, first of equal ones first."""
    return sorted(pairs, key=lambda pair: -pair[1])[:count]


def whisper(case):
    """Token sequences without the end token, and what they are ranked by."""
    end, beams = case["eos"][0], case["beams"]
    wanted = round(beams * case["patience"])
    # Every beam starts as the prompt.
    live = {(): 0.0}
    finished = {}
    for _ in range(case["max_length"]):
        longer = {}
        for tokens, total in live.items():
            row = log_probabilities(case, [*case["prompt"], *tokens])
            for token, own in best(enumerate(row), beams + 1):
                longer[(*tokens, token)] = total + own
        live, ended = {}, {}
        for tokens, total in best(longer.items()):
            (ended if tokens[-1] == end else live)[tokens] = total
            if len(live) == beams:
                break
        for tokens, total in ended.items():
            if len(finished) < wanted:
                finished[tokens] = total
        if len(finished) >= wanted:
            break
    for tokens, total in best(live.items()):
        if len(finished) >= beams:
            break
        finished[(*tokens, end)] = total
    alpha = case["length_penalty"]

    def rank(tokens, total):
        length = len(tokens) - 1
        return total / (length if alpha is None else ((5 + length) / 6) ** alpha)

    ranked = best((tokens, rank(tokens, total)) for tokens, total in finished.items())
    return [toy.hypothesis(list(tokens[:-1]), score) for tokens, score in ranked[:beams]]


def vllm(case):
    """Token sequences with the end token, and what they are ranked by."""
    ends, beams = set(case["eos"]), case["beams"]

    def score(tokens, total):
        length = len(case["prompt"]) + len(tokens) - (bool(tokens) and tokens[-1] in ends)
        return total / length ** case["length_penalty"]

    live, completed = [((), 0.0)], []
    for _ in range(case["max_length"]):
        longer = []
        for tokens, total in live:
            row = log_probabilities(case, [*case["prompt"], *tokens])
            for token, own in best(enumerate(row), 2 * beams):
                pair = ((*tokens, token), total + own)
                (completed if token in ends else longer).append(pair)
        live = sorted(longer, key=lambda pair: -score(*pair))[:beams]
    ranked = best((tokens, score(tokens, total)) for tokens, total in completed + live)
    return [toy.hypothesis(list(tokens), score) for tokens, score in ranked[:beams]]
