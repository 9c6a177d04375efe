//! Penalties of tokens that have occurred, and the model's own log-probabilities.

use widebeam::reference::autoregressive::{self as oracle, Outcome};
use widebeam::reference::log_probabilities;
use widebeam::reference::requests::{Extended, Penalised, Penalty, Processor, Spec};

use crate::model::{answers, exhaustive, logits};

/// The log-probability of each token after a prompt, all of them in a beam.
fn row(prompt: &[u32], after: Vec<Penalised>, before: Vec<Penalised>) -> Vec<f64> {
    let model = logits(6, 5, 1);
    let mut plain = Spec::plain(5, 1, &[]);
    plain.prompt = prompt.to_vec();
    let request = Extended {
        penalties_after: after,
        penalties_before: before,
        ..Extended::of(plain)
    };
    by_token(&request.expected(&model))
}

fn by_token(outcome: &Outcome) -> Vec<f64> {
    let mut row = vec![f64::NEG_INFINITY; 5];
    for (tokens, _) in answers(outcome) {
        let found = outcome.hypotheses.iter().find(|h| h.found.tokens == tokens);
        row[tokens[0] as usize] = found.unwrap().found.log_probability;
    }
    row
}

fn penalised(penalty: Penalty, generated_only: bool, exempt: &[u32]) -> Vec<Penalised> {
    vec![Penalised {
        penalty,
        generated_only,
        exempt: exempt.to_vec(),
    }]
}

#[test]
fn each_penalty_takes_what_it_says() {
    let prompt = [1, 3, 1, 1];
    let plain = row(&prompt, Vec::new(), Vec::new());
    let changed = |penalty, exempt: &[u32]| row(&prompt, penalised(penalty, false, exempt), vec![]);
    let expect = |found: Vec<f64>, change: &dyn Fn(usize, f64) -> f64| {
        for (token, &old) in plain.iter().enumerate() {
            assert_eq!(found[token], change(token, old), "token {token}");
        }
    };
    let count = |token: usize| {
        prompt
            .iter()
            .filter(|&&other| other as usize == token)
            .count()
    };
    expect(changed(Penalty::Frequency(0.25), &[]), &|token, old| {
        old - 0.25 * count(token) as f64
    });
    expect(changed(Penalty::Presence(0.25), &[]), &|token, old| {
        if count(token) > 0 { old - 0.25 } else { old }
    });
    expect(changed(Penalty::Repetition(1.5), &[3]), &|token, old| {
        if token == 1 { old * 1.5 } else { old }
    });
    // A penalty below 0 invites repetition.
    expect(changed(Penalty::Presence(-0.25), &[]), &|token, old| {
        if count(token) > 0 { old + 0.25 } else { old }
    });
    // Of the generated tokens none has occurred.
    for penalty in [Penalty::Frequency(0.5), Penalty::Repetition(3.0)] {
        expect(
            row(&prompt, penalised(penalty, true, &[]), vec![]),
            &|_, old| old,
        );
    }
}

#[test]
fn before_the_log_softmax_what_is_taken_goes_to_the_others() {
    let found = row(&[1], vec![], penalised(Penalty::Presence(1.0), false, &[]));
    let logits: Vec<f32> = logits(6, 5, 1).scores(&[1]);
    let mut penalised = logits.clone();
    penalised[1] -= 1.0;
    let expected = log_probabilities(widebeam::ScoreKind::Logits, &penalised);
    assert_eq!(found, expected);
}

/// Only tokens that were generated count, and those that are exempt do not.
#[test]
fn generated_tokens_are_counted_as_they_come() {
    let model = logits(2, 4, 1);
    let mut plain = Spec::plain(64, 3, &[]);
    plain.rules = exhaustive(widebeam::autoregressive::LengthPenalty::None);
    plain.prompt = vec![2];
    let penalties_after = penalised(Penalty::Frequency(0.5), true, &[3]);
    let outcome = Extended {
        penalties_after,
        ..Extended::of(plain)
    }
    .expected(&model);
    assert_eq!(outcome.hypotheses.len(), 64);
    for hypothesis in &outcome.hypotheses {
        let tokens = &hypothesis.found.tokens;
        for at in 0..3 {
            let history = [&[2], &tokens[..at]].concat();
            let own = log_probabilities(model.kind, &model.scores(&history));
            let count = tokens[..at]
                .iter()
                .filter(|&&t| t == tokens[at] && t != 3)
                .count();
            let expected = own[tokens[at] as usize] - 0.5 * count as f64;
            assert_eq!(hypothesis.found.token_scores[at], expected);
        }
    }
}

/// The scope that the search has had so far.
#[test]
fn the_history_of_a_repetition_penalty_is_prompt_and_generated() {
    let model = logits(2, 6, 2);
    let mut plain = Spec::plain(4, 5, &[0]);
    plain.prompt = vec![2, 5];
    let mut processed = plain.clone();
    processed.after = vec![Processor::Repetition(1.3)];
    let penalties_after = penalised(Penalty::Repetition(1.3), false, &[]);
    let found = Extended {
        penalties_after,
        ..Extended::of(plain)
    }
    .expected(&model);
    assert_eq!(found, Extended::of(processed).expected(&model));
}

#[test]
fn the_models_own_log_probabilities_know_of_no_change() {
    let model = logits(9, 6, 2);
    let mut plain = Spec::plain(5, 4, &[1]);
    plain.before = vec![Processor::Suppress(vec![0]), Processor::Hook(2, 0.5)];
    plain.after = vec![Processor::Repetition(2.0)];
    plain.groups = (1, 0.0);
    let request = Extended {
        own_scores: true,
        ..Extended::of(plain)
    };
    let outcome = request.expected(&model);
    assert!(!outcome.hypotheses.is_empty());
    for hypothesis in &outcome.hypotheses {
        let tokens = &hypothesis.found.tokens;
        let own = hypothesis.own_scores.as_ref().unwrap();
        let expected: Vec<f64> = (0..tokens.len())
            .map(|at| {
                let row = log_probabilities(model.kind, &model.scores(&tokens[..at]));
                row[tokens[at] as usize]
            })
            .collect();
        assert_eq!(own, &expected);
        assert_ne!(own, &hypothesis.found.token_scores);
    }
}

#[test]
fn groups_are_numbered() {
    let model = logits(9, 6, 2);
    let mut plain = Spec::plain(6, 3, &[]);
    plain.groups = (3, 0.5);
    let request = plain.oracle();
    let outcome = oracle::run(&request, model.kind, &|history| {
        model.scores(history).into()
    });
    for group in 0..3 {
        let of_group = outcome.hypotheses.iter().filter(|h| h.group == group);
        assert_eq!(of_group.count(), 2);
    }
}
