//! The CTC search against its reference, pruned or not.

use arbitrary::{Result, Unstructured};
use widebeam::ctc::{Blank, CtcHypothesis, CtcNBest, CtcPruning, CtcSearch};
use widebeam::reference::{ctc as reference, scorers::PrefixScorer, toy::Anything};
use widebeam::scorers::{Scorer, Unscored};
use widebeam_toy::any_tensor::{self, Limits, Tensor};

use crate::effort::Effort;

/// Any scorer, of prefixes and of the end.
pub(crate) const ANYTHING: Anything = Anything {
    seed: 0,
    ends: true,
};

/// Tries one input.
pub fn run(data: &[u8]) {
    let (effort, data) = Effort::of(data);
    if effort.is_unscored() {
        let _ = attempt(&mut Unstructured::new(data), effort, Unscored);
    }
    if effort.is_scored() {
        let _ = attempt(&mut Unstructured::new(data), effort, ANYTHING);
    }
}

/// `Err` only where the input is too short to make a case of.
fn attempt<S: Scorer + PrefixScorer + Copy + Sync>(
    u: &mut Unstructured<'_>,
    effort: Effort,
    scorer: S,
) -> Result<()> {
    let beams = u.int_in_range(1..=7usize)?;
    let pruning = pruning(u)?;
    let vocab = *u.choose(&[4, 12, 60])?;
    let limits = Limits {
        batch: 2,
        time: 8,
        vocab,
    };
    let tensor = Tensor::any(u, limits)?;
    let view = tensor.view();
    let blank = u.int_in_range(0..=view.vocab() as u32 - 1)?;
    for level in effort.levels() {
        let search = CtcSearch::new(beams, Blank(blank)).expect("some beams");
        let search = search.with_level(level).expect("it is there");
        let search = search.with_pruning(pruning.clone()).expect("numbers");
        let mut search = search.with_scorer(scorer);
        let mut nbest = CtcNBest::new();
        search.decode_into(&view, &mut nbest).expect("a blank");
        for (item, found) in any_tensor::decoded(&view, &nbest) {
            let expected = reference::search(&view, item, beams, blank, &pruning, &scorer);
            let found: Vec<_> = found.map(plain).collect();
            assert_eq!(found, expected, "item {item} at level {level}");
        }
    }
    Ok(())
}

/// A hypothesis as the reference has it.
pub(crate) fn plain(hypothesis: CtcHypothesis<'_>) -> reference::Hypothesis {
    reference::Hypothesis {
        tokens: hypothesis.tokens.to_vec(),
        frames: hypothesis.frames.to_vec(),
        last_frames: hypothesis.last_frames.to_vec(),
        score: hypothesis.score,
        log_mass: hypothesis.log_mass,
        alignment_score: hypothesis.alignment_score,
        scorer_score: hypothesis.scorer_score,
    }
}

/// Any pruning, none in every other case.
pub(crate) fn pruning(u: &mut Unstructured<'_>) -> Result<CtcPruning> {
    let mut pruning = CtcPruning::none();
    let wanted: u8 = u.arbitrary()?;
    if wanted & 1 == 0 {
        return Ok(pruning);
    }
    let limit = |u: &mut Unstructured<'_>| Ok(f64::from(u.int_in_range(0..=80u8)?) / 16.0);
    if wanted & 2 != 0 {
        pruning = pruning.with_top_tokens(u.int_in_range(1..=5)?);
    }
    if wanted & 4 != 0 {
        pruning = pruning.with_min_token_log_probability(-limit(u)?);
    }
    if wanted & 8 != 0 {
        pruning = pruning.with_score_threshold(limit(u)?);
    }
    if wanted & 16 != 0 {
        pruning = pruning.with_blank_skip(-limit(u)?);
    }
    if wanted & 32 != 0 {
        pruning = pruning.with_commit_delay(u.int_in_range(1..=5)?);
    }
    Ok(pruning)
}
