//! Constraints of the engine that follow each hypothesis.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use widebeam::autoregressive::{
    AutoregressiveSearch, Completeness, Constraint, MaximumLength, Normaliser, Request,
    StatefulConstraint, TokenMask, TokenTrie,
};
use widebeam::reference::requests::{Model, score};
use widebeam::{ErrorKind, ScoreKind};

use crate::model::logits;

/// Permits a token that is above the last one, of the prompt too. The state is the last token,
/// and all that a state must not be: large, and counted.
struct Ascending {
    calls: Arc<Calls>,
}

#[derive(Default)]
struct Calls {
    starts: AtomicUsize,
    permits: AtomicUsize,
    advances: AtomicUsize,
}

impl Calls {
    fn all(&self) -> [usize; 3] {
        [&self.starts, &self.permits, &self.advances].map(|calls| calls.load(Ordering::Relaxed))
    }
}

impl StatefulConstraint for Ascending {
    type State = Vec<u32>;

    fn start(&self, prompt: &[u32]) -> Vec<u32> {
        self.calls.starts.fetch_add(1, Ordering::Relaxed);
        prompt.to_vec()
    }

    fn permit(&self, tokens: &Vec<u32>, mask: &mut TokenMask) {
        self.calls.permits.fetch_add(1, Ordering::Relaxed);
        assert_eq!(mask.count(), 0, "the mask is empty");
        let least = tokens.last().map_or(0, |last| last + 1);
        (least..1_000).for_each(|token| mask.insert(token));
    }

    fn advance(&self, tokens: &Vec<u32>, token: u32) -> Vec<u32> {
        self.calls.advances.fetch_add(1, Ordering::Relaxed);
        [&tokens[..], &[token]].concat()
    }

    fn completeness_after(&self, _tokens: &Vec<u32>, _token: u32) -> Option<Completeness> {
        None
    }

    fn check(&self, vocab: usize) -> Result<(), widebeam::Error> {
        match vocab {
            1 => Err(widebeam::Error::invalid_setting("a vocabulary of 1 token")),
            _ => Ok(()),
        }
    }
}

fn ascending(beams: usize, calls: &Arc<Calls>) -> Request {
    let calls = Arc::clone(calls);
    let constraint = Constraint::stateful(Ascending { calls });
    Request::new(beams, MaximumLength(5))
        .with_prompt([2, 1])
        .with_constraint(constraint, Normaliser::Permitted)
}

fn model() -> Model {
    logits(4, 9, 2)
}

fn step(search: &mut AutoregressiveSearch, before: &mut Vec<Vec<u32>>) {
    let model = model();
    let data = score(search, before, |_, tokens| model.scores(tokens));
    search.advance(&model.view(&data)).unwrap();
}

#[test]
fn a_state_is_advanced_once_for_each_beam() {
    let calls = Arc::new(Calls::default());
    let mut search = AutoregressiveSearch::new(9).unwrap();
    let id = search.admit(ascending(3, &calls)).unwrap();
    // One for the beams, and one for what is said of no token.
    assert_eq!(calls.all(), [2, 0, 0]);
    let (mut before, mut rows) = (Vec::new(), 0);
    let mut next = 0;
    while !search.is_idle() {
        rows += search.feed().rows();
        step(&mut search, &mut before);
        next += search.feed().rows();
        assert_eq!(calls.all()[1], rows);
    }
    // What the last step leaves is advanced to, or not.
    let advances = calls.all()[2];
    assert!(
        (next..=next + 3).contains(&advances),
        "{advances} for {next}"
    );
    let outcome = search.outcome(id).unwrap().unwrap();
    assert!(outcome.hypotheses().count() > 0);
    for found in outcome.hypotheses() {
        assert!(found.tokens.is_sorted_by(|a, b| a < b) && found.tokens[0] > 1);
    }
    let groups = ascending(6, &calls).with_diverse_groups(2, 0.5);
    search.admit(groups).unwrap();
    assert_eq!(calls.all()[0], 5);
}

#[test]
fn states_are_those_of_the_step_before_once_a_step_is_given_up() {
    let calls = Arc::new(Calls::default());
    let mut search = AutoregressiveSearch::new(9).unwrap();
    let id = search.admit(ascending(3, &calls)).unwrap();
    let mut before = Vec::new();
    step(&mut search, &mut before);
    search.feed();
    search.abandon_step();
    let mut copy = search.clone();
    let mut copied = before.clone();
    while !search.is_idle() {
        step(&mut search, &mut before);
    }
    let mut plain = AutoregressiveSearch::new(9).unwrap();
    let other = plain.admit(ascending(3, &calls)).unwrap();
    let mut before = Vec::new();
    while !plain.is_idle() {
        step(&mut plain, &mut before);
    }
    while !copy.is_idle() {
        step(&mut copy, &mut copied);
    }
    let found = |search: &AutoregressiveSearch, id| -> Vec<_> {
        let outcome = search.outcome(id).unwrap().unwrap();
        outcome
            .hypotheses()
            .map(|found| found.into_owned())
            .collect()
    };
    assert_eq!(found(&search, id), found(&plain, other));
    assert_eq!(found(&copy, id), found(&plain, other));
}

#[test]
fn what_a_constraint_says_of_a_vocabulary_is_passed_on() {
    let mut search = AutoregressiveSearch::new(1).unwrap();
    let error = search.admit(ascending(1, &Arc::default())).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidSetting);
    assert!(error.to_string().ends_with("a vocabulary of 1 token"));
}

/// 512 beams over a trie that is mapped: all answers are sequences, each once, and those that a
/// trie in memory gives.
#[test]
fn a_mapped_trie_gives_its_sequences_and_no_other() {
    let sequence = |item: u32| {
        let code = |level: u32| level * 40 + (item / 40u32.pow(level) + item * 7) % 40;
        [code(0), code(1), code(2)]
    };
    let trie = TokenTrie::new((0..20_000).map(sequence));
    let path = std::env::temp_dir().join(format!("widebeam-{}.trie", std::process::id()));
    File::create(&path)
        .unwrap()
        .write_all(trie.as_bytes())
        .unwrap();
    let file = File::open(&path).unwrap();
    // SAFETY: nobody else knows the file.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file).unwrap() };
    let mapped = TokenTrie::from_bytes(map).unwrap();
    std::fs::remove_file(&path).unwrap();
    let model = Model {
        kind: ScoreKind::LogProbabilities,
        ..logits(8, 120, 2)
    };
    let run = |trie: TokenTrie| {
        let mut search = AutoregressiveSearch::new(120).unwrap();
        let request = Request::new(512, MaximumLength(3));
        let id = search.admit(request.with_constraint(trie, Normaliser::WholeRow));
        let (id, mut before) = (id.unwrap(), Vec::new());
        while !search.is_idle() {
            let data = score(&mut search, &mut before, |_, tokens| model.scores(tokens));
            search.advance(&model.view(&data)).unwrap();
        }
        let outcome = search.outcome(id).unwrap().unwrap();
        let found = outcome.hypotheses();
        found.map(|found| found.into_owned()).collect::<Vec<_>>()
    };
    let found = run(mapped);
    assert_eq!(found, run(trie.clone()));
    let mut tokens: Vec<_> = found.into_iter().map(|found| found.tokens).collect();
    assert!(tokens.iter().all(|tokens| trie.contains(tokens)));
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 512);
}
