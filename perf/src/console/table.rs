//! Aligned columns.

use std::io::{self, Write};

/// A table whose first columns are words and whose others are numbers.
pub(crate) struct Table {
    words: usize,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// The first `words` columns are set to the left, the others to the right.
    pub(crate) fn new(words: usize, header: &[&str]) -> Self {
        Table {
            words,
            rows: vec![header.iter().map(|&name| name.to_owned()).collect()],
            notes: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Adds a line that stands below the table.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let gap = if column == 0 { "" } else { "  " };
                line += &match column < self.words {
                    true => format!("{gap}{cell:<width$}"),
                    false => format!("{gap}{cell:>width$}"),
                };
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        for (index, note) in self.notes.iter().enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            writeln!(out, "{gap}{note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn words_are_set_left_and_numbers_right() {
        let mut table = Table::new(1, &["name", "GB/s", "aim"]);
        table.push(vec!["a".into(), "1.5".into(), String::new()]);
        table.push(vec!["longer".into(), "12.25".into(), "met".into()]);
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name     GB/s  aim\na         1.5\nlonger  12.25  met\n"
        );
    }

    #[test]
    fn notes_stand_below_the_table() {
        let mut table = Table::new(1, &["name", "ms"]);
        table.note("first".to_owned());
        table.push(vec!["a".into(), "1".into()]);
        table.note("second".to_owned());
        let mut out = Vec::new();
        table.write(&mut out).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "name  ms\na      1\n\nfirst\nsecond\n"
        );
    }
}
