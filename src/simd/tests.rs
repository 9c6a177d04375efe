//! Each operation of the vectors against its definition, lane by lane: at every
//! level, and for the arithmetic also of one lane.

use std::array::from_fn;
use std::panic::catch_unwind;

use half::{bf16, f16};

use super::*;
use crate::kernels::element::Lanes;

type Singles = [f32; F32_LANES];
type Doubles = [f64; F64_LANES];

/// NaN of both signs, zeros of both signs, infinities, subnormal numbers, numbers
/// whose sums and products round, overflow and vanish, ties and neighbours.
const SINGLES: [f32; 27] = [
    f32::NAN,
    -f32::NAN,
    0.0,
    -0.0,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    -f32::MIN_POSITIVE,
    1e-45,
    -1e-45,
    1e-38,
    1.0,
    -1.0,
    1.000_000_1,
    0.999_999_94,
    f32::EPSILON / 2.0,
    0.1,
    -0.7,
    3.0,
    -2.5,
    7.25,
    -87.336_55,
    16_777_216.0,
    -1e10,
    3e20,
];

const DOUBLES: [f64; 27] = [
    f64::NAN,
    -f64::NAN,
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::MAX,
    f64::MIN,
    f64::MIN_POSITIVE,
    -f64::MIN_POSITIVE,
    5e-324,
    -5e-324,
    1e-308,
    1.0,
    -1.0,
    1.000_000_000_000_000_2,
    0.999_999_999_999_999_9,
    f64::EPSILON / 2.0,
    0.1,
    -0.7,
    3.0,
    -2.5,
    7.25,
    -708.396_418,
    9_007_199_254_740_992.0,
    -1e100,
    3e200,
];

/// The values from number `start` on, round and round.
fn from<const N: usize, T: Copy>(values: &[T], start: usize) -> [T; N] {
    from_fn(|lane| values[(start + lane) % values.len()])
}

/// The same number, or both NaN.
fn same<T: PartialEq + Into<f64>>(a: T, b: T) -> bool {
    let (a, b): (f64, f64) = (a.into(), b.into());
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}

fn dispatches() -> impl Iterator<Item = (Level, Dispatch)> {
    Level::available().map(|level| (level, Dispatch::new(level).unwrap()))
}

// f32

#[inline(always)]
fn arithmetic_f32<V: Float32>(a: V, b: V, x: f32) -> [V; 5] {
    [a + b, a - b, a * b, a.splat(x), a.at_least(b)]
}

struct ArithmeticF32(Singles, Singles);

impl Kernel for ArithmeticF32 {
    type Output = [Singles; 5];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Singles; 5] {
        let (a, b) = (simd.f32_load(&self.0), simd.f32_load(&self.1));
        let mut out = [[0.0; F32_LANES]; 5];
        for (vector, out) in arithmetic_f32(a, b, self.0[1]).into_iter().zip(&mut out) {
            vector.store(out);
        }
        out
    }
}

#[test]
fn arithmetic_of_f32_rounds_once_in_every_lane() {
    let check = |name: &str, a: f32, b: f32, x: f32, found: [f32; 5]| {
        let expected = [a + b, a - b, a * b, x];
        for (number, expected) in expected.into_iter().enumerate() {
            let found = found[number];
            assert!(
                same(found, expected),
                "{name}, {number}: {a:e} {b:e}: {found:e}"
            );
        }
        let at_least = found[4];
        let right = match (a.is_nan(), b.is_nan()) {
            (_, true) => true,
            (true, false) => at_least.is_nan(),
            (false, false) => at_least == if b > a { b } else { a },
        };
        assert!(right, "{name}: {a:e} at least {b:e}: {at_least:e}");
    };
    for (i, j) in (0..27).flat_map(|i| (0..27).map(move |j| (i, j))) {
        let (a, b): (Singles, Singles) = (from(&SINGLES, i), from(&SINGLES, j));
        for (level, dispatch) in dispatches() {
            let found = dispatch.run(ArithmeticF32(a, b));
            for lane in 0..F32_LANES {
                let found = found.map(|vector| vector[lane]);
                check(level.name(), a[lane], b[lane], a[1], found);
            }
        }
        let found = arithmetic_f32(ScalarF32(a[0]), ScalarF32(b[0]), a[1]);
        check("one lane", a[0], b[0], a[1], found.map(|lane| lane.0));
    }
}

