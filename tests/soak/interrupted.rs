//! Searches with a scorer whose calls are cancelled, panic, or get no more memory, at any moment:
//! the next call finds what it would have found.

use std::panic::{AssertUnwindSafe, catch_unwind};

use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
use widebeam::ctc::{Blank, CtcNBest, CtcSearch, CtcStream};
use widebeam::reference::toy::mix;
use widebeam::transducer::{Topology, TransducerSearch};
use widebeam::{CancellationToken, Error, ErrorKind, ScoresView};

use crate::random::Random;
use crate::unruly::{MESSAGE, Unruly};
use crate::{Counts, counting};

const VOCAB: usize = 12;
const FRAMES: usize = 40;
/// Calls of the scorer within which something happens.
const CALLS: usize = 30_000;
/// Allocations of a new search within which memory ends.
const ALLOCATIONS: usize = 150;

pub(crate) struct Interrupted {
    scorer: Unruly,
    ctc: CtcSearch<Unruly>,
    stream: CtcStream<Unruly>,
    transducer: TransducerSearch<Unruly>,
    requests: AutoregressiveSearch,
    nbest: CtcNBest,
    /// Rows of scores, and as many as a step has.
    frames: Vec<f32>,
    rows: Vec<f32>,
}

/// What a search has found, as far as it is compared: a hash of the best tokens, and the bits of
/// their score. No memory is asked for it, which may have ended.
type Found = Option<(u64, u64)>;

impl Interrupted {
    pub(crate) fn new() -> Self {
        let scorer = Unruly::default();
        let ctc = CtcSearch::new(8, Blank(0)).unwrap();
        let ctc = ctc.with_scorer(scorer.clone());
        let transducer = TransducerSearch::new(VOCAB, Blank(0), 4).unwrap();
        let topology = Topology::Standard { max_symbols: 2 };
        let transducer = transducer.with_topology(topology).unwrap();
        Interrupted {
            stream: ctc.stream(),
            ctc,
            transducer: transducer.with_scorer(scorer.clone()),
            scorer,
            requests: AutoregressiveSearch::new(VOCAB).unwrap(),
            nbest: CtcNBest::new(),
            frames: Vec::with_capacity(FRAMES * VOCAB),
            rows: Vec::with_capacity(FRAMES * VOCAB),
        }
    }

    pub(crate) fn round(&mut self, random: &mut Random, counts: &mut Counts) {
        self.frames.clear();
        let numbers = (0..FRAMES * VOCAB).map(|_| random.unit() / VOCAB as f32);
        self.frames.extend(numbers);
        match random.below(3) {
            0 => self.cancel(random, counts),
            1 => self.panic(random, counts),
            _ => self.refuse(random, counts),
        }
        self.scorer.calm();
        let token = None;
        self.ctc.set_cancellation(token.clone());
        self.stream.set_cancellation(token.clone());
        self.transducer.set_cancellation(token.clone());
        self.requests.set_cancellation(token);
        self.compare();
        counts.interrupted_compared += 1;
    }

    /// All searches find in the end what new ones find.
    fn compare(&mut self) {
        let (mut ctc, mut transducer) = (self.ctc.clone(), self.transducer.clone());
        let mut nbest = CtcNBest::new();
        let view = ScoresView::probabilities(&self.frames, [1, FRAMES, VOCAB]).unwrap();
        ctc.decode_into(&view, &mut nbest).unwrap();
        self.ctc.decode_into(&view, &mut self.nbest).unwrap();
        assert_eq!(self.nbest, nbest);
        self.stream.reset();
        self.stream.push(&view).unwrap();
        let found = self.stream.finish().unwrap().best().unwrap();
        assert_eq!(found.tokens, nbest.best(0).unwrap().tokens);

        let expected = transduce(&mut transducer, &mut self.rows, &self.frames).unwrap();
        let found = transduce(&mut self.transducer, &mut self.rows, &self.frames).unwrap();
        assert!(found == expected && found.is_some());
        let mut requests = AutoregressiveSearch::new(VOCAB).unwrap();
        let expected = generate(&mut requests, request(), &mut self.rows, &self.frames).unwrap();
        let found = generate(&mut self.requests, request(), &mut self.rows, &self.frames);
        assert!(found.unwrap() == expected && expected.is_some());
    }

    /// Calls that are cancelled by the scorer on the way, or before they begin.
    fn cancel(&mut self, random: &mut Random, counts: &mut Counts) {
        let token = CancellationToken::new();
        self.scorer
            .cancel_at(1 + random.below(CALLS), token.clone());
        let view = ScoresView::probabilities(&self.frames, [1, FRAMES, VOCAB]).unwrap();
        self.ctc.set_cancellation(Some(token.clone()));
        self.stream.set_cancellation(Some(token.clone()));
        self.transducer.set_cancellation(Some(token.clone()));
        self.stream.reset();
        let calls = [
            self.ctc.decode_into(&view, &mut self.nbest),
            self.stream.push(&view),
            transduce(&mut self.transducer, &mut self.rows, &self.frames).map(|_| ()),
        ];
        token.cancel();
        self.requests.set_cancellation(Some(token));
        let generated = generate(&mut self.requests, request(), &mut self.rows, &self.frames);
        for call in calls.into_iter().chain([generated.map(|_| ())]) {
            if let Err(error) = call {
                assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
                counts.cancelled += 1;
            }
        }
    }

