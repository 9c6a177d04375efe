//! Prunings of the CTC search, for properties.

use proptest::prelude::*;
use widebeam::ctc::CtcPruning;

/// Any pruning: a limit of fewer than `most` top tokens has a probability of `top`,
/// each other limit one of `others`.
pub(crate) fn any(most: usize, top: f64, others: f64) -> impl Strategy<Value = CtcPruning> {
    // Whole numbers are limits that tied scores meet exactly.
    let whole = |range: std::ops::RangeInclusive<i8>| range.prop_map(f64::from);
    let limits = (
        prop::option::weighted(top, 1..most),
        prop::option::weighted(others, prop_oneof![-4.0f64..0.0, whole(-3..=0)]),
        prop::option::weighted(others, prop_oneof![0.0f64..6.0, whole(0..=4)]),
        prop::option::weighted(others, prop_oneof![-1.0f64..0.0, whole(-2..=0)]),
        prop::option::weighted(others, 1usize..6),
    );
    limits.prop_map(|(top, least, distance, skip, delay)| {
        let mut pruning = CtcPruning::none();
        if let Some(top) = top {
            pruning = pruning.with_top_tokens(top);
        }
        if let Some(least) = least {
            pruning = pruning.with_min_token_log_probability(least);
        }
        if let Some(distance) = distance {
            pruning = pruning.with_score_threshold(distance);
        }
        if let Some(skip) = skip {
            pruning = pruning.with_blank_skip(skip);
        }
        if let Some(delay) = delay {
            pruning = pruning.with_commit_delay(delay);
        }
        pruning
    })
}
