//! Whether counts agree with probabilities.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;

/// Checks counts against probabilities by the chi-square test, at a level of 1 in 10,000.
pub(crate) fn assert_distribution<K: Clone + Debug + Eq + Hash>(
    counts: &HashMap<K, u64>,
    probabilities: &[(K, f64)],
) {
    let total: f64 = probabilities.iter().map(|(_, p)| p).sum();
    assert!((total - 1.0).abs() < 1e-5, "they add up to {total}");
    let draws: u64 = counts.values().sum();
    let known: u64 = probabilities
        .iter()
        .map(|(key, _)| counts.get(key).copied().unwrap_or(0))
        .sum();
    assert_eq!(known, draws, "something impossible was drawn");
    // Rare events are counted together.
    let (mut statistic, mut cells) = (0.0, 0usize);
    let (mut rare, mut rare_expected) = (0u64, 0.0);
    let mut add = |count: u64, expected: f64| {
        statistic += (count as f64 - expected).powi(2) / expected;
        cells += 1;
    };
    for (key, probability) in probabilities {
        let count = counts.get(key).copied().unwrap_or(0);
        let expected = probability * draws as f64;
        if expected < 8.0 {
            rare += count;
            rare_expected += expected;
        } else {
            add(count, expected);
        }
    }
    if rare_expected >= 8.0 {
        add(rare, rare_expected);
    }
    assert!(cells > 1, "the test compares nothing");
    let limit = chi_square_limit(cells - 1);
    println!("{draws} draws: chi-square {statistic:.1} of {cells} cells, limit {limit:.1}");
    assert!(
        statistic < limit,
        "chi-square {statistic} of {cells} cells is above {limit}"
    );
}

/// What a chi-square variable exceeds once in 10,000 times (Wilson and Hilferty 1931).
fn chi_square_limit(freedom: usize) -> f64 {
    let freedom = freedom as f64;
    let spread = 2.0 / (9.0 * freedom);
    freedom * (1.0 - spread + 3.719 * spread.sqrt()).powi(3)
}

/// The mean of numbers, and its standard error.
pub(crate) fn mean(numbers: &[f64]) -> (f64, f64) {
    let count = numbers.len() as f64;
    let mean = numbers.iter().sum::<f64>() / count;
    let square = |x: &f64| (x - mean).powi(2);
    let variance = numbers.iter().map(square).sum::<f64>() / (count - 1.0);
    (mean, (variance / count).sqrt())
}

#[test]
fn the_test_notices_a_wrong_distribution() {
    let counts = HashMap::from([(0, 5150), (1, 4850)]);
    assert_distribution(&counts, &[(0, 0.515), (1, 0.485)]);
    let wrong = [(0, 0.49), (1, 0.51)];
    let notices = std::panic::catch_unwind(|| assert_distribution(&counts, &wrong));
    assert!(notices.is_err());
    // The tables have 15.137 and 35.564.
    assert!((chi_square_limit(1) - 15.137).abs() < 1.2);
    assert!((chi_square_limit(10) - 35.564).abs() < 0.6);
}
