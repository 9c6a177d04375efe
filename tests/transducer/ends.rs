//! Where prefixes end: after the last frame, at rows that are impossible or invalid, and where
//! tokens become definite; and how results are ranked.

use widebeam::reference::log_add;
use widebeam::reference::transducer::{Invalid, Topology};
use widebeam::scorers::Unscored;

use crate::cases::{self, DURATIONS};
use crate::table::{BLANK, NO, STANDARD, Table, found, settings, tdt, tokens};

#[test]
fn the_last_symbol_may_go_beyond_the_end() {
    let row = [NO, -1.0, -0.5, -2.0];
    let mut table = Table::new(&[], &row);
    let best = found(&mut table, &settings(4, tdt(&[2, 7])), 3);
    // In frames 0 and 2, the second of any duration; or at once beyond the end.
    assert_eq!(tokens(&best), [&[1, 1][..], &[1]]);
    assert_eq!(
        (&best[0].frames[..], &best[0].durations[..]),
        (&[0, 2][..], &[2, 2][..])
    );
    assert_eq!(
        (&best[1].frames[..], &best[1].durations[..]),
        (&[0][..], &[7][..])
    );
    assert_eq!(best[0].log_mass, log_add(-3.0, -4.5));
    assert_eq!(best[1].log_mass, -3.0);
    // Frame 1 had no prefix.
    assert_eq!(table.asked, [(0, vec![]), (2, vec![1])]);
}

#[test]
fn an_invalid_score_fails_the_utterance_if_its_row_is_asked_for() {
    let invalid = |frame, prefix: &[u32], place| {
        Err(Invalid {
            frame,
            prefix: prefix.to_vec(),
            place,
        })
    };
    for value in [f32::NAN, f32::INFINITY, 0.002] {
        let mut table = Table::new(
            &[
                (0, &[], &[-1.0, -0.5, NO, NO]),
                (0, &[1], &[0.0, NO, value, value]),
            ],
            &[0.0, NO, NO, NO],
        );
        let failed = table.search(&settings(1, STANDARD), 2, &Unscored);
        assert_eq!(failed, invalid(0, &[1], 2));
        // Here [1] is never in frame 0.
        let found = table.search(&settings(1, Topology::OneSymbol), 2, &Unscored);
        assert!(found.is_ok());
        let mut table = Table::new(&[(0, &[], &[-1.0, NO, -0.5, value])], &[]);
        let failed = table.search(&settings(1, tdt(&[1, 2])), 1, &Unscored);
        assert_eq!(failed, invalid(0, &[], 3));
    }
}

#[test]
fn rows_without_a_possible_token_end_their_prefixes() {
    for topology in [STANDARD, Topology::OneSymbol] {
        let mut table = Table::new(
            &[(0, &[], &[-1.0, -1.0, NO, NO]), (1, &[1], &[NO; 4])],
            &[-1.0, NO, NO, NO],
        );
        let settings = settings(4, topology);
        assert_eq!(tokens(&found(&mut table, &settings, 2)), [&[0u32; 0][..]]);
        let mut table = Table::new(&[(0, &[], &[-1.0, -1.0, NO, NO])], &[NO; 4]);
        assert!(found(&mut table, &settings, 4).is_empty());
        assert!(table.asked.iter().all(|(frame, _)| *frame < 2));
    }
}

#[test]
fn results_are_ranked_by_what_is_asked_for_and_cut_last() {
    for case in cases::mixed(401, 12) {
        let mut settings = case.settings();
        for beams in [1, 2, 5, cases::OPEN] {
            settings.beams = beams;
            (settings.nbest, settings.divide_by_length) = (usize::MAX, false);
            let mut expected = case.search(&settings, &Unscored).unwrap();
            assert!(expected.len() <= beams);
            settings.divide_by_length = true;
            for h in &mut expected {
                h.score /= (h.tokens.len() + 1) as f64;
            }
            expected.sort_by(|a, b| b.score.total_cmp(&a.score));
            assert_eq!(case.search(&settings, &Unscored).unwrap(), expected);
            settings.nbest = 2;
            expected.truncate(2);
            assert_eq!(case.search(&settings, &Unscored).unwrap(), expected);
        }
    }
}

#[test]
fn old_tokens_of_the_best_prefix_become_definite() {
    let rows: [(usize, &[u32], &[f32]); 1] = [(0, &[], &[NO, -1.0, -1.5, NO])];
    let mut settings = settings(2, Topology::OneSymbol);
    settings.commit_delay = Some(2);
    for (frames, left) in [(2, 2), (3, 2), (4, 1), (5, 1)] {
        let found = found(&mut Table::new(&rows, &BLANK), &settings, frames);
        assert_eq!(tokens(&found), [&[1][..], &[2]][..left]);
    }
    // Nothing has arrived at frame 2 after two frames; all waits in frames 3 and 5.
    settings.topology = tdt(&[3, 5]);
    settings.commit_delay = Some(1);
    let rows: [(usize, &[u32], &[f32]); 1] = [(0, &[], &[NO, -1.0, -1.5, -1.0, -1.0])];
    for (frames, left) in [(1, 2), (2, 1)] {
        let found = found(&mut Table::new(&rows, &[]), &settings, frames);
        assert_eq!(tokens(&found), [&[1][..], &[2]][..left]);
        assert_eq!(found[0].log_mass, -2.0 + std::f64::consts::LN_2);
    }
}

/// What the beam of the next frame has no room for is gone with what is not definite, so it
/// does not join what waits for later frames.
#[test]
fn a_commit_cuts_the_bucket_of_the_next_frame() {
    let rows: [(usize, &[u32], &[f32]); 2] = [
        (0, &[], &[NO, -1.0, NO, 0.0, -1.0625]),
        (1, &[1], &[-2.0, NO, -1.0, 0.0, NO]),
    ];
    let mut settings = settings(1, tdt(&[1, 3]));
    let joined = found(&mut Table::new(&rows, &[]), &settings, 2);
    assert_eq!(tokens(&joined), [&[1]]);
    assert_eq!(joined[0].log_mass, log_add(-3.0, -2.0625));
    settings.commit_delay = Some(1);
    let cut = found(&mut Table::new(&rows, &[]), &settings, 2);
    assert_eq!(tokens(&cut), [&[1, 2]]);
}

#[test]
fn a_delay_as_long_as_the_input_changes_nothing() {
    for durations in DURATIONS {
        for case in cases::tdt(402, 12, durations) {
            let mut settings = case.settings();
            settings.beams = 3;
            let expected = case.search(&settings, &Unscored);
            settings.commit_delay = Some(case.frames.max(1));
            assert_eq!(case.search(&settings, &Unscored), expected);
        }
    }
}
