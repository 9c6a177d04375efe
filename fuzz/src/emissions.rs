//! Emissions for a CTC search with a scorer, and the answer it must give.

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::reference::ctc as reference;
use widebeam::reference::scorers::PrefixScorer;
use widebeam::reference::toy::mix;
use widebeam::scorers::{Scorer, Vocabulary};

use crate::ctc::plain;

/// Frames of the emissions.
const FRAMES: usize = 4;
const BEAMS: usize = 3;
pub(crate) const BLANK: Blank = Blank(0);

/// Decodes `FRAMES` frames over `vocab` tokens with a scorer, and compares with
/// the full search and the naive scorer. Returns the hypotheses.
pub(crate) fn decode(
    vocab: usize,
    scorer: &(impl Scorer + Sync),
    naive: &impl PrefixScorer,
) -> CtcNBest {
    let value = |i: usize| (mix(i as u64) % 64) as f32 / 64.0;
    let data: Vec<f32> = (0..FRAMES * vocab).map(value).collect();
    let view = ScoresView::probabilities(&data, [FRAMES, vocab]).expect("a dense tensor");
    // All tokens, and those alone that can matter.
    let all = CtcPruning::none().with_top_tokens(vocab);
    let mut nbest = CtcNBest::new();
    for pruning in [all, CtcPruning::none()] {
        let search = CtcSearch::new(BEAMS, BLANK).expect("a few beams");
        let search = search.with_scorer(scorer).with_pruning(pruning.clone());
        let mut search = search.expect("no thresholds");
        search.decode_into(&view, &mut nbest).expect("a blank");
        let expected = reference::search(&view, 0, BEAMS, BLANK.0, &pruning, naive);
        let found = nbest.item(0).expect("valid scores");
        assert_eq!(found.map(plain).collect::<Vec<_>>(), expected);
    }
    nbest
}

/// The bytes that each token of a vocabulary spells.
pub(crate) fn spellings(vocabulary: &Vocabulary) -> Vec<Vec<u8>> {
    let tokens = 0..vocabulary.len() as u32;
    tokens
        .map(|token| vocabulary.spelling(token).to_vec())
        .collect()
}
