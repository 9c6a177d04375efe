//! A table to read: one hypothesis a line.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::decode::{Answer, Hypothesis};
use crate::labels::Labels;
use crate::printable::{self, printable};

const SOURCE: &str = "source";
const SCORE: &str = "score";

/// Digits after the point: a score is a log-probability of some units to some
/// hundreds, and who needs every bit reads JSON.
const DIGITS: usize = 4;

/// The columns of a table, which may be of several inputs.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// How wide the names of the inputs are, where there is a column of them.
    source: Option<usize>,
    ranked: bool,
    begun: bool,
    /// How wide the column of scores is at least.
    score: usize,
}

impl Table {
    pub(super) fn of_one(ranked: bool) -> Self {
        Table {
            source: None,
            ranked,
            begun: false,
            score: SCORE.len(),
        }
    }

    /// A table that is written input by input: columns must be as wide as
    /// those of later inputs are likely to be.
    pub(super) fn of_several(ranked: bool, inputs: &[PathBuf]) -> Self {
        let names = inputs.iter().map(|input| {
            let name = printable::path(input);
            printable(&name).chars().count()
        });
        Table {
            source: Some(names.max().unwrap_or(0).max(SOURCE.len())),
            ranked,
            begun: false,
            score: "-1234.5678".len(),
        }
    }
}

/// Appends the answers of `source`, and before the first the head of the table.
pub(super) fn write(
    out: &mut impl Write,
    table: &mut Table,
    source: &str,
    answers: &[Answer],
    labels: Option<&Labels>,
) -> io::Result<()> {
    let source = printable(source);
    let item = widest(answers, "item", |answer| answer.item.to_string());
    let rank = widest(answers, "rank", |answer| {
        answer.hypotheses.len().to_string()
    });
    let score = widest(answers, SCORE, |answer| {
        // The last is the lowest, and the longest to print.
        answer
            .hypotheses
            .last()
            .map(print_score)
            .unwrap_or_default()
    })
    .max(table.score);

    let mut line = |names: [&str; 5]| {
        let [a, b, c, d, e] = names;
        if let Some(width) = table.source {
            write!(out, "{a:<width$}  ")?;
        }
        write!(out, "{b:>item$}  ")?;
        if table.ranked {
            write!(out, "{c:>rank$}  ")?;
        }
        writeln!(out, "{d:>score$}  {e}")
    };
    let answer_head = match labels {
        Some(_) => "text",
        None => "tokens",
    };
    if !table.begun {
        line([SOURCE, "item", "rank", SCORE, answer_head])?;
        table.begun = true;
    }
    for answer in answers {
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