    /// Calls that the scorer, or the function of a request, ends by a panic.
    fn panic(&mut self, random: &mut Random, counts: &mut Counts) {
        self.scorer.panic_at(1 + random.below(CALLS));
        let (frames, rows) = (&self.frames, &mut self.rows);
        let view = ScoresView::probabilities(frames, [1, FRAMES, VOCAB]).unwrap();
        self.stream.reset();
        let step = random.below(9);
        let panicking = request().ends_when(move |tokens, token| {
            if tokens.generated().len() == step && token % 2 == 1 {
                std::panic::panic_any(MESSAGE);
            }
            false
        });
        counts.panicked += panics(|| drop(self.ctc.decode_into(&view, &mut self.nbest)));
        counts.panicked += panics(|| drop(self.stream.push(&view)));
        counts.panicked += panics(|| drop(transduce(&mut self.transducer, rows, frames)));
        counts.panicked += panics(|| drop(generate(&mut self.requests, panicking, rows, frames)));
        remove_all(&mut self.transducer, &mut self.requests);
    }

    /// New searches that memory ends for.
    fn refuse(&mut self, random: &mut Random, counts: &mut Counts) {
        let count = if random.one_in(2) { 1 } else { usize::MAX };
        let mut refused = |call: &mut dyn FnMut() -> Result<(), Error>| {
            let after = random.below(ALLOCATIONS);
            if let Err(error) = counting::refusing(after, count, call) {
                assert!(error.is_out_of_memory(), "{error}");
                counts.without_memory += 1;
            }
        };
        let (frames, rows) = (&self.frames, &mut self.rows);
        let view = ScoresView::probabilities(frames, [1, FRAMES, VOCAB]).unwrap();
        let (mut ctc, mut nbest) = (self.ctc.clone(), CtcNBest::new());
        refused(&mut || ctc.decode_into(&view, &mut nbest));
        ctc.decode_into(&view, &mut nbest).unwrap();
        let mut stream = ctc.stream();
        refused(&mut || stream.push(&view));
        let mut transducer = self.transducer.clone();
        refused(&mut || transduce(&mut transducer, rows, frames).map(|_| ()));
        let mut requests = AutoregressiveSearch::new(VOCAB).unwrap();
        let mut one = Some(request());
        refused(&mut || match one.take() {
            Some(request) => generate(&mut requests, request, rows, frames).map(|_| ()),
            None => Ok(()),
        });
    }

    /// Leaves nothing behind.
    pub(crate) fn rest(&mut self) {
        self.scorer.calm();
        self.stream.reset();
        remove_all(&mut self.transducer, &mut self.requests);
    }
}

/// 1 if `call` panics as it should.
fn panics(call: impl FnOnce()) -> usize {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(()) => 0,
        Err(payload) => {
            assert_eq!(payload.downcast_ref::<&str>(), Some(&MESSAGE));
            1
        }
    }
}

fn request() -> Request {
    Request::new(4, MaximumLength(9)).with_end_tokens([3])
}

/// Removes what is done, and what was left on the way.
fn remove_all(transducer: &mut TransducerSearch<Unruly>, requests: &mut AutoregressiveSearch) {
    transducer.abandon_step();
    requests.abandon_step();
    let running: Vec<_> = transducer.feed().requests().map(|(id, _)| id).collect();
    running
        .into_iter()
        .for_each(|id| assert!(transducer.remove(id)));
    while let Some(&id) = transducer.finished().first() {
        transducer.remove(id);
    }
    transducer.abandon_step();
    let running: Vec<_> = requests.feed().requests().map(|(id, _)| id).collect();
    running
        .into_iter()
        .for_each(|id| assert!(requests.remove(id)));
    while let Some(&id) = requests.finished().first() {
        requests.remove(id);
    }
    requests.abandon_step();
}

/// The rows of a step: those of the frames, again and again.
fn fill(rows: &mut Vec<f32>, frames: &[f32], count: usize) {
    rows.clear();
    rows.extend(frames.iter().cycle().take(count * VOCAB));
}

fn hash(tokens: &[u32]) -> u64 {
    let mixed = |hash: u64, &token: &u32| mix(hash ^ u64::from(token));
    tokens.iter().fold(1, mixed)
}

/// Searches one utterance. If the search is cancelled, it is removed.
fn transduce(
    search: &mut TransducerSearch<Unruly>,
    rows: &mut Vec<f32>,
    frames: &[f32],
) -> Result<Found, Error> {
    let id = search.admit(9)?;
    while search.feed().rows() > 0 {
        let count = search.feed().rows();
        fill(rows, frames, count);
        let view = ScoresView::logits(rows, [count, VOCAB])?;
        if let Err(error) = search.advance(&view) {
            search.abandon_step();
            search.remove(id);
            return Err(error);
        }
    }
    let found = search.outcome(id).map(|outcome| {
        let best = outcome.and_then(|outcome| outcome.hypotheses().next());
        best.map(|best| (hash(best.tokens), best.score.to_bits()))
    });
    search.remove(id);
    found
}

/// Runs one request. If the search is cancelled, it is removed.
fn generate(
    search: &mut AutoregressiveSearch,
    request: Request,
    rows: &mut Vec<f32>,
    frames: &[f32],
) -> Result<Found, Error> {
    let id = search.admit(request)?;
    while !search.is_idle() {
        let count = search.feed().rows();
        fill(rows, frames, count);
        let view = ScoresView::logits(rows, [count, VOCAB])?;
        if let Err(error) = search.advance(&view) {
            search.abandon_step();
            search.remove(id);
            return Err(error);
        }
    }
    let found = search.outcome(id).map(|outcome| {
        let best = outcome.and_then(|outcome| outcome.hypotheses().next());
        best.map(|best| (hash(best.tokens), best.score.to_bits()))
    });
    search.remove(id);
    found
}
