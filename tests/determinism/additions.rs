//! What was added to the autoregressive search: ends of several tokens, predicates, complete
//! sequences, the rules of Whisper and vLLM, widths, coverage and own scores.

use widebeam::autoregressive::{AutoregressiveSearch, Finish, Normaliser, RequestId, Rules};
use widebeam::reference::requests::{EndsWhen, Extended, Model, Permitted, Spec};
use widebeam::{Level, ScoreKind, ScoresView};

use crate::Results;
use crate::arrangement::{Order, everywhere};
use crate::inputs::{Hash, KINDS, hex};

const VOCAB: usize = 150;
const SOURCES: usize = 5;

pub(crate) fn results() -> Results {
    let name = |name| format!("autoregressive/{name}/additions");
    let cases = KINDS.into_iter();
    cases.map(|(kind, of)| (name(kind), case(of))).collect()
}

/// Requests of every sort. No length penalty here needs a rounded power.
fn requests() -> Vec<Extended> {
    let plain = |beams, length, ends: &[u32]| Extended::of(Spec::plain(beams, length, ends));
    let mut stops = plain(5, 9, &[3]);
    stops.stops = vec![vec![7], vec![1, 4], vec![9, 9], vec![20, 1, 4]];
    let mut predicate = plain(4, 6, &[]);
    predicate.ends_when = Some(EndsWhen {
        divisor: 3,
        rest: 1,
    });
    predicate.own_scores = true;
    let mut complete = plain(6, 4, &[]);
    let sequences = (0..60u32).map(|i| match i % 3 {
        0 => vec![i % 7, i % 5, i],
        1 => vec![i % 7, i % 5],
        _ => vec![i],
    });
    let trie = (Permitted::Trie(sequences.collect()), Normaliser::WholeRow);
    complete.plain.constraints.push(trie);
    let mut whisper = plain(5, 6, &[3]);
    whisper.plain.rules = Rules::whisper(None, 2.0);
    let mut vllm = plain(3, 5, &[3, 8]);
    vllm.plain.rules = Rules::vllm(1.0);
    vllm.plain.prompt = vec![5, 9];
    vllm.n_best = Some(8);
    let mut widths = plain(12, 4, &[3]);
    widths.widths = vec![3, 9, 24];
    widths.plain.groups = (3, 0.5);
    let mut coverage = plain(6, 7, &[3, 5]);
    coverage.coverage = Some((0.25, SOURCES));
    coverage.own_scores = true;
    vec![stops, predicate, complete, whisper, vllm, widths, coverage]
}

fn case(kind: ScoreKind) -> String {
    let model = Model {
        seed: 3,
        vocab: VOCAB,
        memory: 3,
        values: 0,
        impossible: 11,
        kind,
    };
    let requests = requests();
    hex(&everywhere(|level, order| {
        run(&model, &requests, level, order)
    }))
}

/// The hash of each request.
fn run(model: &Model, requests: &[Extended], level: Level, order: Order) -> Vec<u64> {
    let search = AutoregressiveSearch::new(VOCAB).unwrap();
    let mut search = search.with_level(level).unwrap();
    let mut ids: Vec<(RequestId, usize)> = Vec::new();
    let mut groups = order.groups(requests.len()).into_iter();
    loop {
        let comes = match order {
            Order::Pairs => true,
            _ => search.is_idle(),
        };
        if comes {
            for index in groups.next().unwrap_or_default() {
                ids.push((search.admit(requests[index].engine()).unwrap(), index));
            }
        }
        if search.is_idle() {
            break;
        }
        let (mut scores, mut attention, mut tokens) = (Vec::new(), Vec::new(), Vec::new());
        let feed = search.feed();
        for (id, rows) in feed.requests() {
            let (_, index) = ids.iter().find(|(known, _)| *known == id).unwrap();
            for row in rows {
                feed.sequence(row, &mut tokens);
                scores.extend(model.scores(&tokens));
                let end = attention.len() + SOURCES;
                attention.extend(requests[*index].scored(model, &tokens).attention);
                attention.resize(end, 0.0);
            }
        }
        let rows = scores.len() / VOCAB;
        let scores = ScoresView::new(model.kind, &scores, [rows, VOCAB]).unwrap();
        let attention = ScoresView::probabilities(&attention, [rows, SOURCES]).unwrap();
        search.advance_with(&scores, &attention).unwrap();
    }
    let mut hashes = vec![0; requests.len()];
    for (id, index) in ids {
        let mut hash = Hash::default();
        for found in search.outcome(id).unwrap().unwrap().hypotheses() {
            hash.tokens(found.tokens);
            let scores = found.token_scores.iter().chain(found.own_scores);
            scores.for_each(|&score| hash.score(score));
            [found.log_probability, found.score, found.coverage]
                .iter()
                .for_each(|&score| hash.score(score));
            hash.number(number(found.finish));
            hash.number(found.ending as u64);
            hash.number(found.group as u64);
        }
        hashes[index] = hash.get();
    }
    hashes
}

fn number(finish: Finish) -> u64 {
    match finish {
        Finish::End => 0,
        Finish::Predicate => 1,
        Finish::Complete => 2,
        Finish::Length => 3,
        Finish::Live => 4,
        Finish::Stop(index) => 5 + u64::from(index),
        _ => u64::MAX,
    }
}
