//! Searches with a model in the loop.

use widebeam::autoregressive::{
    AutoregressiveSearch, Constraint, MaximumLength, MinimumLength, Normaliser, RepetitionPenalty,
    Request, RequestId, Rules, Sampling, TokenMask, TokenTrie,
};
use widebeam::{Error, ScoresView};

use super::{Refusal, is_about_memory, probabilities, refuse_each};

const VOCAB: usize = 120;
const BEAMS: usize = 24;

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
}

impl Model {
    fn new(vocab: usize) -> Self {
        let rows = probabilities(BEAMS * vocab).into_iter().map(|p| 100.0 * p);
        Model {
            vocab,
            rows: rows.collect(),
            logits: Vec::with_capacity(2 * BEAMS * vocab),
        }
    }

    /// Scores what is running; allocates nothing itself.
    fn step(&mut self, search: &mut AutoregressiveSearch) -> Result<(), Error> {
        self.logits.clear();
        for (_, rows) in search.feed().requests() {
            self.logits.extend(&self.rows[..rows.len() * self.vocab]);
        }
        let shape = [search.feed().rows(), self.vocab];
        search.advance(&ScoresView::logits(&self.logits, shape)?)
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
    let two = || [request.clone(), request.clone()];
    let mut model = Model::new(VOCAB);
    let mut pair = Pair::new();
    pair.run(two(), &mut model).unwrap();
    let expected = found(&pair.search, pair.ids[0].unwrap()).unwrap();
    assert!(!expected.is_empty());

    let (mut not_begun, mut failed) = (0, 0);
    let needed = refuse_each(|refusal: Refusal| {
        let (mut pair, requests) = (Pair::new(), two());
        let ran = refusal.during(|| pair.run(requests, &mut model));
        let mut done = ran.is_ok();
        if let Err(error) = &ran {
            is_about_memory(error);
            not_begun += 1;
            pair.run(two(), &mut model).unwrap();
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
        pair.run(two(), &mut model).unwrap();
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
    let odd = Constraint::function(|generated, mask| {
        let odd = generated.len() as u32 % 2;
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
