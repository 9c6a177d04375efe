//! The engine on utterances whose answers are worked out by hand.

use widebeam::ScoreKind::{LogProbabilities, Logits, Probabilities};
use widebeam::scorers::Vocabulary;
use widebeam::transducer::{Blank, LengthNormalisation, Topology};

use crate::driver::{Driver, Found};
use crate::toys::{NO, Toy, search, tdt};

/// The most symbols of a frame where there is no limit in effect.
const MANY: usize = 100;

/// What a decoder does that takes the best symbol at every turn, and the best duration.
fn greedy(
    row: impl Fn(usize, &[u32]) -> Vec<f32>,
    frames: usize,
    vocab: usize,
    topology: &Topology,
) -> (Vec<u32>, Vec<u32>) {
    let best = |scores: &[f32]| {
        let largest = scores.iter().copied().fold(NO, f32::max);
        scores.iter().position(|&score| score == largest).unwrap()
    };
    let (mut tokens, mut at) = (Vec::new(), Vec::new());
    let mut frame = 0;
    while frame < frames {
        let row = row(frame, &tokens);
        let token = best(&row[..vocab]) as u32;
        if token != 0 {
            tokens.push(token);
            at.push(frame as u32);
        }
        let duration = match topology {
            Topology::Standard { .. } => 0,
            Topology::Tdt { durations, .. } => durations[best(&row[vocab..])],
            _ => 1,
        };
        // A blank goes on one frame at least.
        frame += duration.max(u32::from(token == 0)) as usize;
    }
    (tokens, at)
}

/// Where a model is sure of every symbol, one beam does what a greedy decoder does.
#[test]
fn one_beam_is_greedy_where_the_model_is_sure() {
    let vocab = 20;
    let max_symbols = MANY;
    for topology in [
        Topology::Standard { max_symbols },
        Topology::OneSymbol,
        Topology::Tdt {
            durations: vec![0, 1, 2, 4],
            max_symbols,
        },
    ] {
        let mut driver = Driver::new(search(vocab, 1, &topology));
        let columns = driver.search.columns();
        let mut tokens = 0;
        for utterance in 1..30 {
            let toy = Toy {
                utterance,
                columns,
                spread: 30_000.0,
            };
            // At most two tokens a frame.
            let row = |frame, prefix: &[u32]| {
                let mut row = toy.row(frame, prefix);
                let turn = frame + prefix.len() + utterance as usize;
                row[0] = if turn % 3 == 2 { 60_000.0 } else { -1.0 };
                row
            };
            let id = driver.search.admit(12).unwrap();
            driver.run(Logits, |_, frame, prefix| row(frame, prefix));
            let expected = greedy(row, 12, vocab, &topology);
            let best = &driver.outcome(id)[0];
            assert_eq!(
                (&best.0, &best.1),
                (&expected.0, &expected.1),
                "{topology:?}"
            );
            tokens += expected.0.len();
        }
        assert!(tokens > 100, "{tokens}");
    }
}

/// Two frames, one token: the paths of each labelling, added up by hand.
#[test]
fn masses_are_the_sums_of_all_alignments() {
    let rows = |frame: usize, prefix: &[u32]| match (frame, prefix.len()) {
        (0, 0) => vec![0.5f32, 0.5],
        (0, 1) => vec![0.75, 0.25],
        (1, 0) => vec![0.25, 0.75],
        (1, 1) => vec![0.5, 0.5],
        _ => vec![1.0, 0.0],
    };
    let run = |topology: Topology| {
        let mut driver = Driver::new(search(2, 9, &topology));
        let id = driver.search.admit(2).unwrap();
        driver.run(Probabilities, |_, frame, prefix| rows(frame, prefix));
        driver.outcome(id)
    };
    let mass = |found: &Found| f64::from_bits(found.3[1]).exp();
    let alignment = |found: &Found| f64::from_bits(found.3[2]).exp();
    let of = |found: &[Found], length: usize| {
        let hypothesis = found.iter().find(|found| found.0.len() == length);
        hypothesis.cloned().unwrap()
    };
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} {b}");

    let found = run(Topology::Standard { max_symbols: 1 });
    close(mass(&of(&found, 0)), 0.5 * 0.25);
    // In frame 0: token, blank; then blank. In frame 1: blank; then token, blank.
    close(mass(&of(&found, 1)), 0.5 * 0.75 * 0.5 + 0.5 * 0.75 * 0.5);
    close(alignment(&of(&found, 1)), 0.1875);
    // Of two that are equal the first to arrive: the prefix itself left by the blank first.
    assert_eq!(of(&found, 1).1, [0]);
    close(mass(&of(&found, 2)), 0.5 * 0.75 * 0.5);
    assert_eq!(of(&found, 2).1, [0, 1]);

    let found = run(Topology::OneSymbol);
    close(mass(&of(&found, 1)), 0.5 * 0.5 + 0.5 * 0.75);
    close(alignment(&of(&found, 1)), 0.375);
    assert_eq!((of(&found, 1).1, of(&found, 1).2), (vec![1], vec![1]));
}

