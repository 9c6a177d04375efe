"""Makes the sample that the command line tool carries, from whole emissions.

    python make_sample.py EMISSIONS.npz LABELS.txt TRUTH.json FOLDER

EMISSIONS.npz holds `probs` [lines, frames, labels] in float16 and `lengths`
[lines]. Of each frame in use, the probabilities of at least FLOOR are kept, as
they are; the others become 0, which means impossible. Nothing is made up, and
what was dropped is printed.
"""

import json
import pathlib
import sys

import numpy as np

FLOOR = 1e-4


def main(emissions, labels, truth, folder):
    folder = pathlib.Path(folder)
    with np.load(emissions) as arrays:
        probs, lengths = arrays["probs"], arrays["lengths"]
    lines, frames, vocab = probs.shape
    counts, tokens, kept = [], [], []
    for line in range(lines):
        for frame in probs[line, : lengths[line]]:
            ids = np.flatnonzero(frame >= np.float16(FLOOR))
            counts.append(len(ids))
            tokens.append(ids)
            kept.append(frame[ids])
    np.savez_compressed(
        folder / "ocr_lines.npz",
        shape=np.array(probs.shape, "<i8"),
        lengths=lengths.astype("<i8"),
        counts=np.array(counts, "<u2"),
        tokens=np.concatenate(tokens).astype("<u2"),
        probs=np.concatenate(kept).astype("<f2"),
    )
    text = pathlib.Path(labels).read_text(encoding="utf-8")
    assert len(text.splitlines()) == vocab, "one label a line, one for each token"
    (folder / "ocr_labels.txt").write_text(text, encoding="utf-8")
    truths = json.loads(pathlib.Path(truth).read_text(encoding="utf-8"))
    (folder / "ocr_truth.txt").write_text("\n".join(truths) + "\n", encoding="utf-8")

    dropped = 1 - np.array([row.astype(np.float64).sum() for row in kept])
    print(f"{sum(counts)} of {int(lengths.sum()) * vocab} probabilities kept")
    print(f"mass dropped of a frame: mean {dropped.mean():.5f}, largest {dropped.max():.5f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
