//! A driver with the model in the loop: requests arrive and are cancelled while the model
//! works.
//!
//! ```sh
//! cargo run --release --example cancel
//! ```

use widebeam::ScoresView;
use widebeam::autoregressive::{AutoregressiveSearch, Feed, MaximumLength, Request};

const VOCAB: usize = 5;

fn main() -> Result<(), widebeam::Error> {
    let mut search = AutoregressiveSearch::new(VOCAB)?;
    let request = |prompt| {
        Request::new(2, MaximumLength(6))
            .with_prompt([prompt])
            .with_end_tokens([4])
    };
    let (first, second) = (search.admit(request(0))?, search.admit(request(1))?);

    let mut third = None;
    while !search.is_idle() {
        let feed = search.feed();
        let (rows, logits) = (feed.rows(), model(&feed));
        // While the model worked, one user hung up and another came. The logits still go
        // to the rows that the feed has shown.
        if third.is_none() {
            assert!(search.remove(first));
            third = Some(search.admit(request(2))?);
        }
        search.advance(&ScoresView::logits(&logits, [rows, VOCAB])?)?;
    }

    for id in [Some(second), third].into_iter().flatten() {
        let outcome = search.outcome(id)?.expect("the search is idle");
        println!(
            "{id}: {:?}, ended by {:?}",
            outcome.best()?.tokens,
            outcome.ended()
        );
    }
    println!("{}", search.outcome(first).unwrap_err());
    Ok(())
}

/// A toy model that counts on from the last token.
fn model(feed: &Feed<'_>) -> Vec<f32> {
    let mut sequence = Vec::new();
    let mut logits = vec![0.0; feed.rows() * VOCAB];
    for (row, logits) in logits.chunks_mut(VOCAB).enumerate() {
        feed.sequence(row, &mut sequence);
        let last = sequence.last().copied().unwrap_or(0) as usize;
        logits[(last + 1) % VOCAB] = 3.0;
    }
    logits
}
