"""fast-ctc-decode."""

import fast_ctc_decode
import numpy as np

from programs import Program, alphabet

# It keeps every prefix that it ever looked at.
AFFORDABLE = 5_000_000


def programs(case):
    vocab = case.scores.shape[1]
    probs = case.scores if case.kind == "probs" else np.exp(case.scores)
    # It wants a character for the blank too, and cannot cut at or above 1 / vocab.
    labels = ["-", *alphabet.labels(vocab)[1:]]
    usual = min(1e-3, 0.5 / vocab)
    extensions = case.beams * case.scores.size
    too_many = f"it would keep {extensions / 1e6:.0f} million prefixes" if extensions > AFFORDABLE else None
    return [
        Program(
            f"fast-ctc-decode, {said}",
            lambda cut=cut: fast_ctc_decode.beam_search(probs, labels, case.beams, cut),
            lambda found: [[(alphabet.tokens(found[0]), None)]],
            differs=differs,
            exact=not cut,
            skipped=skipped,
        )
        for cut, said, differs, skipped in [
            (usual, f"cut at {usual:.0e}", "cuts tokens; the best text only", None),
            (0.0, "nothing cut", "the best text only; scores in f32", too_many),
        ]
    ]
