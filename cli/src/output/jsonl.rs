//! One line of JSON an item.

use std::io::{self, Write};

use serde::Serialize;

use crate::answer::{Alignment, Answer};
use crate::transcript::WordFrames;

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
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    probability: f64,
    tokens: &'a [u32],
    #[serde(skip_serializing_if = "Option::is_none")]
    token_confidences: Option<&'a [f64]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_frames: Option<&'a [u32]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alignment_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_mass: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scorer_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    words: Option<Vec<Word<'a>>>,
}

#[derive(Serialize)]
struct Word<'a> {
    word: &'a str,
    start: u32,
    end: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
}

impl<'a> Word<'a> {
    fn new(word: &'a WordFrames, confidence: Option<f64>) -> Self {
        Word {
            word: &word.word,
            start: word.start,
            end: word.end,
            confidence,
        }
    }
}

pub(super) fn write(out: &mut impl Write, source: &str, answers: &[Answer]) -> io::Result<()> {
    for answer in answers {
        let hypotheses = answer.hypotheses().iter().map(|hypothesis| {
            let alignment = hypothesis.alignment.as_ref();
            let transcript = hypothesis.transcript.as_ref();
            let number = |of: fn(&Alignment) -> f64| alignment.map(of);
            let confidence = hypothesis.confidence.as_ref();
            let of_word = |index: usize| confidence?.words.get(index).copied();
            Hypothesis {
                score: hypothesis.score,
                confidence: confidence.map(|found| found.share),
                probability: hypothesis.probability(),
                tokens: &hypothesis.tokens,
                token_confidences: confidence.map(|found| &found.tokens[..]),
                frames: alignment.map(|found| &found.frames[..]),
                last_frames: alignment.map(|found| &found.last_frames[..]),
                alignment_score: number(|found| found.score),
                log_mass: number(|found| found.log_mass),
                scorer_score: number(|found| found.scorer_score),
                text: transcript.map(|read| &*read.text),
                words: transcript.and_then(|read| {
                    let words = read.words.as_ref()?.iter().enumerate();
                    let words = words.map(|(index, word)| Word::new(word, of_word(index)));
                    Some(words.collect())
                }),
            }
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
