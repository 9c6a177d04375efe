//! The transducer search as a caller sees it: by hand, in any arrangement, and on bad input.

#[path = "support/random.rs"]
mod random;
#[path = "support/transducer.rs"]
mod transducer;

use half::{bf16, f16};
use random::Random;
use transducer::{Driver, Found, all_found};
use widebeam::ScoreKind::{LogProbabilities, Logits, Probabilities};
use widebeam::scorers::{Scorer, Vocabulary};
use widebeam::transducer::{
    Blank, Emitted, LengthNormalisation, RequestId, Topology, TransducerSearch,
};
use widebeam::{ErrorKind, Level, ScoreKind, ScoresView, half};

const NO: f32 = f32::NEG_INFINITY;

fn topologies() -> [Topology; 3] {
    [
        Topology::Standard { max_symbols: 3 },
        Topology::OneSymbol,
        tdt(&[0, 1, 2, 4]),
    ]
}

fn tdt(durations: &[u32]) -> Topology {
    Topology::Tdt {
        durations: durations.to_vec(),
        max_symbols: 3,
    }
}

fn search(vocab: usize, beams: usize, topology: &Topology) -> TransducerSearch {
    let search = TransducerSearch::new(vocab, Blank(0), beams).unwrap();
    search.with_topology(topology.clone()).unwrap()
}

/// A model with state: any scores, from a hash of the utterance, the frame and the last two
/// tokens.
#[derive(Clone, Copy)]
struct Toy {
    utterance: u64,
    columns: usize,
    /// How far scores lie apart.
    spread: f32,
}

impl Toy {
    fn row(&self, frame: usize, prefix: &[u32]) -> Vec<f32> {
        let recent = &prefix[prefix.len().saturating_sub(2)..];
        let seed = recent.iter().fold(
            self.utterance * 1_000_003 + frame as u64 * 7919 + 1,
            |seed, &token| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(token + 1),
        );
        let mut random = Random::new(seed | 1);
        for _ in 0..4 {
            random.bits();
        }
        (0..self.columns)
            .map(|_| self.spread * random.unit())
            .collect()
    }
}

// By hand.

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

// In any arrangement.

const VOCAB: usize = 90;
const FRAMES: [usize; 7] = [9, 0, 14, 1, 7, 12, 3];

fn toys(columns: usize) -> Vec<Toy> {
    let toy = |utterance| Toy {
        utterance,
        columns,
        spread: 9.0,
    };
    (1..=FRAMES.len() as u64).map(toy).collect()
}

/// The hypotheses of all utterances, which come `together` at a time, their frames in chunks
/// (all at once for 0).
fn decode(topology: &Topology, level: Level, together: usize, chunk: usize) -> Vec<Vec<Found>> {
    let search = search(VOCAB, 6, topology).with_level(level).unwrap();
    let mut driver = Driver::new(search);
    let toys = toys(driver.search.columns());
    let mut ids: Vec<RequestId> = Vec::new();
    let mut given: Vec<usize> = Vec::new();
    while ids.len() < FRAMES.len() || !driver.search.is_idle() {
        let running = ids.len() - driver.search.finished().len();
        if running < together && ids.len() < FRAMES.len() {
            let frames = FRAMES[ids.len()];
            ids.push(match chunk {
                0 => driver.search.admit(frames).unwrap(),
                _ => driver.search.admit_stream().unwrap(),
            });
            given.push(if chunk == 0 { frames } else { 0 });
        }
        let joiner = |id, frame, prefix: &[u32]| {
            let utterance = ids.iter().position(|&other| other == id).unwrap();
            toys[utterance].row(frame, prefix)
        };
        if driver.step(Logits, joiner).unwrap() {
            continue;
        }
        for (at, &id) in ids.iter().enumerate().filter(|_| chunk > 0) {
            let more = chunk.min(FRAMES[at] - given[at]);
            if more > 0 {
                driver.search.add_frames(id, more).unwrap();
                given[at] += more;
            } else {
                driver.search.end(id).unwrap();
            }
        }
    }
    ids.into_iter().map(|id| driver.outcome(id)).collect()
}

