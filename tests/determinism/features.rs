//! Each addition of the autoregressive search by its name: what changes rows, what must occur,
//! what is drawn, and requests that are told to finish. All of them run in one batch.

use widebeam::autoregressive::{AutoregressiveSearch, Normaliser, RequestId};
use widebeam::reference::autoregressive::{Method, Sampling};
use widebeam::reference::requests::{
    Brackets, Extended, Model, Penalised, Penalty, Spec, StepRows, Timestamps,
};
use widebeam::{Level, ScoreKind};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, hex};

/// More than a block of a row has.
const VOCAB: usize = 2100;
const SOURCES: usize = 3;

pub(crate) fn results() -> Results {
    let mut results = Results::new();
    for (kind, of) in KINDS {
        if of == ScoreKind::Probabilities {
            continue;
        }
        for (rows, sparse) in [("dense", false), ("sparse", true)] {
            let features = features(sparse);
            let requests = features.iter().flat_map(|(_, requests)| requests.clone());
            let batch = Batch {
                model: model(of),
                requests: requests.collect(),
                sparse,
            };
            let hashes = everywhere(|level, order| batch.run(level, order));
            let mut hashes = &hashes[..];
            for (name, requests) in &features {
                let own = hashes.split_off(..requests.len()).expect("one a request");
                results.insert(format!("features/{name}/{rows}/{kind}"), hex(own));
            }
        }
    }
    results
}

fn model(kind: ScoreKind) -> Model {
    Model {
        seed: 21,
        vocab: VOCAB,
        memory: 2,
        values: 0,
        impossible: 11,
        kind,
    }
}

fn request(beams: usize, ends: &[u32]) -> Extended {
    Extended::of(Spec {
        prompt: vec![7, 2060, 7],
        ..Spec::plain(beams, 6, ends)
    })
}

/// The requests of each feature. No length penalty here needs a rounded power.
fn features(sparse: bool) -> Vec<(&'static str, Vec<Extended>)> {
    let mut features = vec![
        ("penalties", penalties()),
        ("timestamps", timestamps()),
        ("states", states()),
        ("required", required()),
        ("coverage", coverage()),
        ("drawn", drawn()),
        ("told", told()),
    ];
    if sparse {
        let requests = features.iter_mut().flat_map(|(_, requests)| requests);
        for (given, request) in (600..).step_by(100).zip(requests) {
            request.given = Some(given);
        }
    }
    features
}

fn penalised(penalty: Penalty, generated_only: bool, exempt: &[u32]) -> Penalised {
    Penalised {
        penalty,
        generated_only,
        exempt: exempt.to_vec(),
    }
}

fn penalties() -> Vec<Extended> {
    let mut before = request(5, &[3]);
    before.penalties_before = vec![
        penalised(Penalty::Repetition(1.5), true, &[]),
        penalised(Penalty::Frequency(0.75), false, &[7]),
    ];
    let mut after = request(4, &[3]);
    after.penalties_after = vec![
        penalised(Penalty::Presence(-0.5), false, &[]),
        penalised(Penalty::Frequency(-0.25), true, &[9, 2060]),
    ];
    vec![before, after]
}

/// Text, the end and timestamps lie in either block of a row.
fn timestamps() -> Vec<Extended> {
    let mut whisper = request(5, &[2000]);
    whisper.timestamps = Some(Timestamps {
        begin: 2040,
        end: 2000,
        none: Some(2039),
        max_initial: Some(30),
    });
    vec![whisper]
}

fn states() -> Vec<Extended> {
    let brackets = Brackets {
        open: 11,
        close: 12,
        deepest: 2,
    };
    let grammar = |normaliser, complete| Extended {
        grammar: Some((brackets, normaliser)),
        complete,
        ..request(6, if complete { &[] } else { &[3] })
    };
    vec![
        grammar(Normaliser::WholeRow, false),
        grammar(Normaliser::Permitted, true),
    ]
}

fn required() -> Vec<Extended> {
    let words = vec![vec![vec![17, 2070]], vec![vec![900], vec![5, 5, 5]]];
    let mut with_groups = request(6, &[3]);
    with_groups.plain.groups = (2, 0.5);
    vec![
        Extended {
            required: words.clone(),
            ..request(7, &[3])
        },
        Extended {
            required: words,
            stops: vec![vec![4, 17]],
            ..with_groups
        },
    ]
}

fn coverage() -> Vec<Extended> {
    vec![Extended {
        coverage: Some((0.5, SOURCES)),
        own_scores: true,
        penalties_before: vec![penalised(Penalty::Presence(1.0), true, &[])],
        ..request(5, &[3, 1050])
    }]
}

fn drawn() -> Vec<Extended> {
    let sampling = |method, temperature| {
        Some(Sampling {
            method,
            seed: 5,
            temperature,
        })
    };
    vec![
        Extended {
            sampling: sampling(Method::StochasticBeams, 0.75),
            coverage: Some((0.25, SOURCES - 1)),
            ..request(5, &[3])
        },
        Extended {
            sampling: sampling(Method::BeamSampling, 1.25),
            penalties_before: vec![penalised(Penalty::Repetition(2.0), false, &[2060])],
            own_scores: true,
            ..request(4, &[3])
        },
    ]
}

fn told() -> Vec<Extended> {
    let told = |after| Extended {
        finish_after: Some(after),
        ..request(4, &[3])
    };
    vec![
        told(2),
        Extended {
            widths: vec![2, 9, 3],
            own_scores: true,
            ..told(3)
        },
    ]
}

struct Batch {
    model: Model,
    requests: Vec<Extended>,
    sparse: bool,
}

impl Batch {
    /// The hash of each request.
    fn run(&self, level: Level, order: Order) -> Vec<u64> {
        let search = AutoregressiveSearch::new(VOCAB).unwrap();
        let mut search = search.with_level(level).unwrap();
        let mut hashes = vec![0; self.requests.len()];
        for group in order.groups(self.requests.len()) {
            let admit = |index: usize| {
                let request = self.requests[index].engine();
                (search.admit(request).unwrap(), index)
            };
            let ids: Vec<(RequestId, usize)> = group.into_iter().map(admit).collect();
            for step in 0.. {
                for &(id, index) in &ids {
                    if self.requests[index].finish_after == Some(step) {
                        search.finish(id);
                    }
                }
                if search.is_idle() {
                    break;
                }
                let rows = StepRows::of(&mut search, &self.model, self.sparse, |id| {
                    let (_, index) = ids.iter().find(|(known, _)| *known == id).unwrap();
                    &self.requests[*index]
                });
                rows.advance(&mut search).unwrap();
            }
            for (id, index) in ids {
                hashes[index] = hash(&search, id);
                search.remove(id);
            }
        }
        hashes
    }
}

/// All that a request has found.
fn hash(search: &AutoregressiveSearch, id: RequestId) -> u64 {
    let outcome = search.outcome(id).unwrap().unwrap();
    assert!(outcome.hypotheses().len() > 0, "a case that shows nothing");
    let mut hash = Hash::default();
    for found in outcome.hypotheses() {
        hash.tokens(found.tokens);
        let scores = found.token_scores.iter().chain(found.own_scores);
        scores.for_each(|&score| hash.score(score));
        let all = [found.log_probability, found.score, found.coverage];
        all.iter().for_each(|&score| hash.score(score));
        hash.number(found.ending as u64);
        hash.number(found.group as u64);
        if let Some(sampled) = found.sampled {
            hash.score(sampled.log_probability);
            hash.score(sampled.log_weight);
        }
    }
    hash.score(outcome.threshold().unwrap_or(0.0));
    hash.get()
}
