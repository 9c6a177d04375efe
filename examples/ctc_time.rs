//! Times the CTC search, and the bare reading of its input, on one thread. It is
//! how `perf/peers/ctc.py` times real emissions from memory.
//!
//!     ctc_time FILE f16|f32 ITEMS FRAMES VOCAB BLANK BEAMS RUNS
//!
//! FILE holds the probabilities, [ITEMS, FRAMES, VOCAB] in little-endian order, and
//! nothing else. Prints two lines, `decode` and `read`, each with the seconds of
//! every run over all items; the runs take turns.

use std::error::Error;
use std::time::Instant;

use half::f16;
use widebeam::ctc::{Blank, CtcNBest, CtcSearch};
use widebeam::{Level, ScoreKind, ScoresView, measure};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [file, dtype, numbers @ ..] = &arguments[..] else {
        return Err("see the head of examples/ctc_time.rs for the arguments".into());
    };
    let numbers: Vec<usize> = numbers
        .iter()
        .map(|n| n.parse())
        .collect::<Result<_, _>>()?;
    let [items, frames, vocab, blank, beams, runs] = numbers[..] else {
        return Err("six numbers are needed: ITEMS FRAMES VOCAB BLANK BEAMS RUNS".into());
    };
    let shape = [items, frames, vocab];
    let bytes = std::fs::read(file)?;
    let kind = ScoreKind::Probabilities;
    let (halves, singles): (Vec<f16>, Vec<f32>);
    let scores = match dtype.as_str() {
        "f16" => {
            let bytes = bytes.as_chunks().0.iter();
            halves = bytes.map(|&two| f16::from_le_bytes(two)).collect();
            ScoresView::new(kind, &halves, shape)?
        }
        "f32" => {
            let bytes = bytes.as_chunks().0.iter();
            singles = bytes.map(|&four| f32::from_le_bytes(four)).collect();
            ScoresView::new(kind, &singles, shape)?
        }
        _ => return Err("the type is f16 or f32".into()),
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| {
        let level = Level::from_environment()?;
        let blank = Blank(blank.try_into()?);
        let mut search = CtcSearch::new(beams, blank)?.with_level(level)?;
        let mut nbest = CtcNBest::new();
        let (mut decoding, mut reading) = (Vec::new(), Vec::new());
        for run in 0..=runs {
            let start = Instant::now();
            measure::read_all(&scores, level)?;
            let read = start.elapsed();
            let start = Instant::now();
            search.decode_into(&scores, &mut nbest)?;
            let decoded = start.elapsed();
            // The first run warms up.
            if run > 0 {
                decoding.push(decoded.as_secs_f64());
                reading.push(read.as_secs_f64());
            }
        }
        for item in &nbest {
            item?.best()?;
        }
        for (name, seconds) in [("decode", decoding), ("read", reading)] {
            let seconds: Vec<String> = seconds.iter().map(f64::to_string).collect();
            println!("{name} {}", seconds.join(" "));
        }
        Ok(())
    })
}