#[test]
fn bits_do_not_depend_on_threads_levels_neighbours_or_chunks() {
    for topology in topologies() {
        let expected = decode(&topology, Level::best(), 1, 0);
        assert!(expected.iter().all(|found| !found.is_empty()));
        assert_eq!(expected[1], [(vec![], vec![], vec![], [0; 4])]);
        for threads in [1, 2, 4] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            let pool = pool.build().unwrap();
            for level in Level::available() {
                for (together, chunk) in [(1, 0), (7, 0), (3, 1), (7, 2), (2, 100)] {
                    let found = pool.install(|| decode(&topology, level, together, chunk));
                    let case = format!("{topology:?} {threads} {level} {together} {chunk}");
                    assert_eq!(found, expected, "{case}");
                }
            }
        }
    }
}

/// Of many utterances, so that several threads take a share.
#[test]
fn a_wide_batch_is_the_same_on_any_number_of_threads() {
    for topology in topologies() {
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let mut driver = Driver::new(search(VOCAB, 8, &topology));
                let columns = driver.search.columns();
                let admit = |_| driver.search.admit(4).unwrap();
                let ids: Vec<RequestId> = (0..100).map(admit).collect();
                driver.run(Logits, |id, frame, prefix| {
                    let utterance = ids.binary_search(&id).unwrap() as u64 + 1;
                    let spread = 7.0;
                    let toy = Toy {
                        utterance,
                        columns,
                        spread,
                    };
                    toy.row(frame, prefix)
                });
                let found: Vec<_> = ids.iter().map(|&id| driver.outcome(id)).collect();
                found
            })
        };
        assert_eq!(run(1), run(4));
    }
}

/// Scores of 16 bits are read as they are, and strided rows in place.
#[test]
fn types_and_layouts_of_scores() {
    let toy = Toy {
        utterance: 5,
        columns: VOCAB + 4,
        spread: 9.0,
    };
    let run = |write: &dyn Fn(&mut TransducerSearch, &[f32])| {
        let mut driver = Driver::new(search(VOCAB, 5, &tdt(&[0, 1, 2, 4])));
        let id = driver.search.admit(8).unwrap();
        loop {
            let rows = driver.predict();
            if rows.is_empty() {
                break;
            }
            let rounded = |value: f32| bf16::from_f32(f16::from_f32(value).to_f32()).to_f32();
            let scores: Vec<f32> = rows
                .iter()
                .flat_map(|(_, frame, prefix)| toy.row(*frame, prefix))
                .map(rounded)
                .collect();
            write(&mut driver.search, &scores);
        }
        driver.outcome(id)
    };
    let columns = toy.columns;
    let expected = run(&|search, scores| {
        let shape = [scores.len() / columns, columns];
        let view = ScoresView::logits(scores, shape).unwrap();
        search.advance(&view).unwrap();
    });
    let halves = run(&|search, scores| {
        let scores: Vec<f16> = scores.iter().map(|&score| f16::from_f32(score)).collect();
        let shape = [scores.len() / columns, 1, columns];
        let view = ScoresView::logits(&scores, shape).unwrap();
        search.advance(&view).unwrap();
    });
    let strided = run(&|search, scores| {
        let mut wide = Vec::new();
        for row in scores.chunks(columns) {
            wide.extend(row.iter().map(|&score| bf16::from_f32(score)));
            wide.extend([bf16::NAN; 3]);
        }
        let shape = [1, scores.len() / columns, columns];
        let layout = widebeam::Layout::strided(shape, [0, columns + 3]);
        let view = ScoresView::logits(&wide, layout).unwrap();
        search.advance(&view).unwrap();
    });
    assert_eq!(halves, expected);
    assert_eq!(strided, expected);
}

// Between the steps.

fn toy(search: &TransducerSearch, utterance: u64) -> Toy {
    Toy {
        utterance,
        columns: search.columns(),
        spread: 9.0,
    }
}

