//! Compares what is selected with all emissions of all prefixes, put in order.

use super::*;
use crate::cancellation::Cancellation;
use crate::marks;
use crate::random::Random;
use crate::reference::toy::Anything;
use crate::reference::{log_probability_row, row_ranks, values};
use crate::scorers::Unscored;
use crate::scores::ScoreKind::{self, LogProbabilities, Logits, Probabilities};
use crate::scores::ScoresView;
use crate::search::prefixes::NONE;
use crate::search::transducer::live::LivePrefix;
use crate::search::transducer::step_rows::Reader;
use crate::simd::{Dispatch, Level};

/// A scorer of any scores, with a bound.
#[derive(Clone, Copy)]
struct Bounded(Anything);

impl Scorer for Bounded {
    type State = u64;

    fn start(&self) -> u64 {
        Scorer::start(&self.0)
    }

    fn score(&self, state: &u64, token: u32) -> f64 {
        self.0.score(state, token)
    }

    fn advance(&self, state: &u64, token: u32) -> u64 {
        self.0.advance(state, token)
    }

    fn finish(&self, state: &u64) -> f64 {
        self.0.finish(state)
    }

    fn max_score(&self, _: &u64) -> f64 {
        2.0
    }

    /// Forbids the tokens that leave 3 divided by 64.
    fn may_follow(&self, _: &u64) -> u64 {
        !(1 << 3)
    }
}

/// What a scorer does with a token: its score, if it is tried.
trait Tries: Scorer {
    fn tried(&self, state: &Self::State, token: u32, rank: usize, beams: usize) -> Option<f64>;
}

impl Tries for Unscored {
    fn tried(&self, (): &(), _: u32, _: usize, _: usize) -> Option<f64> {
        Some(0.0)
    }
}

impl Tries for Anything {
    fn tried(&self, state: &u64, token: u32, rank: usize, beams: usize) -> Option<f64> {
        (rank < beams + 2).then(|| self.score(state, token))
    }
}

impl Tries for Bounded {
    fn tried(&self, state: &u64, token: u32, _: usize, _: usize) -> Option<f64> {
        (token % 64 != 3).then(|| self.score(state, token))
    }
}

struct Case {
    kind: ScoreKind,
    vocab: usize,
    beams: usize,
    ranks: usize,
    /// How many values scores are drawn from; 0 for any.
    values: usize,
    spread: f32,
}

