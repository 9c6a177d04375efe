"""Trains the transducer and writes what the example reads. See ../README.md."""

import argparse
import math
import os
import pathlib
import pickle
import random
import time

os.environ["OPENBLAS_NUM_THREADS"] = "1"
import numpy as np
import torch
from torch.nn import functional

import number_words
import speech
from network import Transducer, greedy, transducer_loss

SEED = 22
TRAINING, DEVELOPMENT, HELD_OUT = 6000, 120, 150
TRAINING_NOISE, HELD_OUT_NOISE = (-3, 20), (0, 10)  # dB
BATCH = 16


def utterances(seed, count, held_out, voices):
    """Samples and text of `count` sentences."""
    draw = random.Random(seed)
    texts = [number_words.sentence(draw, held_out) for _ in range(count)]
    return [(speech.utterance(draw, text, voices), text) for text in texts]


def cached(path, make):
    if not path.exists():
        path.write_bytes(pickle.dumps(make()))
    return pickle.loads(path.read_bytes())


def batches(data, draw):
    """Batches of utterances of about the same length, in random order."""
    order = sorted(range(len(data)), key=lambda i: len(data[i][0]) + draw.randrange(4000))
    cuts = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
    draw.shuffle(cuts)
    return cuts


def tensors(chosen, features):
    """Padded features and targets, and their lengths."""
    targets = [number_words.tokens(text) for _, text in chosen]
    frames = torch.tensor([len(rows) // 4 for rows in features])
    tokens = torch.tensor([len(target) for target in targets])
    padded = np.zeros((len(chosen), int(frames.max()) * 4, speech.MELS), np.uint8)
    labels = np.zeros((len(chosen), int(tokens.max())), np.int64)
    for i, (rows, target) in enumerate(zip(features, targets)):
        rows = rows[: padded.shape[1]]
        padded[i, : len(rows)] = rows
        labels[i, : len(target)] = target
    return torch.from_numpy(padded), torch.from_numpy(labels), frames, tokens


def masked(features, draw):
    """SpecAugment: one band and one stretch of time become their mean."""
    features = features.copy()
    mean = int(features.mean())
    low, width = draw.randrange(speech.MELS), draw.randrange(4)
    features[:, low : low + width] = mean
    start, length = draw.randrange(len(features)), draw.randrange(12)
    features[start : start + length] = mean
    return features


def train(model, data, minutes, log):
    draw = random.Random(SEED + 1)
    bank = speech.noise_bank(np.random.default_rng(SEED + 1))
    others = [samples for samples, _ in data]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2)
    begun, step = time.process_time(), 0
    while True:
        for cut in batches(data, draw):
            past = (time.process_time() - begun) / (60 * minutes)
            if past >= 1:
                return step
            rate = 2e-3 * min(1, (step + 1) / 300) * (0.02 + 0.98 * (1 + math.cos(math.pi * past)) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            chosen = [data[i] for i in cut]
            disturb = lambda samples: speech.features(
                speech.disturbed(draw, samples, bank, others, TRAINING_NOISE)
            )
            features = [masked(disturb(samples), draw) for samples, _ in chosen]
            padded, labels, frames, tokens = tensors(chosen, features)
            encoded = model.encode(padded)
            logits = model.join(encoded, model.predict(labels))
            loss = transducer_loss(logits, labels, frames, tokens)
            ctc = functional.log_softmax(model.ctc(encoded), 2).transpose(0, 1)
            auxiliary = functional.ctc_loss(
                ctc, labels, frames, tokens, blank=number_words.BLANK, zero_infinity=True
            )
            optimiser.zero_grad()
            # CTC's is a mean over tokens.
            (loss / 20 + 0.3 * (1 - past) * auxiliary).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            if step % 100 == 0:
                log(f"{step} {past:.3f} loss {loss.item():.3f} ctc {auxiliary.item():.3f}")


def errors(found, right):
    """Words to change, to insert and to delete."""
    row = list(range(len(right) + 1))
    for i, word in enumerate(found):
        above, row = row, [i + 1]
        for j, other in enumerate(right):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + (word != other)))
    return row[-1]


@torch.no_grad()
def word_error_rate(model, data):
    model.eval()
    wrong, total = 0, 0
    for features, text in data:
        encoded = model.encode(torch.from_numpy(features)[None])[0]
        letters = [number_words.LETTERS[token - 1] for token in greedy(model, encoded)]
        wrong += errors("".join(letters).split(), text.split())
        total += len(text.split())
    model.train()
    return wrong / total


def noisy(data, seed, decibels):
    """Features and text: each utterance with noise that is always the same."""
    draw, bank = random.Random(seed), speech.noise_bank(np.random.default_rng(seed))
    others = [samples for samples, _ in data]
    disturb = lambda samples: speech.features(
        speech.disturbed(draw, samples, bank, others, decibels)
    )
    return [(disturb(samples), text) for samples, text in data]


def save_utterances(path, data):
    """All features as `[frames, MELS]`, the number of frames of each, and the texts."""
    texts = "\n".join(text for _, text in data) + "\n"
    np.savez(
        path,
        features=np.concatenate([features for features, _ in data]),
        frames=np.array([len(features) for features, _ in data], np.uint32),
        texts=np.frombuffer(texts.encode(), np.uint8),
    )


def save_weights(path, model):
    weights = {name: value.numpy() for name, value in model.state_dict().items()}
    np.savez(path, **{n: v for n, v in weights.items() if not n.startswith("ctc.")})


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("work", type=pathlib.Path, help="a folder for what is not kept")
    arguments.add_argument("--minutes", type=float, default=40)
    options = arguments.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    options.work.mkdir(exist_ok=True)
    lines = open(options.work / "log", "a")
    log = lambda line: print(line, file=lines, flush=True)

    sets = {}
    for name, seed, count, held_out, voices in [
        ("training", SEED, TRAINING, False, speech.TRAINING_VOICES),
        ("development", SEED + 10, DEVELOPMENT, True, speech.DEVELOPMENT_VOICES),
        ("held-out", SEED + 20, HELD_OUT, True, speech.HELD_OUT_VOICES),
    ]:
        make = lambda: utterances(seed, count, held_out, voices)
        sets[name] = cached(options.work / f"{name}.pickle", make)

    model = Transducer()
    log(f"{sum(p.numel() for p in model.parameters())} parameters")
    development = noisy(sets["development"], SEED + 11, HELD_OUT_NOISE)
    held_out = noisy(sets["held-out"], SEED + 21, HELD_OUT_NOISE)
    steps = train(model, sets["training"], options.minutes, log)
    # What the example reads is what is measured.
    model.half().float()
    torch.save(model.state_dict(), options.work / "model.pt")
    log(f"{steps} steps")
    log(f"development, greedy: {word_error_rate(model, development):.4f}")
    log(f"held-out, greedy: {word_error_rate(model, held_out):.4f}")
    save_weights(options.work / "weights.npz", model.half())
    save_utterances(options.work / "development.npz", development)
    save_utterances(options.work / "held_out.npz", held_out)


if __name__ == "__main__":
    main()