/// Slots are no more than hypotheses need at a time, however many utterances there are.
#[test]
fn slots_come_again() {
    for topology in topologies() {
        let mut driver = Driver::new(search(VOCAB, 4, &topology));
        let mut steps = 0;
        for utterance in 1..40 {
            let toy = toy(&driver.search, utterance);
            let id = driver.search.admit(10).unwrap();
            while !driver.search.is_idle() {
                steps += driver.search.feed().predictor_steps().len();
                let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
                driver.step(Logits, joiner).unwrap();
            }
            assert!(driver.search.remove(id));
        }
        // Those of the beam, of its parents, and of what waits or is emitted in a frame.
        let slots = driver.search.feed().slots();
        assert!(slots <= 64 && steps > 600, "{topology:?}: {slots}, {steps}");
    }
}

/// A step that is given up is begun again, in slots that may be others.
#[test]
fn an_abandoned_step_changes_nothing() {
    for topology in topologies() {
        let run = |abandon: usize| {
            let mut driver = Driver::new(search(VOCAB, 4, &topology));
            let toy = toy(&driver.search, 3);
            let id = driver.search.admit(8).unwrap();
            let mut steps = 0;
            loop {
                steps += 1;
                if abandon > 0 && steps % abandon == 0 {
                    driver.predict();
                    driver.search.abandon_step();
                }
                let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
                if !driver.step(Logits, joiner).unwrap() {
                    break driver.outcome(id);
                }
            }
        };
        let expected = run(0);
        assert_eq!((run(1), run(2)), (expected.clone(), expected));
    }
}

/// Finished after any step, an utterance has what it would have with the frames that are
/// complete; and so it has while it runs on.
#[test]
fn finishing_is_ending_after_the_last_complete_frame() {
    for topology in topologies() {
        let whole = |frames| {
            let mut driver = Driver::new(search(VOCAB, 5, &topology));
            let toy = toy(&driver.search, 8);
            let id = driver.search.admit(frames).unwrap();
            driver.run(Logits, |_, frame, prefix| toy.row(frame, prefix));
            driver.outcome(id)
        };
        let expected: Vec<_> = (0..=6).map(whole).collect();
        for steps in 0..30 {
            let mut driver = Driver::new(search(VOCAB, 5, &topology));
            let toy = toy(&driver.search, 8);
            let id = driver.search.admit_stream().unwrap();
            driver.search.add_frames(id, 6).unwrap();
            let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
            for _ in 0..steps {
                driver.step(Logits, joiner).unwrap();
                let frames = driver.search.frames(id).unwrap();
                let current = all_found(driver.search.current(id).unwrap());
                assert_eq!(current, expected[frames], "{topology:?} {steps}");
            }
            let frames = driver.search.frames(id).unwrap();
            // Also in the middle of a step, whose scores then are not looked at.
            let rows = driver.predict();
            driver.search.finish(id).unwrap();
            assert_eq!(driver.outcome(id), expected[frames], "{topology:?} {steps}");
            assert_eq!(driver.search.finished(), [id]);
            if !rows.is_empty() {
                let scores = vec![f32::NAN; rows.len() * driver.search.columns()];
                let shape = [rows.len(), driver.search.columns()];
                let view = ScoresView::logits(&scores, shape).unwrap();
                driver.search.advance(&view).unwrap();
            }
            assert_eq!(driver.outcome(id), expected[frames]);
            driver.search.finish(id).unwrap();
            driver.search.end(id).unwrap();
            assert_eq!(
                (driver.search.feed().rows(), driver.search.finished()),
                (0, &[id][..])
            );
        }
    }
}

