//! Streams that live on while others begin and end, fed frames in random chunks,
//! some of which no stream takes.

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcPruning, CtcSearch, CtcStream};
use widebeam::reference::toy::mix;

use crate::Counts;
use crate::random::Random;

const VOCAB: usize = 12;
const STREAMS: usize = 4;
/// Frames of a chunk, at most.
const CHUNK: usize = 200;
/// Frames of a stream, about.
const LONG: usize = 3000;

pub(crate) struct Streams {
    search: CtcSearch,
    streams: Vec<Fed>,
}

/// A stream, what it was fed, and what was taken out of it.
struct Fed {
    stream: CtcStream,
    frames: Vec<f32>,
    tokens: Vec<u32>,
    places: Vec<u32>,
}

impl Streams {
    pub(crate) fn new() -> Self {
        let search = CtcSearch::new(8, Blank(0)).unwrap();
        let search = search
            .with_pruning(CtcPruning::none().with_commit_delay(100))
            .unwrap();
        let fed = |_| Fed {
            stream: search.stream(),
            // All the room there will be, so that none is made later.
            frames: Vec::with_capacity((LONG + CHUNK) * VOCAB),
            tokens: Vec::with_capacity(LONG + CHUNK),
            places: Vec::with_capacity(LONG + CHUNK),
        };
        let streams = (0..STREAMS).map(fed).collect();
        Streams { search, streams }
    }

    pub(crate) fn round(&mut self, random: &mut Random, counts: &mut Counts) {
        let fed = &mut self.streams[random.below(STREAMS)];
        fed.push(random, counts);
        if random.one_in(2) {
            let taken = fed.stream.take_stable(&mut fed.tokens, &mut fed.places);
            taken.unwrap();
        }
        if fed.frames.len() > LONG * VOCAB {
            fed.finish(&mut self.search);
            counts.streams_compared += 1;
        }
    }

    /// Ends every stream where it is.
    pub(crate) fn rest(&mut self) {
        self.streams.iter_mut().for_each(Fed::reset);
    }
}

impl Fed {
    fn reset(&mut self) {
        self.stream.reset();
        self.frames.clear();
        self.tokens.clear();
        self.places.clear();
    }

    fn push(&mut self, random: &mut Random, counts: &mut Counts) {
        let count = 1 + random.below(CHUNK);
        let mut chunk = emissions(random, count);
        if random.one_in(8) {
            let at = random.below(chunk.len());
            let good = std::mem::replace(&mut chunk[at], f32::NAN);
            let view = ScoresView::probabilities(&chunk, [count, VOCAB]).unwrap();
            let error = self.stream.push(&view).unwrap_err().to_string();
            let named = format!("item 0, step {}, token {}: NaN", at / VOCAB, at % VOCAB);
            assert!(error.starts_with(&named), "{error}");
            chunk[at] = good;
            counts.chunks_refused += 1;
        }
        let view = ScoresView::probabilities(&chunk, [count, VOCAB]).unwrap();
        self.stream.push(&view).unwrap();
        self.frames.extend(chunk);
        counts.frames += count;
    }

    /// What came out in pieces is what comes out at once.
    fn finish(&mut self, search: &mut CtcSearch) {
        let shape = [self.frames.len() / VOCAB, VOCAB];
        let whole = search.decode(&ScoresView::probabilities(&self.frames, shape).unwrap());
        let whole = whole.unwrap();
        let best = whole.best(0).unwrap();
        let rest = self.stream.finish().unwrap().best().unwrap();
        self.tokens.extend_from_slice(rest.tokens);
        self.places.extend_from_slice(rest.frames);
        assert_eq!(
            (&self.tokens[..], &self.places[..]),
            (best.tokens, best.frames)
        );
        assert_eq!(rest.score.to_bits(), best.score.to_bits());
        self.reset();
    }
}

/// Frames that are mostly sure of the blank, at times of a token, and at times
/// of neither of two.
fn emissions(random: &mut Random, count: usize) -> Vec<f32> {
    let mut frames = Vec::with_capacity(count * VOCAB);
    for _ in 0..count {
        let start = frames.len();
        let seed = u64::from(random.bits());
        let small = |token: u64| (mix(seed ^ token) % 1000) as f32 * 1e-6;
        frames.extend((0..VOCAB as u64).map(small));
        match seed % 8 {
            0 => (frames[start + 1], frames[start + 5]) = (0.55, 0.42),
            1..4 => frames[start + 1 + (seed >> 8) as usize % (VOCAB - 1)] = 0.98,
            _ => frames[start] = 0.99,
        }
    }
    frames
}
