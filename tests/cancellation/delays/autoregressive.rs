//! Steps around a model, which says the same of all hypotheses.

use widebeam::ScoresView;
use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request, Sampling};

use super::cases::Visit;
use crate::probabilities;

const STEPS: usize = 3;

pub(super) fn each(visit: &mut Visit<'_>) {
    for (requests, beams, vocab, draws) in [
        (8, 8, 128_256, false),
        (1, 4096, 5000, false),
        (1, 5, 10_000_000, false),
        (8, 8, 32_000, true),
    ] {
        let data = probabilities(requests * beams * vocab, 3);
        let mut search = AutoregressiveSearch::new(vocab).unwrap();
        let mut ids = Vec::new();
        let sampled = if draws { ", stochastic" } else { "" };
        visit(
            &format!("autoregressive {requests} requests, {beams} beams, {vocab} tokens{sampled}"),
            &mut |token| {
                search.set_cancellation(token);
                search.abandon_step();
                for id in ids.drain(..) {
                    search.remove(id);
                }
                for seed in 0..requests as u64 {
                    let request = Request::new(beams, MaximumLength(STEPS));
                    let request = match draws {
                        true => request.with_sampling(Sampling::stochastic_beams(seed)),
                        false => request,
                    };
                    ids.push(search.admit(request)?);
                }
                while !search.is_idle() {
                    let rows = search.feed().rows();
                    let scores = ScoresView::logits(&data[..rows * vocab], [rows, vocab])?;
                    search.advance(&scores)?;
                }
                Ok(())
            },
        );
    }
}
