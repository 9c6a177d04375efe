//! Compares the beam that each frame leaves with the definition: every prefix is
//! carried over, every token extends every prefix, the best are kept.

#[path = "../../../../tests/support/ctc_case.rs"]
#[allow(dead_code)]
mod ctc_case;

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use ctc_case::{Plain, expected_item};

use super::*;
use crate::cancellation::Cancellation;
use crate::kernels::log_add::log_add_scalar as log_add;
use crate::marks;
use crate::random::Random;
use crate::reference::toy::Anything;
use crate::reference::{row_ranks, scorers as reference};
use crate::scorers::{Phrases, Unscored};
use crate::scores::{ScoreKind, ScoresView};
use crate::search::ctc::CtcPruning;
use crate::search::ctc::beam::Masses;
use crate::search::prefixes::{NONE, Tree};
use crate::search::shortlist::Shortlists;
use crate::simd::Level;

/// A prefix that a frame can leave in the beam.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Live {
    score: f64,
    /// Its place among equals: its source, whether it is new, and its own rank
    /// or its token's.
    key: (usize, bool, usize),
    /// Its node, if it was in the beam before.
    node: Option<u32>,
    parent: u32,
    last: u32,
    masses: [f64; 2],
}

fn order(a: &Live, b: &Live) -> Ordering {
    let scores = b.score.partial_cmp(&a.score).expect("no NaN");
    scores.then(a.key.cmp(&b.key))
}

/// The candidates that a frame makes of a beam.
struct Definition {
    carried: Vec<Live>,
    /// In order of token rank, then of the prefix that is extended.
    extensions: Vec<Live>,
    /// The score of the best token's extension of each prefix that is neither in
    /// the beam itself nor a repeat.
    column: Vec<f64>,
}

impl Definition {
    fn new(beam: &Beam, blank: u32, source: &Source<'_>) -> Self {
        let prefixes = beam.prefixes();
        let Masses {
            blank: ends_blank,
            token: ends_token,
            all,
        } = &beam.masses;
        let ranks: HashMap<u32, usize> = (prefixes.iter().enumerate())
            .map(|(rank, prefix)| (prefix.node, rank))
            .collect();
        let in_beam: HashSet<(u32, u32)> = (prefixes.iter())
            .map(|prefix| (prefix.parent, prefix.last))
            .collect();
        let log = |token: u32| source.log_probability(token);
        let entering = |rank: usize, token: u32| {
            let repeats = prefixes[rank].last == token;
            log(token) + if repeats { ends_blank[rank] } else { all[rank] }
        };
        let carry = |(rank, prefix): (usize, &Prefix)| {
            let repeat = if prefix.last == NONE {
                IMPOSSIBLE
            } else {
                log(prefix.last)
            };
            let mut token = ends_token[rank] + repeat;
            let mut first = rank;
            if let Some(&parent) = ranks.get(&prefix.parent) {
                let entering = entering(parent, prefix.last);
                token = log_add(token, entering);
                if entering > IMPOSSIBLE {
                    first = first.min(parent);
                }
            }
            let masses = [all[rank] + log(blank), token];
            Live {
                score: log_add(masses[0], masses[1]),
                key: (first, false, rank),
                node: Some(prefix.node),
                parent: prefix.parent,
                last: prefix.last,
                masses,
            }
        };
        let carried = prefixes.iter().enumerate().map(carry).collect();
        let values: Vec<f32> = (0..source.row.len())
            .map(|token| source.row.get(token))
            .collect();
        let places = row_ranks(&values);
        let mut tokens: Vec<u32> = (0..values.len() as u32)
            .filter(|&token| token != blank)
            .collect();
        tokens.sort_by_key(|&token| places[token as usize]);
        let (mut extensions, mut column) = (Vec::new(), Vec::new());
        for (place, &token) in tokens.iter().enumerate() {
            if log(token) == IMPOSSIBLE {
                break;
            }
            for (rank, prefix) in prefixes.iter().enumerate() {
                let score = entering(rank, token);
                if score == IMPOSSIBLE || in_beam.contains(&(prefix.node, token)) {
                    continue;
                }
                if place == 0 && prefix.last != token {
                    column.push(score);
                }
                extensions.push(Live {
                    score,
                    key: (rank, true, place),
                    node: None,
                    parent: prefix.node,
                    last: token,
                    masses: [IMPOSSIBLE, score],
                });
            }
        }
        Definition {
            carried,
            extensions,
            column,
        }
    }

