//! One line of JSON an item.

use std::io::{self, Write};

use serde::Serialize;

use crate::answer::Answer;
use crate::labels::Labels;

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    item: usize,
    #[serde(flatten)]
    outcome: Outcome<'a>,
}

/// A field of one of these names.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<'a> {
    Hypotheses(Vec<Hypothesis<'a>>),
    Error(String),
}

#[derive(Serialize)]
struct Hypothesis<'a> {
    /// Printed with as many digits as it takes to read the same bits back.
    score: f64,
    tokens: &'a [u32],
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alignment_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
}

pub(super) fn write(
    out: &mut impl Write,
    source: &str,
    answers: &[Answer],
    labels: Option<&Labels>,
) -> io::Result<()> {
    for answer in answers {
        let hypotheses = answer.hypotheses().iter().map(|hypothesis| Hypothesis {
            score: hypothesis.score,
            tokens: &hypothesis.tokens,
            frames: hypothesis.alignment.as_ref().map(|found| &found.frames[..]),
            alignment_score: hypothesis.alignment.as_ref().map(|found| found.score),
            text: labels.map(|labels| labels.text(&hypothesis.tokens)),
        });
        let outcome = match &answer.outcome {
            Ok(_) => Outcome::Hypotheses(hypotheses.collect()),
            Err(error) => Outcome::Error(error.to_string()),
        };
        let line = Line {
            source,
            item: answer.item,
            outcome,
        };
        serde_json::to_writer(&mut *out, &line)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
