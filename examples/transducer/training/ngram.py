"""Writes an ARPA trigram of the words of number sentences: `python ngram.py numbers.arpa`.

It is counted on sentences of the training numbers and smoothed by Witten and Bell (1991), with
back-off."""

import collections
import math
import random
import sys

import number_words

SEED, SENTENCES, ORDER = 44, 100_000, 3
# Seen more rarely, a trigram is left out.
LEAST = 3
# log10 P of a word that is none of numbers.
UNKNOWN = -5


def count():
    draw = random.Random(SEED)
    counts = [collections.Counter() for _ in range(ORDER)]
    for _ in range(SENTENCES):
        words = ["<s>", *number_words.sentence(draw, False).split(), "</s>"]
        for order in range(1, ORDER + 1):
            for start in range(len(words) - order + 1):
                counts[order - 1][tuple(words[start : start + order])] += 1
    counts[0][("<s>",)] = 0
    counts[-1] = collections.Counter({g: c for g, c in counts[-1].items() if c >= LEAST})
    return counts


def estimate(counts):
    """P of each n-gram and the back-off weight of each context."""
    total = sum(counts[0].values())
    probabilities = {gram: count / total for gram, count in counts[0].items()}
    weights = {}
    lower = lambda gram: probabilities.get(gram) or weights.get(gram[:-1], 1.0) * lower(gram[1:])
    for grams in counts[1:]:
        followers = collections.defaultdict(dict)
        for gram, seen in grams.items():
            followers[gram[:-1]][gram[-1]] = seen
        new = {}
        for context, seen in followers.items():
            mass = sum(seen.values()) + len(seen)
            for word, times in seen.items():
                new[context + (word,)] = times / mass
            left = 1 - sum(lower(context[1:] + (word,)) for word in seen)
            weights[context] = len(seen) / mass / max(left, 1e-6)
        probabilities |= new
    return probabilities, weights


def main(path):
    counts = count()
    probabilities, weights = estimate(counts)
    with open(path, "w") as out:
        sizes = [len(grams) + (order == 0) for order, grams in enumerate(counts)]
        print("\\data\\", *(f"ngram {i + 1}={size}" for i, size in enumerate(sizes)), sep="\n", file=out)
        for order, grams in enumerate(counts, 1):
            print(f"\n\\{order}-grams:", file=out)
            if order == 1:
                print(f"{UNKNOWN:.3f}\t<unk>", file=out)
            for gram in sorted(grams):
                log = math.log10(probabilities[gram]) if probabilities[gram] else -99
                weight = f"\t{math.log10(weights[gram]):.3f}" if gram in weights else ""
                print(f"{log:.3f}\t{' '.join(gram)}{weight}", file=out)
        print("\n\\end\\", file=out)


if __name__ == "__main__":
    main(sys.argv[1])
