//! The engine beside the oracle: random batches whose utterances come and go, to the bit.

use std::collections::{HashMap, HashSet};

use widebeam::reference::scorers::{Phrases as PhrasesOracle, PrefixScorer};
use widebeam::reference::toy::Anything;
use widebeam::reference::transducer::{self as oracle, Hypothesis};
use widebeam::scorers::{Phrases, Scorer, Unscored};
use widebeam::transducer::{
    Blank, LengthNormalisation, PredictorInput, RequestId, Topology, TransducerHypothesis,
    TransducerSearch,
};
use widebeam::{Level, ScoreKind, ScoresView};

use crate::cases::{Case, DURATIONS};
use crate::model::Model;
use crate::random::Random;

/// What a search and its utterances are.
struct Batch {
    settings: oracle::Settings,
    cases: Vec<Case>,
}

fn batch(random: &mut Random) -> Batch {
    let most = [3, 9, 40][random.below(3)];
    let vocab = 1 + random.below(most);
    let durations = DURATIONS[random.below(DURATIONS.len())].to_vec();
    let max_symbols = 1 + random.below(3);
    let topology = match random.below(3) {
        0 => oracle::Topology::Standard { max_symbols },
        1 => oracle::Topology::OneSymbol,
        _ => oracle::Topology::Tdt {
            durations: durations.clone(),
            max_symbols,
        },
    };
    let is_tdt = matches!(topology, oracle::Topology::Tdt { .. });
    let blank = random.below(vocab) as u32;
    let kind = [
        ScoreKind::Logits,
        ScoreKind::LogProbabilities,
        ScoreKind::Probabilities,
    ][random.below(3)];
    let mut model = || Model {
        seed: u64::from(random.bits()),
        vocab,
        durations: if is_tdt { durations.len() } else { 0 },
        memory: random.below(4),
        values: [0, 0, 2, 5][random.below(4)],
        impossible: [0, 0, 4][random.below(3)],
        spread: [1.0, 6.0][random.below(2)],
        kind,
    };
    let models: Vec<Model> = (0..1 + 4).map(|_| model()).collect();
    let count = 1 + random.below(models.len());
    let case = |model: Model| Case {
        model,
        topology: topology.clone(),
        frames: random.below(9),
        blank,
    };
    let cases = models.into_iter().take(count).map(case).collect();
    let beams = [1, 2, 3, 5, 12][random.below(5)];
    Batch {
        settings: oracle::Settings {
            beams,
            blank,
            topology,
            commit_delay: [None, None, Some(1 + random.below(4))][random.below(3)],
            divide_by_length: random.one_in(3),
            nbest: [1, beams, beams + 3][random.below(3)],
        },
        cases,
    }
}

fn engine<S: Scorer + Sync>(batch: &Batch, scorer: S, level: Level) -> TransducerSearch<S> {
    let settings = &batch.settings;
    let topology = match settings.topology.clone() {
        oracle::Topology::Standard { max_symbols } => Topology::Standard { max_symbols },
        oracle::Topology::OneSymbol => Topology::OneSymbol,
        oracle::Topology::Tdt {
            durations,
            max_symbols,
        } => Topology::Tdt {
            durations,
            max_symbols,
        },
    };
    let vocab = batch.cases[0].model.vocab;
    let search = TransducerSearch::new(vocab, Blank(settings.blank), settings.beams).unwrap();
    let normalisation = match settings.divide_by_length {
        true => LengthNormalisation::PerToken,
        false => LengthNormalisation::None,
    };
    search
        .with_scorer(scorer)
        .with_topology(topology)
        .unwrap()
        .with_nbest(settings.nbest)
        .unwrap()
        .with_length_normalisation(normalisation)
        .with_commit_delay(settings.commit_delay)
        .unwrap()
        .with_level(level)
        .unwrap()
}

/// A hypothesis as the oracle has it: durations that the topology fixes are left out.
fn plain(found: TransducerHypothesis<'_>, topology: &oracle::Topology) -> Hypothesis {
    let fixed = match topology {
        oracle::Topology::Standard { .. } => Some(0),
        oracle::Topology::OneSymbol => Some(1),
        oracle::Topology::Tdt { .. } => None,
    };
    let durations = match fixed {
        Some(fixed) => {
            assert_eq!(found.durations, vec![fixed; found.tokens.len()]);
            Vec::new()
        }
        None => found.durations.to_vec(),
    };
    Hypothesis {
        durations,
        tokens: found.tokens.to_vec(),
        frames: found.frames.to_vec(),
        log_mass: found.log_mass,
        alignment_score: found.alignment_score,
        scorer_score: found.scorer_score,
        score: found.score,
    }
}

/// What is compared: everything, with the bits of the numbers.
fn bits(hypotheses: &[Hypothesis]) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let bits = |h: &Hypothesis| {
        let numbers = [h.log_mass, h.alignment_score, h.scorer_score, h.score];
        let lists = [&h.tokens, &h.frames, &h.durations].map(Clone::clone);
        (lists, numbers.map(|number| (number + 0.0).to_bits()))
    };
    hypotheses.iter().map(bits).collect()
}

/// The caller of the search: prefixes by slot, utterances by request.
struct Caller<'a> {
    cases: &'a [Case],
    prefixes: Vec<Vec<u32>>,
    asked: HashSet<(RequestId, u32, Vec<u32>)>,
    of: HashMap<RequestId, usize>,
}

