#!/usr/bin/env python3
"""Prints the polynomial coefficients in src (needs mpmath and numpy), and fails
where one of them does not stand there, bit for bit.

Each is a minimax fit by Remez exchange in 60 digits, its coefficients rounded
to the type the kernel evaluates in. The error printed beside it is that of the
rounded polynomial in exact arithmetic; the tests beside the kernels measure
the error of the code itself.
"""
import itertools
import struct
import sys
from pathlib import Path

import numpy as np
from mpmath import atanh, exp, log, mp, mpf, matrix, lu_solve

mp.dps = 60


def remez(target, weight, degree, low, high, nodes=None):
    """Coefficients (constant first) that minimise max |weight * (p - target)|.

    The exchange starts from `nodes`: where the weight is 0 there can be none.
    """
    low, high = mpf(low), mpf(high)
    count = degree + 2
    nodes = nodes or [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
    grid = [low + (high - low) * i / 4000 for i in range(4001)]
    wanted = [target(x) for x in grid]
    weights = [weight(x) for x in grid]
    for _ in range(12):
        rows = matrix(count, count)
        right = matrix(count, 1)
        for i, x in enumerate(nodes):
            for j in range(degree + 1):
                rows[i, j] = x**j
            rows[i, degree + 1] = (-1) ** i / weight(x)
            right[i] = target(x)
        solution = lu_solve(rows, right)
        coefficients = [solution[j] for j in range(degree + 1)]
        error = [w * (mp.polyval(coefficients[::-1], x) - y) for x, y, w in zip(grid, wanted, weights)]
        extrema, best = [], 0
        for i in range(1, len(grid) + 1):
            if i == len(grid) or (error[i] > 0) != (error[best] > 0):
                extrema.append(best)
                best = i
            elif abs(error[i]) > abs(error[best]):
                best = i
        if len(extrema) != count:
            break
        nodes = [grid[i] for i in extrema]
    return coefficients


def round_to(x, kind):
    return mpf(float(np.float32(str(x)))) if kind == "f32" else mpf(float(x))


SOURCE = Path(__file__).parent.parent / "src"
missing = []


def show(name, coefficients, kind, path):
    """Prints coefficients, and looks for the bits of each in a source file."""
    source = (SOURCE / path).read_text().replace("_", "")
    print(f"{name}  ({kind}, src/{path})")
    for c in coefficients:
        if kind == "f32":
            number, bits = np.float32(float(c)), "0x" + struct.pack(">f", float(c)).hex()
        else:
            number, bits = float(c), "0x" + struct.pack(">d", float(c)).hex()
        print(f"    {number!s:<26} {bits}")
        if bits not in source:
            missing.append(f"{bits} is not in src/{path}")


def show_error(error):
    print(f"    largest error 2^{float(mp.log(error, 2)):.1f}")


def best_near(c, s, t, root):
    """Of the C and t within a few units of those given in f32, the ones whose
    arithmetic in f32 is exactly 1 at 0 and has the least largest error, on 4097
    points. (On others it is another of some that differ by a few per cent.)"""
    f = np.linspace(-1 / 16, 1 / 16, 4097).astype(np.float32)
    at, wanted = f + np.float32(root), np.exp2(f.astype(np.float64))
    near = lambda x, units: (np.float32(x).view(np.int32) + np.arange(-units, units + 1, dtype=np.int32)).view(np.float32)
    found = []
    for c, t in itertools.product(near(c, 6), near(t, 3)):
        exp2 = ((at + np.float32(s)) * at + t) * (at * c)
        if exp2[len(f) // 2] == 1:
            found.append((np.abs(exp2 / wanted - 1).max(), c, t))
    _, c, t = min(found)
    return [mpf(float(x)) for x in (c, np.float32(s), t)]


def main():
    grid = lambda a, b: [mpf(a) + (mpf(b) - mpf(a)) * i / 5000 for i in range(5001)]

    # exp2 on [-1/16, 1/16] as C * a * (a^2 + s * a + t), a = f + 9/4: 1 at 0.
    h, root = mpf(1) / 16, mpf("2.25")
    g = lambda f: (mpf(2) ** f / (f + root) - 1 / root) / f if f else (log(2) - 1 / root) / root
    u, v = remez(g, lambda f: abs(f) * (f + root) / mpf(2) ** f + mpf("1e-9"), 1, -h, h, [-h, h / 2, h])
    c, s, t = v, (u - 2 * v * root) / v, (1 / root - u * root + v * root**2) / v
    c, s, t = best_near(float(c), float(s), float(t), float(root))
    show("exp2(f) = C * a * (a^2 + s * a + t), a = f + 9/4: s and t", [s, t], "f32", "kernels/exp.rs")
    show("C * 2^(i/8)", [c * mpf(2) ** (mpf(i) / 8) for i in range(8)], "f32", "simd/scalar.rs")
    exp2 = lambda f: c * (f + root) * ((f + root) ** 2 + s * (f + root) + t)
    show_error(max(abs(exp2(f) - mpf(2) ** f) / mpf(2) ** f for f in grid(-h, h)))

    # exp on [-ln2/2, ln2/2] as 1 + r + r^2 * p(r).
    h = log(2) / 2 * mpf("1.0001")
    g = lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-20") else mpf(1) / 2
    c = [round_to(x, "f64") for x in remez(g, lambda r: r**2 / exp(r) + mpf("1e-9"), 9, -h, h)]
    err = max(abs(1 + r + r**2 * mp.polyval(c[::-1], r) - exp(r)) / exp(r) for r in grid(-h, h))
    show("exp(r) = 1 + r + r^2 * p(r)", c, "f64", "kernels/exp.rs")
    show_error(err)

    # ln(1 + f) with s = f / (2 + f): 2 atanh(s) = 2 s + s * R(s^2), R(z) = z * p(z).
    top = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    top2 = (top * mpf("1.0001")) ** 2
    t = lambda z: (2 * atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z if z > mpf("1e-30") else mpf(2) / 3
    c = [round_to(x, "f64") for x in remez(t, lambda z: z + mpf("1e-9"), 6, mpf(0), top2)]
    err = max(abs(2 + z * mp.polyval(c[::-1], z) - (2 + z * t(z))) / 2 for z in grid(mpf("1e-12"), top2))
    show("ln: R(z) = z * p(z)", c, "f64", "kernels/ln.rs")
    show_error(err)
    if missing:
        sys.exit("\n".join(missing))


main()
