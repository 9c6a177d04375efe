//! The k best sequences of a batch, of which one item is bad, from a search that is kept:
//!
//! ```sh
//! cargo run --release --example independent
//! ```

use widebeam::{IndependentSearch, NBest, ScoresView};

fn main() -> Result<(), widebeam::Error> {
    // [batch, time, vocab] = [3, 2, 3]. The second item holds a NaN, the third ends early.
    let probabilities = [
        0.5f32,
        0.3,
        0.2,
        0.1,
        0.1,
        0.8, //
        0.5,
        0.3,
        0.2,
        f32::NAN,
        0.1,
        0.8, //
        0.2,
        0.7,
        0.1,
        0.0,
        0.0,
        0.0,
    ];
    let scores = ScoresView::probabilities(&probabilities, [3, 2, 3])?.with_lengths(&[2, 2, 1])?;

    let mut search = IndependentSearch::new(2)?;
    let mut nbest = NBest::new();
    search.decode_into(&scores, &mut nbest)?;
    for (index, item) in nbest.iter().enumerate() {
        match item {
            Ok(hypotheses) => {
                for hypothesis in hypotheses {
                    println!(
                        "item {index}: {:?} {:.3}",
                        hypothesis.tokens, hypothesis.score
                    );
                }
            }
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
