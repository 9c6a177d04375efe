"""ctc-beam-decoder."""

import ctc_beam_decoder

from programs import alike


def programs(case):
    return alike.programs(case, "ctc-beam-decoder", ctc_beam_decoder.build_ctcdecoder, affordable=20_000_000)
