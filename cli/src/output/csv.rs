//! A header and a line a hypothesis, for spreadsheets.

use std::io::{self, Write};

use csv::{QuoteStyle, Writer, WriterBuilder};

use crate::answer::{Answer, Hypothesis};

const HEADER: [&str; 10] = [
    "source",
    "item",
    "rank",
    "score",
    "confidence",
    "probability",
    "text",
    "tokens",
    "frames",
    "error",
];

/// Appends the header.
pub(super) fn begin(out: &mut impl Write, separator: u8) -> io::Result<()> {
    let mut writer = writer(out, separator);
    writer.write_record(HEADER)?;
    writer.flush()
}

/// Appends the answers of `source`.
pub(super) fn write(
    out: &mut impl Write,
    separator: u8,
    source: &str,
    answers: &[Answer],
) -> io::Result<()> {
    let mut writer = writer(out, separator);
    for answer in answers {
        let item = answer.item.to_string();
        let error = match &answer.outcome {
            Err(error) => error.to_string(),
            Ok(found) if found.is_empty() => "no sequence is possible".to_owned(),
            Ok(_) => String::new(),
        };
        if !error.is_empty() {
            writer.write_record([source, &item, "", "", "", "", "", "", "", &error])?;
        }
        for (index, found) in answer.hypotheses().iter().enumerate() {
            let confidence = found.confidence.as_ref();
            writer.write_record([
                source,
                &item,
                &(index + 1).to_string(),
                &found.score.to_string(),
                &confidence.map_or(String::new(), |found| found.share.to_string()),
                &found.probability().to_string(),
                found.transcript.as_ref().map_or("", |read| &read.text),
                &join(&found.tokens),
                &frames(found),
                "",
            ])?;
        }
    }
    writer.flush()
}

fn writer<W: Write>(out: W, separator: u8) -> Writer<W> {
    WriterBuilder::new()
        .delimiter(separator)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(out)
}

fn frames(found: &Hypothesis) -> String {
    let alignment = found.alignment.as_ref();
    join(alignment.map_or(&[], |found| &found.frames))
}

fn join(numbers: &[u32]) -> String {
    let numbers: Vec<_> = numbers.iter().map(u32::to_string).collect();
    numbers.join(" ")
}