/// Requests come and go in the middle of a step, and the others do not notice.
#[test]
fn what_comes_and_goes_in_a_step_changes_no_neighbour() {
    for topology in topologies() {
        let mut driver = Driver::new(search(VOCAB, 4, &topology));
        let toy = toy(&driver.search, 11);
        let mut random = Random::new(99);
        let kept = driver.search.admit(20).unwrap();
        let mut others = Vec::new();
        while driver.search.outcome(kept).unwrap().is_none() {
            let rows = driver.predict();
            match random.below(3) {
                0 => others.push(driver.search.admit(random.below(9)).unwrap()),
                1 if !others.is_empty() => {
                    let id = others.swap_remove(random.below(others.len()));
                    assert!(driver.search.remove(id));
                    assert!(!driver.search.remove(id));
                    assert!(driver.search.outcome(id).is_err());
                }
                _ => {}
            }
            let scores: Vec<f32> = rows
                .iter()
                .flat_map(|(_, frame, prefix)| toy.row(*frame, prefix))
                .collect();
            let shape = [rows.len(), driver.search.columns()];
            let view = ScoresView::logits(&scores, shape).unwrap();
            driver.search.advance(&view).unwrap();
        }
        let mut alone = Driver::new(search(VOCAB, 4, &topology));
        let id = alone.search.admit(20).unwrap();
        alone.run(Logits, |_, frame, prefix| toy.row(frame, prefix));
        assert_eq!(driver.outcome(kept), alone.outcome(id));
    }
}

/// What is stable is taken while frames come, and the rest is what it would be.
#[test]
fn stable_tokens_are_the_beginning_of_the_answer() {
    for topology in topologies() {
        for delay in [None, Some(3)] {
            let search = search(VOCAB, 4, &topology);
            let mut driver = Driver::new(search.with_commit_delay(delay).unwrap());
            let toy = toy(&driver.search, 4);
            let ids = [(); 2].map(|()| driver.search.admit(60).unwrap());
            let mut emitted = Emitted::new();
            let joiner = |_, frame, prefix: &[u32]| toy.row(frame, prefix);
            while driver.step(Logits, joiner).unwrap() {
                let before = emitted.clone();
                driver.search.take_stable(ids[0], &mut emitted).unwrap();
                assert!(emitted.tokens.starts_with(&before.tokens));
                let stable = driver.search.stable(ids[0]).unwrap();
                assert!(stable.tokens.is_empty());
            }
            if delay.is_some() {
                assert!(emitted.tokens.len() > 10, "{}", emitted.tokens.len());
            }
            let [taken, whole] = ids.map(|id| driver.outcome(id));
            assert_eq!(taken.len(), whole.len());
            for (taken, whole) in taken.into_iter().zip(whole) {
                assert_eq!([&emitted.tokens[..], &taken.0].concat(), whole.0);
                assert_eq!([&emitted.frames[..], &taken.1].concat(), whole.1);
                assert_eq!([&emitted.durations[..], &taken.2].concat(), whole.2);
                assert_eq!(taken.3, whole.3);
            }
        }
    }
}

// Scorers.

/// Favours some tokens, the same however far they stand; more after themselves.
struct Favours {
    boost: f64,
    bounded: bool,
}

impl Scorer for Favours {
    type State = Option<u32>;

    fn start(&self) -> Option<u32> {
        None
    }

    fn score(&self, last: &Option<u32>, token: u32) -> f64 {
        match token % 7 {
            0 if *last == Some(token) => self.boost,
            1 => f64::NEG_INFINITY,
            rest => f64::from(rest) / -8.0,
        }
    }

    fn advance(&self, _: &Option<u32>, token: u32) -> Option<u32> {
        Some(token)
    }

    fn finish(&self, last: &Option<u32>) -> f64 {
        if last.is_some() { -0.5 } else { 0.0 }
    }

    fn max_score(&self, _: &Option<u32>) -> f64 {
        if self.bounded {
            self.boost
        } else {
            f64::INFINITY
        }
    }
}

/// Each token counts once, in each topology; what is forbidden does not come back.
#[test]
fn a_scorer_counts_once_for_each_token_and_once_at_the_end() {
    for topology in topologies() {
        let scorer = Favours {
            boost: 4.0,
            bounded: true,
        };
        let mut driver = Driver::new(search(VOCAB, 6, &topology).with_scorer(scorer));
        let toy = Toy {
            utterance: 21,
            columns: driver.search.columns(),
            spread: 6.0,
        };
        let id = driver.search.admit(12).unwrap();
        driver.run(Logits, |_, frame, prefix| toy.row(frame, prefix));
        let scorer = driver.search.scorer();
        let found = driver.outcome(id);
        assert_eq!(found.len(), 6);
        for (tokens, _, _, scores) in found {
            let mut last = None;
            let mut sum = 0.0;
            for token in tokens {
                sum += scorer.score(&last, token);
                last = Some(token);
            }
            sum += scorer.finish(&last);
            let [score, mass, _, scored] = scores.map(f64::from_bits);
            assert_eq!((scored, score), (sum, mass + sum), "{topology:?}");
        }
    }
}

