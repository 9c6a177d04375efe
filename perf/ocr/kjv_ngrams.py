#!/usr/bin/env python3
"""Makes a character n-gram model of the King James Bible, as an ARPA file.

The text is that of the Debian package bible-kjv-text (public domain), printed
by the tool `bible` of the package bible-kjv. Both are unpacked, not installed:

    apt-get download bible-kjv bible-kjv-text
    for package in *.deb; do dpkg -x $package unpacked; done
    kjv_ngrams.py unpacked cli/assets/ocr_truth.txt 6 > kjv.arpa

Every verse that shares 20 characters in a row with a line of the second
argument, the lines to be read, is left out. Verses are broken at 58 columns, as
those lines are. Smoothing is Witten and Bell's (1991, method C), interpolated;
a space is the word <space>.
"""

import collections
import math
import re
import subprocess
import sys
import textwrap

SHARED = 20


def verses(unpacked):
    command = [f"{unpacked}/usr/bin/bible", "-p", f"{unpacked}/usr/lib", "-d", "bible.data"]
    command.append("gen1:1-rev22:21")
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    verse = []
    for line in done.stdout.decode("latin-1").splitlines():
        start = re.match(r" +\d+ (.*)", line)
        if start or not line.strip():
            if verse:
                yield " ".join(verse)
            verse = [start[1]] if start else []
        elif verse:
            verse.append(line.strip())
    if verse:
        yield " ".join(verse)


def main():
    unpacked, held_out, order = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with open(held_out, encoding="utf-8") as file:
        tests = [line.strip() for line in file if line.strip()]
    pieces = {test[i : i + SHARED] for test in tests for i in range(len(test) - SHARED + 1)}
    lines, left_out = [], 0
    for verse in verses(unpacked):
        if any(verse[i : i + SHARED] in pieces for i in range(len(verse) - SHARED + 1)):
            left_out += 1
        else:
            lines += textwrap.wrap(verse, 58)
    print(f"{len(lines)} lines, {left_out} verses left out", file=sys.stderr)
    if left_out < len(tests):
        sys.exit(f"{len(tests)} lines are to be read, but only {left_out} verses hold any of them")

    # follow[h][w]: how often w follows h.
    follow = collections.defaultdict(collections.Counter)
    for line in lines:
        words = ["<s>"] + ["<space>" if c == " " else c for c in line] + ["</s>"]
        for end in range(1, len(words)):
            for start in range(max(0, end - order + 1), end + 1):
                follow[tuple(words[start:end])][words[end]] += 1

    known = set(follow[()]) | {"<unk>"}

    def probability(context, word):
        """Interpolated with the context one word shorter; below that, uniform."""
        lower = 1 / len(known) if not context else probability(context[1:], word)
        counts = follow.get(context)
        if counts is None:
            return lower
        kinds, total = len(counts), sums[context]
        return (counts[word] + kinds * lower) / (total + kinds)

    sums = {context: sum(counts.values()) for context, counts in follow.items()}

    def entry(context, word):
        line = f"{math.log10(probability(context, word)):.6f}\t{' '.join(context + (word,))}"
        counts = follow.get(context + (word,))
        if counts is not None and len(context) + 1 < order:
            kinds = len(counts)
            line += f"\t{math.log10(kinds / (sums[context + (word,)] + kinds)):.6f}"
        return line

    grams = [[] for _ in range(order)]
    grams[0].append("-99\t<s>" + entry((), "<s>").split("<s>")[1])
    grams[0].append(entry((), "<unk>"))
    for context in sorted(follow):
        grams[len(context)] += [entry(context, word) for word in sorted(follow[context])]
    print("\\data\\")
    for n, lines in enumerate(grams, 1):
        print(f"ngram {n}={len(lines)}")
    for n, lines in enumerate(grams, 1):
        print(f"\n\\{n}-grams:")
        print("\n".join(lines))
    print("\n\\end\\")


if __name__ == "__main__":
    main()