/// Selects from one frame at several bounds, with masses that fall from one to the next as
/// those of later stages do, and compares each time.
fn check<S: Tries>(case: &Case, scorer: &S, random: &mut Random) {
    let &Case {
        kind,
        vocab,
        beams,
        ranks,
        values: count,
        spread,
    } = case;
    let blank = random.below(vocab) as u32;
    let settings = Settings::new(vocab, blank, beams).unwrap();
    let unit = |random: &mut Random| match count {
        0 => random.unit(),
        count => random.below(count) as f32 / count as f32,
    };
    let mut score = || match kind {
        _ if random.one_in(9) => kind.impossible(),
        Probabilities => unit(random),
        LogProbabilities => -spread * unit(random),
        Logits => spread * unit(random),
    };
    let data: Vec<f32> = (0..ranks * vocab).map(|_| score()).collect();
    let view = ScoresView::new(kind, &data, [1, ranks, vocab]).unwrap();
    let dispatch = Dispatch::new(Level::best()).unwrap();
    let mut reader = Reader::default();
    let scored = scorers::scores::<S>();
    let whole = Cancellation::default();
    reader
        .read(&settings, scored, &view, dispatch, &whole)
        .unwrap();
    let read = reader.rows(&settings, view, None);

    let mut lists = Lists::default();
    lists.reset(vocab, blank);
    let mut live = LivePrefixes::default();
    live.reserve(ranks).unwrap();
    let mut active = Vec::new();
    for rank in 0..ranks {
        let (row, normaliser) = read.get(rank, true).unwrap();
        let list = lists.push(&row, read.durations(rank, normaliser)).unwrap();
        let state = scorer.advance(&scorer.start(), rank as u32);
        let scored = f64::from(random.below(5) as f32 / 4.0);
        let scored = if scorers::scores::<S>() { scored } else { 0.0 };
        let place = live.insert(
            LivePrefix {
                scored,
                most_scored: scored + scorer.max_score(&state),
                follow: scorer.may_follow(&state),
                list,
                ..LivePrefix::EMPTY
            },
            state,
        );
        active.push(Active {
            place,
            emission: NONE,
            mass: -(rank as f64) * f64::from(unit(random)),
            best: 0.0,
        });
    }
    active.sort_by(|a, b| b.mass.partial_cmp(&a.mass).unwrap());
    let mut candidates = Vec::new();
    for bound in [-1.0, -3.0, -9.0, f64::NEG_INFINITY] {
        let skips =
            |rank: usize, token: u32| bound < -4.0 && (rank as u32 + token).is_multiple_of(4);
        let mut expected = Vec::new();
        for (rank, prefix) in active.iter().enumerate() {
            let row = live.get(prefix.place).list as usize;
            let logs = log_probability_row(&view, 0, row);
            let row_ranks = row_ranks(&values(&view, 0, row));
            let (scored, state) = (live.get(prefix.place).scored, live.state(prefix.place));
            for token in (0..vocab as u32).filter(|&token| token != blank) {
                let row_rank = row_ranks[token as usize];
                let Some(said) = scorer.tried(state, token, row_rank, beams) else {
                    continue;
                };
                let total = (prefix.mass + logs[token as usize]) + (scored + said);
                if total.is_finite() && total >= bound && !skips(rank, token) {
                    expected.push((total, rank, row_rank, token));
                }
            }
        }
        expected.sort_by(|a, b| {
            b.0.partial_cmp(&a.0)
                .unwrap()
                .then((a.1, a.2).cmp(&(b.1, b.2)))
        });
        // Without a scorer what is skipped counts among the best of its row.
        let is_short = !scorers::scores::<S>() && bound < -4.0;
        if is_short {
            expected.retain(|&(_, rank, row_rank, _)| {
                let row = live.get(active[rank].place).list as usize;
                let blank = row_ranks(&values(&view, 0, row))[blank as usize];
                row_rank - usize::from(row_rank > blank) < beams
            });
        }
        expected.truncate(beams);
        let mut selection = Selection {
            settings: &settings,
            scorer,
            live: &live,
            active: &active,
            lists: &mut lists,
            rows: None,
            duration: 0,
            bound,
            candidates: &mut candidates,
        };
        selection.run(skips).unwrap();
        candidate::sort_best(&mut candidates, beams);
        let found: Vec<(f64, usize, u32)> = candidates
            .iter()
            .map(|&found| {
                let (rank, place) = candidate::numbers(found);
                let list = live.get(active[rank].place).list;
                let (token, _) = lists.at(list, place as usize);
                (candidate::score(found), rank, token)
            })
            .collect();
        let expected: Vec<(f64, usize, u32)> = expected
            .into_iter()
            .map(|(total, rank, _, token)| (total + 0.0, rank, token))
            .collect();
        assert_eq!(found, expected, "{kind:?} {vocab} {beams} {ranks} {bound}");
        for active in &mut active {
            active.mass -= f64::from(unit(random));
        }
        active.sort_by(|a, b| b.mass.partial_cmp(&a.mass).unwrap());
    }
}

fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in [Probabilities, LogProbabilities, Logits] {
        for (vocab, beams) in [
            (2, 3),
            (5, 1),
            (40, 3),
            (40, 50),
            (300, 4),
            (90, 12),
            (200, 90),
        ] {
            for _ in 0..8 {
                cases.push(Case {
                    kind,
                    vocab,
                    beams,
                    ranks: 1 + random.below(beams),
                    values: [0, 0, 3, 9][random.below(4)],
                    spread: [1.0, 8.0][random.below(2)],
                });
            }
        }
    }
    cases
}

/// Of wide beams too, whose lists are shorter than the beam.
#[test]
fn the_best_emissions_are_selected() {
    let mut random = Random::new(1);
    let all = || {
        for case in cases(&mut random) {
            check(&case, &Unscored, &mut random);
        }
    };
    marks::expect("more emissions than four times the beam", || {
        marks::expect("more tokens of a row are needed than are listed", all);
    });
}

#[test]
fn the_best_emissions_with_a_scorer_are_selected() {
    let mut random = Random::new(2);
    for case in cases(&mut random) {
        let anything = Anything {
            seed: u64::from(random.bits()),
            ends: false,
        };
        check(&case, &anything, &mut random);
    }
}

/// However far down its row a token is, if the scorer can lift it.
#[test]
fn the_best_emissions_with_a_bounded_scorer_are_selected() {
    let mut random = Random::new(3);
    marks::expect("more tokens of a row are needed than are listed", || {
        for case in cases(&mut random) {
            let anything = Anything {
                seed: u64::from(random.bits()),
                ends: false,
            };
            check(&case, &Bounded(anything), &mut random);
        }
    });
}
