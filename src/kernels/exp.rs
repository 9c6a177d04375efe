//! The exponential function, for the sums inside a log-sum-exp.

use crate::simd::{Float32, Float64};

/// `e^x` for x from -infinity to 16, in f32, exactly 1 at 0; from x = -83 on at
/// most 6.1 + 5/4 |x| ULP from the exact value.
///
/// What grows with |x| is the rounding of x log2(e). In a sum that holds a 1 it
/// does not count below 0: it adds at most 5/4 |x| e^x, below half an ULP of the
/// sum.
///
/// Below about -83 the result is 2^-120: nothing beside the 1 of a sum, and no
/// subnormal number, which would be slow. NaN stays NaN; above 16 the result is any
/// number or NaN, and of +infinity NaN.
///
/// 2^y for y = x log2(e) is 2^(i/8) 2^f with i/8 the nearest multiple of 1/8.
/// The first factor comes from a table of eight. So the second takes a
/// polynomial of degree 3 (fitted by `perf/coefficients.py`) where f up to 1/2
/// takes degree 5. It is C (f + 9/4) ((f + 9/4)^2 + s (f + 9/4) + t): C comes with
/// the table, and f + 9/4 costs no more than f, as 9/4 is a multiple of 1/8. That
/// leaves 4 steps that wait for one another, where Horner's rule has 6, and two
/// operations less. A root that may be chosen freely would be eight times as
/// exact; the polynomial is off by 1.8e-7 at most, about as much as the rounding.
#[inline(always)]
pub(crate) fn exp_f32<V: Float32>(x: V) -> V {
    Scaled::of(x).split().multiply().finish()
}

/// x log2(e).
#[derive(Clone, Copy, Debug)]
struct Scaled<V>(V);

/// f + 9/4, and C 2^(i/8).
#[derive(Clone, Copy, Debug)]
struct Split<V> {
    from_root: V,
    power: V,
}

/// Two factors of the exponential.
#[derive(Clone, Copy, Debug)]
struct Factors<V>(V, V);

impl<V: Float32> Scaled<V> {
    #[inline(always)]
    fn of(x: V) -> Self {
        let y = x * x.splat(std::f32::consts::LOG2_E);
        Scaled(y.at_least(y.splat(-120.0)))
    }

    #[inline(always)]
    fn split(self) -> Split<V> {
        let (root, power) = self.0.nearest_power();
        let from_root = self.0 - root;
        Split { from_root, power }
    }
}

impl<V: Float32> Split<V> {
    #[inline(always)]
    fn multiply(self) -> Factors<V> {
        let Split { from_root, power } = self;
        let s = from_root.splat(f32::from_bits(0xc0255042));
        let t = from_root.splat(f32::from_bits(0x41075176));
        Factors((from_root + s) * from_root + t, from_root * power)
    }
}

impl<V: Float32> Factors<V> {
    #[inline(always)]
    fn finish(self) -> V {
        self.0 * self.1
    }
}

/// [`exp_f32`] of one vector after another, with four of them on their way.
///
/// An exponential is 14 operations, most of which wait for the one before: some 40
/// cycles. For a processor to be busy all the time it must look ahead over
/// the exponentials of eight registers, but operations that wait take up the places
/// it has for that. So a call takes four exponentials one stage further each, and few
/// of its operations wait for another of the same call. On Zen 3, out of a cache and
/// with the rest of a sum of logits, eight take 1.8 ns instead of 2.0.
///
/// Where a vector takes so many registers that four do not fit in
/// ([`Float32::REGISTERS`]), an exponential is taken in one go, and handed out as
/// late.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exps<V> {
    scaled: Scaled<V>,
    split: Split<V>,
    factors: Factors<V>,
    done: [V; LATE],
}

/// How many calls later an exponential comes out.
pub(crate) const LATE: usize = 3;

impl<V: Float32> Exps<V> {
    /// The first calls of [`next`](Self::next) return 0, 0 and 1. `like` is of the
    /// level.
    #[inline(always)]
    pub(crate) fn new(like: V) -> Self {
        let (zero, one) = (like.splat(0.0), like.splat(1.0));
        Exps {
            scaled: Scaled(zero),
            split: Split {
                from_root: zero,
                power: zero,
            },
            factors: Factors(zero, zero),
            done: [zero, zero, one],
        }
    }

    /// Begins the exponential of `x`; the one begun three calls before.
    #[inline(always)]
    pub(crate) fn next(&mut self, x: V) -> V {
        if V::REGISTERS > 2 {
            let [exp, second, third] = self.done;
            self.done = [second, third, exp_f32(x)];
            return exp;
        }
        let exp = self.factors.finish();
        self.factors = self.split.multiply();
        self.split = self.scaled.split();
        self.scaled = Scaled::of(x);
        exp
    }
}

