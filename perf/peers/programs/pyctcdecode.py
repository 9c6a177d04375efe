"""pyctcdecode."""

import logging

import pyctcdecode

from programs import alike


def programs(case):
    # It says that it has no language model and that the labels look unusual.
    logging.disable(logging.WARNING)
    return alike.programs(case, "pyctcdecode", pyctcdecode.build_ctcdecoder, affordable=2_000_000)