struct NearestPower(Singles);

impl Kernel for NearestPower {
    type Output = [Singles; 2];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Singles; 2] {
        let (nearest, power) = simd.f32_load(&self.0).nearest_power();
        let mut out = [[0.0; F32_LANES]; 2];
        nearest.store(&mut out[0]);
        power.store(&mut out[1]);
        out
    }
}

/// All multiples of 1/16 from -120 to 120, half of which are ties, with both
/// neighbours.
#[test]
fn nearest_powers_at_every_tie() {
    const C: f32 = 0.057_659_514;
    let check = |name: &str, x: f32, [nearest, power]: [f32; 2]| {
        let n = (f64::from(x) * 8.0).round_ties_even() / 8.0;
        assert_eq!(f64::from(nearest), n - 2.25, "{name} {x}");
        let exact = f64::from(C) * n.exp2();
        assert_eq!(power, exact as f32, "{name} {x}");
    };
    let ties = (-1920..=1920).map(|sixteenth| sixteenth as f32 / 16.0);
    let around = ties.flat_map(|x| [x.next_down(), x, x.next_up()]);
    let all: Vec<f32> = around.filter(|x| x.abs() <= 120.0).collect();
    for start in (0..all.len()).step_by(F32_LANES) {
        let x: Singles = from(&all, start);
        for (level, dispatch) in dispatches() {
            let found = dispatch.run(NearestPower(x));
            for lane in 0..F32_LANES {
                check(level.name(), x[lane], found.map(|vector| vector[lane]));
            }
        }
    }
    for &x in &all {
        let (nearest, power) = ScalarF32(x).nearest_power();
        check("one lane", x, [nearest.0, power.0]);
    }
    for (level, dispatch) in dispatches() {
        for lane in 0..F32_LANES {
            let mut x = [0.5; F32_LANES];
            x[lane] = f32::NAN;
            let [nearest, _] = dispatch.run(NearestPower(x));
            for (other, nearest) in nearest.into_iter().enumerate() {
                assert_eq!(nearest.is_nan(), other == lane, "{level} {lane} {other}");
            }
        }
    }
    assert!(ScalarF32(f32::NAN).nearest_power().0.0.is_nan());
}

/// Of the lanes of a, b and c: what compares, selects and counts.
struct Comparisons {
    a: Singles,
    b: Singles,
    c: Singles,
}

#[derive(Clone, Copy)]
struct Compared {
    a: Singles,
    splat: Singles,
    max: Singles,
    min: Singles,
    max_bits: Singles,
    ge: u32,
    /// a where b >= c, else b.
    where_ge: Singles,
    /// c, and 1 more where a < b.
    count_less: Singles,
}

impl Kernel for Comparisons {
    type Output = Compared;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Compared {
        let [a, b, c] = [&self.a, &self.b, &self.c].map(|lanes| simd.f32_load(lanes));
        let store = |vector: S::F32| {
            let mut out = [0.0; F32_LANES];
            vector.store(&mut out);
            out
        };
        Compared {
            a: store(a),
            splat: store(simd.f32_splat(self.a[3])),
            max: store(a.max(b)),
            min: store(a.min(b)),
            max_bits: store(a.max_bits(b)),
            ge: a.ge(b),
            where_ge: store(a.where_ge(b, c, b)),
            count_less: store(a.count_less(b, c)),
        }
    }
}

/// The larger (or the smaller) of two numbers; of NaN and of two zeros either.
fn is_extreme(found: f32, a: f32, b: f32, larger: bool) -> bool {
    let bits = found.to_bits();
    let either = bits == a.to_bits() || bits == b.to_bits();
    let beaten = |other: f32| if larger { other > found } else { other < found };
    either && !beaten(a) && !beaten(b)
}

