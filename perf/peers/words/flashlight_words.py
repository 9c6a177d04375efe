"""flashlight-text: CTC with a lexicon of spellings and a KenLM model.

    flashlight_words.py FOLDER MODEL

flashlight's scores of a word are log10 P, as KenLM's are, and its sum is
`acoustic + lm_weight * log10 P + word_score`. A weight of ln P is a weight of log10 P times
ln 10, because ln P = ln 10 * log10 P.
"""

import math
import sys
from collections import defaultdict

from flashlight.lib.text.decoder import CriterionType, LexiconDecoder, LexiconDecoderOptions, SmearingMode, Trie
from flashlight.lib.text.decoder.kenlm import KenLM
from flashlight.lib.text.dictionary import Dictionary

from serve import load, serve

BLANK, BOUNDARY = "<blank>", "<wb>"
# A node of its trie has room for as many words. The most frequent ones are kept.
HOMOPHONES = 6


class Lexicon:
    def __init__(self, path, labels, model):
        spelled = defaultdict(list)
        for line in open(path, encoding="utf-8"):
            word, _, spelling = line.rstrip("\n").partition("\t")
            spelled[tuple(map(labels.index, spelling.split()))].append(word)
        self.words = sorted({word for words in spelled.values() for word in words})
        numbers = Dictionary(self.words)
        self.model = KenLM(model, numbers)
        start = self.model.start(False)
        scored = lambda word: (self.model.score(start, numbers.get_index(word))[1], numbers.get_index(word))
        self.spellings = []
        for spelling, words in spelled.items():
            best = sorted(map(scored, dict.fromkeys(words)), reverse=True)[:HOMOPHONES]
            self.spellings += [(spelling, word, score) for score, word in best]
        self.boundary = labels.index(BOUNDARY)
        self.labels = len(labels)
        self.tries = {}

    def trie(self, trailing, smearing):
        """Spellings that end with a boundary if `trailing`. `smearing`: MAX, LOGADD or NONE."""
        if (trailing, smearing) not in self.tries:
            trie = Trie(self.labels, self.boundary)
            for spelling, word, score in self.spellings:
                trie.insert([*spelling, *[self.boundary] * trailing], word, score)
            trie.smear(SmearingMode.__members__[smearing])
            self.tries[trailing, smearing] = trie
        return self.tries[trailing, smearing]


def main():
    folder, model = sys.argv[1:]
    items, labels = load(folder)
    lexicon = Lexicon(f"{folder}/lexicon.txt", labels, model)

    def decoder(settings):
        options = LexiconDecoderOptions(
            beam_size=settings["beams"],
            beam_size_token=settings.get("tokens", len(labels)),
            beam_threshold=settings.get("threshold", 1e9),
            lm_weight=settings["weight"] * math.log(10),
            word_score=settings.get("bonus", 0.0),
            unk_score=-math.inf,
            sil_score=0.0,
            log_add=settings.get("log_add", False),
            criterion_type=CriterionType.CTC,
        )
        trie = lexicon.trie(settings.get("trailing", False), settings.get("smearing", "MAX"))
        parts = lexicon.boundary, labels.index(BLANK), -1, [], False
        search = LexiconDecoder(options, trie, lexicon.model, *parts)

        def decode(item):
            # `search.decode` does the same and copies every hypothesis to Python.
            search.decode_begin()
            search.decode_step(item.ctypes.data, *item.shape)
            search.decode_end()
            return search.get_best_hypothesis(0)

        return decode, lambda found: " ".join(lexicon.words[word] for word in found.words if word >= 0)

    serve(items, decoder)


if __name__ == "__main__":
    main()
