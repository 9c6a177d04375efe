#!/usr/bin/env python3
"""Prints the table of exact sums that src/kernels/log_add.rs is tested against.

Each line: a, b and ln(e^a + e^b) as an unevaluated sum of two f64, computed
with mpmath at 60 digits. Usage: log_add_table.py > src/kernels/log_add_table.in
"""

import random

import mpmath as mp

mp.mp.dps = 60


def exact(a, b):
    value = mp.log(mp.exp(mp.mpf(a)) + mp.exp(mp.mpf(b)))
    high = float(value)
    return high, float(value - mp.mpf(high))


def pairs():
    yield from [(0.0, 0.0), (-1.0, -1.0), (-1e4, -1e4), (-1e-300, -700.0), (0.0, -37.0)]
    yield from [(0.0, -707.5), (-0.6931471805599453, -0.6931471805599453), (-1e6, -1e6 - 1)]
    source = random.Random(5)
    for _ in range(120):
        larger = -(10.0 ** source.uniform(-12, 6))
        yield larger, larger - 10.0 ** source.uniform(-8, 2.8)
    # Sums next to 1, where the result cancels.
    for _ in range(30):
        p = source.uniform(0.5, 1.0)
        yield float(mp.log(p)), float(mp.log(1 - mp.mpf(p)))


print("[")
for a, b in pairs():
    high, low = exact(a, b)
    print(f"    ({a!r}, {b!r}, {high!r}, {low!r}),")
print("]")