#[test]
fn comparisons_of_f32_in_every_lane() {
    for (i, j) in (0..27).flat_map(|i| (0..27).map(move |j| (i, j))) {
        let (a, b): (Singles, Singles) = (from(&SINGLES, i), from(&SINGLES, j));
        let c: Singles = from(&[3.0, 0.0, -2.5, 7.0, 1.0, 1e-45], i + j);
        for (level, dispatch) in dispatches() {
            let found = dispatch.run(Comparisons { a, b, c });
            assert_eq!(found.a.map(f32::to_bits), a.map(f32::to_bits), "{level}");
            assert_eq!(found.splat.map(f32::to_bits), [a[3].to_bits(); F32_LANES]);
            for lane in 0..F32_LANES {
                let (x, y, z) = (a[lane], b[lane], c[lane]);
                let what = format!("{level}, lane {lane} of {x:e} {y:e} {z:e}");
                assert!(is_extreme(found.max[lane], x, y, true), "{what}");
                assert!(is_extreme(found.min[lane], x, y, false), "{what}");
                let max_bits = x.to_bits().max(y.to_bits());
                assert_eq!(found.max_bits[lane].to_bits(), max_bits, "{what}");
                assert_eq!(found.ge >> lane & 1, u32::from(x >= y), "{what}");
                let count = if x < y { z + 1.0 } else { z };
                assert_eq!(found.count_less[lane], count, "{what}");
                if !x.is_nan() && !y.is_nan() {
                    let chosen = if y >= z { x } else { y };
                    assert!(same(found.where_ge[lane], chosen), "{what}");
                }
            }
            assert_eq!(found.ge >> F32_LANES, 0, "{level}");
        }
    }
}

struct Reduced(Singles);

impl Kernel for Reduced {
    type Output = (f32, f32, u32);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> (f32, f32, u32) {
        let lanes = simd.f32_load(&self.0);
        (
            lanes.reduce_max(),
            lanes.reduce_min(),
            lanes.reduce_max_bits(),
        )
    }
}

/// The best lane everywhere, and the next best everywhere else.
#[test]
fn the_best_of_all_lanes_from_everywhere() {
    let places = (0..F32_LANES).flat_map(|first| (0..F32_LANES).map(move |second| (first, second)));
    for (first, second) in places {
        let lanes = |rest: f32, next: f32, best: f32| {
            let mut lanes = [rest; F32_LANES];
            lanes[second] = next;
            lanes[first] = best;
            lanes
        };
        for (level, dispatch) in dispatches() {
            for best in [f32::INFINITY, 3.0, 1e-45, 0.0, -1e-45, -2.0, f32::MIN] {
                let next = best.next_down();
                let found = dispatch.run(Reduced(lanes(f32::NEG_INFINITY, next, best)));
                assert_eq!(found.0, best, "{level} {first} {second}");
                let found = dispatch.run(Reduced(lanes(f32::INFINITY, -next, -best)));
                assert_eq!(found.1, -best, "{level} {first} {second}");
            }
            for best in [1, 0x7f80_0000, 0x7fff_ffff, 0x8000_0000, 0xff80_0000, !0] {
                let [rest, next, best] = [0, best - 1, best].map(f32::from_bits);
                let found = dispatch.run(Reduced(lanes(rest, next, best)));
                assert_eq!(found.2, best.to_bits(), "{level} {first} {second}");
            }
        }
    }
    for (level, dispatch) in dispatches() {
        for x in [f32::NEG_INFINITY, f32::INFINITY, -4.0, 0.0, f32::MAX] {
            let found = dispatch.run(Reduced([x; F32_LANES]));
            assert_eq!(found, (x, x, x.to_bits()), "{level}");
        }
    }
}

struct Reaching {
    four: [Singles; 4],
    bound: f32,
}

impl Kernel for Reaching {
    type Output = ([bool; 4], u64);

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> ([bool; 4], u64) {
        let bound = simd.f32_splat(self.bound);
        let [a, b, c, d] = &self.four;
        let four = [a, b, c, d].map(|lanes| simd.f32_load(lanes));
        (
            four.map(|lanes| lanes.any_ge(bound)),
            S::F32::four_ge(four, bound),
        )
    }
}

