//! When a request stops: each rule exactly where it begins to hold.

use widebeam::ScoresView;
use widebeam::autoregressive::{
    AutoregressiveSearch, CountedLength, EndRank, Ended, Leader, LengthPenalty, MaximumLength,
    Request, Rules, Stopping, WhenFull, processor_fn,
};

const END: u32 = 0;
const LIVE: u32 = 1;

const COUNTED: [CountedLength; 3] = [
    CountedLength::Generated,
    CountedLength::WithoutEnd,
    CountedLength::WithPrompt,
];

fn penalties() -> Vec<LengthPenalty> {
    let mut all = vec![LengthPenalty::None];
    for alpha in [-1.0, 0.0, 0.6, 1.0, 2.0] {
        all.push(LengthPenalty::Power { alpha });
        all.push(LengthPenalty::Gnmt { alpha });
    }
    all
}

/// A hypothesis that ends, and one that goes on, in the same step of a request of
/// one beam.
#[derive(Clone, Copy, Debug)]
struct Fork {
    prompt: usize,
    /// Tokens before the step, at a log-probability of 0.
    before: usize,
    max_length: usize,
    end: f64,
    live: f64,
}

/// Rules that hold scores against each other.
#[derive(Clone, Copy, Debug)]
struct Held {
    length_penalty: LengthPenalty,
    counted: CountedLength,
    stopping: Stopping,
}

impl Held {
    fn rules(self) -> Rules {
        Rules::plain()
            .with_length_penalty(self.length_penalty)
            .with_counted(self.counted)
            .with_stopping(self.stopping)
            .with_end_rank(EndRank::Any)
    }
}

impl Fork {
    /// Whether the request is done after the step.
    fn stops(self, rules: Held) -> bool {
        let request = Request::new(1, MaximumLength(self.max_length))
            .with_prompt(vec![LIVE; self.prompt])
            .with_end_tokens([END])
            .with_rules(rules.rules())
            .process_log_probabilities(processor_fn(move |row| {
                let forks = row.generated().len() == self.before;
                row.set(END, if forks { self.end } else { f64::NEG_INFINITY });
                row.set(LIVE, if forks { self.live } else { 0.0 });
            }));
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        for _ in 0..=self.before {
            assert!(search.finished().is_empty());
            search.feed();
            let row = ScoresView::log_probabilities(&[0f32, 0.0], [1, 2]).unwrap();
            search.advance(&row).unwrap();
        }
        let outcome = search.outcome(id).unwrap();
        assert!(outcome.is_none_or(|outcome| outcome.ended() == Ended::StoppingRule));
        outcome.is_some()
    }

    /// The score of the hypothesis that has ended.
    fn worst(self, rules: Held) -> f64 {
        let without_end = match rules.counted {
            CountedLength::Generated => self.before + 1,
            CountedLength::WithoutEnd => self.before,
            CountedLength::WithPrompt => self.prompt + self.before,
            other => unreachable!("{other:?}"),
        };
        penalised(rules.length_penalty, self.end, without_end)
    }

    /// What it is held against: the best score that the rule sees, over every
    /// length.
    fn bound(self, rules: Held) -> f64 {
        let prompt = match rules.counted {
            CountedLength::WithPrompt => self.prompt,
            _ => 0,
        };
        let now = self.before + 1;
        let at = |score, length| penalised(rules.length_penalty, score, prompt + length);
        match rules.stopping {
            Stopping::Heuristic {
                leader: Leader::Live,
            } => at(self.live, now),
            Stopping::Heuristic {
                leader: Leader::Any,
            } => at(self.live.max(self.end), now),
            Stopping::Exhaustive => (now..=self.max_length)
                .map(|length| at(self.live, length))
                .fold(f64::NEG_INFINITY, f64::max),
            _ => unreachable!("rules that hold scores against each other"),
        }
    }
}

fn penalised(penalty: LengthPenalty, log_probability: f64, length: usize) -> f64 {
    let divisor = match penalty {
        LengthPenalty::None => 1.0,
        LengthPenalty::Power { alpha } => (length.max(1) as f64).powf(alpha),
        LengthPenalty::Gnmt { alpha } => ((5.0 + length as f64) / 6.0).powf(alpha),
        other => unreachable!("{other:?}"),
    };
    match divisor {
        0.0 => f64::NEG_INFINITY,
        _ => log_probability / divisor,
    }
}

