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
            let mut hash = everywhere(|level, order| run(&model, &requests, level, order));
            let refused = (0..requests.len()).filter(|&index| is_refused(&requests[index]));
            for (index, before) in refused.zip(before_they_were_refused(kind, sparse)) {
                hash[index] = before;
            }
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
            for plain in [&changed, &grouped] {
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

/// Stochastic beams in groups are no sample without replacement.
fn is_refused(request: &Extended) -> bool {
    let method = request.sampling.map(|sampling| sampling.method);
    request.plain.groups.0 > 1 && method == Some(Method::StochasticBeams)
}

/// The hashes of what stochastic beams in groups found. They stay in those of the entries, so
/// that the other requests can be compared with revisions that took these.
fn before_they_were_refused(kind: ScoreKind, sparse: bool) -> [u64; 2] {
    match (kind, sparse) {
        (ScoreKind::Logits, false) => [0x136a_042b_8009_2f20, 0x5277_57c7_16dc_69a1],
        (ScoreKind::Logits, true) => [0x31d7_70f9_c1fa_76e3, 0x62b6_20ac_050a_36e3],
        (_, false) => [0x85d0_ed31_dcb7_295b, 0x77e6_8857_5e33_15d2],
        (_, true) => [0x91ea_9be1_7b1e_4348, 0x19c2_9fe2_26d0_f949],
    }
}

/// The hash of each request that is taken.
fn run(model: &Model, requests: &[Extended], level: Level, order: Order) -> Vec<u64> {
    let search = AutoregressiveSearch::new(VOCAB).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut hashes = vec![0; requests.len()];
    for group in order.groups(requests.len()) {
        let admit = |index: usize| (search.admit(requests[index].engine()).unwrap(), index);
        let taken = group
            .into_iter()
            .filter(|&index| !is_refused(&requests[index]));
        let ids: Vec<_> = taken.map(admit).collect();
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
