//! widebeam, and the roofline: reading its input.

use std::hint::black_box;

use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, Rules, Stopping};
use widebeam::ctc::{Blank, CtcHypothesis, CtcNBest, CtcSearch};
use widebeam::transducer::{RequestId, Topology, TransducerSearch};
use widebeam::{IndependentSearch, Layout, Level, NBest, ScoreKind, ScoresView, independent};
use widebeam_peers::{Case, Hypothesis, Program, Result, serve};

fn main() -> Result<()> {
    let case = Case::from_arguments()?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(case.threads)
        .build()?;
    // Every search runs in the pool that it is called in.
    pool.install(|| serve(programs(&case)?))
}

fn programs(case: &Case) -> Result<Vec<Box<dyn Program + '_>>> {
    let kind = match &case.kind[..] {
        "probs" => ScoreKind::Probabilities,
        "log-probs" => ScoreKind::LogProbabilities,
        "logits" => ScoreKind::Logits,
        other => return Err(format!("the kind {other} is unknown").into()),
    };
    let whole = |shape| ScoresView::new(kind, &case.scores, shape);
    let (search, read): (Box<dyn Program>, Vec<_>) = match &case.task[..] {
        "independent" => {
            let scores = whole(case.shape::<3>()?)?;
            let search = IndependentSearch::new(case.beams)?;
            let found = NBest::new();
            (
                Box::new(Independent {
                    scores,
                    search,
                    found,
                }),
                vec![scores],
            )
        }
        "step" => {
            let [_, requests, beams, vocab] = case.shape()?;
            let rows = [requests * beams, vocab];
            let copies = case.scores.chunks(rows[0] * vocab);
            let copies: Vec<_> = copies
                .map(|copy| ScoresView::new(kind, copy, rows))
                .collect::<std::result::Result<_, _>>()?;
            // The first step has one row a request: the first of its rows.
            let requests = case.scores[..rows[0] * vocab].chunks(beams * vocab);
            let first: Vec<f32> = requests.flat_map(|rows| &rows[..vocab]).copied().collect();
            (Box::new(Step::new(&first, copies.clone(), beams)?), copies)
        }
        "ctc" => {
            let [frames, vocab] = case.shape()?;
            let scores = whole([1, frames, vocab])?;
            let search = CtcSearch::new(case.beams, Blank(0))?;
            let found = CtcNBest::new();
            (
                Box::new(Ctc {
                    scores,
                    search,
                    found,
                }),
                vec![scores],
            )
        }
        "transducer" => {
            let [_, frames, utterances, beams, vocab] = case.shape()?;
            let frame = utterances * beams * vocab;
            let copies = case.scores.chunks(frames * frame);
            let copies =
                copies.map(|copy| ScoresView::new(kind, copy, [copy.len() / vocab, vocab]));
            let copies = copies.collect::<std::result::Result<_, _>>()?;
            let search = TransducerSearch::new(vocab, Blank(0), beams)?;
            let search = search.with_topology(Topology::OneSymbol)?;
            let search = Transducer {
                kind,
                frames: case.scores.chunks(frame).collect(),
                next: 0,
                shape: [utterances, frames],
                search,
                ids: Vec::new(),
            };
            (Box::new(search), copies)
        }
        other => return Err(format!("the task {other} is unknown").into()),
    };
    Ok(vec![search, Box::new(Reading(Copies::new(read)))])
}

/// Scores of which each search takes the next, round and round: those of a step,
/// which come from memory that way and not from a cache.
struct Copies<'a> {
    all: Vec<ScoresView<'a>>,
    next: usize,
}

impl<'a> Copies<'a> {
    fn new(all: Vec<ScoresView<'a>>) -> Self {
        Copies { all, next: 0 }
    }

    fn take(&mut self) -> ScoresView<'a> {
        let copy = self.all[self.next];
        self.next = (self.next + 1) % self.all.len();
        copy
    }
}

struct Independent<'a> {
    scores: ScoresView<'a>,
    search: IndependentSearch,
    found: NBest,
}

impl Program for Independent<'_> {
    fn name(&self) -> String {
        "widebeam".into()
    }

    fn version(&self) -> Option<&'static str> {
        Some(self.search.level().name())
    }

    fn search(&mut self) -> Result<()> {
        Ok(self.search.decode_into(&self.scores, &mut self.found)?)
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let own = |h: independent::Hypothesis<'_>| Hypothesis(h.tokens.to_vec(), Some(h.score));
        let items = self.found.iter();
        items.map(|item| Ok(item?.map(own).collect())).collect()
    }
}

struct Ctc<'a> {
    scores: ScoresView<'a>,
    search: CtcSearch,
    found: CtcNBest,
}

