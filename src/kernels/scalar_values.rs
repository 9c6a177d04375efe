//! The scalar functions that the searches share with their references, against
//! values from exact arithmetic: `tests/fixtures/scalar_values.py` computes them.

use std::sync::LazyLock;

use serde_json::Value;

use super::exp::{exp_f32, exp_nonpositive_f64};
use super::ln::{ln, ln_1p};
use super::log_add::log_add_scalar;
use super::log_probability;
use crate::scores::ScoreKind::Probabilities;
use crate::simd::{ScalarF32, ScalarF64};

static TABLES: LazyLock<Value> = LazyLock::new(|| {
    let text = include_str!("../../tests/fixtures/scalar_values.json");
    serde_json::from_str(text).unwrap()
});

/// The rows of a function: its inputs, and the exact value as the sum of the last two.
fn table<const N: usize>(function: &str) -> Vec<[f64; N]> {
    let rows = TABLES[function].as_array().unwrap().iter();
    let rows: Vec<[f64; N]> = rows
        .map(|row| serde_json::from_value::<Vec<f64>>(row.clone()).unwrap())
        .map(|row| row.try_into().unwrap())
        .collect();
    assert!(rows.len() > 300, "{function}");
    rows
}

/// From the exact value, in units of `ulp`.
fn error(found: f64, [high, low]: [f64; 2], ulp: f64) -> f64 {
    ((found - high) - low).abs() / ulp
}

fn ulp(x: f64) -> f64 {
    x.abs().next_up() - x.abs()
}

fn exp(x: f32) -> f32 {
    exp_f32(ScalarF32(x)).0
}

fn exp_f64(x: f64) -> f64 {
    exp_nonpositive_f64(ScalarF64(x)).0
}

fn ln_1_plus(u: f64) -> f64 {
    ln_1p(ScalarF64(u)).0
}

#[test]
fn exp_f32_is_within_its_error() {
    for [x, exact @ ..] in table::<3>("exp_f32") {
        let nearest = exact[0] as f32;
        let ulp = f64::from(nearest.next_up()) - f64::from(nearest);
        let error = error(f64::from(exp(x as f32)), exact, ulp);
        assert!(error <= 6.1 + 1.25 * x.abs(), "{error} ULP at {x}");
    }
    assert_eq!((exp(0.0), exp(-0.0)), (1.0, 1.0));
    for x in [-83.2, -84.0, -100.0, -1e30, f32::MIN, f32::NEG_INFINITY] {
        assert_eq!(f64::from(exp(x)), 2f64.powi(-120), "{x}");
    }
    assert!(exp(f32::NAN).is_nan() && exp(f32::INFINITY).is_nan());
}

#[test]
fn exp_f64_is_within_1_ulp() {
    for [x, exact @ ..] in table::<3>("exp_nonpositive_f64") {
        let error = error(exp_f64(x), exact, ulp(exact[0]));
        assert!(error <= 1.0, "{error} ULP at {x}");
    }
    assert_eq!((exp_f64(0.0), exp_f64(-0.0)), (1.0, 1.0));
    let below = (-708f64).next_down();
    for x in [below, -709.0, -745.0, -1e300, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(exp_f64(x).to_bits(), 0, "{x}");
    }
}

#[test]
fn ln_is_within_1_ulp() {
    for [x, exact @ ..] in table::<3>("ln") {
        // At 1 the exact value is 0, and has no ULP.
        if x == 1.0 {
            assert_eq!(ln(x), 0.0);
            continue;
        }
        let error = error(ln(x), exact, ulp(exact[0]));
        assert!(error <= 1.0, "{error} ULP at {x:e}");
        if f64::from(x as f32) == x && x <= 1.001 {
            let found = log_probability(Probabilities, x as f32, 0.0);
            assert_eq!(found.to_bits(), ln(x).to_bits(), "{x:e}");
        }
    }
}

#[test]
fn ln_1p_is_within_1_5_ulp() {
    for [u, exact @ ..] in table::<3>("ln_1p") {
        let error = error(ln_1_plus(u), exact, ulp(exact[0]));
        assert!(error <= 1.5, "{error} ULP at {u:e}");
    }
    assert_eq!(ln_1_plus(0.0), 0.0);
}

#[test]
fn log_add_is_within_its_error() {
    for [a, b, exact @ ..] in table::<4>("log_add") {
        let found = log_add_scalar(a, b);
        let error = error(found, exact, 1.0);
        let bound = f64::EPSILON + 0.5 * ulp(exact[0]);
        assert!(error <= bound, "{error:e} at {a:e} {b:e}, above {bound:e}");
        assert!(found >= b, "{a:e} {b:e}: {found:e} is below the larger");
        assert_eq!(
            found.to_bits(),
            log_add_scalar(b, a).to_bits(),
            "{a:e} {b:e}"
        );
    }
}

/// All bits of some results as one number (FNV-1a, by words).
fn fingerprint(results: impl Iterator<Item = u64>) -> u64 {
    results.fold(0xcbf2_9ce4_8422_2325, |hash, bits| {
        (hash ^ bits).wrapping_mul(0x0100_0000_01b3).rotate_left(23)
    })
}

/// Every processor has the same bits, so a changed bit is a fault, or a change of the
/// arithmetic that is meant: then these numbers change with `tests/golden`.
#[test]
fn no_bit_of_a_scalar_function_changes() {
    // A geometric sequence, so that no two mantissas are alike.
    let sequence = |first: f64, ratio: f64, count| {
        std::iter::successors(Some(first), move |x| Some(x * ratio)).take(count)
    };
    let first = |[x, ..]: [f64; 3]| x;
    let inputs = |function| table(function).into_iter().map(first);

    let many = (0..20_000).map(|i| 16.0 - f64::from(i) * 0.005_03);
    let x = inputs("exp_f32").chain(many);
    let exp = fingerprint(x.map(|x| u64::from(exp(x as f32).to_bits())));

    let x = inputs("exp_nonpositive_f64").chain(sequence(-1e-17, 1.004_3, 12_000));
    let exp_f64 = fingerprint(x.map(|x| exp_f64(x).to_bits()));

    let near_1 = sequence(0.4, 1.000_103, 16_000);
    let x = inputs("ln").chain(sequence(1e-300, 1.137, 10_000).take_while(|x| x.is_finite()));
    let ln = fingerprint(x.chain(near_1).map(|x| ln(x).to_bits()));

    let u = inputs("ln_1p").chain(sequence(1e-17, 1.003_1, 12_600).filter(|&u| u <= 1.0));
    let ln_1p = fingerprint(u.map(|u| ln_1_plus(u).to_bits()));

    let pairs = table("log_add")
        .into_iter()
        .map(|[a, b, ..]: [f64; 4]| (a, b));
    let pairs = pairs.chain(sequence(-1e-12, 1.013, 4000).map(|x| (x, 1.7 * x - 1e-3)));
    let log_add = fingerprint(pairs.map(|(a, b)| log_add_scalar(a, b).to_bits()));

    let found = [exp, exp_f64, ln, ln_1p, log_add];
    let expected = [
        0x7d23_dc8b_e14c_b0ba,
        0xc6e5_3ecb_5de0_03b8,
        0xbdd3_7cae_7332_513c,
        0x00c1_ec2b_b120_1416,
        0x5167_3c5b_2699_5572,
    ];
    assert_eq!(found, expected, "{found:#018x?}");
}