/// The numbers around `x`.
fn around(x: f64) -> impl Iterator<Item = f64> {
    (-3i64..=3).map(move |steps| f64::from_bits(x.to_bits().wrapping_add_signed(steps)))
}

#[test]
fn a_request_stops_just_where_no_live_hypothesis_can_beat_the_worst_finished_one() {
    let rules_of_stopping = [
        Stopping::Heuristic {
            leader: Leader::Live,
        },
        Stopping::Heuristic {
            leader: Leader::Any,
        },
        Stopping::Exhaustive,
    ];
    for stopping in rules_of_stopping {
        for length_penalty in penalties() {
            for counted in COUNTED {
                check_boundaries(Held {
                    length_penalty,
                    counted,
                    stopping,
                });
            }
        }
    }
}

/// Compares what a request does with the definition, where the two scores are
/// equal and at the numbers next to that.
fn check_boundaries(rules: Held) {
    let [mut equal, mut above, mut below] = [0; 3];
    for before in [0, 1, 2] {
        for max_length in [before + 2, before + 7] {
            for end in [-0.7, -1.9, -3.0, 0.3] {
                let fork = Fork {
                    prompt: 3,
                    before,
                    max_length,
                    end,
                    live: 0.0,
                };
                // The log-probabilities whose score is that of the finished one, at
                // the length now and at the maximum.
                let exact = [before + 1, max_length].map(|length| {
                    let prompt = match rules.counted {
                        CountedLength::WithPrompt => 3,
                        _ => 0,
                    };
                    let per_point = penalised(rules.length_penalty, 1.0, prompt + length);
                    fork.worst(rules) / per_point
                });
                for live in exact.into_iter().filter(|x| x.is_finite()).flat_map(around) {
                    let fork = Fork { live, ..fork };
                    if live.is_nan() {
                        continue;
                    }
                    let (worst, bound) = (fork.worst(rules), fork.bound(rules));
                    assert_eq!(
                        fork.stops(rules),
                        worst >= bound,
                        "{rules:?} {fork:?}: {worst} {bound}"
                    );
                    match worst.total_cmp(&bound) {
                        std::cmp::Ordering::Equal => equal += 1,
                        std::cmp::Ordering::Greater => above += 1,
                        std::cmp::Ordering::Less => below += 1,
                    }
                }
            }
        }
    }
    // The leader is never worse than the one that has ended.
    let leads = rules.stopping
        == Stopping::Heuristic {
            leader: Leader::Any,
        };
    let enough = if leads { 1 } else { 6 };
    assert!(equal >= enough, "{rules:?}: {equal} of equal scores");
    assert!(below > 5, "{rules:?}: {below} that go on");
    assert!(above > 5 || leads, "{rules:?}: {above} that stop");
}

/// The steps of a request of log-probabilities `row(step)`, one live hypothesis at
/// a time, and why it ended.
fn steps(request: Request, row: impl Fn(usize) -> [f32; 2]) -> (usize, Ended) {
    let mut search = AutoregressiveSearch::new(2).unwrap();
    steps_of(&mut search, request, row)
}

fn steps_of(
    search: &mut AutoregressiveSearch,
    request: Request,
    row: impl Fn(usize) -> [f32; 2],
) -> (usize, Ended) {
    let id = search.admit(request).unwrap();
    let mut steps = 0;
    while !search.is_idle() {
        assert_eq!(search.feed().rows(), 1);
        let row = row(steps);
        let scores = ScoresView::log_probabilities(&row, [1, 2]).unwrap();
        search.advance(&scores).unwrap();
        steps += 1;
    }
    let ended = search.outcome(id).unwrap().unwrap().ended();
    search.remove(id);
    (steps, ended)
}