impl Program for Ctc<'_> {
    fn name(&self) -> String {
        "widebeam".into()
    }

    fn version(&self) -> Option<&'static str> {
        Some(self.search.level().name())
    }

    fn search(&mut self) -> Result<()> {
        Ok(self.search.decode_into(&self.scores, &mut self.found)?)
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let own = |h: CtcHypothesis<'_>| Hypothesis(h.tokens.to_vec(), Some(h.score));
        Ok(vec![self.found.item(0)?.map(own).collect()])
    }
}

/// One step of a batch of requests that have all their beams.
struct Step<'a> {
    logits: Copies<'a>,
    search: AutoregressiveSearch,
    first: Vec<Vec<Hypothesis>>,
}

impl<'a> Step<'a> {
    /// `first` holds the logits of the first step, one row a request.
    fn new(first: &[f32], copies: Vec<ScoresView<'a>>, beams: usize) -> Result<Self> {
        let vocab = copies[0].vocab();
        let requests = first.len() / vocab;
        // Requests that never end: finished hypotheses are kept and run on.
        let rules = Rules::plain().with_stopping(Stopping::FirstFinished { patience: 1e12 });
        let request = Request::new(beams, MaximumLength(usize::MAX))
            .with_end_tokens([2])
            .with_rules(rules);
        let mut search = AutoregressiveSearch::new(vocab)?;
        for _ in 0..requests {
            search.admit(request.clone())?;
        }
        search.feed();
        search.advance(&ScoresView::logits(first, [requests, vocab])?)?;
        let mut step = Step {
            logits: Copies::new(copies),
            search,
            first: Vec::new(),
        };
        step.search()?;
        let feed = step.search.feed();
        let pairs: Vec<_> = feed.parents().iter().zip(feed.tokens()).collect();
        let pair = |&(&parent, &token): &_| Hypothesis(vec![parent, token], None);
        step.first = pairs
            .chunks(beams)
            .map(|request| request.iter().map(pair).collect())
            .collect();
        Ok(step)
    }
}

impl Program for Step<'_> {
    fn name(&self) -> String {
        "widebeam".into()
    }

    fn version(&self) -> Option<&'static str> {
        Some(self.search.level().name())
    }

    fn search(&mut self) -> Result<()> {
        self.search.feed();
        Ok(self.search.advance(&self.logits.take())?)
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let copy = |h: &Hypothesis| Hypothesis(h.0.clone(), h.1);
        let requests = self.first.iter();
        Ok(requests.map(|r| r.iter().map(copy).collect()).collect())
    }
}

/// All frames of some utterances, one symbol a frame, with a joiner that costs nothing.
struct Transducer<'a> {
    kind: ScoreKind,
    /// Of all copies, one after another.
    frames: Vec<&'a [f32]>,
    next: usize,
    /// Utterances and frames.
    shape: [usize; 2],
    search: TransducerSearch,
    ids: Vec<RequestId>,
}

impl Program for Transducer<'_> {
    fn name(&self) -> String {
        "widebeam".into()
    }

    fn version(&self) -> Option<&'static str> {
        Some(self.search.level().name())
    }

    fn search(&mut self) -> Result<()> {
        let [utterances, frames] = self.shape;
        for id in self.ids.drain(..) {
            self.search.remove(id);
        }
        for _ in 0..utterances {
            self.ids.push(self.search.admit(frames)?);
        }
        while !self.search.is_idle() {
            let frame = self.frames[self.next];
            self.next = (self.next + 1) % self.frames.len();
            let (rows, vocab) = (self.search.feed().rows(), self.search.vocab());
            // In the first frame an utterance has one prefix, and then all that it may have.
            let stride = frame.len() / rows;
            let layout = Layout::strided([rows, 1, vocab], [stride, vocab]);
            let scores = ScoresView::new(self.kind, frame, layout)?;
            self.search.advance(&scores)?;
        }
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let item = |&id| {
            let outcome = self.search.outcome(id)?.ok_or("it is not done")?;
            let found = outcome.hypotheses();
            let own = found.map(|h| Hypothesis(h.tokens.to_vec(), Some(h.score)));
            Ok(own.collect())
        };
        self.ids.iter().map(item).collect()
    }
}

/// The least that any exact search does: every score looked at once.
struct Reading<'a>(Copies<'a>);

impl Program for Reading<'_> {
    fn name(&self) -> String {
        "roofline".into()
    }

    fn differs(&self) -> &'static str {
        "no search: the largest of all scores"
    }

    fn version(&self) -> Option<&'static str> {
        Some(Level::best().name())
    }

    fn search(&mut self) -> Result<()> {
        black_box(widebeam::measure::read_all(&self.0.take(), Level::best())?);
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        Ok(Vec::new())
    }
}
