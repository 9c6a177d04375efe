//! Finishing at any step, and what can be seen then.

use proptest::prelude::*;
use widebeam::autoregressive::{AtMaximum, Stopping};
use widebeam::reference::autoregressive::{Finish, Hypothesis};
use widebeam::reference::requests::Extended;
use widebeam_toy::seeded;

use crate::decisions::model_and_spec;
use crate::model::{exhaustive, logits};

proptest! {
    #![proptest_config(seeded::cases(500))]

    /// The caller's word does what a maximum length would have done.
    #[test]
    fn a_request_that_is_told_to_finish_is_cut_there(
        (model, mut plain) in model_and_spec(),
        after in 1usize..6,
        more in 1usize..3,
    ) {
        plain.rules = plain.rules.with_at_maximum(AtMaximum::Finish);
        plain.max_length = after + more;
        plain.groups = (1, 0.0);
        // The exhaustive rule looks at the maximum.
        prop_assume!(plain.rules.stopping() != Stopping::Exhaustive);
        let told = Extended { finish_after: Some(after), ..Extended::of(plain.clone()) };
        let told = told.expected(&model);
        plain.max_length = after;
        let cut = Extended::of(plain).expected(&model);
        let as_cut = |hypothesis: &Hypothesis| {
            let mut hypothesis = hypothesis.clone();
            if hypothesis.found.finish == Finish::Live {
                hypothesis.found.finish = Finish::Length;
            }
            hypothesis
        };
        let told_as_cut: Vec<_> = told.hypotheses.iter().map(as_cut).collect();
        // At the maximum length a stopping rule that is met drops nothing.
        let stopped = told.steps.last().is_some_and(|step| step.live.is_empty());
        if !stopped {
            prop_assert_eq!(told_as_cut, cut.hypotheses);
        }
    }

    /// What is seen after a step is what the request has if it is told to finish there.
    #[test]
    fn what_is_live_after_a_step_is_what_finishes(
        (model, mut plain) in model_and_spec(),
        after in 1usize..6,
        more in 1usize..3,
    ) {
        plain.rules = plain.rules.with_at_maximum(AtMaximum::Finish);
        plain.max_length = after + more;
        let whole = Extended::of(plain.clone()).expected(&model);
        let told = Extended { finish_after: Some(after), ..Extended::of(plain) };
        let told = told.expected(&model);
        prop_assert_eq!(&told.steps[..], &whole.steps[..told.steps.len()]);
        let Some(last) = told.steps.last() else { return Ok(()) };
        for hypothesis in &told.hypotheses {
            let seen = match hypothesis.found.finish {
                Finish::Live => {
                    let same = |live: &widebeam::reference::autoregressive::Live| {
                        live.tokens == hypothesis.found.tokens
                            && live.log_probability == hypothesis.found.log_probability
                    };
                    last.live.iter().any(same)
                }
                _ => last.finished.contains(hypothesis),
            };
            prop_assert!(seen);
        }
    }
}

#[test]
fn a_request_that_is_told_before_its_first_step_has_nothing() {
    let mut plain = widebeam::reference::requests::Spec::plain(3, 4, &[]);
    plain.rules = exhaustive(widebeam::autoregressive::LengthPenalty::None);
    let request = Extended {
        finish_after: Some(0),
        ..Extended::of(plain)
    };
    let outcome = request.expected(&logits(1, 5, 1));
    assert!(outcome.hypotheses.is_empty() && outcome.steps.is_empty());
}

/// Hypotheses without the words are dropped, as everywhere.
#[test]
fn what_finishes_early_has_the_required_words() {
    let mut plain = widebeam::reference::requests::Spec::plain(4, 6, &[]);
    plain.rules = exhaustive(widebeam::autoregressive::LengthPenalty::None);
    let request = |after| Extended {
        finish_after: Some(after),
        required: vec![vec![vec![2, 3]]],
        ..Extended::of(plain.clone())
    };
    let model = logits(1, 5, 1);
    assert!(request(1).expected(&model).hypotheses.is_empty());
    let found = request(2).expected(&model).hypotheses;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0].found.tokens[..], found[0].found.finish),
        (&[2, 3][..], Finish::Live)
    );
}
