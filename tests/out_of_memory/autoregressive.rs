//! Searches with a model in the loop.

use widebeam::autoregressive::{
    AutoregressiveSearch, Constraint, FrequencyPenalty, MaximumLength, MinimumLength, Normaliser,
    PresencePenalty, RepetitionPenalty, Request, RequestId, Requirement, Rules, Sampling,
    StatefulConstraint, TokenMask, TokenTrie, WhisperTimestamps,
};
use widebeam::{Error, ScoresView, SparseScoresView};

use super::{Refusal, is_about_memory, probabilities, refuse_each};

const VOCAB: usize = 120;
const BEAMS: usize = 24;
/// Source positions that rows attend to.
const SOURCES: usize = 3;

fn request() -> Request {
    Request::new(BEAMS, MaximumLength(12))
        .with_prompt([3; 20])
        .with_end_tokens([5, 6])
}

/// The model: the row of rank r of every request is always the same.
struct Model {
    vocab: usize,
    rows: Vec<f32>,
    logits: Vec<f32>,
    /// The tokens of all rows, if rows are sparse.
    tokens: Option<Vec<u32>>,
    /// What the rows of a request attend to, and the rows of a step.
    attends: Vec<f32>,
    attention: Vec<f32>,
}

impl Model {
    fn new(vocab: usize) -> Self {
        let rows = probabilities(BEAMS * vocab).into_iter().map(|p| 100.0 * p);
        let attends = probabilities(BEAMS * SOURCES).into_iter();
        Model {
            vocab,
            rows: rows.collect(),
            logits: Vec::with_capacity(2 * BEAMS * vocab),
            tokens: None,
            attends: attends.map(|p| 10.0 * p).collect(),
            attention: Vec::with_capacity(2 * BEAMS * SOURCES),
        }
    }

    /// One that gives all tokens, the last first.
    fn sparse(vocab: usize) -> Self {
        let tokens = (0..vocab as u32).rev().cycle();
        Model {
            tokens: Some(tokens.take(2 * BEAMS * vocab).collect()),
            ..Model::new(vocab)
        }
    }

    /// Scores what is running; allocates nothing itself.
    fn step(&mut self, search: &mut AutoregressiveSearch) -> Result<(), Error> {
        self.logits.clear();
        self.attention.clear();
        for (_, rows) in search.feed().requests() {
            self.attention.extend(&self.attends[..rows.len() * SOURCES]);
            self.logits.extend(&self.rows[..rows.len() * self.vocab]);
        }
        let shape = [search.feed().rows(), self.vocab];
        let attention = ScoresView::probabilities(&self.attention, [shape[0], SOURCES])?;
        let Some(tokens) = &self.tokens else {
            let scores = ScoresView::logits(&self.logits, shape)?;
            return search.advance_with(&scores, &attention);
        };
        let tokens = &tokens[..self.logits.len()];
        let scores = SparseScoresView::logits(self.vocab, tokens, &self.logits, shape)?;
        search.advance_sparse_with(&scores, &attention)
    }

    /// Runs what is running to its end.
    fn run(&mut self, search: &mut AutoregressiveSearch) -> Result<(), Error> {
        while !search.is_idle() {
            self.step(search)?;
        }
        Ok(())
    }
}

type Found = Vec<(Vec<u32>, Vec<u64>, u64)>;

/// What a request has found.
fn found(search: &AutoregressiveSearch, id: RequestId) -> Result<Found, Error> {
    let outcome = search.outcome(id)?.expect("it is done");
    let bits = |scores: &[f64]| scores.iter().map(|score| score.to_bits()).collect();
    let hypotheses = outcome.hypotheses();
    Ok(hypotheses
        .map(|h| (h.tokens.to_vec(), bits(h.token_scores), h.score.to_bits()))
        .collect())
}

/// Two requests that run side by side.
struct Pair {
    search: AutoregressiveSearch,
    ids: [Option<RequestId>; 2],
}

impl Pair {
    fn new() -> Self {
        Pair {
            search: AutoregressiveSearch::new(VOCAB).unwrap(),
            ids: [None; 2],
        }
    }

    /// Admits those that are not there, and runs them.
    fn run(&mut self, requests: [Request; 2], model: &mut Model) -> Result<(), Error> {
        for (id, request) in self.ids.iter_mut().zip(requests) {
            if id.is_none() {
                *id = Some(self.search.admit(request)?);
            }
        }
        model.run(&mut self.search)
    }
}

/// Refuses each allocation of a request and of its neighbour in turn. What is
/// refused before a step can be done again; one that is refused on the way ends
/// its request, and no other.
fn check(request: Request) {
    check_by(&mut Model::new(VOCAB), request);
}