/// Durations of 0, 1 and 2, and an alignment that goes beyond the last frame.
#[test]
fn durations_take_tokens_and_blanks_to_later_frames() {
    let mut driver = Driver::new(search(2, 9, &tdt(&[0, 1, 2])));
    let id = driver.search.admit(2).unwrap();
    let tokens = |prefix: &[u32]| {
        if prefix.is_empty() {
            [0.5, 0.5]
        } else {
            [1.0, 0.0]
        }
    };
    driver.run(Probabilities, |_, _, prefix| {
        [&tokens(prefix)[..], &[0.25, 0.25, 0.5]].concat()
    });
    let found = driver.outcome(id);
    let mass = |found: &Found| f64::from_bits(found.3[1]).exp();
    // Blanks: by 1 and 1 (of which 0 counts as 1), by 1 and 2, or by 2.
    let nothing = 0.5 * 0.5 * 0.5 * 0.5 + 0.5 * 0.5 * 0.5 * 0.5 + 0.5 * 0.5;
    let empty = found.iter().find(|found| found.0.is_empty()).unwrap();
    assert!((mass(empty) - nothing).abs() < 1e-12);
    // All other mass is that of the one token.
    let one = found.iter().find(|found| found.0.len() == 1).unwrap();
    assert!((mass(one) - (1.0 - nothing)).abs() < 1e-12);
    assert_eq!((&one.1[..], &one.2[..]), (&[0][..], &[2][..]));
}

/// The prefix `b` stays at rank 2 and is entered from rank 0, by so little that its mass does
/// not change; it ties with `aa`, whose source has rank 1.
#[test]
fn of_equals_the_one_with_the_better_source_comes_first() {
    let mut driver = Driver::new(search(3, 3, &Topology::OneSymbol));
    let id = driver.search.admit(2).unwrap();
    driver.run(LogProbabilities, |_, frame, prefix| match (frame, prefix) {
        (0, _) => vec![-1.0, -1.5, -2.0],
        (_, []) => vec![-0.25, NO, -900.0],
        (_, [1]) => vec![NO, -1.0, NO],
        _ => vec![-0.5, NO, NO],
    });
    let found = driver.outcome(id);
    let tokens: Vec<&[u32]> = found.iter().map(|found| &found.0[..]).collect();
    assert_eq!(tokens, [&[][..], &[2], &[1, 1]]);
    assert_eq!(found[1].3[1], found[2].3[1]);
}

#[test]
fn lengths_divide_scores_and_the_list_is_cut() {
    let rows = |frame: usize, prefix: &[u32]| match (frame, prefix.len()) {
        (0, 0) => vec![0.6f32, 0.4],
        _ => vec![1.0, 0.0],
    };
    for (normalisation, first) in [
        (LengthNormalisation::None, 0),
        (LengthNormalisation::PerToken, 1),
    ] {
        let search = search(2, 4, &Topology::OneSymbol);
        let search = search.with_length_normalisation(normalisation);
        let mut driver = Driver::new(search.with_nbest(1).unwrap());
        let id = driver.search.admit(1).unwrap();
        driver.run(Probabilities, |_, frame, prefix| rows(frame, prefix));
        let found = driver.outcome(id);
        assert_eq!((found.len(), found[0].0.len()), (1, first));
        let [score, mass, ..] = found[0].3.map(f64::from_bits);
        assert_eq!(score, mass / (first as f64 + 1.0));
    }
}

#[test]
fn words_have_the_frames_of_their_tokens() {
    let vocabulary = Vocabulary::new(&["", "\u{2581}so", "me", "\u{2581}one"], Some(Blank(0)));
    let mut driver = Driver::new(search(4, 2, &tdt(&[1, 2])));
    let id = driver.search.admit(6).unwrap();
    let spoken = [(0, 1), (2, 2), (4, 3)];
    driver.run(Probabilities, |_, frame, prefix| {
        let token = spoken.get(prefix.len()).filter(|next| next.0 == frame);
        let token = token.map_or(0, |next| next.1);
        let mut row = vec![0.0f32; 6];
        row[token] = 1.0;
        row[4 + usize::from(token != 0)] = 1.0;
        row
    });
    let outcome = driver.search.outcome(id).unwrap().unwrap();
    let best = outcome.best().unwrap();
    let words = vocabulary.words(best.tokens).unwrap();
    let heard: Vec<_> = words
        .iter()
        .map(|word| (&*word.text, best.word_frames(word).unwrap()))
        .collect();
    assert_eq!(heard, [("some", 0..=3), ("one", 4..=5)]);
}
