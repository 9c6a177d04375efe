use super::*;

const ROW: [f32; 6] = [-1.0, -0.5, -3.0, f32::NEG_INFINITY, -0.5, -2.0];
const BLANK: u32 = 1;

/// Two rows, each listed down to its third token, the blank counted.
fn lists(kept: bool) -> Lists {
    let mut lists = Lists::default();
    lists.reset(ROW.len(), BLANK);
    for (number, durations) in [(0, &[0.0][..]), (1, &[-1.0, -2.0])] {
        let read = ReadRow {
            row: Data::F32(&ROW),
            kind: ScoreKind::LogProbabilities,
            list: Shortlist {
                tokens: &[1, 4, 0],
                log_probabilities: &[-0.5, -0.5, -1.0],
                normaliser: 0.0,
            },
            lacks: true,
            kept,
            copied: true,
        };
        let list = lists.push(&read, durations.iter().copied()).unwrap();
        assert_eq!(list, number);
    }
    lists
}

#[test]
fn the_blank_is_beside_the_list() {
    let lists = lists(false);
    let [first, second] = [0, 1].map(|number| lists.get(number));
    assert_eq!((first.tokens, first.logs), (&[4, 0][..], &[-0.5, -1.0][..]));
    assert_eq!((first.blank, first.durations), (-0.5, &[0.0][..]));
    assert_eq!(
        (second.tokens, second.durations),
        (&[4, 0][..], &[-1.0, -2.0][..])
    );
    assert_eq!(lists.at(1, 1), (0, -1.0));
    assert!(!lists.lacks(0) && lists.values.is_empty());
}

/// Those that matter follow in order; the blank and impossible tokens never do.
#[test]
fn more_tokens_follow_as_far_as_they_matter() {
    let mut lists = lists(true);
    lists.list_more(0, None, |log| log > -0.75).unwrap();
    assert_eq!(lists.get(0).tokens, [4, 0]);
    lists.list_more(0, None, |log| log > -2.5).unwrap();
    assert_eq!(lists.get(0).tokens, [4, 0, 5]);
    assert!(lists.lacks(0));
    for _ in 0..2 {
        lists.list_more(0, None, |_| true).unwrap();
        assert_eq!(lists.get(0).tokens, [4, 0, 5, 2]);
        assert_eq!(lists.get(0).logs, [-0.5, -1.0, -2.0, -3.0]);
    }
    // The other is as it was.
    assert_eq!(
        (lists.get(1).tokens, lists.get(1).durations),
        (&[4, 0][..], &[-1.0, -2.0][..])
    );
    lists.clear();
    assert_eq!((lists.tokens.len(), lists.values.len()), (0, 0));
}

#[test]
fn a_row_that_was_not_kept_has_no_more() {
    let mut lists = lists(false);
    lists.list_more(1, None, |_| true).unwrap();
    assert_eq!(lists.get(1).tokens, [4, 0]);
}

#[test]
fn more_tokens_of_a_row_that_was_not_copied_are_read_from_it() {
    let mut lists = Lists::default();
    lists.reset(ROW.len(), BLANK);
    let read = ReadRow {
        row: Data::F32(&ROW),
        kind: ScoreKind::LogProbabilities,
        list: Shortlist {
            tokens: &[1, 4],
            log_probabilities: &[-0.5, -0.5],
            normaliser: 0.0,
        },
        lacks: true,
        kept: true,
        copied: false,
    };
    lists.push(&read, [0.0].into_iter()).unwrap();
    assert!(lists.lacks(0) && lists.values.is_empty());
    lists
        .list_more(0, Some(Data::F32(&ROW)), |log| log > -2.5)
        .unwrap();
    assert_eq!(lists.get(0).tokens, [4, 0, 5]);
    assert_eq!(lists.get(0).logs, [-0.5, -1.0, -2.0]);
}

#[test]
fn tokens_of_a_row_that_was_scanned_are_listed_later() {
    let mut lists = Lists::default();
    lists.reset(ROW.len(), BLANK);
    let source = Source {
        row: Data::F32(&ROW),
        kind: ScoreKind::LogProbabilities,
        normaliser: 0.0,
    };
    let first = lists.push_scanned(&source, Some(-0.5)).unwrap();
    let second = lists.push_scanned(&source, None).unwrap();
    for (number, best) in [(first, Some(-0.5)), (second, None)] {
        let list = lists.get(number);
        assert!(list.tokens.is_empty() && !lists.lacks(number));
        assert_eq!((list.blank, lists.best(number)), (-0.5, best));
    }
    lists
        .list_scanned(first, &[1, 4, 0], &[-0.5, -0.5, -1.0])
        .unwrap();
    for (number, tokens) in [(first, &[4, 0][..]), (second, &[])] {
        let list = lists.get(number);
        assert_eq!((list.tokens, list.durations), (tokens, &[0.0][..]));
    }
    assert_eq!(lists.get(first).logs, [-0.5, -1.0]);
}
