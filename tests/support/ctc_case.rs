//! A case for the CTC search, and its hypotheses as plain data.

use widebeam::ctc::{CtcHypothesis, CtcNBest, CtcPruning};
use widebeam::reference::{ctc as reference, scorers::PrefixScorer};
use widebeam::{ScoreKind, ScoresView};

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) kind: ScoreKind,
    pub(crate) shape: [usize; 3],
    pub(crate) lengths: Vec<usize>,
    pub(crate) data: Vec<f32>,
    pub(crate) beams: usize,
    pub(crate) blank: u32,
}

impl Case {
    pub(crate) fn view(&self) -> ScoresView<'_> {
        let view = ScoresView::new(self.kind, &self.data, self.shape).unwrap();
        view.with_lengths(&self.lengths).unwrap()
    }

    /// Some frames of an item.
    pub(crate) fn frames(&self, item: usize, start: usize, count: usize) -> ScoresView<'_> {
        let [_, time, vocab] = self.shape;
        let data = &self.data[(item * time + start) * vocab..][..count * vocab];
        ScoresView::new(self.kind, data, [count, vocab]).unwrap()
    }
}

/// The tokens and frames of a hypothesis, and the bits of its score, its alignment's
/// score and its scorer's score.
pub(crate) type Plain = (Vec<u32>, Vec<u32>, [u64; 3]);

fn plain_hypothesis(h: CtcHypothesis<'_>) -> Plain {
    let scores = [h.score, h.alignment_score, h.scorer_score];
    (
        h.tokens.to_vec(),
        h.frames.to_vec(),
        scores.map(f64::to_bits),
    )
}

/// The hypotheses of one item, or of a stream.
pub(crate) fn plain_item<'a>(
    hypotheses: impl IntoIterator<Item = CtcHypothesis<'a>>,
) -> Vec<Plain> {
    hypotheses.into_iter().map(plain_hypothesis).collect()
}

/// The hypotheses of each item, none of which was refused.
pub(crate) fn plain(nbest: &CtcNBest) -> Vec<Vec<Plain>> {
    nbest.iter().map(|item| plain_item(item.unwrap())).collect()
}

/// The hypotheses that the reference finds in each item of a view, for the settings of
/// a case.
pub(crate) fn expected(
    case: &Case,
    view: &ScoresView<'_>,
    pruning: &CtcPruning,
    scorer: &impl PrefixScorer,
) -> Vec<Vec<Plain>> {
    let item = |item| expected_item(view, item, case.beams, case.blank, pruning, scorer);
    (0..view.batch()).map(item).collect()
}

/// The hypotheses that the reference finds in one item.
pub(crate) fn expected_item(
    view: &ScoresView<'_>,
    item: usize,
    beams: usize,
    blank: u32,
    pruning: &CtcPruning,
    scorer: &impl PrefixScorer,
) -> Vec<Plain> {
    let found = reference::search(view, item, beams, blank, pruning, scorer);
    let plain = |h: reference::Hypothesis| {
        let scores = [h.score, h.alignment_score, h.scorer_score];
        (h.tokens, h.frames, scores.map(f64::to_bits))
    };
    found.into_iter().map(plain).collect()
}
