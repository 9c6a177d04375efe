//! What the outline of the algorithm leaves open about ties, thresholds and sums, by examples
//! that are exact.

use widebeam::reference::log_add;
use widebeam::reference::transducer::Topology;

use crate::random::Random;
use crate::table::{BLANK, NO, STANDARD, Table, found, settings, tdt, tokens};

#[test]
fn an_emission_equal_to_the_last_of_a_full_beam_goes_on() {
    for (token, goes_on) in [(-1.0, true), (f32::next_down(-1.0), false), (-0.5, true)] {
        let mut table = Table::new(&[(0, &[], &[-1.0, token, NO, NO])], &BLANK);
        found(&mut table, &settings(1, STANDARD), 1);
        assert_eq!(table.asked.contains(&(0, vec![1])), goes_on, "{token}");
    }
    // Nothing is too bad for a beam that is not full.
    let mut table = Table::new(&[(0, &[], &[-1.0, -90.0, NO, NO])], &BLANK);
    assert_eq!(
        tokens(&found(&mut table, &settings(2, STANDARD), 1)),
        [&[][..], &[1]]
    );
}

/// In frame 1 the prefix [1] leaves with -3 at stage 0, and with -3 again after its emission:
/// with -3 + ln 2. So the second of the beam is [1, 1] with -2.5.
#[test]
fn the_last_of_a_full_beam_has_the_mass_of_all_stages_so_far() {
    for (token, goes_on) in [(-0.0, true), (-0.25, false)] {
        let rows: [(usize, &[u32], &[f32]); 5] = [
            (0, &[], &[-1.0, -2.0, NO, NO]),
            (0, &[1], &BLANK),
            (1, &[], &[-9.0, -1.0, NO, NO]),
            (1, &[1], &[-1.0, -0.5, NO, NO]),
            (1, &[1, 1], &[0.0, token, NO, NO]),
        ];
        let mut table = Table::new(&rows, &BLANK);
        let settings = settings(2, Topology::Standard { max_symbols: 2 });
        found(&mut table, &settings, 2);
        let asked = table.asked.contains(&(1, vec![1, 1, 1]));
        assert_eq!(asked, goes_on, "{token}");
    }
}

#[test]
fn equal_emissions_go_by_the_rank_of_the_prefix_then_of_the_token() {
    let rows: [(usize, &[u32], &[f32]); 4] = [
        (0, &[], &[-1.0, NO, NO, -1.5]),
        (1, &[], &[-20.0, -3.0, -3.0, NO]),
        (1, &[3], &[-20.0, -2.5, NO, NO]),
        (0, &[3], &BLANK),
    ];
    let mut table = Table::new(&rows, &BLANK);
    found(&mut table, &settings(2, STANDARD), 2);
    let asked: Vec<&[u32]> = table
        .asked
        .iter()
        .filter(|a| a.0 == 1)
        .map(|a| &a.1[..])
        .collect();
    assert_eq!(asked, [&[][..], &[3], &[1], &[2]]);
}

/// [1] is emitted by the empty prefix, of rank 0 in the frame, and is the best emission, of
/// rank 0; [3] has been there before, with rank 1.
#[test]
fn equal_prefixes_go_by_the_rank_they_had_when_they_left() {
    let rows: [(usize, &[u32], &[f32]); 3] = [
        (0, &[], &[-1.0, NO, NO, -1.5]),
        (1, &[], &[-5.0, -2.0, NO, NO]),
        (1, &[3], &[-2.5, NO, NO, NO]),
    ];
    let mut rows = rows.to_vec();
    rows.push((1, &[1], &[-1.0, NO, NO, NO]));
    let mut table = Table::new(&rows, &BLANK);
    let ranked = found(&mut table, &settings(3, STANDARD), 2);
    assert_eq!(tokens(&ranked), [&[1][..], &[3], &[]]);
    assert_eq!(ranked[0].score, ranked[1].score);
    // At the same rank the one that left first, before any token of the frame.
    rows[1] = (1, &[], &[-3.0, -2.0, NO, NO]);
    let mut table = Table::new(&rows, &BLANK);
    let ranked = found(&mut table, &settings(3, STANDARD), 2);
    assert_eq!(tokens(&ranked), [&[][..], &[1], &[3]]);
}

#[test]
fn one_symbol_a_frame_breaks_ties_like_ctc() {
    let rows: [(usize, &[u32], &[f32]); 5] = [
        (0, &[], &[-1.0, -2.0, -2.5, NO]),
        (1, &[], &[-3.0, NO, NO, -3.0]),
        (1, &[1], &[-2.0, NO, NO, NO]),
        (1, &[2], &[-1.5, NO, NO, NO]),
        // Enters [2] too, with a mass that is lost in the sum.
        (1, &[], &[-3.0, NO, -800.0, -3.0]),
    ];
    let settings = settings(4, Topology::OneSymbol);
    let mut table = Table::new(&rows[..4], &BLANK);
    // Source 0: the stay, then the extension; then source 1 and source 2.
    let ranked = found(&mut table, &settings, 2);
    assert!(ranked.iter().all(|h| h.score == -4.0));
    assert_eq!(tokens(&ranked), [&[][..], &[3], &[1], &[2]]);
    // The better source of [2] is now the empty prefix, from which it is carried.
    let mut table = Table::new(&rows, &BLANK);
    let ranked = found(&mut table, &settings, 2);
    assert!(ranked.iter().all(|h| h.score == -4.0));
    assert_eq!(tokens(&ranked), [&[][..], &[2], &[3], &[1]]);
}