/// Prefixes that only a scorer lifts are found, from far down their rows: with a bound all
/// tokens are tried.
#[test]
fn with_a_bound_a_scorer_lifts_any_token() {
    for topology in topologies() {
        let best = |bounded| {
            let scorer = Favours {
                boost: 60.0,
                bounded,
            };
            let mut driver = Driver::new(search(VOCAB, 1, &topology).with_scorer(scorer));
            let columns = driver.search.columns();
            let id = driver.search.admit(2).unwrap();
            driver.run(LogProbabilities, |_, _, prefix| {
                let mut row = vec![-20.0f32; columns];
                row[VOCAB..].fill(-1.0);
                // Token 63 after itself is the last of all.
                match prefix {
                    [] => row[63] = -0.25,
                    _ => row[63] = -21.0,
                }
                row[0] = -1.0;
                row
            });
            driver.outcome(id)[0].0.clone()
        };
        assert!(best(true).starts_with(&[63, 63]), "{topology:?}");
        assert!(!best(false).starts_with(&[63, 63]), "{topology:?}");
    }
}

/// A scorer that panics costs its step, and the search goes on.
#[test]
fn a_scorer_that_panics_refuses_its_step_and_nothing_else() {
    struct Panics;
    impl Scorer for Panics {
        type State = u32;
        fn start(&self) -> u32 {
            0
        }
        fn score(&self, _: &u32, token: u32) -> f64 {
            assert!(token != 13, "as it should");
            0.0
        }
        fn advance(&self, _: &u32, token: u32) -> u32 {
            token
        }
        fn finish(&self, _: &u32) -> f64 {
            0.0
        }
        fn max_score(&self, _: &u32) -> f64 {
            0.0
        }
    }
    let search = search(20, 2, &Topology::Standard { max_symbols: 2 }).with_scorer(Panics);
    let mut driver = Driver::new(search);
    let bad = driver.search.admit(2).unwrap();
    let row = |token: usize| {
        let mut row = vec![NO; 20];
        row[token] = 9.0;
        row
    };
    let panics = std::panic::AssertUnwindSafe(|| driver.step(Logits, |_, _, _| row(13)));
    assert!(std::panic::catch_unwind(panics).is_err());
    let error = driver.search.outcome(bad).unwrap_err();
    assert_eq!(
        (error.kind(), error.request()),
        (ErrorKind::Panicked, Some(bad))
    );
    let good = driver.search.admit(2).unwrap();
    driver.run(Logits, |_, _, prefix| row(prefix.len().min(1) ^ 1));
    assert_eq!(driver.outcome(good)[0].0, [1]);
    assert_eq!(driver.search.finished(), [bad, good]);
}

// Bad input.

#[test]
fn settings_that_make_no_sense_are_refused() {
    let refused = |vocab, blank, beams| {
        let search = TransducerSearch::new(vocab, Blank(blank), beams);
        search.unwrap_err().to_string()
    };
    assert!(refused(5, 5, 1).contains("the blank is token 5"));
    assert!(refused(0, 0, 1).contains("vocabulary of 0"));
    assert!(refused(5, 0, 0).contains("beam width of 0"));
    let most = TransducerSearch::MAX_BEAMS;
    assert!(refused(5, 0, most + 1).contains("limit of 1048576"));
    for (durations, said) in [
        (&[][..], "no durations"),
        (&[0], "all 0"),
        (&[2, 1], "strictly ascending"),
        (&[1, 1], "strictly ascending"),
        (&[0, 1025], "limit of 1024"),
    ] {
        let search = TransducerSearch::new(5, Blank(0), 2).unwrap();
        let error = search
            .with_topology(tdt(durations))
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{error}");
    }
    let search = || TransducerSearch::new(5, Blank(0), 2).unwrap();
    let symbols = Topology::Standard { max_symbols: 0 };
    assert!(search().with_topology(symbols).is_err());
    assert!(search().with_nbest(0).is_err());
    assert!(search().with_commit_delay(Some(0)).is_err());
    let error = search().admit(usize::MAX).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded);
}

