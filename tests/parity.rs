//! The presets against the libraries whose rules they are: replays beam
//! searches that those libraries ran over toy models, recorded by the scripts
//! of `perf/peers` in `tests/fixtures`. Tokens must be identical, scores equal
//! to 1e-4.

use serde::Deserialize;
use widebeam::Error;
use widebeam::autoregressive::{
    AutoregressiveSearch, CTranslate2Options, EarlyStopping, Finish, ForcedLast, ForcedScore,
    MaximumLength, MinimumLength, NoRepeatNgram, RepetitionPenalty, Request, Rules, Suppress,
};
use widebeam::reference::toy::mix;

#[derive(Deserialize)]
struct Fixture {
    cases: Vec<Case>,
}

/// A request and what the peer found.
#[derive(Deserialize)]
struct Case {
    seed: u64,
    vocab: usize,
    eos: Vec<u32>,
    eos_bonus: f32,
    prompt: Vec<u32>,
    beams: usize,
    alpha: f64,
    early: Early,
    max_length: usize,
    #[serde(default)]
    processors: Processors,
    #[serde(default = "one")]
    groups: usize,
    #[serde(default)]
    diversity: f64,
    hypotheses: Vec<Hypothesis>,
}

fn one() -> usize {
    1
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Early {
    Heuristic,
    First,
    Never,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Processors {
    repetition_penalty: Option<f64>,
    no_repeat_ngram_size: Option<usize>,
    min_new_tokens: Option<usize>,
    suppress_tokens: Vec<u32>,
    forced_eos_token_id: Option<u32>,
}

#[derive(Deserialize)]
struct Hypothesis {
    tokens: Vec<u32>,
    score: f64,
}

impl Case {
    /// The toy model of `perf/peers/toy.py`.
    fn logits(&self, history: &[u32], row: &mut [f32]) {
        let recent = &history[history.len().saturating_sub(3)..];
        let state = recent.iter().fold(mix(self.seed), |state, &token| {
            mix(state.wrapping_add(u64::from(token) + 1))
        });
        for (token, logit) in row.iter_mut().enumerate() {
            let bits = mix(state.wrapping_add(mix(token as u64 + 77)));
            *logit = 8.0 * ((bits >> 40) as f32 / (1u64 << 24) as f32) - 4.0;
            if self.eos.contains(&(token as u32)) {
                *logit += self.eos_bonus;
            }
        }
        row[0] = -30.0;
    }

    fn early(&self) -> EarlyStopping {
        match self.early {
            Early::Heuristic => EarlyStopping::Heuristic,
            Early::First => EarlyStopping::FirstFinished,
            Early::Never => EarlyStopping::Never,
        }
    }

    /// The request, without its processors.
    fn request(&self, rules: Rules) -> Request {
        Request::new(self.beams, MaximumLength(self.max_length))
            .with_prompt(self.prompt.clone())
            .with_end_tokens(self.eos.clone())
            .with_rules(rules)
    }

    /// Checks what a request finds against what the peer found. `end` is what
    /// the peer adds to or takes from the tokens of a hypothesis.
    fn check(&self, request: Request, tokens: impl Fn(&[u32], Finish) -> Vec<u32>) {
        let mut search = AutoregressiveSearch::new(self.vocab).unwrap();
        let id = search.admit(request).unwrap();
        let mut history = Vec::new();
        let model = |feed: &widebeam::autoregressive::Feed<'_>, logits: &mut [f32]| {
            for (row, logits) in logits.chunks_mut(self.vocab).enumerate() {
                feed.sequence(row, &mut history);
                self.logits(&history, logits);
            }
            Ok::<(), Error>(())
        };
        search.run(model).unwrap();
        let found: Vec<_> = search.outcome(id).unwrap().unwrap().hypotheses().collect();
        assert_eq!(found.len(), self.hypotheses.len(), "seed {}", self.seed);
        for (found, expected) in found.iter().zip(&self.hypotheses) {
            let tokens = tokens(found.tokens, found.finish);
            assert_eq!(tokens, expected.tokens, "seed {}", self.seed);
            let error = (found.score - expected.score).abs();
            assert!(error <= 1e-4, "seed {}: {error}", self.seed);
        }
    }
}

fn cases(json: &str) -> Vec<Case> {
    let fixture: Fixture = serde_json::from_str(json).unwrap();
    assert!(!fixture.cases.is_empty());
    fixture.cases
}

fn as_found(tokens: &[u32], _: Finish) -> Vec<u32> {
    tokens.to_vec()
}

#[test]
fn transformers_5_finds_the_same() {
    for case in cases(include_str!("fixtures/transformers.json")) {
        let mut request = case.request(Rules::hugging_face(case.alpha, case.early()));
        let processors = &case.processors;
        // In the order in which transformers applies them.
        if let Some(penalty) = processors.repetition_penalty {
            let processor = RepetitionPenalty::new(penalty).unwrap();
            request = request.process_log_probabilities(processor);
        }
        if let Some(size) = processors.no_repeat_ngram_size {
            request = request.process_log_probabilities(NoRepeatNgram::new(size).unwrap());
        }
        if let Some(length) = processors.min_new_tokens {
            request = request.process_log_probabilities(MinimumLength(length));
        }
        if let Some(token) = processors.forced_eos_token_id {
            let score = ForcedScore::Certain;
            request = request.process_log_probabilities(ForcedLast::new(token, score));
        }
        let suppressed = Suppress(processors.suppress_tokens.clone());
        case.check(request.process_log_probabilities(suppressed), as_found);
    }
}

#[test]
fn the_beam_scorer_of_transformers_4_33_finds_the_same() {
    for case in cases(include_str!("fixtures/transformers_scorer.json")) {
        let rules = Rules::hugging_face_scorer(case.alpha, case.early());
        let request = case
            .request(rules)
            .with_diverse_groups(case.groups, case.diversity);
        // Its hypotheses leave the end token out.
        case.check(request, |tokens, finish| match finish {
            Finish::End => tokens[..tokens.len() - 1].to_vec(),
            _ => tokens.to_vec(),
        });
    }
}

/// A request of Whisper or vLLM, and what their published searches find.
#[derive(Deserialize)]
struct PublishedCase {
    seed: u64,
    vocab: usize,
    eos: Vec<u32>,
    eos_bonus: f32,
    prompt: Vec<u32>,
    beams: usize,
    length_penalty: Option<f64>,
    #[serde(default)]
    patience: f64,
    max_length: usize,
    hypotheses: Vec<Hypothesis>,
}

fn published(json: &str) -> Vec<(PublishedRules, Case)> {
    #[derive(Deserialize)]
    struct Published {
        cases: Vec<PublishedCase>,
    }
    let fixture: Published = serde_json::from_str(json).unwrap();
    assert!(!fixture.cases.is_empty());
    let as_case = |case: PublishedCase| {
        let rules = (case.length_penalty, case.patience);
        let case = Case {
            seed: case.seed,
            vocab: case.vocab,
            eos: case.eos,
            eos_bonus: case.eos_bonus,
            prompt: case.prompt,
            beams: case.beams,
            alpha: 0.0,
            early: Early::Never,
            max_length: case.max_length,
            processors: Processors::default(),
            groups: 1,
            diversity: 0.0,
            hypotheses: case.hypotheses,
        };
        (rules, case)
    };
    fixture.cases.into_iter().map(as_case).collect()
}

/// The exponent of the length penalty, and patience.
type PublishedRules = (Option<f64>, f64);

#[test]
fn whispers_published_search_finds_the_same() {
    for ((length_penalty, patience), case) in published(include_str!("fixtures/whisper.json")) {
        let request = case.request(Rules::whisper(length_penalty, patience));
        case.check(request, |tokens, finish| match finish {
            Finish::End => tokens[..tokens.len() - 1].to_vec(),
            _ => tokens.to_vec(),
        });
    }
}

#[test]
fn vllms_published_search_finds_the_same() {
    for ((length_penalty, _), case) in published(include_str!("fixtures/vllm.json")) {
        let rules = Rules::vllm(length_penalty.expect("it has one"));
        case.check(case.request(rules), as_found);
    }
}

/// Cases over one model, whose logits follow from the position and the last
/// token.
#[derive(Deserialize)]
struct TableFixture {
    max_length: usize,
    end: u32,
    logits: Vec<Vec<Vec<f32>>>,
    cases: Vec<TableCase>,
}

#[derive(Deserialize)]
struct TableCase {
    start: usize,
    beams: usize,
    alpha: f64,
    patience: f64,
    processors: TableProcessors,
    hypotheses: Vec<Hypothesis>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TableProcessors {
    repetition_penalty: Option<f64>,
    min_length: Option<usize>,
}

#[test]
fn ctranslate2_finds_the_same() {
    let json = include_str!("fixtures/ctranslate2.json");
    let fixture: TableFixture = serde_json::from_str(json).unwrap();
    let vocab = fixture.logits[0].len();
    let mut ended = 0;
    for (index, case) in fixture.cases.iter().enumerate() {
        let rules = Rules::ctranslate2(
            CTranslate2Options::default()
                .with_length_penalty(case.alpha)
                .with_patience(case.patience)
                .with_num_hypotheses(case.beams),
        );
        let mut request = Request::new(case.beams, MaximumLength(fixture.max_length))
            .with_end_tokens([fixture.end])
            .with_rules(rules);
        // Its penalty looks at generated tokens alone, so there is no prompt.
        if let Some(penalty) = case.processors.repetition_penalty {
            request = request.process_logits(RepetitionPenalty::new(penalty).unwrap());
        }
        if let Some(length) = case.processors.min_length {
            request = request.process_logits(MinimumLength(length));
        }
        let mut search = AutoregressiveSearch::new(vocab).unwrap();
        let id = search.admit(request).unwrap();
        let mut history = Vec::new();
        search
            .run(|feed, logits| {
                for (row, logits) in logits.chunks_mut(vocab).enumerate() {
                    feed.sequence(row, &mut history);
                    let last = history.last().map_or(case.start, |&token| token as usize);
                    logits.copy_from_slice(&fixture.logits[history.len()][last]);
                }
                Ok::<(), Error>(())
            })
            .unwrap();
        let found: Vec<_> = search.outcome(id).unwrap().unwrap().hypotheses().collect();
        assert_eq!(found.len(), case.hypotheses.len(), "case {index}");
        for (found, expected) in found.iter().zip(&case.hypotheses) {
            let end = usize::from(found.finish == Finish::End);
            let tokens = &found.tokens[..found.tokens.len() - end];
            assert_eq!(tokens, expected.tokens, "case {index}");
            let error = (found.score - expected.score).abs();
            assert!(error <= 1e-4, "case {index}: {error}");
            ended += end;
        }
    }
    assert!(ended > 100, "only {ended} hypotheses ended");
}
