"""Sentences of numbers: cardinals up to 999,999 and strings of digits, spelled out."""

import random

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
    "fifteen sixteen seventeen eighteen nineteen"
).split()
TENS = "- - twenty thirty forty fifty sixty seventy eighty ninety".split()

# The blank comes first, then a space, then the letters that number words have.
LETTERS = " " + "".join(sorted(set("".join(ONES + TENS[2:] + ["hundred", "thousand", "and"]))))
BLANK = 0
VOCABULARY = 1 + len(LETTERS)


def tokens(text):
    return [1 + LETTERS.index(letter) for letter in text]


def below_thousand(number, link):
    """A number from 1 to 999; `link` stands between hundreds and the rest."""
    hundreds, rest = divmod(number, 100)
    words = [ONES[hundreds], "hundred"] if hundreds else []
    if rest:
        words += link if hundreds else []
        tens, ones = divmod(rest, 10)
        words += [ONES[rest]] if rest < 20 else [TENS[tens]] + ([ONES[ones]] if ones else [])
    return words


def cardinal(number, link):
    if number == 0:
        return [ONES[0]]
    thousands, rest = divmod(number, 1000)
    words = below_thousand(thousands, link) + ["thousand"] if thousands else []
    if thousands and 0 < rest < 100:
        words += link
    return words + (below_thousand(rest, link) if rest else [])


def is_held_out(number):
    """A tenth of the numbers of three digits and more, spread without a pattern in decimal."""
    return number >= 100 and (number * 2654435761 >> 7) % 1009 < 101


def sentence(draw: random.Random, held_out):
    """A sentence of one number: a cardinal, or (one in three) the digits of one."""
    while True:
        digits = draw.choice([3, 4, 5, 6] if held_out else [2, 3, 4, 5, 6])
        number = draw.randrange(10 ** (digits - 1) if digits > 2 else 0, 10**digits)
        if is_held_out(number) == held_out:
            break
    if number >= 1000 and draw.random() < 1 / 3:
        words = [ONES[int(digit)] for digit in str(number)]
    else:
        # "two hundred and five" or "two hundred five".
        words = cardinal(number, draw.choice([["and"], []]))
    return " ".join(words)