/// One hypothesis ends at each step.
#[test]
fn patience_counts_the_rounded_number_of_all_that_finished() {
    let patiences = [0.4, 0.5, 1.0, 1.5, 2.5];
    let wanted = [
        (1, [1, 1, 1, 2, 3]),
        (2, [1, 1, 2, 3, 5]),
        (3, [1, 2, 3, 5, 8]),
        (4, [2, 2, 4, 6, 10]),
        (5, [2, 3, 5, 8, 13]),
    ];
    for when_full in [WhenFull::Keep, WhenFull::ReplaceWorst] {
        for (beams, wanted) in wanted {
            for (patience, wanted) in patiences.into_iter().zip(wanted) {
                let rules = Rules::plain()
                    .with_stopping(Stopping::FirstFinished { patience })
                    .with_end_rank(EndRank::Any)
                    .with_when_full(when_full);
                let request = Request::new(beams, MaximumLength(20))
                    .with_end_tokens([END])
                    .with_rules(rules);
                let found = steps(request, |_| [-1.0, -0.5]);
                assert_eq!(
                    found,
                    (wanted, Ended::StoppingRule),
                    "{beams} beams, {patience}"
                );
            }
        }
    }
}

#[test]
fn the_best_must_have_ended_in_some_step_and_enough_have_finished() {
    let rules = |hypotheses| {
        Rules::plain()
            .with_stopping(Stopping::BestFinished { hypotheses })
            .with_end_rank(EndRank::Any)
    };
    // The step in which the best candidate ends; in the others it is the second.
    let row = |best_ends: usize| {
        move |step| match step == best_ends {
            true => [-0.5, -1.0],
            false => [-1.0, -0.5],
        }
    };
    let mut kept = AutoregressiveSearch::new(2).unwrap();
    for beams in [1, 2, 5] {
        for hypotheses in 0..8 {
            for best_ends in 0..9 {
                let request = Request::new(beams, MaximumLength(9))
                    .with_end_tokens([END])
                    .with_rules(rules(hypotheses));
                let wanted = (best_ends + 1).max(hypotheses.min(beams));
                let ended = match wanted {
                    9 => Ended::Length,
                    _ => Ended::StoppingRule,
                };
                let found = steps(request.clone(), row(best_ends));
                assert_eq!(found, (wanted, ended), "{beams} {hypotheses}");
                // In a place that another request has left.
                let found = steps_of(&mut kept, request.clone(), row(best_ends));
                assert_eq!(found, (wanted, ended));
                let never = steps_of(&mut kept, request, row(usize::MAX));
                assert_eq!(never, (9, Ended::Length));
            }
        }
    }
}

/// Both groups find the same: their best ends at every step, and one goes on.
#[test]
fn each_group_waits_for_as_many_as_its_own_beams() {
    let best = |hypotheses| Stopping::BestFinished { hypotheses };
    let first = |patience| Stopping::FirstFinished { patience };
    for (stopping, wanted) in [
        (best(1), 1),
        (best(2), 2),
        (best(4), 2),
        (best(9), 2),
        (first(0.5), 1),
        (first(1.0), 2),
        (first(2.0), 4),
    ] {
        let rules = Rules::plain().with_stopping(stopping);
        let request = Request::new(4, MaximumLength(9))
            .with_end_tokens([END])
            .with_rules(rules)
            .with_diverse_groups(2, 0.0);
        let mut search = AutoregressiveSearch::new(2).unwrap();
        let id = search.admit(request).unwrap();
        let mut steps = 0;
        while !search.is_idle() {
            let rows = search.feed().rows();
            assert_eq!(rows, if steps == 0 { 1 } else { 2 });
            let data = [-0.5f32, -1.0].repeat(rows);
            let scores = ScoresView::log_probabilities(&data, [rows, 2]).unwrap();
            search.advance(&scores).unwrap();
            steps += 1;
        }
        assert_eq!(steps, wanted, "{stopping:?}");
        assert_eq!(
            search.outcome(id).unwrap().unwrap().ended(),
            Ended::StoppingRule
        );
    }
}

/// Equal candidates: the first of the row is the best.
#[test]
fn the_best_candidate_of_equal_ones_is_the_first_token() {
    let rules = Rules::plain()
        .with_stopping(Stopping::BestFinished { hypotheses: 1 })
        .with_end_rank(EndRank::Any);
    for (end, wanted) in [(0, (1, Ended::StoppingRule)), (1, (6, Ended::Length))] {
        let request = Request::new(2, MaximumLength(6))
            .with_end_tokens([end])
            .with_rules(rules);
        assert_eq!(steps(request, |_| [-0.5, -0.5]), wanted);
    }
}