#[test]
fn lanes_that_reach_a_bound() {
    let check = |four: [Singles; 4], bound: f32| {
        let mut expected = 0u64;
        for (lane, x) in four.as_flattened().iter().enumerate() {
            expected |= u64::from(*x >= bound) << lane;
        }
        for (level, dispatch) in dispatches() {
            let (any, bits) = dispatch.run(Reaching { four, bound });
            assert_eq!(bits, expected, "{level} {bound:e} {four:?}");
            for (number, any) in any.into_iter().enumerate() {
                if !bound.is_nan() && !four[number].iter().any(|x| x.is_nan()) {
                    let reached = expected >> (number * F32_LANES) & 0xffff != 0;
                    assert_eq!(any, reached, "{level} {bound:e} {four:?}");
                }
            }
        }
    };
    let numbers: Vec<f32> = SINGLES.into_iter().filter(|x| !x.is_nan()).collect();
    for start in 0..SINGLES.len() {
        for bound in SINGLES {
            check(from_fn(|i| from(&SINGLES, start + 5 * i)), bound);
            check(from_fn(|i| from(&numbers, start + 5 * i)), bound);
        }
    }
    // One lane of all, just at the bound; the others just below.
    for bound in [1.0, -1.0, 0.0, f32::INFINITY, -f32::MIN_POSITIVE] {
        for lane in 0..4 * F32_LANES {
            let mut four = [[bound.next_down(); F32_LANES]; 4];
            four.as_flattened_mut()[lane] = bound;
            check(four, bound);
        }
        check([[bound.next_down(); F32_LANES]; 4], bound);
    }
    check([[-0.0; F32_LANES]; 4], 0.0);
    check([[0.0; F32_LANES]; 4], -0.0);
}

struct SeenBelow<'a> {
    vectors: &'a [Singles],
    bound: f32,
}

impl Kernel for SeenBelow<'_> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> bool {
        let bound = simd.f32_splat(self.bound);
        let mut seen = simd.f32_unseen();
        for vector in self.vectors {
            seen = simd.f32_load(vector).see_below(bound, seen);
        }
        seen.any()
    }
}

#[test]
fn one_lane_below_the_bound_is_remembered() {
    for (level, dispatch) in dispatches() {
        let seen = |vectors: &[Singles], bound| dispatch.run(SeenBelow { vectors, bound });
        for bound in [0.0, f32::NEG_INFINITY] {
            assert!(!seen(&[], bound), "{level}");
            for x in SINGLES {
                let below = x.is_nan() || x < bound;
                assert_eq!(seen(&[[x; F32_LANES]; 3], bound), below, "{level} {x}");
                for lane in 0..3 * F32_LANES {
                    let mut vectors = [[1.0; F32_LANES]; 3];
                    vectors.as_flattened_mut()[lane] = x;
                    assert_eq!(seen(&vectors, bound), below, "{level} {x} in {lane}");
                }
            }
        }
    }
}

struct Widened<'a, E>(&'a [E; F32_LANES]);

impl<E: Lanes> Kernel for Widened<'_, E> {
    type Output = [Singles; 2];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Singles; 2] {
        let mut out = [[0.0; F32_LANES]; 2];
        E::load(simd, self.0).store(&mut out[0]);
        E::load_logits(simd, self.0).store(&mut out[1]);
        out
    }
}

/// What a number of 16 bits means by IEEE 754: a sign, an exponent, and the rest.
fn meaning(bits: u16, exponent_bits: u32) -> f32 {
    let rest_bits = 15 - exponent_bits;
    let exponent = i32::from(bits & 0x7fff) >> rest_bits;
    let rest = f64::from(bits & ((1 << rest_bits) - 1)) / f64::from(1 << rest_bits);
    let bias = (1 << (exponent_bits - 1)) - 1;
    let size = match exponent {
        0 => rest * f64::from(1 - bias).exp2(),
        _ if exponent > 2 * bias => [f64::INFINITY, f64::NAN][usize::from(rest > 0.0)],
        _ => (1.0 + rest) * f64::from(exponent - bias).exp2(),
    };
    let value = if bits >> 15 == 1 { -size } else { size };
    assert!(same(value, f64::from(value as f32)), "f32 holds all");
    value as f32
}

fn check_widening<E: Lanes>(from_bits: impl Fn(u16) -> E, exponent_bits: u32) {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    // In two places each.
    for start in [0, 5] {
        for (i, _) in all.as_chunks::<F32_LANES>().0.iter().enumerate() {
            let bits: [u16; F32_LANES] = from(&all, start + i * F32_LANES);
            let lanes = bits.map(&from_bits);
            let expected = bits.map(|bits| meaning(bits, exponent_bits));
            for (level, dispatch) in dispatches() {
                let found = dispatch.run(Widened(&lanes));
                for (lane, &expected) in expected.iter().enumerate() {
                    for found in found.map(|found| found[lane]) {
                        assert!(same(found, expected), "{level} {:x}: {found}", bits[lane]);
                    }
                }
            }
            for (one, expected) in lanes.into_iter().zip(expected) {
                assert!(same(one.to_f32(), expected), "{expected}");
            }
        }
    }
}

