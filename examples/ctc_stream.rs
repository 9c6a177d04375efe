//! Two streams of frames, with one language model and one list of favoured phrases between
//! them:
//!
//! ```sh
//! cargo run --release --example ctc_stream
//! ```

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcPruning, CtcSearch};
use widebeam::scorers::{NgramModel, NgramScorer, Phrases, Vocabulary};

const ARPA: &str = "\\data\\\nngram 1=6\n\n\\1-grams:\n\
    -1 <s>\n-1 </s>\n-0.3 a\n-1.2 c\n-1.2 o\n-0.5 t\n\n\\end\\\n";

fn main() -> Result<(), widebeam::Error> {
    let labels = ["<blank>", "a", "c", "o", "t"];
    let vocabulary = Vocabulary::new(&labels, Some(Blank(0)));
    let model = NgramModel::read_arpa(ARPA.as_bytes())?;
    let model = NgramScorer::of_tokens(model, &vocabulary)?
        .with_weight(0.5)?
        .with_token_bonus(0.5)?;
    let phrases = Phrases::from_text(&[("cot", 0.6)], &vocabulary, false)?;

    let search = CtcSearch::new(8, Blank(0))?
        .with_pruning(CtcPruning::none().with_commit_delay(50))?
        .with_scorer((model, phrases));
    // Both streams share the scorer.
    let mut streams = [search.stream(), search.stream()];

    let (cat, cot) = ([[2, 0, 1, 4]], [[2, 3, 3, 4]]);
    for (stream, chunks) in streams.iter_mut().zip([cat, cot]) {
        let (mut tokens, mut frames) = (Vec::new(), Vec::new());
        for chunk in chunks {
            let emissions = chunk.map(emission);
            let scores = ScoresView::probabilities(emissions.as_flattened(), [4, 5])?;
            stream.push(&scores)?;
            stream.take_stable(&mut tokens, &mut frames)?;
            println!("so far {:?}", stream.current_best()?.tokens);
        }
        let best = stream.finish()?.best()?;
        tokens.extend(best.tokens);
        println!("{} {:.3}", vocabulary.text(&tokens)?, best.score);
    }
    Ok(())
}

/// A frame that is fairly sure of a token.
fn emission(token: usize) -> [f32; 5] {
    std::array::from_fn(|other| if other == token { 0.8 } else { 0.05 })
}
