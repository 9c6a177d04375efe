//! The independent search against its reference.

use arbitrary::{Result, Unstructured};
use widebeam::{IndependentSearch, NBest, reference};
use widebeam_toy::any_tensor::{self, Limits, Tensor};

use crate::effort::Effort;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (effort, data) = Effort::of(data);
    let _ = attempt(&mut Unstructured::new(data), effort);
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>, effort: Effort) -> Result<()> {
    // Many beams and short rows, or few and long ones: the reference sorts both.
    let (beams, vocab) = match u.int_in_range(0..=15u8)? {
        0 => (3, 1200),
        1..=4 => (8, 200),
        _ => (40, 40),
    };
    let beams = u.int_in_range(1..=beams)?;
    let limits = Limits {
        batch: 3,
        time: if vocab > 200 { 2 } else { 5 },
        vocab,
    };
    let tensor = Tensor::any(u, limits)?;
    let view = tensor.view();
    for level in effort.levels() {
        let search = IndependentSearch::new(beams).expect("some beams");
        let mut search = search.with_level(level).expect("it is there");
        let mut nbest = NBest::new();
        search
            .decode_into(&view, &mut nbest)
            .expect("enough memory");
        for (item, found) in any_tensor::decoded(&view, &nbest) {
            let expected = &reference::independent(&view.items(item..item + 1), beams)[0];
            let found = found.map(|h| (h.tokens.to_vec(), h.score.to_bits()));
            let expected = expected
                .iter()
                .map(|(tokens, score)| (tokens.clone(), score.to_bits()));
            assert!(found.eq(expected), "item {item} at level {level}");
        }
    }
    Ok(())
}
