//! Aligned columns.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, presets};

/// A table whose first columns are words and whose others are numbers.
pub(crate) struct Table {
    table: comfy_table::Table,
    notes: Vec<String>,
}

impl Table {
    /// The first `words` columns are set to the left, the others to the right. No line is
    /// wrapped to the width of a terminal, which would cut numbers in two.
    pub(crate) fn new(words: usize, header: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header);
        for (at, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            column.set_cell_alignment(match at < words {
                true => CellAlignment::Left,
                false => CellAlignment::Right,
            });
        }
        Table {
            table,
            notes: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.table.add_row(row);
    }

    /// Adds a line that stands below the table.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    pub(crate) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.table.trim_fmt())?;
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
