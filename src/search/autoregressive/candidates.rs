//! The best candidates of a step, out of live beams x vocabulary.

use std::cmp::Ordering;

use crate::scores::ScoresView;

/// One continuation of one beam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// The parent's score and the token's.
    pub(super) score: f64,
    /// The token's log-probability, adjusted.
    pub(super) log_probability: f64,
    /// The rank of the parent among the beams of its group.
    pub(super) parent: u32,
    pub(super) token: u32,
}

/// The total order of candidates: score descending, parent ascending, then
/// the order of the row: log-probability descending, value read descending,
/// token ascending. `rows` are those of the group's beams.
///
/// The values are looked up on the spot: they decide only where two
/// different f32 round to one log-probability in f64.
pub(super) fn compare(rows: &ScoresView<'_>, a: &Candidate, b: &Candidate) -> Ordering {
    let descending = |a: f64, b: f64| b.partial_cmp(&a).unwrap_or(Ordering::Equal);
    descending(a.score, b.score)
        .then(a.parent.cmp(&b.parent))
        .then(descending(a.log_probability, b.log_probability))
        .then_with(|| {
            let row = rows.row(0, a.parent as usize);
            let value = |token| f64::from(row.get(token as usize));
            descending(value(a.token), value(b.token))
        })
        .then(a.token.cmp(&b.token))
}

/// Keeps the best `count`, in no order, and returns the worst of them; `None`
/// if there are fewer.
pub(super) fn keep_best(
    candidates: &mut Vec<Candidate>,
    count: usize,
    rows: &ScoresView<'_>,
) -> Option<Candidate> {
    if candidates.len() < count {
        return None;
    }
    let (_, &mut worst, _) =
        candidates.select_nth_unstable_by(count - 1, |a, b| compare(rows, a, b));
    candidates.truncate(count);
    Some(worst)
}
