//! What came of the items of a batch.

use widebeam::{Details, ErrorKind, Hypotheses, NBest, ScoresView};
use widebeam_toy::any_tensor::invalid;

/// The items that were decoded. Exactly those with an invalid score must be refused,
/// each with an error that names the first.
pub(crate) fn decoded<'a, D: Details>(
    view: &ScoresView<'_>,
    nbest: &'a NBest<D>,
) -> Vec<(usize, Hypotheses<'a, D>)> {
    assert_eq!(nbest.len(), view.batch());
    let (mut decoded, mut refused) = (Vec::new(), Vec::new());
    for (item, found) in nbest.iter().enumerate() {
        match (found, invalid(view, item)) {
            (Ok(hypotheses), None) => decoded.push((item, hypotheses)),
            (Err(error), Some(place)) => {
                assert!(
                    error.to_string().starts_with(&place),
                    "{error}, not {place}"
                );
                assert_eq!(error.kind(), ErrorKind::InvalidScore);
                assert_eq!(error.item(), Some(item));
                refused.push((item, error));
            }
            (found, place) => panic!("item {item}: {found:?}, invalid at {place:?}"),
        }
    }
    let expected = refused.iter().map(|(item, error)| (*item, error));
    assert!(nbest.failures().eq(expected));
    decoded
}
