//! Rules that look at the best candidate of a step. With required words the best of all banks
//! counts, and an end before the words is no candidate; the coverage term does not count.

use proptest::prelude::*;
use widebeam::autoregressive::{AtMaximum, Leader, Rules, Stopping};
use widebeam::reference::requests::{Extended, Spec};
use widebeam_toy::seeded;

use crate::engine::check_batch;
use crate::engine_required::missing;
use crate::engine_rules::any_end_rank;
use crate::model::logits;
use crate::required::any_required;

fn any_rules() -> impl Strategy<Value = Rules> {
    let stopping = prop::sample::select(vec![
        Stopping::Heuristic {
            leader: Leader::Any,
        },
        Stopping::Heuristic {
            leader: Leader::Live,
        },
        Stopping::BestFinished { hypotheses: 1 },
        Stopping::BestFinished { hypotheses: 2 },
    ]);
    let at_maximum = prop::sample::select(vec![
        AtMaximum::Finish,
        AtMaximum::FillUp,
        AtMaximum::FinishUnlessDone,
    ]);
    (stopping, any_end_rank(), at_maximum).prop_map(|(stopping, end_rank, at_maximum)| {
        Rules::plain()
            .with_stopping(stopping)
            .with_end_rank(end_rank)
            .with_at_maximum(at_maximum)
    })
}

proptest! {
    #![proptest_config(seeded::cases(1000))]

    #[test]
    fn the_best_candidate_is_that_of_the_oracle(
        seed: u64,
        required in any_required(),
        rules in any_rules(),
        beams in 1usize..5,
        more in 1usize..5,
        ends in prop::collection::vec(0u32..6, 1..4),
    ) {
        let model = logits(seed, 6, 2);
        let mut plain = Spec::plain(beams, missing(&required) + more, &ends);
        plain.rules = rules;
        let request = Extended { required, ..Extended::of(plain) };
        prop_assume!(request.is_admitted(&model));
        check_batch(&[(request, 0)], &model, widebeam::Level::best(), 1);
    }

    #[test]
    fn coverage_is_not_in_the_score_of_the_best_candidate(
        seed: u64,
        rules in any_rules(),
        beams in 1usize..5,
        length in 1usize..6,
        factor in -1.5..0.5f64,
        sources in 1usize..4,
        ends in prop::collection::vec(0u32..6, 1..4),
    ) {
        let model = logits(seed, 6, 2);
        let mut plain = Spec::plain(beams, length, &ends);
        plain.rules = rules;
        let coverage = Some((factor, sources));
        let request = Extended { coverage, ..Extended::of(plain) };
        check_batch(&[(request, 0)], &model, widebeam::Level::best(), 1);
    }
}