#[test]
fn every_half_is_widened_exactly() {
    check_widening(f16::from_bits, 5);
}

#[test]
fn every_bfloat16_is_widened_exactly() {
    check_widening(bf16::from_bits, 8);
}

/// Four vectors against a bound and a floor.
struct ComparedScores<'a, E> {
    four: &'a [[E; F32_LANES]; 4],
    bound: f32,
    floor: f32,
}

/// Which lanes reach the bound, whether one is below the floor, and the larger ones of the
/// first two vectors.
type Comparison = (u64, bool, Singles);

impl<E: Lanes> Kernel for ComparedScores<'_, E> {
    type Output = Comparison;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Comparison {
        let four: [E::Order<S>; 4] = from_fn(|i| E::order(simd, &self.four[i]));
        let bound = E::Order::<S>::bound(simd, self.bound);
        let floor = E::Order::<S>::floor(simd, self.floor);
        let mut seen = E::Order::<S>::unseen(simd);
        for lanes in four {
            seen = lanes.note_below(floor, seen);
        }
        let mut larger = [0.0; F32_LANES];
        four[0].larger(four[1]).write(simd, &mut larger);
        (E::Order::<S>::four_reach(four, bound), seen.any(), larger)
    }
}

fn check_order<E: Lanes>(from_bits: impl Fn(u16) -> E) {
    let all: Vec<u16> = (0..=u16::MAX).collect();
    let mut bounds: Vec<f32> = SINGLES.into_iter().filter(|x| !x.is_nan()).collect();
    for bits in [0, 1, 2, 0x3ff, 0x400, 0x3c00, 0x7bff, 0x7c00] {
        for value in [bits, bits | 0x8000].map(|bits| from_bits(bits).to_f32()) {
            bounds.extend([value.next_down(), value, value.next_up()]);
        }
    }
    for (i, _) in all.as_chunks::<64>().0.iter().enumerate() {
        let bits: [u16; 64] = from(&all, i * 64);
        // Of both signs and of all sizes side by side.
        let bits: [u16; 64] = from_fn(|lane| bits[lane].wrapping_mul(0x9e37) ^ bits[lane] >> 7);
        let lanes = bits.map(&from_bits);
        let values = lanes.map(|one| one.to_f32());
        let four = lanes.as_chunks().0.first_chunk().unwrap();
        let bound = bounds[i % bounds.len()];
        for floor in [0.0, f32::NEG_INFINITY] {
            let reach = |lane: usize| u64::from(values[lane] >= bound) << lane;
            let reached = (0..64).map(reach).sum::<u64>();
            let below = values.iter().any(|&value| value.is_nan() || value < floor);
            for (level, dispatch) in dispatches() {
                let case = format!("{level} {bits:x?} {bound} {floor}");
                let compared = ComparedScores { four, bound, floor };
                let (found_reached, found_below, larger) = dispatch.run(compared);
                assert_eq!((found_reached, found_below), (reached, below), "{case}");
                for lane in 0..F32_LANES {
                    let [a, b] = [values[lane], values[lane + F32_LANES]];
                    if !a.is_nan() && !b.is_nan() {
                        assert_eq!(larger[lane], a.max(b), "{case}");
                    }
                }
            }
        }
    }
}

#[test]
fn scores_of_16_bits_are_compared_as_what_they_mean() {
    check_order(f16::from_bits);
    check_order(bf16::from_bits);
}

#[test]
fn every_half_below_the_floor_is_seen() {
    for bits in 0..=u16::MAX {
        let mut four = [[f16::ONE; F32_LANES]; 4];
        let one = f16::from_bits(bits);
        four.as_flattened_mut()[usize::from(bits % 61)] = one;
        for floor in [0.0, f32::NEG_INFINITY] {
            let below = one.is_nan() || one.to_f32() < floor;
            for (level, dispatch) in dispatches() {
                let compared = ComparedScores {
                    four: &four,
                    bound: 0.0,
                    floor,
                };
                assert_eq!(dispatch.run(compared).1, below, "{level} {bits:x} {floor}");
            }
        }
    }
}

// f64

#[inline(always)]
fn arithmetic_f64<V: Float64>([a, b, c, d]: [V; 4], x: f64) -> [V; 8] {
    [
        a + b,
        a - b,
        a * b,
        a / b,
        a.splat(x),
        a.select_ge(b, c, d),
        a.max(b),
        a.min(b),
    ]
}

