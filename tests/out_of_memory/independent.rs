//! Searches of independent positions.

use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView};

use super::{is_about_memory, probabilities, refuse_each};

const SHAPE: [usize; 3] = [3, 40, 200];
const BEAMS: usize = 50;

fn check(view: &ScoresView<'_>, refused: &[usize]) {
    let mut expected = NBest::new();
    let search = || IndependentSearch::new(BEAMS).unwrap();
    let outcome = search().decode_into(view, &mut expected);
    outcome.as_ref().unwrap();
    let failed = expected.failures().map(|(item, _)| item);
    assert!(failed.eq(refused.iter().copied()));
    let needed = refuse_each(|refusal| {
        let (mut search, mut nbest) = (search(), NBest::new());
        let decoded = refusal.during(|| search.decode_into(view, &mut nbest));
        let done = decoded == outcome;
        if let (false, Err(error)) = (done, decoded) {
            is_about_memory(&error);
            assert_eq!(nbest, NBest::new(), "{refusal:?}");
            let again = search.decode_into(view, &mut nbest);
            assert_eq!(again, outcome, "{refusal:?}");
        }
        assert_eq!(nbest, expected, "{refusal:?}");
        done
    });
    assert!(needed > 15, "{needed}");
}

#[test]
fn a_decode_fails_at_each_allocation() {
    let data = probabilities(SHAPE.iter().product());
    for kind in [ScoreKind::Probabilities, ScoreKind::Logits] {
        check(&ScoresView::new(kind, &data, SHAPE).unwrap(), &[]);
    }
}

#[test]
fn a_refused_item_is_not_taken_for_it() {
    let mut data = probabilities(SHAPE.iter().product());
    data[100] = 2.0;
    check(&ScoresView::probabilities(&data, SHAPE).unwrap(), &[0]);
}