    /// The next beam.
    fn best(&self, beams: usize) -> Vec<Live> {
        let mut all = [&self.carried[..], &self.extensions].concat();
        all.retain(|live| live.score > IMPOSSIBLE);
        if all.len() > beams {
            all.select_nth_unstable_by(beams - 1, order);
            all.truncate(beams);
        }
        all.sort_by(order);
        all
    }

    /// The bound that the carried prefixes give, and the one that the best token's extensions
    /// make of it.
    fn bounds(&self, beams: usize, best_is_blank: bool) -> [f64; 2] {
        let scores = || self.carried.iter().map(|carried| carried.score);
        let full = self.carried.len() == beams;
        let bound = if full {
            scores().fold(f64::INFINITY, f64::min)
        } else {
            IMPOSSIBLE
        };
        if best_is_blank {
            return [bound, bound];
        }
        let above = self.column.iter().filter(|&&score| score > bound);
        let mut above = above.enumerate();
        let fills = |&(place, &score): &(usize, &f64)| {
            place + 1 + scores().filter(|&carried| carried >= score).count() >= beams
        };
        let raised = above.find(fills).map_or(bound, |(_, &score)| score);
        [bound, raised]
    }
}

/// The prefixes that a frame left in the beam.
fn left(decoder: &Decoder<()>, before: &[u32]) -> Vec<Live> {
    let beam = &decoder.beam;
    let live = |(rank, prefix): (usize, &Prefix)| Live {
        score: beam.score(rank),
        key: (0, false, 0),
        node: before.contains(&prefix.node).then_some(prefix.node),
        parent: prefix.parent,
        last: prefix.last,
        masses: [beam.masses.blank[rank], beam.masses.token[rank]],
    };
    beam.prefixes().iter().enumerate().map(live).collect()
}

/// Compares the beam after each frame of an item with the definition, when frames come
/// from lists and when they come from the rows; and checks the bounds of extensions.
fn check(level: Level, view: &ScoresView<'_>, beams: usize, blank: u32) {
    let settings = Settings::new(beams, blank).unwrap();
    let mut lists = Shortlists::default();
    let dispatch = Dispatch::require(level).unwrap();
    lists
        .fill(
            view,
            settings.shortlist_width(),
            dispatch,
            &Cancellation::default(),
        )
        .unwrap();
    let search = Search {
        settings: &settings,
        scorer: &Unscored,
        dispatch,
        cancellation: &Cancellation::default(),
    };
    let mut decoders = [false, true].map(|late| {
        let mut decoder = Decoder::default();
        decoder.reset(&search, view.kind(), view.vocab()).unwrap();
        (late, decoder)
    });
    for step in 0..view.length(0) {
        let list = lists.get(0, step).expect("a valid row");
        let source = Source {
            row: view.row(0, step),
            kind: view.kind(),
            normaliser: list.normaliser,
        };
        let before = &decoders[0].1.beam;
        let definition = Definition::new(before, blank, &source);
        let nodes: Vec<u32> = before.prefixes().iter().map(|prefix| prefix.node).collect();
        let mut expected = definition.best(beams);
        expected
            .iter_mut()
            .for_each(|live| live.key = (0, false, 0));
        for (late, decoder) in &mut decoders {
            let room = decoder.candidates.capacity();
            if *late {
                let unread = Source {
                    normaliser: 0.0,
                    ..source
                };
                let next = view.next_row(0, step);
                assert!(decoder.read(&search, &unread, next).unwrap());
            } else {
                check_bounds(decoder, &search, list, &source, &definition);
                decoder.advance(&search, list, &source).unwrap();
            }
            let left = left(decoder, &nodes);
            assert!(left == expected, "{level} {late} {beams} {step}");
            assert_eq!(room, decoder.candidates.capacity(), "no room was made");
        }
    }
}

/// Checks that the bounds of the extensions are as tight as the definition's: looser
/// ones change no result, only the time.
fn check_bounds(
    decoder: &mut Decoder<()>,
    search: &Search<'_, Unscored>,
    list: Shortlist<'_>,
    source: &Source<'_>,
    definition: &Definition,
) {
    let settings = search.settings;
    let Decoder {
        beam,
        links,
        frame,
        carried,
        extensions,
        ..
    } = decoder;
    frame.take_list(settings, list, source);
    carried.read_lasts(settings, links, frame, source, search.dispatch);
    let nothing = &mut Prefetcher::default();
    carried.step(beam, links, frame.blank(), nothing, search.dispatch);
    carried.score::<Unscored>(beam);
    let mut bounds = [Extensions::bound_of_carried(settings, carried, beam.length); 2];
    let best = frame.best();
    if let Some(best) = best {
        bounds[1] = extensions.raise(settings, beam, links, carried, best, bounds[0]);
    }
    assert_eq!(bounds, definition.bounds(settings.beams, best.is_none()));

    let mut candidates = Vec::new();
    Extensions::extend(settings, beam, links, frame, bounds[1], &mut candidates);
    let matters = |live: &&Live| {
        let (rank, _, place) = live.key;
        live.score >= bounds[1] && rank < settings.extended_by(place)
    };
    let expected: Vec<_> = (definition.extensions.iter().filter(matters))
        .map(|live| candidate::extension(live.score, live.key.0, live.key.2))
        .collect();
    if expected.len() <= 4 * settings.beams {
        assert!(candidates == expected, "{} beams", settings.beams);
    } else {
        assert!(candidates.len() <= 6 * settings.beams);
    }
}

