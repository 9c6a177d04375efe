//! Scores sentences, one a line, and writes the bits of each word's score, that of `</s>`,
//! and a number for the state before it, equal for equal states. `perf/peers/kenlm/compare.py` writes the
//! same with KenLM.
//!
//! ```sh
//! cargo run --release --features kenlm --bin kenlm_compare -- MODEL < sentences
//! ```
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Write};

use widebeam::scorers::NgramModel;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("a model, please")?;
    let file = File::open(&path)?;
    let model = if path.ends_with(".arpa") {
        NgramModel::read_arpa(BufReader::with_capacity(1 << 16, file))?
    } else {
        // SAFETY: nobody writes to the file meanwhile.
        NgramModel::from_binary(unsafe { memmap2::Mmap::map(&file) }?)?
    };
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let mut states = HashMap::new();
    for (number, line) in text.lines().enumerate() {
        let mut state = match number % 2 {
            0 => model.start_state(),
            _ => model.empty_state(),
        };
        let mut before = state;
        for word in line.split_ascii_whitespace() {
            let word = model.word(word);
            let (score, next) = model.score_and_advance(&state, word);
            assert_eq!(model.score(&state, word).to_bits(), score.to_bits());
            assert_eq!(model.advance(&state, word), next);
            let mut written = before;
            let into = model.score_into(&state, word, &mut written);
            assert_eq!((into.to_bits(), written), (score.to_bits(), next));
            (before, state) = (state, next);
            write!(out, "{:08x} ", score.to_bits())?;
        }
        let end = model.score(&state, model.word("</s>"));
        let fresh = states.len();
        let class = *states.entry(state).or_insert(fresh);
        writeln!(out, "{:08x} {class}", end.to_bits())?;
    }
    Ok(())
}