/// `e^x` for x from -infinity to 0, in f64; at most 1 ULP from the exact
/// value, and exactly 1 at 0.
///
/// Below -708 the result is 0: no subnormal number appears. NaN gives 0.
///
/// e^x is 2^n e^r with n the nearest integer to x log2(e); ln 2 is taken off
/// in two parts, the first so short that n times it is exact (Cody and Waite
/// 1980); e^r is 1 + r + r^2 p(r), p fitted by `perf/coefficients.py`.
#[inline(always)]
pub(crate) fn exp_nonpositive_f64<V: Float64>(x: V) -> V {
    let floor = x.splat(-708.0);
    let clamped = x.max(floor);
    let n = (clamped * x.splat(std::f64::consts::LOG2_E)).round();
    let r = (clamped - n * x.splat(LN2_HIGH)) - n * x.splat(LN2_LOW);
    // In pairs, and pairs of pairs (Estrin's order): a third of the steps that
    // wait for one another.
    let r2 = r * r;
    let r4 = r2 * r2;
    let p01 = linear(r, 0x3fe000000000000a, 0x3fc55555555554fa);
    let p23 = linear(r, 0x3fa555555555087c, 0x3f81111111127be5);
    let p45 = linear(r, 0x3f56c16c1842a11c, 0x3f2a01a012a57b53);
    let p67 = linear(r, 0x3efa0199a0c678d5, 0x3ec71df255238d61);
    let p89 = linear(r, 0x3e928ad72cc21b6d, 0x3e5ad7f6f07cda2e);
    let p = (p01 + p23 * r2) + ((p45 + p67 * r2) + p89 * r4) * r4;
    let e = (p * r2 + r) + x.splat(1.0);
    x.select_ge(floor, e.mul_exp2(n), x.splat(0.0))
}

/// `low + high x`, of coefficients given by their bits.
///
/// A function, not a closure in its callers: a closure is not promised to be
/// inlined, and what is not ends up outside of the level.
#[inline(always)]
pub(super) fn linear<V: Float64>(x: V, low: u64, high: u64) -> V {
    x.splat(f64::from_bits(low)) + x.splat(f64::from_bits(high)) * x
}

