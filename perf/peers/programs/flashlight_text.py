"""flashlight-text, without a lexicon and a language model."""

import numpy as np
from flashlight.lib.text.decoder import (
    CriterionType,
    LexiconFreeDecoder,
    LexiconFreeDecoderOptions,
    ZeroLM,
)

from programs import HELD_TWICE, Program

BLANK = 0
# Stands before and after the path; no token of ours.
SILENCE = -1


def programs(case):
    frames, vocab = case.scores.shape
    logs = np.ascontiguousarray(case.log_probs())
    found = []
    cuts = [tokens for tokens in (20, 100) if tokens < vocab]
    for tokens, said, differs in [
        *((tokens, f"{tokens} tokens", "cuts tokens; " + HELD_TWICE) for tokens in cuts),
        (vocab, "all tokens", HELD_TWICE),
    ]:
        options = LexiconFreeDecoderOptions(
            beam_size=case.beams,
            beam_size_token=tokens,
            beam_threshold=1e9,
            lm_weight=0.0,
            sil_score=0.0,
            log_add=True,
            criterion_type=CriterionType.CTC,
        )
        decoder = LexiconFreeDecoder(options, ZeroLM(), SILENCE, BLANK, [])
        search = lambda decoder=decoder: decoder.decode(logs.ctypes.data, frames, vocab)
        found.append(Program(f"flashlight-text, {said}", search, answers, differs=differs))
    return found


def answers(found):
    return [[(collapsed(beam.tokens), beam.score) for beam in found]]


def collapsed(path):
    """The path has a token for every frame, and one at either end."""
    entered = [token for before, token in zip([SILENCE, *path], path) if token != before]
    return [token for token in entered if token not in (BLANK, SILENCE)]
