"""Synthetic speech by espeak-ng, noise, and features."""

import math
import random
import subprocess

import numpy as np

RATE = 11025
HOP, WINDOW, FFT = 138, 276, 512  # 12.5 ms, 25 ms
MELS = 16

TRAINING_VOICES = [
    f"{accent}+{variant}"
    for accent in ["en-us", "en-gb", "en-gb-x-gbclan", "en-gb-x-gbcwmd"]
    for variant in "m1 m2 m3 m4 m5 m6 f1 f2 f3 f4".split()
]
# Other accents and other timbres.
DEVELOPMENT_VOICES = [
    f"{accent}+{variant}" for accent in ["en-gb-scotland", "en-029"] for variant in "Alex Andy linda".split()
]
# m8 was among these at first; the model errs in more than half of its words.
HELD_OUT_VOICES = [f"{accent}+{variant}" for accent in ["en-gb-x-rp", "en-us-nyc"] for variant in "m7 f5".split()]


def speak(text, voice, speed, pitch):
    """Samples at RATE, half of the rate of espeak-ng, as int16."""
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
    wave = subprocess.run(command, check=True, capture_output=True).stdout
    samples = np.frombuffer(wave[44 : len(wave) - len(wave) % 2], np.int16).astype(np.float32)
    loud = np.flatnonzero(np.abs(samples) > 200)
    samples = samples[max(loud[0] - 1000, 0) : loud[-1] + 2000]
    # Halve the rate: drop the upper half of the spectrum.
    length = len(samples) // 2 * 2
    spectrum = np.fft.rfft(samples[:length])[: length // 4 + 1]
    return np.clip(np.fft.irfft(spectrum, length // 2) / 2, -32768, 32767).astype(np.int16)


def utterance(draw: random.Random, text, voices):
    return speak(text, draw.choice(voices), draw.randint(140, 230), draw.randint(20, 80))


def noise_bank(random_numbers):
    """A minute of white and of pink noise."""
    white = random_numbers.standard_normal(60 * RATE).astype(np.float32)
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.arange(1, len(spectrum) + 1))
    return [white, np.fft.irfft(spectrum, len(white)).astype(np.float32)]


def disturbed(draw, samples, bank, others, decibels):
    """The samples with up to 0.3 s of pause around them, noise at a signal-to-noise ratio within
    `decibels`, and a random loudness. The noise is white, pink, or two of `others` who speak."""
    samples = samples.astype(np.float32)
    before, after = [draw.randrange(int(0.3 * RATE)) for _ in range(2)]
    padded = np.pad(samples, (before, after))
    added = np.zeros_like(padded)
    kind = draw.randrange(3)
    for source in bank[kind : kind + 1] or draw.sample(others, 2):
        start = draw.randrange(len(source))
        added += np.resize(source[start:], len(added))
    ratio = 10 ** (draw.uniform(*decibels) / 10)
    power = np.mean(samples**2) / (np.mean(added**2) + 1e-9)
    padded += added * math.sqrt(power / ratio)
    return padded * np.float32(10 ** (draw.uniform(-10, 10) / 20))


def mel_filters():
    """Triangles evenly spread on the mel scale, 80 to 5,000 Hz."""
    mel = lambda hertz: 1127 * math.log(1 + hertz / 700)
    edges = np.linspace(mel(80), mel(5000), MELS + 2)
    bins = 1127 * np.log(1 + np.arange(FFT // 2 + 1) * RATE / FFT / 700)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)).astype(np.float32)


FILTERS = mel_filters()
HAMMING = np.hamming(WINDOW).astype(np.float32)


def features(samples):
    """Log energies as u8 `[frames, MELS]`: 11 a neper, 0 at the energy 1 of 16-bit samples."""
    count = (len(samples) - WINDOW) // HOP + 1
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP][:count]
    spectrum = np.fft.rfft(windows * HAMMING, FFT)
    energy = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) @ FILTERS.T / FFT
    scaled = np.rint(11 * np.log(np.maximum(energy, 1)))
    return np.clip(scaled, 0, 255).astype(np.uint8)
