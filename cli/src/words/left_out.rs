//! What becomes of words that the labels cannot spell.

use widebeam_perf::console::failure::{Failure, note};
use widebeam_perf::console::printable::count;

use super::lines::Line;
use super::quoted::quoted;

/// How many entries that are left out are named.
const NAMED: usize = 5;

/// The entries of a file that the labels can spell, and an account of the others.
#[derive(Debug)]
pub struct Kept<T> {
    /// The entries, in the order of the file.
    pub entries: Vec<T>,
    /// Where they are from.
    source: String,
    /// What an entry is called.
    thing: &'static str,
    /// What cannot be done with the others.
    verdict: String,
    left_out: usize,
    /// The first of the others.
    named: Vec<String>,
}

impl<T> Kept<T> {
    /// No entry yet of a file. An entry is a `thing`; of those left out the verdict is
    /// "cannot ...".
    pub(super) fn new(source: &str, thing: &'static str, verdict: String) -> Self {
        Kept {
            entries: Vec::new(),
            source: source.to_owned(),
            thing,
            verdict,
            left_out: 0,
            named: Vec::new(),
        }
    }

    /// Leaves out the entry of a line, for a reason if the verdict alone does not tell it.
    pub(super) fn leave_out(&mut self, line: Line<'_>, entry: &str, reason: Option<String>) {
        self.left_out += 1;
        if self.named.len() < NAMED {
            let reason = reason.map_or(String::new(), |reason| format!(": {reason}"));
            let named = format!("{} (line {}{reason})", quoted(entry), line.number);
            self.named.push(named);
        }
    }

    /// The entries, with one note of those that are left out.
    ///
    /// # Errors
    ///
    /// If all are left out, or any with `strict`. The message is then that of the note.
    pub fn take(self, strict: bool) -> Result<Vec<T>, Failure> {
        let (entries, message) = self.parts(strict)?;
        if let Some(message) = message {
            note(message);
        }
        Ok(entries)
    }

    /// The entries, and what there is to say of those that are left out.
    ///
    /// # Errors
    ///
    /// Those of [`Kept::take`].
    pub fn parts(self, strict: bool) -> Result<(Vec<T>, Option<String>), Failure> {
        if self.left_out == 0 {
            return Ok((self.entries, None));
        }
        if strict || self.entries.is_empty() {
            return Err(Failure::Input(self.message("")));
        }
        let message = self.message(match self.left_out {
            1 => " and is left out",
            _ => " and are left out",
        });
        Ok((self.entries, Some(message)))
    }

    /// Says which entries are left out, and so ends what it says of them.
    fn message(&self, consequence: &str) -> String {
        let all = count(self.entries.len() + self.left_out, self.thing);
        let more = match self.left_out - self.named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!(
            "{}: {} of {all} {}{consequence}: {}{more}",
            self.source,
            self.left_out,
            self.verdict,
            self.named.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(entries: usize, left_out: usize) -> Kept<usize> {
        let mut kept = Kept::new("f", "phrase", "cannot be spelled".to_owned());
        kept.entries.extend(0..entries);
        for number in 1..=left_out {
            let reason = (number == 2).then(|| "why".to_owned());
            kept.leave_out(Line::of(number, ""), "x\u{f6}", reason);
        }
        kept
    }

    #[test]
    fn the_first_that_are_left_out_are_named_and_all_are_counted() {
        for (entries, left_out, message) in [
            (
                2,
                1,
                "f: 1 of 3 phrases cannot be spelled: \"x\u{f6}\" (line 1)",
            ),
            (
                0,
                1,
                "f: 1 of 1 phrase cannot be spelled: \"x\u{f6}\" (line 1)",
            ),
            (
                1,
                2,
                "f: 2 of 3 phrases cannot be spelled: \"x\u{f6}\" (line 1), \"x\u{f6}\" (line 2: why)",
            ),
        ] {
            assert_eq!(kept(entries, left_out).message(""), message);
        }
        let five = kept(0, 5).message("; so");
        assert!(five.starts_with("f: 5 of 5 phrases cannot be spelled; so: "));
        assert!(five.ends_with("(line 5)"), "{five}");
        let many = kept(9, 12).message("");
        assert!(many.ends_with("(line 5) and 7 more"), "{many}");
    }

    #[test]
    fn some_may_be_left_out_unless_it_is_strict_but_never_all() {
        for (entries, left_out, lenient, strict) in [
            (0, 0, true, true),
            (3, 0, true, true),
            (3, 1, true, false),
            (0, 2, false, false),
        ] {
            assert_eq!(kept(entries, left_out).take(false).is_ok(), lenient);
            assert_eq!(kept(entries, left_out).take(true).is_ok(), strict);
        }
        assert_eq!(kept(3, 9).take(false).unwrap(), [0, 1, 2]);
    }
}
