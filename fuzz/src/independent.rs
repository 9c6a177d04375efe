//! The independent search against its reference, at every level.

use arbitrary::{Result, Unstructured};
use widebeam::{IndependentSearch, Level, NBest, reference};
use widebeam_toy::any_tensor::{self, Limits, Tensor};

/// Tries one input.
pub fn run(data: &[u8]) {
    let _ = attempt(&mut Unstructured::new(data));
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    // Many beams and short rows, or few and long ones: the reference sorts both.
    let (beams, vocab) = *u.choose(&[(40, 40), (8, 200), (3, 1200)])?;
    let beams = u.int_in_range(1..=beams)?;
    let limits = Limits {
        batch: 3,
        time: if vocab > 200 { 2 } else { 5 },
        vocab,
    };
    let tensor = Tensor::any(u, limits)?;
    let view = tensor.view();
    for level in Level::available() {
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
