//! Every way we know in which input can be wrong, and what is said about it:
//! `table.md`, which this compares with what the tool says.

mod arguments;
mod files;
mod many;
mod sequences;

use std::fmt::Write;
use std::fs;

use crate::support::*;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/bad_input/table.md");

const HEAD: &str = "\
# What is said about bad input

Each case ends with exit code 2, one message on standard error, nothing on
standard output and no file of output. The cases of section Values are the
exception: there an item is refused, and the file of output has the error in its
place. Written by `UPDATE_TABLE=1 cargo test --test cli bad_input`, and checked by
the same without.
";

/// A command with `arguments` in a folder of `files`.
struct Case {
    command: &'static str,
    what: &'static str,
    files: Vec<(&'static str, Vec<u8>)>,
    arguments: String,
    /// Whether a file of output is written.
    writes: bool,
}

struct Table {
    /// What the cases that follow run.
    command: &'static str,
    /// Whether the cases that follow write a file of output.
    writes: bool,
    /// Titles, each with its cases.
    sections: Vec<(&'static str, Vec<Case>)>,
}

impl Table {
    fn section(&mut self, title: &'static str) {
        self.sections.push((title, Vec::new()));
    }

    fn case(
        &mut self,
        what: &'static str,
        files: Vec<(&'static str, Vec<u8>)>,
        arguments: impl Into<String>,
    ) {
        let arguments = arguments.into();
        let (command, writes) = (self.command, self.writes);
        let (_, cases) = self.sections.last_mut().unwrap();
        cases.push(Case {
            command,
            what,
            files,
            arguments,
            writes,
        });
    }

    /// A file of probabilities.
    fn file(&mut self, what: &'static str, name: &'static str, bytes: Vec<u8>) {
        self.case(what, vec![(name, bytes)], format!("{name} {PROBS}"));
    }
}

const PROBS: &str = "--search independent --scores probs --beams 2";

/// Two steps of three tokens.
fn good() -> Vec<u8> {
    npy_f32(&[2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, 0.8])
}

/// What the tool says, once it is sure that it says and does nothing else.
fn message(case: &Case) -> String {
    let folder = Folder::new();
    for (name, bytes) in &case.files {
        folder.write(name, bytes);
    }
    let mut command = tool();
    command
        .arg(case.command)
        .args(case.arguments.split_whitespace());
    if !case.arguments.contains("--output") && !case.arguments.is_empty() {
        command.args(["--output", "out"]);
    }
    command.current_dir(folder.path("")).env("COLUMNS", "1000");
    let run = Run::from(feed(&mut command, b""));
    let what = case.what;
    assert_eq!(run.code, Some(2), "{what}: {run:?}");
    assert_eq!(run.stdout, "", "{what}");
    let mut left: Vec<_> = case.files.iter().map(|(name, _)| *name).collect();
    if case.writes {
        left.push("out");
    }
    left.sort();
    assert_eq!(folder.names(), left, "{what}");
    // The parser of the arguments has usage below its error.
    if let Some(usage) = run.stderr.strip_prefix("error: ") {
        let lines = usage.lines().take_while(|line| !line.is_empty());
        return lines.map(str::trim).collect::<Vec<_>>().join(" ");
    }
    let said = run.stderr.strip_prefix("widebeam: ");
    let said = said.unwrap_or_else(|| panic!("{what}: {run:?}"));
    assert_eq!(said.lines().count(), 1, "{what}: {run:?}");
    let here = folder.path("").canonicalize().unwrap();
    said.trim_end().replace(&format!("{}/", here.display()), "")
}

#[cfg(target_os = "linux")]
#[test]
fn each_is_said_in_one_line_and_leaves_nothing_behind() {
    let mut table = Table {
        command: "decode",
        writes: false,
        sections: Vec::new(),
    };
    files::add(&mut table);
    arguments::add(&mut table);
    many::add(&mut table);
    sequences::add(&mut table);
    let count: usize = table.sections.iter().map(|(_, cases)| cases.len()).sum();
    let mut text = format!("{HEAD}\n{count} cases.\n");
    for (title, cases) in &table.sections {
        write!(
            text,
            "\n## {title}\n\n| what is wrong | what is said |\n|---|---|\n"
        )
        .unwrap();
        for case in cases {
            let message = message(case).replace('|', "\\|");
            let quote = if message.contains('`') { "``" } else { "`" };
            writeln!(text, "| {} | {quote}{message}{quote} |", case.what).unwrap();
        }
    }
    if std::env::var_os("UPDATE_TABLE").is_some() {
        fs::write(TABLE, &text).unwrap();
    }
    let kept = fs::read_to_string(TABLE).unwrap();
    for (said, line) in text.lines().zip(kept.lines()) {
        assert_eq!(said, line, "if it is right, run again with UPDATE_TABLE=1");
    }
    assert_eq!(text.len(), kept.len());
}
