"""The toy transducer of the fixtures: a joiner's logits that both sides compute to the bit.

A logit is the sum of a part of the encoder (frame and label) and a part of the predictor (the
last one or two labels, for some models the number of tokens, and the label). Behind the labels
there may be durations. The tests that replay the fixtures have the same function in Rust
(tests/transducer/peers/toy.rs).
"""

import numpy as np

from toy import MASK, mix


def unit(seed, *place):
    """A number from 0 to 1 for each place."""
    state = mix(seed)
    for part in place:
        state = mix((state + part + 1) & MASK)
    return np.float32((state >> 40) / (1 << 24))


def columns(model):
    """The logits of a row."""
    return model["vocab"] + model.get("durations", 0)


def encoder(model, frame):
    """The part of a frame; frames are alike in threes, as speech goes on for a while."""
    seed, row = model["seed"], np.empty(columns(model), np.float32)
    for label in range(columns(model)):
        slow = np.float32(6) * unit(seed, 0, frame // 3, label)
        fast = np.float32(model.get("frame_span", 3)) * unit(seed, 1, frame, label)
        row[label] = slow + fast
    row[model["blank"]] += np.float32(model["blank_bonus"])
    return row


def last(model, label):
    """The part of the last label, the blank if there is none yet."""
    places = range(columns(model))
    return np.array([np.float32(4) * unit(model["seed"], 2, label, v) for v in places])


def last_but_one(model, label):
    """The part of the label before, the blank after one token; nothing if label is -1."""
    places = range(columns(model))
    row = np.array([np.float32(2) * unit(model["seed"], 3, label, v) for v in places])
    return row if label >= 0 else np.zeros_like(row)


def count(model, tokens):
    """The part of the number of tokens so far."""
    places = range(columns(model))
    span = np.float32(model["count_span"])
    return np.array([span * unit(model["seed"], 4, tokens, v) for v in places])