#[test]
fn of_equal_alignments_the_first_to_arrive_stays() {
    // [1] in frame 0 or in frame 1; the frame before it costs 1 and so does the one after.
    let mut table = Table::new(
        &[
            (0, &[], &[-1.0, -1.0, NO, NO]),
            (1, &[], &[-1.0, -1.0, NO, NO]),
        ],
        &[-1.0, NO, NO, NO],
    );
    for topology in [STANDARD, Topology::OneSymbol] {
        let found = found(&mut table, &settings(9, topology), 2);
        let one = found.iter().find(|h| h.tokens == [1]).unwrap();
        assert_eq!(one.frames, [0]);
        assert_eq!(one.log_mass, one.alignment_score + std::f64::consts::LN_2);
    }
}

#[test]
fn a_tdt_emission_of_duration_0_is_compared_with_what_leaves_for_the_next_frame() {
    let topology = tdt(&[0, 1]);
    // Tokens, then durations. [1] leaves with -2; that is not better than staying with -2.
    for (zero, goes_on) in [(-1.0, true), (f32::next_down(-1.0), false)] {
        let row = [-5.0, -1.0, zero, -1.0];
        let mut table = Table::new(&[(0, &[], &row)], &[0.0, NO, -1.0, -1.0]);
        found(&mut table, &settings(1, topology.clone()), 1);
        assert_eq!(table.asked.contains(&(0, vec![1])), goes_on, "{zero}");
    }
}

#[test]
fn a_tdt_emission_competes_with_those_of_its_own_duration() {
    // The best token of each duration, in a beam of 1.
    let mut table = Table::new(&[(0, &[], &[-5.0, -0.125, -0.25, -1.0, -3.0])], &[]);
    let best = found(&mut table, &settings(1, tdt(&[1, 2])), 1);
    assert_eq!(tokens(&best), [&[1][..]]);
    assert_eq!(best[0].log_mass, log_add(-1.125, -3.125));
    // The blank of duration 2 keeps the token of duration 2 out, but not that of 1.
    let mut table = Table::new(
        &[
            (0, &[], &[-1.0, -2.0, NO, -0.5, -0.25]),
            (0, &[1], &[NO, NO, NO, 0.0, 0.0]),
        ],
        &[],
    );
    let both = found(&mut table, &settings(1, tdt(&[1, 2])), 1);
    assert_eq!(both[0].log_mass, log_add(-1.5, -1.25));
    // A beam of 2 has room for both.
    let both = found(&mut table, &settings(2, tdt(&[1, 2])), 1);
    assert_eq!(tokens(&both), [&[][..], &[1]]);
    assert_eq!(both[1].log_mass, log_add(-2.5, -2.25));
}

/// Two frames of blanks: into each frame in the order of frames, then of durations; at the
/// end frame by frame.
#[test]
fn masses_are_added_in_the_order_in_which_they_arrive() {
    let mut random = Random::new(601);
    let mut told_apart = [0; 3];
    for _ in 0..50 {
        let [blank, zero, one, two, three] = [(); 5].map(|()| -4.0 * random.unit());
        let row = [blank, NO, zero, one, two, three];
        let mut table = Table::new(&[], &row);
        let found = found(&mut table, &settings(3, tdt(&[0, 1, 2, 3])), 2);
        let step = |mass: f64, duration: f32| (mass + f64::from(duration)) + f64::from(blank);
        let sum = |terms: &[f64]| terms.iter().copied().reduce(log_add).unwrap();
        let first = sum(&[step(0.0, zero), step(0.0, one)]);
        let second = [step(0.0, two), step(first, zero), step(first, one)];
        let third = [step(0.0, three), step(first, two)];
        let fourth = step(first, three);
        let expected = sum(&[sum(&second), sum(&third), fourth]);
        assert_eq!(found[0].log_mass.to_bits(), expected.to_bits());
        let others = [
            sum(&[sum(&second), sum(&[sum(&third), fourth])]),
            sum(&[sum(&[second[1], second[2], second[0]]), sum(&third), fourth]),
            sum(&[second[0], third[0], second[1], second[2], third[1], fourth]),
        ];
        for (count, other) in told_apart.iter_mut().zip(others) {
            *count += usize::from(other != expected);
        }
    }
    assert!(told_apart.iter().all(|&count| count > 0), "{told_apart:?}");
}

/// Two small numbers count beside a large one only where they are added first.
#[test]
fn a_duration_is_added_before_its_symbol() {
    let (small, large) = (-6e-9, -1e8);
    for last in [[large, NO], [NO, large]] {
        let first = [0.0, NO, small, NO];
        let last = [last[0], last[1], small, NO];
        let mut table = Table::new(&[(0, &[], &first), (1, &[], &last)], &[]);
        let found = found(&mut table, &settings(3, tdt(&[1, 2])), 2);
        let [small, large] = [small, large].map(f64::from);
        let expected = (small + small) + large;
        assert!(expected < small + (small + large));
        assert_eq!(found[0].log_mass, expected);
        assert_eq!(found[0].alignment_score, expected);
    }
}
