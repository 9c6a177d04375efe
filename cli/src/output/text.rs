//! A table to read: one hypothesis a line.

use std::io::{self, Write};
use std::path::PathBuf;

use widebeam_perf::console::printable::{self, printable};

use crate::answer::{Answer, Hypothesis};

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

/// Appends the answers of `source`, and before the first the head of the table. `read` says
/// whether hypotheses have a text.
pub(super) fn write(
    out: &mut impl Write,
    table: &mut Table,
    source: &str,
    answers: &[Answer],
    read: bool,
) -> io::Result<()> {
    let source = printable(source);
    let item = widest(answers, "item", |answer| answer.item.to_string());
    let rank = widest(answers, "rank", |answer| {
        answer.hypotheses().len().to_string()
    });
    let score = widest(answers, SCORE, |answer| {
        // The last is the lowest, and the longest to print.
        answer
            .hypotheses()
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
    let answer_head = if read { "text" } else { "tokens" };
    if !table.begun {
        line([SOURCE, "item", "rank", SCORE, answer_head])?;
        table.begun = true;
    }
    for answer in answers {
        let item = answer.item.to_string();
        let hypotheses = match &answer.outcome {
            Ok(hypotheses) => hypotheses,
            Err(error) => {
                line([&source, &item, "-", "-", &format!("error: {error}")])?;
                continue;
            }
        };
        if hypotheses.is_empty() {
            line([&source, &item, "-", "-", "(no sequence is possible)"])?;
        }
        for (index, hypothesis) in hypotheses.iter().enumerate() {
            let text = match &hypothesis.transcript {
                Some(read) => read.text.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(item: usize, scores: &[f64]) -> Answer {
        let hypothesis = |(rank, &score): (usize, &f64)| Hypothesis {
            score,
            tokens: (0..rank.min(2) as u32).collect(),
            transcript: None,
            alignment: None,
            confidence: None,
        };
        Answer {
            item,
            outcome: Ok(scores.iter().enumerate().map(hypothesis).collect()),
        }
    }

    fn written(mut table: Table, parts: &[(&str, Vec<Answer>)]) -> Vec<String> {
        let mut out = Vec::new();
        for (source, answers) in parts {
            write(&mut out, &mut table, source, answers, false).unwrap();
        }
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_entry() {
        let answers = || vec![answer(99_999, &[-1.0, -2.0, -12345.25]), answer(7, &[])];
        let lines = written(Table::of_one(true), &[("a", answers())]);
        assert_eq!(
            lines,
            [
                " item  rank        score  tokens",
                "99999     1      -1.0000",
                "99999     2      -2.0000  0",
                "99999     3  -12345.2500  0 1",
                "    7     -            -  (no sequence is possible)",
            ]
        );
        let lines = written(Table::of_one(false), &[("a", answers())]);
        assert_eq!(lines[0], " item        score  tokens");
    }

    #[test]
    fn ranks_of_five_digits_keep_their_column() {
        let scores = vec![0.0; 10_000];
        let lines = written(Table::of_one(true), &[("a", vec![answer(0, &scores)])]);
        assert!(
            lines[0].starts_with("item   rank   score  "),
            "{}",
            lines[0]
        );
        assert!(lines[1].starts_with("   0      1  0.0000"), "{}", lines[1]);
        assert!(lines[10_000].starts_with("   0  10000  0.0000"));
    }

    #[test]
    fn a_table_of_several_has_one_head_and_a_column_of_names() {
        let inputs = ["a.npy".into(), "longer\u{1b}.npy".into()];
        let parts = [
            ("a.npy", vec![answer(0, &[-1.0])]),
            ("longer\u{1b}.npy", vec![answer(0, &[-1000.5])]),
        ];
        assert_eq!(
            written(Table::of_several(false, &inputs), &parts),
            [
                "source            item       score  tokens",
                "a.npy                0     -1.0000",
                "longer\\u{1b}.npy     0  -1000.5000",
            ]
        );
    }
}
