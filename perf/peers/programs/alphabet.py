"""Labels for peers that return text: one character for each token, the blank first."""

FIRST = 0x4E00


def labels(vocab):
    return ["", *(chr(FIRST + token) for token in range(1, vocab))]


def tokens(text):
    return [ord(character) - FIRST for character in text]
