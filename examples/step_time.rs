//! Times a step of the autoregressive search, and the bare reading of the same
//! logits, turn by turn: for `perf/peers/torch_step.py`, which sets PyTorch's
//! step beside it.
//!
//! Reads lines from the standard input. `REQUESTS BEAMS VOCAB` makes logits of
//! that shape, checks the search's answer against a full sort, and answers
//! `{}`. An empty line takes a turn on them: steps for about SECONDS, then
//! reads for as long, and answers with the median seconds of each in JSON.
//!
//!     step_time [SECONDS]

#[path = "../benches/step/mod.rs"]
mod step;

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use step::{ROTATION, check, logits, start};
use widebeam::autoregressive::AutoregressiveSearch;
use widebeam::{Level, ScoresView, measure};

/// A search, and the batches of logits that its steps rotate through.
struct Shape {
    search: AutoregressiveSearch,
    rows: usize,
    vocab: usize,
    batches: Vec<f32>,
    next: usize,
}

impl Shape {
    fn new(requests: usize, beams: usize, vocab: usize) -> Self {
        check(beams, vocab);
        let rows = requests * beams;
        let copies = (ROTATION / size_of::<f32>()).div_ceil(rows * vocab);
        Shape {
            search: start(requests, beams, vocab),
            rows,
            vocab,
            batches: logits(copies.clamp(1, 64) * rows * vocab, 5),
            next: 0,
        }
    }

    /// The median seconds of `run` on one batch after another.
    fn time<E: Error + 'static>(
        &mut self,
        seconds: f64,
        mut run: impl FnMut(&mut AutoregressiveSearch, &ScoresView<'_>) -> Result<(), E>,
    ) -> Result<f64, Box<dyn Error>> {
        let size = self.rows * self.vocab;
        let mut times = Vec::new();
        let begin = Instant::now();
        while times.len() < 4 || begin.elapsed().as_secs_f64() < seconds {
            let batch = self.next % (self.batches.len() / size) * size;
            self.next += 1;
            let batch = &self.batches[batch..batch + size];
            let scores = ScoresView::logits(batch, [self.rows, self.vocab])?;
            let start = Instant::now();
            run(&mut self.search, &scores)?;
            times.push(start.elapsed());
        }
        // The first wakes the threads.
        let times = &mut times[1..];
        let middle = times.len() / 2;
        let (_, median, _) = times.select_nth_unstable(middle);
        Ok(Duration::as_secs_f64(median))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let seconds = match std::env::args().nth(1) {
        Some(seconds) => seconds.parse()?,
        None => 0.2,
    };
    let mut shape = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let numbers = line.split_whitespace().map(str::parse);
        let numbers = numbers.collect::<Result<Vec<usize>, _>>()?;
        match (&numbers[..], &mut shape) {
            (&[requests, beams, vocab], shape) => {
                *shape = Some(Shape::new(requests, beams, vocab));
                println!("{{}}");
            }
            ([], Some(shape)) => {
                let step = shape.time(seconds, |search, scores| search.advance(scores))?;
                let level = Level::from_environment()?;
                let read = shape.time(seconds, |_, scores| {
                    measure::read_all(scores, level).map(drop)
                })?;
                println!("{{\"step\": {step}, \"read\": {read}}}");
            }
            _ => return Err("see the head of examples/step_time.rs for what to say".into()),
        }
        std::io::stdout().flush()?;
    }
    Ok(())
}