#[test]
fn calls_that_come_at_the_wrong_time_say_so() {
    let mut search = search(3, 2, &Topology::OneSymbol);
    let row = [0.0f32; 6];
    let view = ScoresView::logits(&row, [2, 3]).unwrap();
    assert_eq!(
        search.advance(&view).unwrap_err().kind(),
        ErrorKind::OutOfOrder
    );
    let id = search.admit(2).unwrap();
    assert_eq!(
        search.advance(&view).unwrap_err().kind(),
        ErrorKind::OutOfOrder
    );
    assert_eq!(search.feed().rows(), 1);
    let error = search.advance(&view).unwrap_err();
    assert_eq!(
        error.to_string(),
        "scores of shape [1, 2, 3] were given; this step needs [1, 1, 3]"
    );
    let wide = ScoresView::logits(&row[..4], [1, 4]).unwrap();
    assert_eq!(
        search.advance(&wide).unwrap_err().kind(),
        ErrorKind::InvalidShape
    );
    let lengths = ScoresView::logits(&row[..3], [1, 3]).unwrap();
    let lengths = lengths.with_lengths(&[1]).unwrap();
    assert_eq!(
        search.advance(&lengths).unwrap_err().kind(),
        ErrorKind::InvalidShape
    );
    // Nothing has changed.
    assert_eq!(search.feed().rows(), 1);

    let error = search.add_frames(id, 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutOfOrder);
    assert_eq!(
        error.to_string(),
        format!("{id}: its frames have ended, after 2")
    );
    let stream = search.admit_stream().unwrap();
    search.add_frames(stream, 0).unwrap();
    let most = TransducerSearch::MAX_FRAMES;
    assert!(search.add_frames(stream, most + 1).is_err());
    search.end(stream).unwrap();
    assert_eq!(
        search.add_frames(stream, 1).unwrap_err().request(),
        Some(stream)
    );
    assert_eq!(
        search.outcome(stream).unwrap().unwrap().hypotheses().len(),
        1
    );
    assert!(search.stable(stream).unwrap().tokens.is_empty());

    let other = self::search(3, 2, &Topology::OneSymbol).admit(1).unwrap();
    assert!(search.remove(id));
    for gone in [id, other] {
        let kinds = [
            search.add_frames(gone, 1).unwrap_err(),
            search.end(gone).unwrap_err(),
            search.finish(gone).unwrap_err(),
            search.outcome(gone).unwrap_err(),
            search.current(gone).unwrap_err(),
            search.frames(gone).unwrap_err(),
            search.stable(gone).unwrap_err(),
            search.take_stable(gone, &mut Emitted::new()).unwrap_err(),
        ];
        for error in kinds {
            assert_eq!(
                (error.kind(), error.request()),
                (ErrorKind::UnknownRequest, Some(gone))
            );
        }
        assert!(!search.remove(gone));
    }
}

