//! What the autoregressive search draws, and what it finds in sparse rows.

use widebeam::autoregressive::AutoregressiveSearch;
use widebeam::reference::autoregressive::{Method, Sampling, Scores};
use widebeam::reference::requests::{Extended, Model, Processor, Spec};
use widebeam::{Level, ScoreKind, ScoresView, SparseScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, hex};

const VOCAB: usize = 2500;

pub(crate) fn results() -> Results {
    let mut results = Results::new();
    for (name, kind) in KINDS {
        if kind == ScoreKind::Probabilities {
            continue;
        }
        for (rows, sparse) in [("dense", false), ("sparse", true)] {
            let requests = requests(sparse);
            let model = model(kind);
            let hash = everywhere(|level, order| run(&model, &requests, level, order));
            results.insert(format!("draws/{rows}/{name}"), hex(&hash));
        }
    }
    results
}

fn model(kind: ScoreKind) -> Model {
    Model {
        seed: 8,
        vocab: VOCAB,
        memory: 2,
        values: 0,
        impossible: 11,
        kind,
    }
}

/// Stochastic beams and beam sampling at several temperatures; of sparse rows plain ones too.
fn requests(sparse: bool) -> Vec<Extended> {
    let mut changed = Spec::plain(5, 5, &[3]);
    changed.before = vec![Processor::Repetition(1.5)];
    changed.after = vec![Processor::Suppress(vec![1, 2050])];
    let grouped = Spec {
        groups: (2, 0.5),
        ..Spec::plain(4, 5, &[3])
    };
    let mut requests = Vec::new();
    for (seed, method) in (1..).zip([Method::StochasticBeams, Method::BeamSampling]) {
        for temperature in [1.0, 0.6] {
            // Stochastic beams have one group.
            let several = (method == Method::BeamSampling).then_some(&grouped);
            for plain in std::iter::once(&changed).chain(several) {
                let sampling = Sampling {
                    method,
                    seed,
                    temperature,
                };
                requests.push(Extended {
                    sampling: Some(sampling),
                    ..Extended::of(plain.clone())
                });
            }
        }
    }
    if sparse {
        requests.extend([changed, grouped].map(Extended::of));
        for (given, request) in (2000..).step_by(40).zip(&mut requests) {
            request.given = Some(given);
        }
    }
    requests
}

/// The hash of each request.
fn run(model: &Model, requests: &[Extended], level: Level, order: Order) -> Vec<u64> {
    let search = AutoregressiveSearch::new(VOCAB).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut hashes = vec![0; requests.len()];
    for group in order.groups(requests.len()) {
        let admit = |index: usize| (search.admit(requests[index].engine()).unwrap(), index);
        let ids: Vec<_> = group.into_iter().map(admit).collect();
        while !search.is_idle() {
            step(&mut search, model, |id| {
                let (_, index) = ids.iter().find(|(known, _)| *known == id).unwrap();
                &requests[*index]
            });
        }
        for (id, index) in ids {
            let outcome = search.outcome(id).unwrap().unwrap();
            let mut hash = Hash::default();
            for found in outcome.hypotheses() {
                hash.tokens(found.tokens);
                found
                    .token_scores
                    .iter()
                    .for_each(|&score| hash.score(score));
                hash.score(found.score);
                if let Some(sampled) = found.sampled {
                    hash.score(sampled.log_probability);
                    hash.score(sampled.log_weight);
                }
            }
            hash.score(outcome.threshold().unwrap_or(0.0));
            hashes[index] = hash.get();
            search.remove(id);
        }
    }
    hashes
}

fn step<'a>(
    search: &mut AutoregressiveSearch,
    model: &Model,
    request: impl Fn(widebeam::autoregressive::RequestId) -> &'a Extended,
) {
    let feed = search.feed();
    let (mut tokens, mut scores, mut lengths, mut history) = (vec![], vec![], vec![], vec![]);
    for (id, rows) in feed.requests() {
        for row in rows {
            feed.sequence(row, &mut history);
            match request(id).scored(model, &history).scores {
                Scores::Dense(row) => scores.extend(row),
                Scores::Sparse { given, .. } => {
                    lengths.push(given.len());
                    let all = given.into_iter().chain(std::iter::repeat((0, 0.0)));
                    for (token, score) in all.take(VOCAB) {
                        tokens.push(token);
                        scores.push(score);
                    }
                }
            }
        }
    }
    let shape = [feed.rows(), VOCAB];
    if lengths.is_empty() {
        let view = ScoresView::new(model.kind, &scores, shape).unwrap();
        return search.advance(&view).unwrap();
    }
    let view = SparseScoresView::new(model.kind, VOCAB, &tokens, &scores, shape).unwrap();
    let view = view.with_lengths(&lengths).unwrap();
    search.advance_sparse(&view).unwrap();
}
