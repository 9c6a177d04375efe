//! Lists are filled and read back.

use super::*;
use crate::batch::{self, Divide};
use crate::error::{ErrorKind, Kind};

/// Items of so many hypotheses of so many tokens; `None` was refused. Every token
/// is written: item, rank, place.
fn filled(items: &[Option<(usize, usize)>]) -> NBest {
    let mut nbest = NBest::new();
    push(&mut nbest, items);
    nbest.items_mut().for_each(write);
    nbest
}

fn push(nbest: &mut NBest, items: &[Option<(usize, usize)>]) {
    for item in items {
        match *item {
            Some((count, length)) => {
                let scores: Vec<f64> = (0..count).map(|rank| -(rank as f64)).collect();
                nbest.push_item(length, &scores);
            }
            None => nbest.fail_item(Kind::ZeroBeams.into()).unwrap(),
        }
    }
}

fn write(item: usize, rank: usize, tokens: &mut [u32]) {
    for (at, token) in tokens.iter_mut().enumerate() {
        assert_eq!(*token, 0, "written twice");
        *token = (100 * item + 10 * rank + at) as u32 + 1000;
    }
}

const MIXED: [Option<(usize, usize)>; 9] = [
    Some((2, 3)),
    None,
    Some((0, 4)),
    Some((3, 0)),
    Some((1, 1)),
    None,
    Some((4, 2)),
    Some((0, 0)),
    Some((1, 5)),
];

#[track_caller]
fn check(nbest: &NBest, items: &[Option<(usize, usize)>]) {
    assert_eq!(
        (nbest.len(), nbest.is_empty()),
        (items.len(), items.is_empty())
    );
    for (item, expected) in items.iter().enumerate() {
        let Some((count, length)) = *expected else {
            let error = nbest.item(item).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSetting);
            assert_eq!(nbest.best(item).unwrap_err(), error);
            continue;
        };
        let hypotheses = nbest.item(item).unwrap();
        assert_eq!(hypotheses.len(), count, "item {item}");
        let best = nbest.best(item);
        assert_eq!(best.clone().ok(), hypotheses.clone().next());
        if count == 0 {
            let error = best.unwrap_err();
            assert_eq!(
                (error.kind(), error.item()),
                (ErrorKind::NoHypothesis, Some(item))
            );
        }
        for (rank, found) in hypotheses.enumerate() {
            let token = |at| (100 * item + 10 * rank + at) as u32 + 1000;
            assert!(found.tokens.iter().copied().eq((0..length).map(token)));
            assert_eq!(found.score, -(rank as f64));
        }
    }
    let refused = (0..items.len()).filter(|&item| items[item].is_none());
    assert!(nbest.failures().map(|(item, _)| item).eq(refused));
    let counts = items.iter().map(|item| item.unwrap_or((0, 0)));
    let hypotheses: usize = counts.clone().map(|(count, _)| count).sum();
    let tokens: usize = counts.map(|(count, length)| count * length).sum();
    assert_eq!(nbest.scores().len(), hypotheses);
    assert_eq!(nbest.token_ends().len(), hypotheses);
    assert_eq!(nbest.token_ends().last().copied().unwrap_or(0), tokens);
    assert_eq!(nbest.tokens().len(), tokens);
    assert_eq!(nbest.item_ends().len(), items.len());
    assert_eq!(nbest.item_ends().last().copied().unwrap_or(0), hypotheses);
}

#[test]
fn items_with_and_without_hypotheses_and_tokens_come_back_as_they_were_put() {
    for from in 0..MIXED.len() {
        for to in from..=MIXED.len() {
            check(&filled(&MIXED[from..to]), &MIXED[from..to]);
        }
    }
}

#[test]
fn a_list_that_is_used_again_holds_nothing_of_before() {
    let mut nbest = filled(&MIXED);
    for items in [&MIXED[3..], &MIXED[..0], &MIXED[1..3], &MIXED] {
        nbest.clear();
        assert_eq!(nbest, NBest::new());
        push(&mut nbest, items);
        nbest.items_mut().for_each(write);
        check(&nbest, items);
    }
}

