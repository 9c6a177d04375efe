//! What a command line lacks: all of it at once, with a whole line to copy.

use std::fmt::Write;
use std::path::Path;

use widebeam_perf::console::args::Scores;
use widebeam_perf::console::printable;

use super::{BEAMS, Decode, Search};

impl Decode {
    /// What is missing to read the inputs, and how to say it; or which option is for another
    /// search, whatever is missing. `None` where the arguments are complete.
    pub(crate) fn missing(&self) -> Option<String> {
        let name = match (self.inputs.first(), &self.many.inputs_from) {
            (Some(input), _) => quoted(input),
            (None, Some(list)) => format!("--inputs-from {}", quoted(list)),
            (None, None) => return None,
        };
        let independent = self.search == Some(Search::Independent);
        if let (true, Some(option)) = (independent, self.ctc.given()) {
            return Some(format!("{option} is for --search ctc"));
        }
        let lacks = [
            (
                self.search.is_none(),
                "--search  ctc for OCR, speech and other CTC models, independent for positions\n            \
                 that do not depend on each other",
            ),
            (
                self.scores.is_none(),
                "--scores  probs, log-probs or logits: it is never guessed",
            ),
            (
                !independent && self.ctc.blank.is_none(),
                "--blank   the token of the blank: often 0, or the last one",
            ),
        ];
        let lacks: Vec<_> = lacks.iter().filter(|(lacks, _)| *lacks).collect();
        if lacks.is_empty() {
            return None;
        }
        let mut text = format!("{name} cannot be read yet; what is missing:\n");
        for (_, option) in lacks {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {option}");
        }
        let (what, line) = self.example(&name);
        let _ = write!(text, "For example, {what}:\n  {line}");
        Some(text)
    }

    /// A line that is complete, with what was given.
    fn example(&self, name: &str) -> (&'static str, String) {
        let beams = self.beams.unwrap_or(BEAMS);
        if self.search == Some(Search::Independent) {
            let scores = scores(self.scores, "logits");
            let line = format!(
                "widebeam decode {name} --search independent --scores {scores} --beams {beams}"
            );
            return ("for logits", line);
        }
        let (scores, blank) = (scores(self.scores, "probs"), self.ctc.blank.unwrap_or(0));
        let width = match self.ctc.greedy {
            true => "--greedy".to_owned(),
            false => format!("--beams {beams}"),
        };
        let labels = self.labels.as_deref().unwrap_or(Path::new("labels.txt"));
        let line = format!(
            "widebeam decode {name} --search ctc --scores {scores} --blank {blank} {width} \
             --labels {}",
            quoted(labels)
        );
        ("for OCR or speech", line)
    }
}

/// How to decode a file that stands where a command should.
pub(crate) fn how_to_decode(file: &Path) -> String {
    let (what, line) = Decode::default().example(&quoted(file));
    format!(
        "{} is a file, and a command should stand here; {what}:\n  {line}",
        printable::path(file)
    )
}

fn scores(given: Option<Scores>, else_this: &'static str) -> &'static str {
    match given {
        Some(Scores::Probs) => "probs",
        Some(Scores::LogProbs) => "log-probs",
        Some(Scores::Logits) => "logits",
        None => else_this,
    }
}

/// A path as a shell reads it.
fn quoted(path: &Path) -> String {
    let text = printable::path(path);
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    match text.chars().all(plain) && !text.is_empty() {
        true => text,
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Ctc;
    use super::*;

    #[test]
    fn a_path_is_quoted_where_a_shell_would_part_or_expand_it() {
        for (path, shell) in [
            ("a/b-1.npy", "a/b-1.npy"),
            ("", "''"),
            ("a b.npy", "'a b.npy'"),
            ("a*.npy", "'a*.npy'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(Path::new(path)), shell);
        }
    }

    #[test]
    fn all_that_is_missing_is_said_at_once() {
        let inputs = || vec!["a b.npy".into()];
        let nothing = Decode {
            inputs: inputs(),
            ..Decode::default()
        };
        let said = nothing.missing().unwrap();
        for part in [
            "--search  ctc",
            "--scores  probs",
            "--blank   the token",
            "widebeam decode 'a b.npy' --search ctc --scores probs --blank 0 --beams 16 \
             --labels labels.txt",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let independent = Decode {
            search: Some(Search::Independent),
            beams: Some(3),
            ..nothing
        };
        let said = independent.missing().unwrap();
        assert!(!said.contains("--search  ") && !said.contains("--blank"));
        assert!(said.ends_with("--search independent --scores logits --beams 3"));
        let complete = Decode {
            scores: Some(Scores::LogProbs),
            ..independent
        };
        assert_eq!(complete.missing(), None);
        let no_blank = Decode {
            search: Some(Search::Ctc),
            labels: Some("l.txt".into()),
            ..complete
        };
        let said = no_blank.missing().unwrap();
        assert!(said.contains("--blank   "), "{said}");
        assert!(!said.contains("--scores  "), "{said}");
        assert!(said.ends_with("--scores log-probs --blank 0 --beams 3 --labels l.txt"));
        assert_eq!(Decode::default().missing(), None);
        let mut listed = Decode::default();
        listed.many.inputs_from = Some("list.txt".into());
        let said = listed.missing().unwrap();
        assert!(said.contains("widebeam decode --inputs-from list.txt --search ctc"));
        let other = Decode {
            inputs: inputs(),
            search: Some(Search::Independent),
            ctc: Ctc {
                lm: Some("m".into()),
                ..Ctc::default()
            },
            ..Decode::default()
        };
        assert_eq!(other.missing().unwrap(), "--lm is for --search ctc");
    }
}
