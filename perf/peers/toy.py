"""The toy model of the fixtures: logits that both sides compute to the bit.

The test that replays the fixtures has the same function in Rust.
"""

import numpy as np

MASK = (1 << 64) - 1


def hypothesis(tokens, score):
    """As the fixtures have it: the tests ask for four of the six digits."""
    return {"tokens": tokens, "score": round(score, 6)}


def mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def logits(case, history):
    """Logits after a history, from the last three of its tokens."""
    state = mix(case["seed"])
    for token in history[-3:]:
        state = mix((state + token + 1) & MASK)
    row = np.empty(case["vocab"], np.float32)
    for token in range(case["vocab"]):
        bits = mix((state + mix(token + 77)) & MASK)
        unit = np.float32((bits >> 40) / (1 << 24))
        row[token] = np.float32(8) * unit - np.float32(4)
        if token in case["eos"]:
            row[token] += np.float32(case["eos_bonus"])
    # Token 0 is the padding: as good as impossible.
    row[0] = -30
    return row


def cut(tokens, eos):
    """Tokens up to the first end token."""
    for i, token in enumerate(tokens):
        if token in eos:
            return tokens[: i + 1]
    return tokens


def settings():
    """Every combination of the settings that all fixtures cover."""
    seed = 0
    for eos in ([5], [5, 11, 17]):
        for alpha in (0.0, 0.6, 1.0, 2.0):
            for early in (False, True, "never"):
                for beams in range(1, 9):
                    seed += 1
                    yield {
                        "seed": seed,
                        "vocab": 48,
                        "eos": eos,
                        "eos_bonus": [1.0, 2.0, 3.0][seed % 3],
                        "prompt": [1] + [7, 8, 9][: seed % 4],
                        "beams": beams,
                        "alpha": alpha,
                        "early": {False: "heuristic", True: "first", "never": "never"}[early],
                        "max_length": 3 + seed % 8,
                    }


EARLY = {"heuristic": False, "first": True, "never": "never"}