struct ArithmeticF64([Doubles; 4]);

impl Kernel for ArithmeticF64 {
    type Output = [Doubles; 8];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Doubles; 8] {
        let [a, b, c, d] = &self.0;
        let vectors = [a, b, c, d].map(|lanes| simd.f64_load(lanes));
        let mut out = [[0.0; F64_LANES]; 8];
        for (vector, out) in arithmetic_f64(vectors, a[1]).into_iter().zip(&mut out) {
            vector.store(out);
        }
        out
    }
}

#[test]
fn arithmetic_of_f64_rounds_once_in_every_lane() {
    let check = |name: &str, [a, b, c, d]: [f64; 4], x: f64, found: [f64; 8]| {
        let chosen = if a >= b { c } else { d };
        let expected = [a + b, a - b, a * b, a / b, x, chosen];
        for (number, expected) in expected.into_iter().enumerate() {
            let found = found[number];
            assert!(
                same(found, expected),
                "{name}, {number}: {a:e} {b:e}: {found:e}"
            );
        }
        if !a.is_nan() && !b.is_nan() {
            let (larger, smaller) = if a > b { (a, b) } else { (b, a) };
            assert_eq!(found[6..], [larger, smaller], "{name} {a:e} {b:e}");
        }
    };
    for (i, j) in (0..27).flat_map(|i| (0..27).map(move |j| (i, j))) {
        let four: [Doubles; 4] = [i, j, i + 7, j + 3].map(|start| from(&DOUBLES, start));
        for (level, dispatch) in dispatches() {
            let found = dispatch.run(ArithmeticF64(four));
            for lane in 0..F64_LANES {
                let found = found.map(|vector| vector[lane]);
                check(level.name(), four.map(|x| x[lane]), four[0][1], found);
            }
        }
        let ones = four.map(|x| x[0]);
        let found = arithmetic_f64(ones.map(ScalarF64), four[0][1]);
        check("one lane", ones, four[0][1], found.map(|lane| lane.0));
    }
}

/// Rounded, times 2^n, and split.
#[inline(always)]
fn exponents<V: Float64>(x: V, n: V) -> [V; 4] {
    let (mantissa, exponent) = x.split_exponent();
    [x.round(), x.mul_exp2(n), mantissa, exponent]
}

struct Exponents(Doubles, Doubles);

impl Kernel for Exponents {
    type Output = [Doubles; 4];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Doubles; 4] {
        let (x, n) = (simd.f64_load(&self.0), simd.f64_load(&self.1));
        let mut out = [[0.0; F64_LANES]; 4];
        for (vector, out) in exponents(x, n).into_iter().zip(&mut out) {
            vector.store(out);
        }
        out
    }
}

/// 2^n by doubling and halving.
fn power_of_two(n: i32) -> f64 {
    let factor = if n < 0 { 0.5 } else { 2.0 };
    (0..n.abs()).fold(1.0, |power, _| power * factor)
}

#[test]
fn rounding_and_exponents_of_f64() {
    let check = |name: &str, x: f64, n: i32, [rounded, scaled, mantissa, exponent]: [f64; 4]| {
        if x.abs() < 1_125_899_906_842_624.0 {
            // Zeros of both signs are the same here.
            assert_eq!(rounded, x.round_ties_even(), "{name} {x:e}");
        }
        assert!(
            same(scaled, x * power_of_two(n)),
            "{name} {x:e} * 2^{n}: {scaled:e}"
        );
        if x.is_normal() && x > 0.0 {
            assert!(
                (0.5f64.sqrt()..2f64.sqrt()).contains(&mantissa),
                "{name} {x:e}"
            );
            assert_eq!(exponent, exponent.trunc(), "{name} {x:e}");
            // In two steps, as 2^1024 is no number.
            let half = exponent as i32 / 2;
            let whole = mantissa * power_of_two(half) * power_of_two(exponent as i32 - half);
            assert_eq!(whole, x, "{name}");
        }
    };
    let mut values: Vec<f64> = DOUBLES.to_vec();
    for half in -9..=9 {
        let tie = f64::from(half) / 2.0;
        values.extend([tie.next_down(), tie, tie.next_up()]);
    }
    for large in [
        1e6,
        4_294_967_295.5,
        562_949_953_421_311.5,
        1_125_899_906_842_623.5,
    ] {
        values.extend([large, -large, large - 0.25, 0.25 - large]);
    }
    // The ends of mantissas and of exponents.
    for exponent in [
        -1022, -1021, -708, -53, -2, -1, 0, 1, 2, 52, 709, 1022, 1023,
    ] {
        for mantissa in [0.5f64.sqrt(), 1.0, 2f64.sqrt(), 1.25] {
            let x = mantissa * power_of_two(exponent);
            values.extend([x.next_down(), x, x.next_up()]);
        }
    }
    let powers = [-1022, -1021, -708, -3, -1, 0, 1, 2, 52, 1022, 1023];
    for start in 0..values.len() {
        for power in 0..powers.len() {
            let (x, n): (Doubles, [i32; F64_LANES]) =
                (from(&values, start), from(&powers, power + start));
            for (level, dispatch) in dispatches() {
                let found = dispatch.run(Exponents(x, n.map(f64::from)));
                for lane in 0..F64_LANES {
                    let found = found.map(|vector| vector[lane]);
                    check(level.name(), x[lane], n[lane], found);
                }
            }
            let found = exponents(ScalarF64(x[0]), ScalarF64(f64::from(n[0])));
            check("one lane", x[0], n[0], found.map(|lane| lane.0));
        }
    }
}