/// Frames that are flat, to within `jitter`, over the first half of the tokens and over
/// the second half in turn. All other scores are `rest`.
fn flat(frames: usize, half: usize, jitter: f32, rest: f32, random: &mut Random) -> Vec<f32> {
    let mut data = Vec::new();
    for frame in 0..frames {
        data.push(rest);
        for side in 0..2 {
            let mut value = || match side == frame % 2 {
                true => -jitter * random.unit(),
                false => rest,
            };
            data.extend((0..half).map(|_| value()));
        }
    }
    data
}

#[test]
fn wide_beams_over_flat_frames_lose_no_candidate() {
    let mut random = Random::new(300);
    let mut check = |level, beams: usize, frames: usize, jitter: f32, rest: f32| {
        let half = beams + 3;
        let data = flat(frames, half, jitter, rest, &mut random);
        let view = ScoresView::log_probabilities(&data, [frames, 2 * half + 1]).unwrap();
        check(level, &view, beams, 0);
    };
    for level in Level::available() {
        for beams in [1, 2, 3, 5, 11, 12, 13, 16, 31, 40] {
            for jitter in [0.0, 0.3, 3.0] {
                for rest in [f32::NEG_INFINITY, -1.0, -30.0] {
                    check(level, beams, 3, jitter, rest);
                }
            }
        }
        for (beams, jitter, rest) in [
            (100, 1e-3, f32::NEG_INFINITY),
            (300, 1e-3, f32::NEG_INFINITY),
            (80, 3.0, -9.0),
        ] {
            marks::expect("more candidates than four times the beam", || {
                check(level, beams, 2, jitter, rest);
            });
        }
        // All tie, so the second token of the frame is as good as the first: the
        // candidates are cut, filled up and cut again.
        let (_, cuts) = marks::count("more candidates than four times the beam", || {
            check(level, 450, 2, 0.0, f32::NEG_INFINITY);
        });
        // Twice for each of the two decoders and for the check of the bounds.
        assert!(cuts >= 6, "{cuts} cuts at {level}");
    }
}

#[test]
fn any_frame_makes_of_any_beam_what_the_definition_says() {
    let mut random = Random::new(12);
    for case in 0..60 {
        let (frames, vocab) = (9, 2 + random.below(9));
        let beams = 1 + random.below(12);
        let kind = [
            ScoreKind::Probabilities,
            ScoreKind::LogProbabilities,
            ScoreKind::Logits,
        ][case % 3];
        let mut value = || {
            let log = match case % 5 {
                0 => -((random.bits() % 3) as f32),
                1 if random.bits().is_multiple_of(3) => f32::NEG_INFINITY,
                2 => [-60.0, -1.0, -1.0, f32::NEG_INFINITY][random.below(4)],
                3 => [-0.01, -6.0, -9.0, -11.0][random.below(4)],
                _ => random.unit().ln(),
            };
            match kind {
                ScoreKind::Probabilities => log.exp(),
                _ => log,
            }
        };
        let data: Vec<f32> = (0..frames * vocab).map(|_| value()).collect();
        let view = ScoresView::new(kind, &data, [frames, vocab]).unwrap();
        let blank = random.below(vocab) as u32;
        for level in Level::available() {
            check(level, &view, beams, blank);
        }
    }
}

