#!/usr/bin/env python3
"""Prints the polynomial coefficients in src/kernels (needs mpmath and numpy).

Each is a minimax fit by Remez exchange in 60 digits, its coefficients rounded
to the type the kernel evaluates in. The error printed beside it is that of the
rounded polynomial in exact arithmetic; the tests beside the kernels measure
the error of the code itself.
"""
import struct

import numpy as np
from mpmath import atanh, exp, log, mp, mpf, matrix, lu_solve

mp.dps = 60


def remez(target, weight, degree, low, high):
    """Coefficients (constant first) that minimise max |weight * (p - target)|."""
    low, high = mpf(low), mpf(high)
    count = degree + 2
    nodes = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * i / (count - 1)) for i in range(count)]
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


def show(name, coefficients, kind, error):
    print(f"{name}  ({kind}, largest error 2^{float(mp.log(error, 2)):.1f})")
    for c in coefficients:
        if kind == "f32":
            bits = struct.unpack("<I", struct.pack("<f", float(c)))[0]
            print(f"    {np.float32(float(c))!s:<16} f32::from_bits(0x{bits:08x})")
        else:
            bits = struct.unpack("<Q", struct.pack("<d", float(c)))[0]
            print(f"    {float(c)!r:<26} f64::from_bits(0x{bits:016x})")


def main():
    grid = lambda a, b: [mpf(a) + (mpf(b) - mpf(a)) * i / 5000 for i in range(5001)]

    # exp2 on [-1/16, 1/16] as c * a * (a^2 + s * a + t), a = f + 9/4: 1 at 0.
    h, root = mpf(1) / 16, mpf("2.25")
    g = lambda f: (mpf(2) ** f / (f + root) - 1 / root) / f if f else (log(2) - 1 / root) / root
    u, v = remez(g, lambda f: abs(f) * (f + root) / mpf(2) ** f + mpf("1e-9"), 1, -h, h)
    c = [v, (u - 2 * v * root) / v, (1 / root - u * root + v * root**2) / v]
    # The kernel's own are beside these: of those near a fit by reweighted least
    # squares, the ones whose arithmetic in f32 is 1 at 0 and furthest off least.
    kernel = [0x3D6C2C62, 0xC0255042, 0x41075176]
    kernel = [mpf(struct.unpack("<f", struct.pack("<I", bits))[0]) for bits in kernel]
    for name, c in ("minimax", [round_to(x, "f32") for x in c]), ("the kernel's", kernel):
        exp2 = lambda f: c[0] * (f + root) * ((f + root) ** 2 + c[1] * (f + root) + c[2])
        err = max(abs(exp2(f) - mpf(2) ** f) / mpf(2) ** f for f in grid(-h, h))
        show(f"exp2(f) = c * a * (a^2 + s * a + t), a = f + 9/4, {name}", c, "f32", err)

    # exp on [-ln2/2, ln2/2] as 1 + r + r^2 * p(r).
    h = log(2) / 2 * mpf("1.0001")
    g = lambda r: (exp(r) - 1 - r) / r**2 if abs(r) > mpf("1e-20") else mpf(1) / 2
    c = [round_to(x, "f64") for x in remez(g, lambda r: r**2 / exp(r) + mpf("1e-9"), 9, -h, h)]
    err = max(abs(1 + r + r**2 * mp.polyval(c[::-1], r) - exp(r)) / exp(r) for r in grid(-h, h))
    show("exp(r) = 1 + r + r^2 * p(r)", c, "f64", err)

    # ln(1 + f) with s = f / (2 + f): 2 atanh(s) = 2 s + s * R(s^2), R(z) = z * p(z).
    top = (mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)
    top2 = (top * mpf("1.0001")) ** 2
    t = lambda z: (2 * atanh(mp.sqrt(z)) / mp.sqrt(z) - 2) / z if z > mpf("1e-30") else mpf(2) / 3
    c = [round_to(x, "f64") for x in remez(t, lambda z: z + mpf("1e-9"), 6, mpf(0), top2)]
    err = max(abs(2 + z * mp.polyval(c[::-1], z) - (2 + z * t(z))) / 2 for z in grid(mpf("1e-12"), top2))
    show("ln: R(z) = z * p(z)", c, "f64", err)


main()
