"""pyctcdecode: CTC over letters with a KenLM model of words.

    pyctcdecode_words.py FOLDER MODEL UNIGRAMS

Its `alpha` is a weight of ln P and `beta` a bonus of each word. A word that is not in the file
UNIGRAMS costs `unk_score_offset` more, as soon as no word there begins so.
"""

import logging
import sys

import pyctcdecode

from serve import load, serve


def main():
    folder, model, unigrams = sys.argv[1:]
    logging.disable(logging.WARNING)
    items, labels = load(folder)
    words = open(unigrams, encoding="utf-8").read().split()
    # Its names of the blank and the space.
    alphabet = [{"<blank>": "", "<space>": " "}.get(label, label) for label in labels]
    search = pyctcdecode.build_ctcdecoder(alphabet, model, words)

    def decoder(settings):
        search.reset_params(
            alpha=float(settings["weight"]),
            beta=float(settings.get("bonus", 0.0)),
            unk_score_offset=float(settings.get("unknown", -10.0)),
            lm_score_boundary=True,
        )
        limits = dict(
            beam_width=settings["beams"],
            beam_prune_logp=-settings.get("threshold", 1e9),
            token_min_logp=settings.get("least", -1e9),
        )
        return (lambda item: search.decode(item, **limits)), lambda text: " ".join(text.split())

    serve(items, decoder)


if __name__ == "__main__":
    main()
