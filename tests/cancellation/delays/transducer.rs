//! Steps around a joiner, which says the same of all prefixes.

use widebeam::scorers::Scorer;
use widebeam::transducer::{Blank, TransducerSearch};
use widebeam::{CancellationToken, ScoresView};

use super::cases::Visit;
use crate::probabilities;
use crate::stop_after::StopAfter;

const FRAMES: usize = 4;

pub(super) fn each(visit: &mut Visit<'_>) {
    for (utterances, beams, vocab) in [(64, 16, 5000), (1, 4096, 64), (1, 4, 10_000_000)] {
        let search = TransducerSearch::new(vocab, Blank(0), beams).unwrap();
        case(search, utterances, "", visit);
    }
    let scorer = StopAfter::new(usize::MAX, &CancellationToken::new());
    let search = TransducerSearch::new(1025, Blank(0), 16).unwrap();
    case(search.with_scorer(scorer), 64, ", a scorer", visit);
}

fn case<S: Scorer<State: Send> + Sync + Send>(
    mut search: TransducerSearch<S>,
    utterances: usize,
    scorer: &str,
    visit: &mut Visit<'_>,
) {
    let (vocab, beams) = (search.vocab(), search.beams());
    let data = probabilities(utterances * beams * vocab, 3);
    let mut ids = Vec::new();
    visit(
        &format!("transducer {utterances} utterances, {beams} beams, {vocab} tokens{scorer}"),
        &mut |token| {
            search.set_cancellation(token);
            search.abandon_step();
            for id in ids.drain(..) {
                search.remove(id);
            }
            for _ in 0..utterances {
                ids.push(search.admit(FRAMES)?);
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
