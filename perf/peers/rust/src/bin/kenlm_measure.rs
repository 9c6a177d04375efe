//! Loading time, and queries a second in one thread. `perf/peers/kenlm/measure.cc` measures the same with
//! KenLM.
//!
//! ```sh
//! cargo run --release --features kenlm --bin kenlm_measure -- MODEL SENTENCES [REPEATS]
//! ```
#![allow(unsafe_code)]

use std::fs::File;
use std::io::BufReader;
use std::time::Instant;

use widebeam::scorers::NgramModel;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (path, sentences) = (
        arguments.next().ok_or("model")?,
        arguments.next().ok_or("sentences")?,
    );
    let repeats: usize = arguments.next().map_or(Ok(5), |n| n.parse())?;

    let start = Instant::now();
    let file = File::open(&path)?;
    let model = if path.ends_with(".arpa") {
        NgramModel::read_arpa(BufReader::with_capacity(1 << 16, file))?
    } else {
        // SAFETY: nobody writes to the file meanwhile.
        NgramModel::from_binary(unsafe { memmap2::Mmap::map(&file) }?)?
    };
    let loaded = start.elapsed();

    let text = std::fs::read_to_string(sentences)?;
    let ids = |line: &str| {
        line.split(' ')
            .map(|word| model.word(word))
            .collect::<Vec<_>>()
    };
    let lines: Vec<_> = text.lines().map(ids).collect();
    let queries: usize = lines.iter().map(Vec::len).sum();
    let (mut best, mut sum) = (f64::INFINITY, 0.0);
    for _ in 0..repeats {
        sum = 0.0;
        let start = Instant::now();
        for line in &lines {
            let (mut state, mut next) = (&mut model.start_state(), &mut model.empty_state());
            for &word in line {
                sum += f64::from(model.score_into(state, word, next));
                std::mem::swap(&mut state, &mut next);
            }
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!(
        "ours  {path}: loaded in {:.1} ms; {queries} queries, {:.2} million a second, sum {sum:.6}",
        1e3 * loaded.as_secs_f64(),
        queries as f64 / best / 1e6
    );
    Ok(())
}