impl Caller<'_> {
    /// One step; `false` if no row was wanted.
    fn step<S: Scorer + Sync>(&mut self, search: &mut TransducerSearch<S>) -> bool {
        let columns = search.columns();
        let feed = search.feed();
        if feed.rows() == 0 {
            return false;
        }
        self.prefixes.resize(feed.slots(), Vec::new());
        for step in feed.predictor_steps() {
            self.prefixes[step.slot as usize] = match step.input {
                PredictorInput::Start => Vec::new(),
                PredictorInput::Token { slot, token } => {
                    let mut prefix = self.prefixes[slot as usize].clone();
                    prefix.push(token);
                    prefix
                }
            };
        }
        let mut data = Vec::new();
        for row in feed.joiner_rows() {
            let prefix = &self.prefixes[row.slot as usize];
            let first = self.asked.insert((row.request, row.frame, prefix.clone()));
            assert!(first, "{row:?} {prefix:?} was asked for before");
            let case = &self.cases[self.of[&row.request]];
            data.extend(case.model.row(row.frame as usize, prefix));
        }
        let shape = [feed.rows(), columns];
        let scores = ScoresView::new(self.cases[0].model.kind, &data, shape).unwrap();
        search.advance(&scores).unwrap();
        true
    }
}

/// Admits the utterances at random moments, whole or as streams, a neighbour that is removed
/// among them, and returns what is found of each.
fn decode<S: Scorer + Sync>(
    batch: &Batch,
    search: &mut TransducerSearch<S>,
    random: &mut Random,
) -> Vec<Vec<Hypothesis>> {
    let mut caller = Caller {
        cases: &batch.cases,
        prefixes: Vec::new(),
        asked: HashSet::new(),
        of: HashMap::new(),
    };
    let mut ids: Vec<Option<RequestId>> = vec![None; batch.cases.len()];
    let mut missing: Vec<usize> = vec![0; batch.cases.len()];
    let mut ended = vec![false; batch.cases.len()];
    let mut removed = None;
    let mut idle = 0;
    while idle < 3 {
        for (number, case) in batch.cases.iter().enumerate() {
            match ids[number] {
                None if random.one_in(2) => {
                    ended[number] = random.one_in(2);
                    missing[number] = if ended[number] { 0 } else { case.frames };
                    let id = match ended[number] {
                        true => search.admit(case.frames).unwrap(),
                        false => search.admit_stream().unwrap(),
                    };
                    ids[number] = Some(id);
                    caller.of.insert(id, number);
                }
                Some(id) if !ended[number] => {
                    let more = random.below(missing[number] + 1);
                    search.add_frames(id, more).unwrap();
                    missing[number] -= more;
                    if missing[number] == 0 {
                        search.end(id).unwrap();
                        ended[number] = true;
                    }
                }
                _ => {}
            }
        }
        if removed.is_none() && random.one_in(4) {
            let id = search.admit(1 + random.below(5)).unwrap();
            caller.of.insert(id, 0);
            removed = Some(id);
        } else if let Some(id) = removed
            && random.one_in(4)
        {
            search.remove(id);
        }
        let stepped = caller.step(search);
        let all = ids.iter().all(Option::is_some) && ended.iter().all(|&ended| ended);
        idle = if all && !stepped { idle + 1 } else { 0 };
    }
    let found = |id: &Option<RequestId>| {
        let outcome = search.outcome(id.unwrap()).unwrap().expect("it has ended");
        let topology = &batch.settings.topology;
        outcome
            .hypotheses()
            .map(|found| plain(found, topology))
            .collect()
    };
    ids.iter().map(found).collect()
}

fn check<S>(seed: u64, scorer: &S, oracle: &impl PrefixScorer)
where
    S: Scorer<State: Send> + Sync + Send + Clone,
{
    let pools = [1, 2, 3].map(|threads| {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        builder.build().unwrap()
    });
    let mut random = Random::new(seed);
    for round in 0..150 {
        let batch = batch(&mut random);
        let one = |case: &Case| bits(&case.search(&batch.settings, oracle).unwrap());
        let expected: Vec<_> = batch.cases.iter().map(one).collect();
        for level in Level::available() {
            let mut search = engine(&batch, scorer.clone(), level);
            let pool = &pools[random.below(3)];
            let found = pool.install(|| decode(&batch, &mut search, &mut random));
            for ((found, expected), case) in found.iter().zip(&expected).zip(&batch.cases) {
                assert_eq!(
                    &bits(found),
                    expected,
                    "round {round}, {level:?}, {:?}, {case:?}",
                    batch.settings
                );
            }
        }
    }
}

#[test]
fn unscored_searches_find_what_the_definition_says() {
    check(11, &Unscored, &Unscored);
    check(12, &Unscored, &Unscored);
}

#[test]
fn searches_with_a_scorer_that_says_anything_find_what_the_definition_says() {
    for ends in [false, true] {
        let scorer = Anything { seed: 5, ends };
        check(13, &scorer, &scorer);
    }
}

#[test]
fn searches_with_phrases_find_what_the_definition_says() {
    let phrases = [
        (vec![0, 1], 1.5),
        (vec![1], 0.25),
        (vec![1, 1, 2], 4.0),
        (vec![2, 0, 3], -0.5),
        (vec![5], 2.0),
    ];
    let scorer = Phrases::from_tokens(&phrases).unwrap();
    check(14, &&scorer, &PhrasesOracle::of_tokens(&phrases));
}
