//! A table to read: one hypothesis a line.

use std::io::{self, Write};

use crate::decode::{Answer, Hypothesis};
use crate::labels::Labels;
use crate::printable::printable;

/// Digits after the point: a score is a log-probability of some units to some
/// hundreds, and who needs every bit reads JSON.
const DIGITS: usize = 4;

pub(super) fn write(
    out: &mut dyn Write,
    answers: &[Answer],
    labels: Option<&Labels>,
) -> io::Result<()> {
    let ranked = answers.iter().any(|answer| answer.hypotheses.len() > 1);
    let several = answers
        .first()
        .is_some_and(|first| answers.iter().any(|answer| answer.source != first.source));
    let source = match several {
        true => widest(answers, "source", |answer| printable(&answer.source).into()),
        false => 0,
    };
    let item = widest(answers, "item", |answer| answer.item.to_string());
    let rank = widest(answers, "rank", |answer| {
        answer.hypotheses.len().to_string()
    });
    let score = widest(answers, "score", |answer| {
        // The last is the lowest, and the longest to print.
        answer
            .hypotheses
            .last()
            .map(print_score)
            .unwrap_or_default()
    });

    let mut line = |names: [&str; 5]| {
        let [a, b, c, d, e] = names;
        if several {
            write!(out, "{a:<source$}  ")?;
        }
        write!(out, "{b:>item$}  ")?;
        if ranked {
            write!(out, "{c:>rank$}  ")?;
        }
        writeln!(out, "{d:>score$}  {e}")
    };
    let answer_head = match labels {
        Some(_) => "text",
        None => "tokens",
    };
    line(["source", "item", "rank", "score", answer_head])?;
    for answer in answers {
        let source = printable(&answer.source);
        let item = answer.item.to_string();
        if answer.hypotheses.is_empty() {
            line([&source, &item, "-", "-", "(no sequence is possible)"])?;
        }
        for (index, hypothesis) in answer.hypotheses.iter().enumerate() {
            let text = match labels {
                Some(labels) => labels.text(&hypothesis.tokens),
                None => join(&hypothesis.tokens),
            };
            line([
                &source,
                &item,
                &(index + 1).to_string(),
                &print_score(hypothesis),
                &printable(&text),
            ])?;
        }
    }
    Ok(())
}

fn print_score(hypothesis: &Hypothesis) -> String {
    format!("{:.DIGITS$}", hypothesis.score)
}

fn join(tokens: &[u32]) -> String {
    let tokens: Vec<_> = tokens.iter().map(u32::to_string).collect();
    tokens.join(" ")
}

/// Columns of the longest of `head` and what `print` makes of each answer.
fn widest(answers: &[Answer], head: &str, print: impl Fn(&Answer) -> String) -> usize {
    let longest = answers.iter().map(|answer| print(answer).chars().count());
    longest.max().unwrap_or(0).max(head.len())
}
