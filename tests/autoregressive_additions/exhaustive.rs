//! A search that stops when nothing live can beat its pool finds what one does that never stops.

use proptest::prelude::*;
use widebeam::Level;
use widebeam::autoregressive::{
    AutoregressiveSearch, CountedLength, LengthPenalty, MaximumLength, Request, Rules, Stopping,
};
use widebeam::reference::requests::{Extended, Spec};
use widebeam_toy::seeded;

use crate::engine::check_batch;
use crate::model::{answers, logits};

proptest! {
    #![proptest_config(seeded::cases(1500))]

    /// Under a negative exponent short hypotheses are the better ones, and a stop sequence that
    /// is not counted makes them shorter than they were while they were live.
    #[test]
    fn nothing_that_could_come_is_missed(
        seed: u64,
        stops in prop::collection::vec(prop::collection::vec(0u32..3, 1..5), 1..4),
        ends in prop::collection::vec(0u32..4, 0..2),
        (beams, max_length, n_best) in (1usize..4, 2usize..7, 1usize..4),
        prompt in prop::collection::vec(0u32..4, 0..3),
        gnmt: bool,
        alpha in prop::sample::select(vec![-2.0, -1.0, -0.5, 0.5, 1.0]),
        counted in prop::sample::select(vec![
            CountedLength::Generated,
            CountedLength::WithoutEnd,
            CountedLength::WithPrompt,
        ]),
    ) {
        let model = logits(seed, 4, 3);
        let penalty = match gnmt {
            true => LengthPenalty::Gnmt { alpha },
            false => LengthPenalty::Power { alpha },
        };
        let rules = Rules::plain().with_length_penalty(penalty).with_counted(counted);
        let request = |stopping| {
            let mut plain = Spec::plain(beams, max_length, &ends);
            plain.rules = rules.with_stopping(stopping);
            plain.prompt.clone_from(&prompt);
            Extended { stops: stops.clone(), n_best: Some(n_best), ..Extended::of(plain) }
        };
        let stopped = request(Stopping::Exhaustive);
        let expected = request(Stopping::Never).expected(&model);
        prop_assert_eq!(answers(&stopped.expected(&model)), answers(&expected));
        check_batch(&[(stopped, 0)], &model, Level::best(), 1);
    }
}

/// After three steps [0, 0, 3] has finished with ln .6 at length 2, and [0, 0, 0] lives with
/// ln .4. It cannot win at the length 3 that it has, nor at length 2, but it does where the next
/// token makes all of it a stop sequence.
#[test]
fn a_live_hypothesis_is_held_against_the_pool_at_the_length_that_a_stop_leaves() {
    for (stop, tokens, steps) in [
        (vec![0, 0, 0, 1], vec![0, 0, 0, 1], 4),
        (vec![0, 1], vec![0, 0, 3], 3),
    ] {
        let mut search = AutoregressiveSearch::new(4).unwrap();
        let rules = Rules::plain()
            .with_length_penalty(LengthPenalty::Power { alpha: -1.0 })
            .with_counted(CountedLength::WithoutEnd)
            .with_stopping(Stopping::Exhaustive);
        let request = Request::new(1, MaximumLength(9))
            .with_end_tokens([3])
            .with_stop_sequences([stop])
            .with_rules(rules);
        let id = search.admit(request).unwrap();
        let mut taken = 0;
        search
            .run(|_, scores| {
                let row: [f32; 4] = match taken {
                    0 | 1 => [1.0, 0.0, 0.0, 0.0],
                    2 => [0.4, 0.0, 0.0, 0.6],
                    _ => [0.0, 1.0, 0.0, 0.0],
                };
                scores.copy_from_slice(&row.map(f32::ln));
                taken += 1;
            })
            .unwrap();
        let outcome = search.outcome(id).unwrap().unwrap();
        assert_eq!(
            (outcome.best().unwrap().tokens, taken),
            (&tokens[..], steps)
        );
    }
}