/// The beam of a decoder with a scorer, as hypotheses.
fn held<T>(decoder: &Decoder<T>) -> Vec<Plain> {
    let (beam, mut history) = (&decoder.beam, decoder.history.clone());
    let one = |(rank, prefix): (usize, &Prefix)| {
        let tokens = history.tokens(prefix.node).unwrap().concat();
        let mut frames = tokens.clone();
        let mut last_frames = tokens.clone();
        let best = prefix.best(decoder.frames);
        let (entry, last) = (best.spot.entry(), best.spot.last());
        history.read_frames(entry, last, &mut frames, &mut last_frames);
        assert!(
            frames
                .iter()
                .zip(&last_frames)
                .all(|(first, last)| first <= last)
        );
        assert!(
            frames
                .iter()
                .skip(1)
                .zip(&last_frames)
                .all(|(next, last)| next > last)
        );
        let scores = [beam.score(rank), best.score, beam.scored[rank]];
        (tokens, frames, scores.map(f64::to_bits))
    };
    beam.prefixes().iter().enumerate().map(one).collect()
}

const ANYTHING: Anything = Anything {
    seed: 1,
    ends: false,
};

/// Feeds frames to a decoder with the scorer of anything, and calls `look` after each.
fn feed(settings: &Settings, view: &ScoresView<'_>, look: impl FnMut(usize, &mut Decoder<u64>)) {
    feed_scored(&ANYTHING, settings, view, look);
}

/// Feeds frames to a decoder with a scorer, and calls `look` after each.
fn feed_scored<S: Scorer>(
    scorer: &S,
    settings: &Settings,
    view: &ScoresView<'_>,
    mut look: impl FnMut(usize, &mut Decoder<S::State>),
) {
    let dispatch = Dispatch::require(Level::available().last().unwrap()).unwrap();
    let search = Search {
        settings,
        scorer,
        dispatch,
        cancellation: &Cancellation::default(),
    };
    let mut lists = Shortlists::default();
    lists
        .fill(
            view,
            settings.shortlist_width(),
            dispatch,
            &Cancellation::default(),
        )
        .unwrap();
    let mut decoder = Decoder::default();
    decoder.reset(&search, view.kind(), view.vocab()).unwrap();
    for step in 0..view.length(0) {
        let list = lists.get(0, step).expect("a valid row");
        let source = Source {
            row: view.row(0, step),
            kind: view.kind(),
            normaliser: list.normaliser,
        };
        decoder.advance(&search, list, &source).unwrap();
        look(step, &mut decoder);
    }
}

fn settings(beams: usize, pruning: CtcPruning) -> Settings {
    let mut settings = Settings::new(beams, 0).unwrap();
    settings.pruning = pruning;
    settings
}

#[test]
fn a_scored_beam_is_chosen_from_more_candidates_than_there_is_room_for() {
    let mut random = Random::new(41);
    let (frames, vocab) = (5, 60);
    let data: Vec<f32> = (0..frames * vocab).map(|_| random.unit()).collect();
    let view = ScoresView::probabilities(&data, [frames, vocab]).unwrap();
    for beams in [1, 2, 5, 12] {
        let settings = settings(beams, CtcPruning::none().with_top_tokens(vocab));
        let mut beam = Vec::new();
        marks::expect("more scored candidates than four times the beam", || {
            feed(&settings, &view, |_, decoder| {
                assert!(decoder.candidates.capacity() <= extensions::most_candidates(&settings));
                beam = held(decoder);
            });
        });
        let expected = expected_item(&view, 0, beams, 0, &settings.pruning, &ANYTHING);
        assert_eq!(beam, expected, "{beams}");
    }
}

#[test]
fn a_scorer_lifts_tokens_that_a_frame_has_not_listed() {
    let mut random = Random::new(42);
    for vocab in [12, 60, 700] {
        let frames = 6;
        let data: Vec<f32> = (0..frames * vocab).map(|_| random.unit()).collect();
        let view = ScoresView::probabilities(&data, [frames, vocab]).unwrap();
        let mut lifted = |_| {
            (
                [1 + random.below(vocab - 1) as u32],
                8.0 * f64::from(random.unit()),
            )
        };
        let boosted: Vec<([u32; 1], f64)> = (0..4).map(&mut lifted).collect();
        let scorer = Phrases::from_tokens(&boosted).unwrap();
        let boosted: Vec<_> = boosted
            .iter()
            .map(|(t, boost)| (t.to_vec(), *boost))
            .collect();
        let naive = reference::Phrases::of_tokens(&boosted);
        for beams in [1, 2, 5, 8] {
            let settings = settings(beams, CtcPruning::none());
            let mut beam = Vec::new();
            marks::expect("a scorer needs tokens that are not listed", || {
                feed_scored(&scorer, &settings, &view, |_, decoder| beam = held(decoder));
            });
            let expected = expected_item(&view, 0, beams, 0, &settings.pruning, &naive);
            assert_eq!(beam, expected, "{vocab} {beams}");
        }
    }
}

