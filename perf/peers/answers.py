"""Answers set beside ours, and the probability of a labelling, both without any of
the programs compared."""

import math

# How far sums in f32 may lie from ours: of a score, and at least.
RELATIVE, ABSOLUTE = 1e-4, 1e-3


class Agreement:
    """How many answers of a program are ours, rank by rank, and how far scores of
    equal answers lie apart."""

    def __init__(self, found, ours):
        self.items = len(ours)
        self.best = self.ranks = self.same = 0
        self.apart = None
        # The first item of which the best differs by more than rounding.
        self.wrong = None
        for number, (theirs, own) in enumerate(zip(found, ours)):
            for rank, ((tokens, score), (own_tokens, own_score)) in enumerate(zip(theirs, own)):
                equal = tokens == own_tokens
                self.ranks += 1
                self.same += equal
                self.best += equal and rank == 0
                known = score is not None and own_score is not None
                off = abs(score - own_score) if known else None
                if equal and known:
                    self.apart = max(self.apart or 0.0, off)
                near = off is not None and off <= ABSOLUTE + RELATIVE * abs(own_score)
                if rank == 0 and self.wrong is None and not (near or (equal and not known)):
                    self.wrong = number


def log_probability(frames, labelling):
    """Natural log of the probability of a labelling, all alignments summed: the
    forward algorithm (Graves et al. 2006, section 4.1). `frames` holds the
    log-probabilities of each frame's tokens, the blank first."""
    states = [0]
    for token in labelling:
        states += [token, 0]
    alpha = [0.0, *[-math.inf] * (len(states) - 1)]
    skips = [s > 1 and states[s] != 0 and states[s] != states[s - 2] for s in range(len(states))]
    for at, frame in enumerate(frames):
        before = alpha
        alpha = []
        for s, token in enumerate(states):
            ways = [before[s]]
            # Before the first frame there is one state, from which two start.
            if s > 0:
                ways.append(before[s - 1])
            if at > 0 and skips[s]:
                ways.append(before[s - 2])
            alpha.append(log_sum(ways) + frame[token])
    return log_sum(alpha[-2:])


def log_sum(values):
    largest = max(values)
    if largest == -math.inf:
        return largest
    return largest + math.log(sum(math.exp(value - largest) for value in values))
