"""Writes what PyTorch computes with the weights, for the example's tests:
`python expected.py WORK expected.npz`, after train.py."""

import pathlib
import sys

import numpy as np
import torch

import number_words
from network import Transducer, greedy, transducer_loss

UTTERANCES, PREFIX = 24, 8


@torch.no_grad()
def main(work, path):
    model = Transducer()
    model.load_state_dict(torch.load(work / "model.pt"))
    model.eval()
    held_out = np.load(work / "held_out.npz")
    texts = held_out["texts"].tobytes().decode().splitlines()[:UTTERANCES]
    rest = torch.from_numpy(held_out["features"])
    found, losses = [], []
    for i, (frames, text) in enumerate(zip(held_out["frames"], texts)):
        features, rest = rest[: int(frames)], rest[int(frames) :]
        targets = torch.tensor([number_words.tokens(text)])
        encoded = model.encode(features[None])
        all_logits = model.join(encoded, model.predict(targets))
        if i == 0:
            # Of every frame and the first prefixes of what was said.
            logits = all_logits[0, :, : PREFIX + 1].numpy()
        sizes = [torch.tensor([size]) for size in (encoded.shape[1], targets.shape[1])]
        losses.append(transducer_loss(all_logits.double(), targets, *sizes).item())
        found.append("".join(number_words.LETTERS[token - 1] for token in greedy(model, encoded[0])))
    np.savez(
        path,
        logits=logits,
        # -ln P of what was said: the forward algorithm.
        losses=np.array(losses),
        greedy=np.frombuffer(("\n".join(found) + "\n").encode(), np.uint8),
    )


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
