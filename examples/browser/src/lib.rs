//! The front of a page in which the OCR sample of widebeam is decoded, by CTC beam search
//! of any width beside greedy decoding.
//!
//! The page calls functions that take and return numbers, so that no tool has to make
//! bindings: [`decode`] writes an [`Answer`] as JSON and returns its length in bytes,
//! [`answer`] says where it lies in the memory of the module.

mod sample;

use std::cell::RefCell;

use serde::Serialize;
use widebeam::ctc::{Blank, CtcGreedy, CtcNBest, CtcSearch};
use widebeam::{Error, ScoresView};

use sample::{BLANK, Sample};

/// What the page shows for a beam width.
#[derive(Serialize)]
struct Answer {
    lines: Vec<Line>,
}

/// A line of text, as it was written and as it was read.
#[derive(Serialize)]
struct Line {
    truth: &'static str,
    greedy: String,
    /// The texts of the beam, best first.
    beam: Vec<Reading>,
}

/// A text that the beam search found.
#[derive(Serialize)]
struct Reading {
    text: String,
    /// Its probability: the sum over its alignments that the beam kept.
    probability: f64,
}

/// The sample, and what is kept from one call to the next.
struct State {
    sample: Sample,
    nbest: CtcNBest,
    json: Vec<u8>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::new(State::new());
}

impl State {
    fn new() -> Self {
        State {
            sample: Sample::unpack(),
            nbest: CtcNBest::new(),
            json: Vec::new(),
        }
    }
}

/// Unpacks the sample, which the first [`decode`] would do else. Returns the number of lines.
// SAFETY: no other function of this module is exported under the name.
#[unsafe(no_mangle)]
pub extern "C" fn unpack() -> usize {
    STATE.with_borrow(|state| state.sample.truth.len())
}

/// Decodes the sample with so many beams. Returns the length in bytes of the answer: JSON in
/// UTF-8, an object with `lines`, or with `error` where the width is not one that a search
/// can have.
// SAFETY: no other function of this module is exported under the name.
#[unsafe(no_mangle)]
pub extern "C" fn decode(beams: u32) -> usize {
    STATE.with_borrow_mut(|state| {
        let answer = match read(state, beams as usize) {
            Ok(answer) => serde_json::to_vec(&answer),
            Err(error) => serde_json::to_vec(&serde_json::json!({ "error": error.to_string() })),
        };
        state.json = answer.unwrap_or_default();
        state.json.len()
    })
}

/// Where the answer of the last [`decode`] begins. It stays there until the next.
// SAFETY: no other function of this module is exported under the name.
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    STATE.with_borrow(|state| state.json.as_ptr())
}

/// Whether the vectors of the module are those of WebAssembly (`simd128`), 1, or emulated, 0.
// SAFETY: no other function of this module is exported under the name.
#[unsafe(no_mangle)]
pub extern "C" fn has_simd() -> u32 {
    cfg!(target_feature = "simd128").into()
}

fn read(state: &mut State, beams: usize) -> Result<Answer, Error> {
    let State { sample, nbest, .. } = state;
    let scores = ScoresView::probabilities(&sample.probs, sample.shape)?;
    let scores = scores.with_lengths(&sample.lengths)?;
    let mut search = CtcSearch::new(beams, Blank(BLANK))?;
    search.decode_into(&scores, nbest)?;
    let greedy = CtcGreedy::new(Blank(BLANK))?.decode(&scores)?;

    let mut lines = Vec::new();
    for (line, truth) in sample.truth.iter().enumerate() {
        let readings = nbest.item(line)?.map(|found| Reading {
            text: sample.text(found.tokens),
            probability: found.score.exp(),
        });
        lines.push(Line {
            truth,
            greedy: sample.text(greedy.best(line)?.tokens),
            beam: readings.collect(),
        });
    }
    Ok(Answer { lines })
}