struct Parts(Doubles, Doubles);

impl Kernel for Parts {
    type Output = [Doubles; 4];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Doubles; 4] {
        let vector = simd.f64_load(&self.0);
        let mut out = [[0.0; F64_LANES]; 4];
        // The last first: what one part stores may touch no other.
        for part in (0..S::F64Part::PARTS).rev() {
            let a = simd.f64_load_part(&self.0, part);
            let b = simd.f64_load_part(&self.1, part);
            a.store(&mut out[0], part);
            simd.f64_part(vector, part).store(&mut out[1], part);
            a.max(b).store(&mut out[2], part);
            a.min(b).store(&mut out[3], part);
        }
        out
    }
}

#[test]
fn parts_make_up_a_vector() {
    let numbers: Vec<f64> = DOUBLES.into_iter().filter(|x| !x.is_nan()).collect();
    for (i, j) in (0..25).flat_map(|i| (0..25).map(move |j| (i, j))) {
        let (a, b): (Doubles, Doubles) = (from(&numbers, i), from(&numbers, j));
        for (level, dispatch) in dispatches() {
            let [loaded, parted, max, min] = dispatch.run(Parts(a, b));
            assert_eq!(loaded.map(f64::to_bits), a.map(f64::to_bits), "{level}");
            assert_eq!(parted.map(f64::to_bits), a.map(f64::to_bits), "{level}");
            for lane in 0..F64_LANES {
                let (a, b) = (a[lane], b[lane]);
                assert_eq!(max[lane], if a > b { a } else { b }, "{level} {a} {b}");
                assert_eq!(min[lane], if a < b { a } else { b }, "{level} {a} {b}");
            }
        }
    }
}

// Eight rows as columns

type Rows = [[f32; F64_LANES]; F64_LANES];

struct Columns<'a, const SIGNED: bool> {
    rows: &'a Rows,
    raise: u32,
    low: [u32; F64_LANES],
}

impl<const SIGNED: bool> Kernel for Columns<'_, SIGNED> {
    type Output = [Doubles; F64_LANES];

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> [Doubles; F64_LANES] {
        let rows: [&[f32; F64_LANES]; F64_LANES] = self.rows.each_ref();
        let columns = simd.f64_columns::<SIGNED>(rows, self.raise, &self.low);
        let mut out = [[0.0; F64_LANES]; F64_LANES];
        for (column, out) in columns.into_iter().zip(&mut out) {
            column.store(out);
        }
        out
    }
}

struct RowsBack<'a> {
    columns: &'a [Doubles; F64_LANES],
    raise: u32,
    stride: usize,
    low: &'a mut [u32],
    high: &'a mut [f64],
}

impl Kernel for RowsBack<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        simd.f64_rows(self.columns, self.raise, self.stride, self.low, self.high);
    }
}

/// A row's f32 and a column's low bits, by the definition.
fn entry(value: f32, raise: u32, low: u32, flipped: bool) -> u64 {
    let low = if flipped { !low } else { low };
    u64::from(value.to_bits().wrapping_add(raise)) << 32 | u64::from(low)
}