/// The first 32 bits of ln 2's mantissa: its product with an integer below
/// 2^21 is exact.
pub(super) const LN2_HIGH: f64 = f64::from_bits(0x3fe6_2e42_fee0_0000);
/// The rest of ln 2.
pub(super) const LN2_LOW: f64 = f64::from_bits(0x3dea_39ef_3579_3c76);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{
        Dispatch, F32_LANES, F32Lanes, F64_LANES, F64Lanes, Kernel, Level, ScalarF32, ScalarF64,
        Simd,
    };

    struct ExpF32([f32; F32_LANES]);

    impl Kernel for ExpF32 {
        type Output = [f32; F32_LANES];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f32; F32_LANES] {
            let mut out = [0.0; F32_LANES];
            exp_f32(simd.f32_load(&self.0)).store(&mut out);
            out
        }
    }

    /// Of one vector after another.
    struct InTurn<'a> {
        x: &'a [[f32; F32_LANES]],
        out: &'a mut Vec<[f32; F32_LANES]>,
    }

    impl Kernel for InTurn<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) {
            let mut exps = Exps::new(simd.f32_splat(7.0));
            for x in self.x {
                let mut out = [0.0; F32_LANES];
                exps.next(simd.f32_load(x)).store(&mut out);
                self.out.push(out);
            }
        }
    }

    #[test]
    fn exponentials_in_turn_come_late_with_the_same_bits() {
        let x: Vec<[f32; F32_LANES]> = (0..40)
            .map(|i| std::array::from_fn(|lane| 16.0 - (i * F32_LANES + lane) as f32 / 7.0))
            .collect();
        for level in Level::available() {
            let mut out = Vec::new();
            let dispatch = Dispatch::new(level).unwrap();
            dispatch.run(InTurn {
                x: &x,
                out: &mut out,
            });
            let first = [[0.0; F32_LANES], [0.0; F32_LANES], [1.0; F32_LANES]];
            let (early, late) = out.split_at(LATE);
            assert_eq!(early, first, "{level}");
            for (x, found) in x.iter().zip(late) {
                assert_eq!(*found, x.map(scalar), "{level}");
            }
        }
    }

    struct ExpF64([f64; F64_LANES]);

    impl Kernel for ExpF64 {
        type Output = [f64; F64_LANES];

        #[inline(always)]
        fn run<S: Simd>(self, simd: S) -> [f64; F64_LANES] {
            let mut out = [0.0; F64_LANES];
            exp_nonpositive_f64(simd.f64_load(&self.0)).store(&mut out);
            out
        }
    }

    fn scalar(x: f32) -> f32 {
        exp_f32(ScalarF32(x)).0
    }

    /// Every `stride`-th f32 from 16 down to -infinity: the error in ULP, and
    /// the bits of every level.
    fn sweep_f32(stride: usize) {
        let (mut worst, mut worst_near_0) = (0.0f64, 0.0f64);
        let negative = (0x8000_0000..=0xff80_0000u32).step_by(stride);
        let positive = (0..=16f32.to_bits()).step_by(stride);
        let all: Vec<u32> = negative.chain(positive).collect();
        for chunk in all.as_chunks::<F32_LANES>().0 {
            let input = chunk.map(f32::from_bits);
            let expected = input.map(scalar);
            for (x, y) in input.into_iter().zip(expected) {
                if x >= -83.0 {
                    let exact = f64::from(x).exp();
                    let ulp = f64::from((exact as f32).next_up()) - f64::from(exact as f32);
                    let error = (f64::from(y) - exact).abs() / ulp;
                    assert!(
                        error <= 6.1 + 1.25 * f64::from(x.abs()),
                        "{error} ULP at {x}"
                    );
                    worst = worst.max(error);
                    if (-1.0..=0.0).contains(&x) {
                        worst_near_0 = worst_near_0.max(error);
                    }
                } else {
                    assert!((7e-37..=f64::exp(-82.9)).contains(&f64::from(y)), "{x} {y}");
                }
            }
            for level in Level::available() {
                let found = Dispatch::new(level).unwrap().run(ExpF32(input));
                assert_eq!(
                    found.map(f32::to_bits),
                    expected.map(f32::to_bits),
                    "{level}"
                );
            }
        }
        println!("at most {worst:.2} ULP, from -1 to 0 at most {worst_near_0:.2}");
        assert!(worst > 1.0, "the sweep measures nothing: {worst} ULP");
    }

    #[test]
    fn f32_error_and_bits() {
        sweep_f32(1009);
    }

    #[test]
    #[ignore = "all 2^31.8 inputs: minutes"]
    fn f32_error_and_bits_for_all_inputs() {
        sweep_f32(1);
    }

    #[test]
    fn f64_error_and_bits() {
        let mut x = -1e-20;
        let mut worst = 0.0f64;
        while x > -800.0 {
            let input: [f64; F64_LANES] = std::array::from_fn(|i| x * (1.0 + i as f64 * 1e-4));
            let scalar = input.map(|x| exp_nonpositive_f64(ScalarF64(x)).0);
            for (x, y) in input.into_iter().zip(scalar) {
                if x >= -708.0 {
                    let exact = x.exp();
                    worst = worst.max((y - exact).abs() / (exact.next_up() - exact));
                } else {
                    assert_eq!(y, 0.0);
                }
            }
            for level in Level::available() {
                let found = Dispatch::new(level).unwrap().run(ExpF64(input));
                assert_eq!(found.map(f64::to_bits), scalar.map(f64::to_bits), "{level}");
            }
            x *= 1.001;
        }
        // The platform's function is itself up to half an ULP off.
        assert!(worst <= 1.5, "{worst} ULP");
    }

    #[test]
    fn edges() {
        for level in Level::available() {
            let dispatch = Dispatch::new(level).unwrap();
            let f32 = |x| dispatch.run(ExpF32([x; F32_LANES]));
            assert_eq!(f32(0.0), [1.0; F32_LANES], "{level}");
            assert_eq!(f32(-0.0), [1.0; F32_LANES], "{level}");
            assert_eq!(f32(f32::NEG_INFINITY), f32(-84.0), "{level}");
            assert!(f32(f32::INFINITY).into_iter().all(f32::is_nan), "{level}");
            // Quiet ones, of both signs, whatever else is in them: the low bits
            // index the table of powers.
            for payload in 0..1024 {
                for bits in [0x7fc0_0000, 0xffc0_0000, 0xffff_fc00] {
                    let lanes = f32(f32::from_bits(bits | payload));
                    assert!(lanes.into_iter().all(f32::is_nan), "{level} {payload}");
                }
            }
            let f64 = |x| dispatch.run(ExpF64([x; F64_LANES]));
            assert_eq!(f64(0.0), [1.0; F64_LANES], "{level}");
            assert_eq!(f64(f64::NEG_INFINITY), [0.0; F64_LANES], "{level}");
            assert_eq!(f64(f64::NAN), [0.0; F64_LANES], "{level}");
        }
        assert_eq!(exp_nonpositive_f64(ScalarF64(f64::NAN)).0, 0.0);
    }
}