fn check_by(model: &mut Model, request: Request) {
    let two = || [request.clone(), request.clone()];
    let mut pair = Pair::new();
    pair.run(two(), model).unwrap();
    let expected = found(&pair.search, pair.ids[0].unwrap()).unwrap();
    assert!(!expected.is_empty());

    let (mut not_begun, mut failed) = (0, 0);
    let needed = refuse_each(|refusal: Refusal| {
        let (mut pair, requests) = (Pair::new(), two());
        let ran = refusal.during(|| pair.run(requests, model));
        let mut done = ran.is_ok();
        if let Err(error) = &ran {
            is_about_memory(error);
            not_begun += 1;
            pair.run(two(), model).unwrap();
        }
        let mut failures = 0;
        for id in pair.ids.map(Option::unwrap) {
            match found(&pair.search, id) {
                Ok(found) => assert_eq!(found, expected, "{refusal:?}"),
                Err(error) => {
                    is_about_memory(&error);
                    failures += 1;
                    done = false;
                }
            }
            assert!(pair.search.remove(id));
        }
        assert!(failures <= refusal.count, "{refusal:?}");
        failed += failures;
        pair.ids = [None; 2];
        pair.run(two(), model).unwrap();
        for id in pair.ids.map(Option::unwrap) {
            assert_eq!(found(&pair.search, id).unwrap(), expected, "{refusal:?}");
        }
        done
    });
    assert!(needed > 30, "{needed}");
    assert!(not_begun > 20 && failed > 20, "{not_begun} {failed}");
}

#[test]
fn requests_fail_at_each_allocation_and_harm_no_other() {
    check(request());
    check(request().with_rules(Rules::plain()));
}

#[test]
fn requests_that_change_scores_fail_at_each_allocation() {
    let penalty = || RepetitionPenalty::new(1.5).unwrap();
    check(
        request()
            .process_logits(penalty())
            .with_diverse_groups(3, 0.5),
    );
    check(
        request()
            .process_log_probabilities(penalty())
            .process_log_probabilities(MinimumLength(4)),
    );
}

#[test]
fn requests_that_permit_some_tokens_fail_at_each_allocation() {
    let mask: TokenMask = (0..100).collect();
    check(request().with_constraint(mask, Normaliser::Permitted));
    let odd = Constraint::function(|tokens, mask| {
        let odd = tokens.generated().len() as u32 % 2;
        (0..VOCAB as u32 / 2).for_each(|i| mask.insert(2 * i + odd));
    });
    check(request().with_constraint(odd, Normaliser::WholeRow));
    let words = (0..60u32).map(|i| vec![i, 2 * i, 119 - i, i]);
    let words = TokenTrie::new(words);
    check(request().with_constraint(words, Normaliser::WholeRow));
}

#[test]
fn requests_that_walk_apart_fail_at_each_allocation() {
    check(
        request()
            .with_stop_sequences([vec![7, 8], vec![9]])
            .with_own_scores(),
    );
    check(request().ends_when(|_, token| token % 2 == 0));
    check(request().with_rules(Rules::whisper(None, 2.0)));
    check(request().with_rules(Rules::vllm(1.0)).with_n_best(9));
    let words = (0..60u32).map(|i| vec![i, 2 * i, 119 - i, i]);
    let complete = Request::new(BEAMS, MaximumLength(12));
    check(complete.with_constraint(TokenTrie::new(words), Normaliser::WholeRow));
}

#[test]
fn requests_that_draw_fail_at_each_allocation() {
    check(request().with_sampling(Sampling::stochastic_beams(1)));
    let sampling = Sampling::beam_sampling(2).with_temperature(0.5).unwrap();
    let changed = request().process_logits(RepetitionPenalty::new(1.5).unwrap());
    check(changed.with_sampling(sampling));
}

#[test]
fn requests_with_required_words_fail_at_each_allocation() {
    let words = || {
        let phrase = Requirement::phrase([7, 9]).unwrap();
        [
            phrase,
            Requirement::any_of([vec![11], vec![12, 13]]).unwrap(),
        ]
    };
    check(request().with_required_words(words()));
    let grouped = request().with_diverse_groups(3, 0.5).with_own_scores();
    let drawn = grouped.with_sampling(Sampling::beam_sampling(2));
    check(drawn.with_required_words(words()));
}

#[test]
fn requests_that_count_coverage_fail_at_each_allocation() {
    check(request().with_coverage(0.5, SOURCES));
    let widths = request().with_widths([BEAMS, 9, 3]).with_own_scores();
    let drawn = widths.with_sampling(Sampling::stochastic_beams(3));
    check(drawn.with_coverage(0.5, SOURCES));
}

#[test]
fn requests_whose_rows_are_sparse_fail_at_each_allocation() {
    check_by(&mut Model::sparse(VOCAB), request());
    let penalty = FrequencyPenalty::new(0.5).unwrap().generated_only();
    let changed = request().process_logits(penalty);
    check_by(&mut Model::sparse(VOCAB), changed.clone());
    let drawn = changed.with_sampling(Sampling::beam_sampling(5));
    check_by(&mut Model::sparse(VOCAB), drawn.with_coverage(0.5, SOURCES));
}