#[test]
fn room_is_made_for_all_that_is_pushed() {
    let mut nbest = NBest::new();
    nbest.reserve(6, 11, 34).unwrap();
    let room = |nbest: &NBest| {
        let NBest {
            tokens,
            token_ends,
            scores,
            item_ends,
            ..
        } = nbest;
        [
            tokens.capacity(),
            token_ends.capacity(),
            scores.capacity(),
            item_ends.capacity(),
        ]
    };
    let before = room(&nbest);
    for (room, needed) in before.into_iter().zip([34, 11, 11, 6]) {
        assert!((needed..2 * needed).contains(&room), "{room} for {needed}");
    }
    push(
        &mut nbest,
        &[
            Some((2, 3)),
            Some((4, 5)),
            Some((1, 8)),
            Some((4, 0)),
            Some((0, 1)),
            Some((0, 9)),
        ],
    );
    assert_eq!(room(&nbest), before);
    assert!(
        nbest
            .reserve(usize::MAX, 1, 1)
            .unwrap_err()
            .is_out_of_memory()
    );
}

/// Cut anywhere, and again, the parts write what the whole does.
#[test]
fn tokens_are_written_in_parts_as_in_one() {
    for first in 0..=MIXED.len() {
        for second in first..=MIXED.len() {
            let mut nbest = NBest::new();
            push(&mut nbest, &MIXED);
            let (left, right) = nbest.items_mut().split_at(first);
            assert_eq!((left.len(), right.len()), (first, MIXED.len() - first));
            let (middle, right) = right.split_at(second - first);
            for mut part in [right, left, middle] {
                part.for_each(write);
            }
            check(&nbest, &MIXED);
        }
    }
    let mut nbest = NBest::new();
    push(&mut nbest, &MIXED);
    batch::for_each(nbest.items_mut(), 1, &|mut part: ItemsMut<'_>| {
        part.for_each(write)
    });
    check(&nbest, &MIXED);
}

#[test]
fn iterators_know_what_is_left() {
    let nbest = filled(&MIXED);
    let mut items = nbest.iter();
    for left in (0..=MIXED.len()).rev() {
        assert_eq!((items.len(), items.size_hint()), (left, (left, Some(left))));
        assert_eq!(items.next().is_some(), left > 0);
    }
    assert!(items.next().is_none());
    assert_eq!((&nbest).into_iter().count(), MIXED.len());
    let mut hypotheses = nbest.item(6).unwrap();
    for left in (0..=4).rev() {
        assert_eq!(hypotheses.size_hint(), (left, Some(left)));
        assert_eq!(hypotheses.next().is_some(), left > 0);
    }
    assert!(hypotheses.next().is_none());
}

#[test]
fn a_rank_is_counted_among_those_that_are_left() {
    let nbest = filled(&MIXED);
    let all: Vec<_> = nbest.item(6).unwrap().collect();
    for skipped in 0..=4usize {
        for n in [0, 1, 2, 3, 4, 5, usize::MAX] {
            let mut hypotheses = nbest.item(6).unwrap();
            hypotheses.by_ref().take(skipped).for_each(drop);
            let expected = all.get(skipped.saturating_add(n)).copied();
            assert_eq!(hypotheses.nth(n), expected, "{skipped}, {n}");
            let left = 4usize.saturating_sub(skipped.saturating_add(n).saturating_add(1));
            assert_eq!(hypotheses.len(), left, "{skipped}, {n}");
        }
    }
}

#[test]
fn items_that_are_not_there_panic() {
    let nbest = filled(&MIXED[..2]);
    for item in [2, 3, usize::MAX] {
        let calls: [fn(&NBest, usize); 2] = [
            |nbest, item| drop(nbest.item(item)),
            |nbest, item| drop(nbest.best(item)),
        ];
        for call in calls {
            let panic = std::panic::catch_unwind(|| call(&nbest, item)).unwrap_err();
            let message = panic.downcast_ref::<String>().unwrap();
            let expected = format!("item {item} is out of range: the number of items is 2");
            assert_eq!(*message, expected);
        }
    }
}
