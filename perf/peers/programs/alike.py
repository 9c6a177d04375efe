"""What pyctcdecode and ctc-beam-decoder share: the interface and the defaults."""

import numpy as np

from programs import HELD_TWICE, Program, alphabet

# A prefix or a token below this is cut: none is.
OFF = -1e9


def programs(case, name, build, affordable):
    """`affordable` extensions may be looked at with nothing cut."""
    decoder = build(alphabet.labels(case.scores.shape[1]))
    logs = np.ascontiguousarray(case.log_probs())
    extensions = case.beams * case.scores.size
    too_many = f"it would look at {extensions / 1e6:.0f} million extensions" if extensions > affordable else None
    return [
        Program(
            f"{name}, its defaults",
            lambda: decoder.decode_beams(logs, beam_width=case.beams),
            answers,
            differs="cuts tokens and prefixes; " + HELD_TWICE,
        ),
        Program(
            f"{name}, nothing cut",
            lambda: decoder.decode_beams(logs, beam_width=case.beams, beam_prune_logp=OFF, token_min_logp=OFF),
            answers,
            differs=HELD_TWICE,
            skipped=too_many,
        ),
    ]


def answers(found):
    return [[(alphabet.tokens(beam[0]), float(beam[-2])) for beam in found]]
