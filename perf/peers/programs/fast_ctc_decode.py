"""fast-ctc-decode."""

import fast_ctc_decode
import numpy as np

from programs import Program, alphabet

# It keeps every prefix that it ever looked at: 3.5 million take over 13 GB.
AFFORDABLE = 3_000_000
DEFAULT_BEAMS = 5


def programs(case):
    vocab = case.scores.shape[1]
    probs = case.scores if case.kind == "probs" else np.exp(case.scores)
    # It wants a character for the blank too, and cannot cut at or above 1 / vocab.
    labels = ["-", *alphabet.labels(vocab)[1:]]
    usual = min(1e-3, 0.5 / vocab)

    def program(said, beams, cut, differs):
        extensions = beams * case.scores.size
        too_many = extensions > AFFORDABLE and not cut
        return Program(
            f"fast-ctc-decode, {said}",
            lambda: fast_ctc_decode.beam_search(probs, labels, beams, cut),
            lambda found: [[(alphabet.tokens(found[0]), None)]],
            differs=differs + "the best text only; scores in f32",
            exact=beams == case.beams and not cut,
            skipped=f"it would keep {extensions / 1e6:.0f} million prefixes" if too_many else None,
        )

    return [
        program(f"its defaults ({DEFAULT_BEAMS} beams)", DEFAULT_BEAMS, 0.0, "fewer beams; "),
        program(f"cut at {usual:.0e}", case.beams, usual, "cuts tokens; "),
        program("nothing cut", case.beams, 0.0, ""),
    ]