/// Permits even and odd tokens in turn.
struct InTurn;

impl StatefulConstraint for InTurn {
    type State = u32;

    fn start(&self, _prompt: &[u32]) -> u32 {
        0
    }

    fn permit(&self, state: &u32, mask: &mut TokenMask) {
        let tokens = (*state..VOCAB as u32).step_by(2);
        tokens.for_each(|token| mask.insert(token));
    }

    fn advance(&self, state: &u32, _token: u32) -> u32 {
        1 - state
    }
}

#[test]
fn requests_with_states_and_timestamps_fail_at_each_allocation() {
    let in_turn = || Constraint::stateful(InTurn);
    check(request().with_constraint(in_turn(), Normaliser::Permitted));
    let words = (0..60u32).map(|i| vec![2 * (i % 60), 2 * (i % 40) + 1, 2 * i, 2 * i + 1]);
    let both = request().with_constraint(TokenTrie::new(words), Normaliser::WholeRow);
    check(both.with_constraint(in_turn(), Normaliser::WholeRow));
    let timestamps = WhisperTimestamps::new(100, 6).unwrap();
    let penalty = PresencePenalty::new(0.5).unwrap().with_exempt([4]);
    let changed = request().process_logits(timestamps);
    check(changed.process_log_probabilities(penalty));
}

/// Requests that are told to finish after some steps have what they have found, or an error.
#[test]
fn requests_that_are_told_to_finish_fail_at_each_allocation() {
    let mut model = Model::new(VOCAB);
    let mut begin = || {
        let mut search = AutoregressiveSearch::new(VOCAB).unwrap();
        let ids = [BEAMS, 3].map(|beams| {
            let request = Request::new(beams, MaximumLength(12)).with_end_tokens([5, 6]);
            search.admit(request).unwrap()
        });
        (0..4).for_each(|_| model.step(&mut search).unwrap());
        (search, ids)
    };
    let (mut search, ids) = begin();
    assert!(search.finish(ids[0]));
    let expected = found(&search, ids[0]).unwrap();
    assert!(expected.len() > 1);
    let refused = refuse_each(|refusal: Refusal| {
        let (mut search, ids) = begin();
        assert!(refusal.during(|| search.finish(ids[0])));
        let neighbour = search.outcome(ids[1]).unwrap();
        assert!(neighbour.is_none(), "it still runs");
        match found(&search, ids[0]) {
            Ok(found) => {
                assert_eq!(found, expected);
                true
            }
            Err(error) => {
                is_about_memory(&error);
                false
            }
        }
    });
    assert!(refused > 2, "{refused}");
}

/// Tokens of a hypothesis that a request has memory for from the start.
const SET_ASIDE: usize = 4096;
/// Tokens of a vocabulary that thousands of steps read in no time.
const FEW: usize = 4;

/// Where hypotheses outgrow it, all that holds them grows on the way.
#[test]
fn long_hypotheses_fail_at_each_allocation() {
    // The minimum length is there for its looking at what was generated so far.
    let request = || {
        Request::new(2, MaximumLength(SET_ASIDE + 30))
            .with_rules(Rules::plain())
            .process_log_probabilities(MinimumLength(1))
    };
    let mut model = Model::new(FEW);
    let begin = |model: &mut Model| {
        let mut search = AutoregressiveSearch::new(FEW).unwrap();
        let id = search.admit(request()).unwrap();
        (0..SET_ASIDE - 10).for_each(|_| model.step(&mut search).unwrap());
        (search, id)
    };
    let (mut search, id) = begin(&mut model);
    model.run(&mut search).unwrap();
    let expected = found(&search, id).unwrap();
    assert_eq!(expected[1].0.len(), SET_ASIDE + 30);

    let mut refused = String::new();
    refuse_each(|refusal: Refusal| {
        let (mut search, id) = begin(&mut model);
        let ran = refusal.during(|| model.run(&mut search));
        if let Err(error) = &ran {
            is_about_memory(error);
            model.run(&mut search).unwrap();
        }
        match found(&search, id) {
            Ok(found) => assert_eq!(found, expected, "{refusal:?}"),
            Err(error) => {
                is_about_memory(&error);
                refused += &error.to_string();
                assert!(search.remove(id));
                let id = search.admit(request()).unwrap();
                model.run(&mut search).unwrap();
                assert_eq!(found(&search, id).unwrap(), expected, "{refusal:?}");
                return false;
            }
        }
        ran.is_ok()
    });
    for what in [
        "the tree of hypotheses",
        "the tokens of a hypothesis",
        "the results of a request",
    ] {
        assert!(refused.contains(what), "{refused}");
    }
}