#[test]
fn looking_at_what_is_shared_changes_nothing() {
    let mut random = Random::new(5);
    for case in 0..40 {
        let (frames, vocab) = (40, 4);
        let value = |random: &mut Random| [0.02f32, 0.2, 0.9, 0.9][random.below(4)];
        let data: Vec<f32> = (0..frames * vocab).map(|_| value(&mut random)).collect();
        let view = ScoresView::probabilities(&data, [frames, vocab]).unwrap();
        let settings = settings(1 + case % 5, CtcPruning::none().with_top_tokens(3));
        let mut alone = Vec::new();
        feed(&settings, &view, |_, decoder| alone.push(held(decoder)));
        let mut taken = (Vec::new(), Vec::new());
        feed(&settings, &view, |step, decoder| {
            if !random.bits().is_multiple_of(3) {
                return;
            }
            // All possible alignments share this.
            let expected = shared(decoder);
            let found = decoder.shared();
            assert_eq!(
                (found.0.to_vec(), found.1.to_vec()),
                expected,
                "{case} {step}"
            );
            let length = if random.bits().is_multiple_of(2) {
                found.0.len()
            } else {
                0
            };
            taken.0.extend(&expected.0[..length]);
            taken.1.extend(&expected.1[..length]);
            decoder.forget_shared(length);
            let mut now = held(decoder);
            for (tokens, frames, ..) in &mut now {
                tokens.splice(0..0, taken.0.iter().copied());
                frames.splice(0..0, taken.1.iter().copied());
            }
            assert_eq!(now, alone[step], "{case} {step}");
        });
    }
}

/// The tokens that all live prefixes share, as far as their alignments share the
/// frames, those that end in the blank and those that end in the token.
fn shared(decoder: &Decoder<u64>) -> (Vec<u32>, Vec<u32>) {
    fn common(paths: &[Vec<u32>]) -> Vec<u32> {
        let first = &paths[0];
        let agree = |length: &usize| paths.iter().all(|path| path.starts_with(&first[..*length]));
        first[..(0..=first.len()).rev().find(agree).unwrap()].to_vec()
    }
    let History {
        prefixes, entries, ..
    } = &decoder.history;
    let (before_tokens, before_frames) = decoder.history.all_shared();
    fn path<V: Copy + Default>(
        tree: &Tree<V>,
        node: u32,
        before: &[u32],
        of: impl Fn(V) -> u32,
    ) -> Vec<u32> {
        let mut path: Vec<u32> = tree.path_back(node).map(of).collect();
        path.reverse();
        [before, &path].concat()
    }
    let live = decoder.beam.prefixes();
    let tokens: Vec<_> = live
        .iter()
        .map(|p| path(prefixes.tree(), p.node, before_tokens, |token| token))
        .collect();
    let possible = |p: &Prefix| {
        let both = [
            (p.best_blank, p.blank_spot.entry()),
            (p.best_token, p.token_entry),
        ];
        both.into_iter().filter(|&(score, _)| score > IMPOSSIBLE)
    };
    let frames: Vec<_> = live
        .iter()
        .flat_map(possible)
        .map(|(_, entry)| path(entries, entry, before_frames, |entry| entry.frame))
        .collect();
    let (mut tokens, mut frames) = (common(&tokens), common(&frames));
    let length = tokens.len().min(frames.len());
    tokens.truncate(length);
    frames.truncate(length);
    (tokens, frames)
}

#[test]
fn trees_that_have_grown_are_compacted() {
    let mut random = Random::new(6);
    let (frames, vocab) = (2600, 6);
    let data: Vec<f32> = (0..frames * vocab).map(|_| random.unit()).collect();
    let view = ScoresView::probabilities(&data, [frames, vocab]).unwrap();
    let settings = settings(
        4,
        CtcPruning::none().with_top_tokens(5).with_commit_delay(50),
    );
    let mut most = [0; 2];
    let mut whole = Vec::new();
    marks::expect("the trees have grown", || {
        feed(&settings, &view, |_, decoder| {
            let History {
                prefixes, entries, ..
            } = &decoder.history;
            most = [most[0].max(prefixes.len()), most[1].max(entries.len())];
            whole = held(decoder);
        });
    });
    // What a compaction leaves is far less than what may be added before the next.
    assert!(
        most.iter().all(|&nodes| nodes <= 8 * 4 + 4096 + 4 + 800),
        "{most:?}"
    );
    let mut often = Vec::new();
    feed(&settings, &view, |_, decoder| {
        decoder.shared();
        often = held(decoder);
    });
    assert_eq!(whole, often);
}