fn rows_of(bits: impl Fn(usize) -> u32) -> Rows {
    from_fn(|row| from_fn(|column| f32::from_bits(bits(row * F64_LANES + column))))
}

#[test]
fn columns_of_eight_rows() {
    let mut all: Vec<Rows> = (0..SINGLES.len())
        .map(|start| rows_of(|i| SINGLES[(start + i) % SINGLES.len()].to_bits()))
        .collect();
    all.push(rows_of(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9)));
    all.push(rows_of(|i| 0x4000_0000 + i as u32));
    for rows in &all {
        for (raise, first) in [(0, 0), (1 << 20, 0x7fff_fff0), (0x8765_4321, 0xffff_0000)] {
            let low: [u32; F64_LANES] = from_fn(|i| first + 3 * i as u32);
            for (level, dispatch) in dispatches() {
                let signed = dispatch.run(Columns::<true> { rows, raise, low });
                let unsigned = dispatch.run(Columns::<false> { rows, raise, low });
                for (row, column) in (0..8).flat_map(|i| (0..8).map(move |j| (i, j))) {
                    let (value, low) = (rows[row][column], low[column]);
                    let expected = entry(value, raise, low, value.is_sign_negative());
                    let found = signed[column][row].to_bits();
                    assert_eq!(found, expected, "{level} {row} {column} {value:e}");
                    let expected = entry(value, raise, low, false);
                    let found = unsigned[column][row].to_bits();
                    assert_eq!(found, expected, "{level} {row} {column} {value:e}");
                }
            }
        }
    }
}

#[test]
fn rows_from_columns_go_to_their_own_places_alone() {
    let numbers: Vec<f32> = SINGLES.into_iter().filter(|x| !x.is_nan()).collect();
    for start in 0..numbers.len() {
        let rows = rows_of(|i| numbers[(start + i) % numbers.len()].to_bits());
        let low: Rows = rows_of(|i| (i as u32 + 1).wrapping_mul(0x9e37_79b9));
        for (raise, stride) in [(0, 8), (1 << 20, 8), (1 << 20, 9), (77, 21)] {
            let columns: [Doubles; F64_LANES] = from_fn(|column| {
                from_fn(|row| {
                    let low = low[row][column].to_bits();
                    f64::from_bits(entry(rows[row][column], raise, low, false))
                })
            });
            for (level, dispatch) in dispatches() {
                const OTHER: u32 = 0x1234_5678;
                let length = 7 * stride + 8 + 5;
                let (mut tokens, mut values) = (vec![OTHER; length], vec![0.125; length]);
                dispatch.run(RowsBack {
                    columns: &columns,
                    raise,
                    stride,
                    low: &mut tokens,
                    high: &mut values,
                });
                for place in 0..length {
                    let (row, column) = (place / stride, place % stride);
                    let found = (tokens[place], values[place].to_bits());
                    let (token, value) = if row < 8 && column < 8 {
                        let value = rows[row][column];
                        let low = low[row][column].to_bits();
                        let negative = value.is_sign_negative();
                        (if negative { low } else { !low }, f64::from(value))
                    } else {
                        (OTHER, 0.125)
                    };
                    let expected = (token, value.to_bits());
                    assert_eq!(found, expected, "{level} {stride} {row} {column}");
                }
            }
        }
    }
}

#[test]
fn rows_without_room_are_refused() {
    let columns = [[0.0; F64_LANES]; F64_LANES];
    for (level, dispatch) in dispatches() {
        let writes = |stride, low, high| {
            let write = || {
                let (mut low, mut high) = (vec![0; low], vec![0.0; high]);
                dispatch.run(RowsBack {
                    columns: &columns,
                    raise: 0,
                    stride,
                    low: &mut low,
                    high: &mut high,
                });
            };
            catch_unwind(write).is_ok()
        };
        for stride in [0, 1, 8, 9, 100] {
            let room = 7 * stride + 8;
            assert!(writes(stride, room, room), "{level} {stride}");
            assert!(!writes(stride, room - 1, room), "{level} {stride}");
            assert!(!writes(stride, room, room - 1), "{level} {stride}");
            assert!(!writes(stride, 0, 0), "{level} {stride}");
        }
        // Strides whose product with 7 is past all numbers, and small again.
        for stride in [usize::MAX, usize::MAX / 7 + 1, usize::MAX / 2 + 1] {
            assert!(!writes(stride, 100, 100), "{level} {stride}");
        }
    }
}
