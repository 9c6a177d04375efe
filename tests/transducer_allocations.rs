//! After a warm-up, steps of the transducer search allocate nothing, on any thread; so a
//! stream without end stays as small as it is.

#[path = "support/counting.rs"]
mod counting;
#[path = "support/random.rs"]
mod random;

use random::Random;
use widebeam::ScoresView;
use widebeam::scorers::{Scorer, Unscored};
use widebeam::transducer::{Blank, Emitted, PredictorInput, RequestId, Topology, TransducerSearch};

/// Favours some tokens, wherever they stand.
#[derive(Clone, Copy)]
struct Favours;

impl Scorer for Favours {
    type State = u32;

    fn start(&self) -> u32 {
        0
    }

    fn score(&self, last: &u32, token: u32) -> f64 {
        f64::from((last + token) % 5) / 2.0
    }

    fn advance(&self, _: &u32, token: u32) -> u32 {
        token
    }

    fn finish(&self, _: &u32) -> f64 {
        0.0
    }

    fn max_score(&self, _: &u32) -> f64 {
        2.0
    }
}

/// Two streams without end, so that there are neighbours, and a model that costs nothing to
/// speak of: it is drawn, but for the blank.
struct Streams<S: Scorer> {
    search: TransducerSearch<S>,
    ids: [RequestId; 2],
    /// How many tokens the prefix of each slot has.
    states: Vec<u32>,
    scores: Vec<f32>,
    random: Random,
    emitted: Emitted,
    tokens: usize,
    largest: usize,
}

impl<S: Scorer + Sync> Streams<S> {
    fn new(topology: &Topology, vocab: usize, beams: usize, scorer: S) -> Self {
        let search = TransducerSearch::new(vocab, Blank(0), beams).unwrap();
        let search = search.with_topology(topology.clone()).unwrap();
        let search = search.with_commit_delay(Some(20)).unwrap();
        let mut search = search.with_scorer(scorer);
        let ids = [(); 2].map(|()| search.admit_stream().unwrap());
        let rows = 4 * beams * search.columns();
        let mut emitted = Emitted::new();
        for array in [
            &mut emitted.tokens,
            &mut emitted.frames,
            &mut emitted.durations,
        ] {
            array.reserve(1000);
        }
        Streams {
            search,
            ids,
            states: Vec::with_capacity(1000 * beams),
            scores: Vec::with_capacity(rows),
            random: Random::new(7),
            emitted,
            tokens: 0,
            largest: 0,
        }
    }

    /// Some more frames, all that they want, and what has become stable.
    fn frames(&mut self, count: usize) {
        for id in self.ids {
            self.search.add_frames(id, count).unwrap();
        }
        loop {
            let columns = self.search.columns();
            let feed = self.search.feed();
            let rows = feed.rows();
            if rows == 0 {
                break;
            }
            self.largest = self.largest.max(feed.slots());
            assert!(feed.slots() <= self.states.capacity());
            self.states.resize(feed.slots(), 0);
            for step in feed.predictor_steps() {
                self.states[step.slot as usize] = match step.input {
                    PredictorInput::Start => 0,
                    PredictorInput::Token { slot, .. } => self.states[slot as usize] + 1,
                };
            }
            self.scores.clear();
            for row in feed.joiner_rows() {
                // A token for every two frames, more or less.
                let ahead = self.states[row.slot as usize] > row.frame / 2;
                let start = self.scores.len();
                for _ in 0..columns {
                    self.scores.push(3.0 * self.random.unit());
                }
                self.scores[start] = if ahead { 8.0 } else { -9.0 };
            }
            let view = ScoresView::logits(&self.scores, [rows, columns]).unwrap();
            self.search.advance(&view).unwrap();
        }
        for id in self.ids {
            self.emitted.tokens.clear();
            self.emitted.frames.clear();
            self.emitted.durations.clear();
            self.search.take_stable(id, &mut self.emitted).unwrap();
            self.tokens += self.emitted.tokens.len();
        }
    }
}

/// Allocations of all threads during `run`.
fn allocations(run: impl FnOnce()) -> usize {
    let before = counting::by_all_threads();
    run();
    counting::by_all_threads() - before
}

fn check<S: Scorer + Sync>(
    topology: &Topology,
    (vocab, beams): (usize, usize),
    scorer: S,
    frames: usize,
) {
    let mut streams = Streams::new(topology, vocab, beams, scorer);
    for _ in 0..frames / 2 {
        streams.frames(4);
    }
    for id in streams.ids {
        // What results take depends on how much is open; it is not a step's.
        assert!(streams.search.current(id).unwrap().len() > 0);
    }
    let (tokens, slots) = (streams.tokens, streams.largest);
    let counted = allocations(|| (0..frames / 4).for_each(|_| streams.frames(4)));
    let case = format!("{topology:?}, {beams} beams, {slots} slots");
    assert_eq!(counted, 0, "{case}");
    // It has gone on: most frames are past, and their tokens taken.
    assert!(streams.tokens - tokens > frames / 8, "{case}");
}

/// It runs inside the pool: rayon's queue of calls from outside allocates now
/// and then. It is the only test here, because the counter sees all threads.
#[test]
fn a_warm_stream_goes_on_without_allocating() {
    counting::check();
    let topologies = [
        Topology::Standard { max_symbols: 3 },
        Topology::OneSymbol,
        Topology::Tdt {
            durations: vec![0, 1, 2, 4],
            max_symbols: 3,
        },
    ];
    let pools = [1, 2, 4].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        // Threads make what they need for stealing when they start. They also
        // allocate when they end, some time after their pool: none does before
        // all is counted.
        pool.broadcast(|_| ());
        pool
    });
    for topology in &topologies {
        for pool in &pools {
            pool.install(|| {
                check(topology, (120, 1), Unscored, 600);
                check(topology, (120, 4), Unscored, 600);
                check(topology, (120, 4), Favours, 600);
            });
        }
        // Wide enough that several threads take a share.
        pools[1].install(|| check(topology, (1100, 30), Unscored, 160));
    }
}
