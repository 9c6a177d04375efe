//! widebeam, and the roofline: reading its input.

use std::hint::black_box;

use widebeam::autoregressive::{AutoregressiveSearch, Request, Rules, Stopping};
use widebeam::{CtcNBest, CtcSearch, IndependentSearch, Level, NBest, ScoreKind, ScoresView};
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
    let (search, scores): (Box<dyn Program>, _) = match &case.task[..] {
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
                scores,
            )
        }
        "step" => {
            let [copies, requests, beams, vocab] = case.shape()?;
            // A step reads one of the copies.
            let rows = [requests * beams, vocab];
            let one = &case.scores[..rows[0] * vocab];
            let step = Step::new(&case.scores, [copies, requests, beams, vocab])?;
            (Box::new(step), ScoresView::new(kind, one, rows)?)
        }
        "ctc" => {
            let [frames, vocab] = case.shape()?;
            let scores = whole([1, frames, vocab])?;
            let search = CtcSearch::new(case.beams, 0)?;
            let found = CtcNBest::new();
            (
                Box::new(Ctc {
                    scores,
                    search,
                    found,
                }),
                scores,
            )
        }
        other => return Err(format!("the task {other} is unknown").into()),
    };
    Ok(vec![search, Box::new(Reading(scores))])
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

    fn answers(&self) -> Vec<Vec<Hypothesis>> {
        let item = |item| {
            let found = self.found.item(item);
            found
                .map(|h| Hypothesis(h.tokens.to_vec(), Some(h.score)))
                .collect()
        };
        (0..self.found.len()).map(item).collect()
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

    fn answers(&self) -> Vec<Vec<Hypothesis>> {
        let found = self.found.item(0);
        vec![
            found
                .map(|h| Hypothesis(h.tokens.to_vec(), Some(h.score)))
                .collect(),
        ]
    }
}

/// One step of a batch of requests that have all their beams. Copies of the
/// logits take turns, so that they come from memory and not from a cache.
struct Step<'a> {
    logits: &'a [f32],
    shape: [usize; 4],
    search: AutoregressiveSearch,
    copy: usize,
    first: Vec<Vec<Hypothesis>>,
}

impl<'a> Step<'a> {
    fn new(logits: &'a [f32], shape: [usize; 4]) -> Result<Self> {
        let [_, requests, beams, vocab] = shape;
        // Requests that never end: finished hypotheses are kept and run on.
        let rules = Rules {
            stopping: Stopping::FirstFinished { patience: 1e12 },
            ..Rules::plain()
        };
        let request = Request::new(beams, usize::MAX).end_tokens([2]).rules(rules);
        let mut search = AutoregressiveSearch::new(vocab)?;
        for _ in 0..requests {
            search.admit(request.clone())?;
        }
        // The first step has one row a request: the first of its rows.
        let first: Vec<f32> = logits[..requests * beams * vocab]
            .chunks(beams * vocab)
            .flat_map(|rows| &rows[..vocab])
            .copied()
            .collect();
        search.advance(&ScoresView::logits(&first, [requests, vocab])?)?;
        let mut step = Step {
            logits,
            shape,
            search,
            copy: 0,
            first: Vec::new(),
        };
        step.search()?;
        let feed = step.search.feed();
        let pairs: Vec<_> = feed.parents().iter().zip(feed.tokens()).collect();
        let pair = |&(&parent, &token): &_| Hypothesis(vec![parent, token], None);
        step.first = pairs
            .chunks(beams)
            .map(|r| r.iter().map(pair).collect())
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
        let [copies, requests, beams, vocab] = self.shape;
        let size = requests * beams * vocab;
        let logits = &self.logits[self.copy * size..][..size];
        self.copy = (self.copy + 1) % copies;
        let logits = ScoresView::logits(logits, [requests * beams, vocab])?;
        Ok(self.search.advance(&logits)?)
    }

    fn answers(&self) -> Vec<Vec<Hypothesis>> {
        let copy = |h: &Hypothesis| Hypothesis(h.0.clone(), h.1);
        self.first
            .iter()
            .map(|r| r.iter().map(copy).collect())
            .collect()
    }
}

/// The least that any exact search does: every score looked at once.
struct Reading<'a>(ScoresView<'a>);

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
        black_box(widebeam::measure::read_all(&self.0, Level::best())?);
        Ok(())
    }

    fn answers(&self) -> Vec<Vec<Hypothesis>> {
        Vec::new()
    }
}