/// A score that is none fails its own request; the answer says which row, frame and symbol.
#[test]
fn a_score_that_is_none_fails_its_own_request() {
    let bad: [(ScoreKind, f32, &str); 4] = [
        (Logits, f32::NAN, "NaN is not a valid logit"),
        (Logits, f32::INFINITY, "inf is not a valid logit"),
        (LogProbabilities, 0.5, "0.5 is not a valid log-probability"),
        (Probabilities, -0.5, "-0.5 is not a valid probability"),
    ];
    for topology in topologies() {
        for (kind, value, said) in bad {
            let mut driver = Driver::new(search(VOCAB, 3, &topology));
            let columns = driver.search.columns();
            let ids = [(); 3].map(|()| driver.search.admit(5).unwrap());
            let toy = Toy {
                utterance: 2,
                columns,
                spread: 1.0,
            };
            let scores = |frame, prefix: &[u32]| -> Vec<f32> {
                let row = toy.row(frame, prefix);
                let negative = kind == LogProbabilities;
                row.into_iter()
                    .map(|x| if negative { -x } else { x })
                    .collect()
            };
            // The last column: of a token, or of a duration.
            driver.run(kind, |id, frame, prefix| {
                let mut row = scores(frame, prefix);
                if id == ids[1] && frame == 2 {
                    row[columns - 1] = value;
                }
                row
            });
            let error = driver.search.outcome(ids[1]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidScore);
            assert_eq!((error.request(), error.step()), (Some(ids[1]), Some(2)));
            let (what, token) = match columns {
                VOCAB => ("token 89", Some(89)),
                _ => ("duration 4", None),
            };
            assert_eq!(error.token(), token);
            let message = error.to_string();
            assert!(
                message.contains(&format!("frame 2, {what}: {said}")),
                "{message}"
            );
            for error in [
                driver.search.add_frames(ids[1], 1).unwrap_err(),
                driver.search.current(ids[1]).unwrap_err(),
                driver.search.finish(ids[1]).unwrap_err(),
                driver.search.stable(ids[1]).unwrap_err(),
            ] {
                assert_eq!(error.to_string(), message);
            }
            let mut alone = Driver::new(search(VOCAB, 3, &topology));
            let id = alone.search.admit(5).unwrap();
            alone.run(kind, |_, frame, prefix| scores(frame, prefix));
            let expected = alone.outcome(id);
            assert_eq!(driver.outcome(ids[0]), expected);
            assert_eq!(driver.outcome(ids[2]), expected);
        }
    }
}

/// Rows in which nothing is possible leave no hypothesis, and ask for nothing more.
#[test]
fn rows_of_nothing_leave_nothing() {
    for topology in topologies() {
        let mut driver = Driver::new(search(4, 3, &topology));
        let columns = driver.search.columns();
        let ids = [(); 2].map(|()| driver.search.admit(6).unwrap());
        let stream = driver.search.admit_stream().unwrap();
        driver.search.add_frames(stream, 2).unwrap();
        let mut rows = 0;
        driver.run(Logits, |id, frame, _| {
            if id == ids[0] {
                return (0..columns).map(|column| column as f32).collect();
            }
            rows += 1;
            vec![if frame < 1 { 0.0 } else { NO }; columns]
        });
        assert!(rows < 40, "{rows}");
        assert!(!driver.outcome(ids[0]).is_empty());
        assert!(driver.outcome(ids[1]).is_empty());
        driver.search.add_frames(stream, 100).unwrap();
        driver.search.end(stream).unwrap();
        driver.run(Logits, |_, _, _| vec![NO; columns]);
        let outcome = driver.search.outcome(stream).unwrap().unwrap();
        assert_eq!(outcome.hypotheses().len(), 0);
        assert_eq!(outcome.best().unwrap_err().kind(), ErrorKind::NoHypothesis);
    }
}

/// Blanks that are impossible keep an utterance in its frame for as long as it may stay.
#[test]
fn a_frame_has_no_more_symbols_than_it_may() {
    for max_symbols in [1, 2, 5] {
        let mut driver = Driver::new(search(3, 2, &Topology::Standard { max_symbols }));
        let id = driver.search.admit(2).unwrap();
        let mut steps = 0;
        driver.run(LogProbabilities, |_, _, prefix| {
            steps += usize::from(prefix.len() > steps);
            vec![NO, -0.5, NO]
        });
        assert_eq!((steps, driver.outcome(id).len()), (max_symbols, 0));
    }
}

#[test]
fn searches_and_results_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<TransducerSearch>();
    crosses::<TransducerSearch<Favours>>();
    crosses::<widebeam::transducer::TransducerNBest>();
}

#[test]
fn a_clone_has_the_settings_and_no_requests() {
    let mut first = search(3, 2, &tdt(&[1, 2]));
    let id = first.admit(4).unwrap();
    let mut second = first.clone();
    assert_eq!((second.beams(), second.columns()), (2, 5));
    assert_eq!(second.topology(), first.topology());
    assert!(second.is_idle() && second.outcome(id).is_err());
    assert_eq!((first.feed().rows(), second.feed().rows()), (1, 0));
}
