//! Aligned columns.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, presets};

/// A table whose first columns are words and whose others are numbers.
pub(crate) struct Table {
    words: usize,
    header: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// The columns that a narrow terminal does without, the first to go first.
    spare: &'static [&'static str],
    notes: Vec<String>,
}

impl Table {
    /// The first `words` columns are set to the left, the others to the right. No line is
    /// wrapped to the width of a terminal, which would cut numbers in two.
    pub(crate) fn new(words: usize, header: &[&'static str]) -> Self {
        Table {
            words,
            header: header.to_vec(),
            rows: Vec::new(),
            spare: &[],
            notes: Vec::new(),
        }
    }

    /// Names the columns that a narrow terminal does without, the first to go first.
    pub(crate) fn with_spare(self, spare: &'static [&'static str]) -> Self {
        Table { spare, ..self }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// Adds a line that stands below the table.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Writes the table, without columns that are empty. In `width` columns of a terminal what
    /// is the same in all rows stands above the table, and spare columns are left out until it
    /// fits; a line below names them.
    pub(crate) fn write(&self, out: &mut dyn Write, width: Option<usize>) -> io::Result<()> {
        let filled = |column: &usize| self.rows.is_empty() || !self.is_empty(*column);
        let mut columns: Vec<usize> = (0..self.header.len()).filter(filled).collect();
        let fits = |columns: &[usize]| width.is_none_or(|width| self.width(columns) <= width);
        let mut left_out = Vec::new();
        if !fits(&columns) {
            let same = |column: &usize| {
                *column < self.words && !self.rows.is_empty() && self.is_same(*column)
            };
            let (above, below): (Vec<_>, Vec<_>) = columns.into_iter().partition(same);
            columns = below;
            self.write_above(out, &above, width)?;
        }
        for spare in self.spare {
            if fits(&columns) {
                break;
            }
            let before = columns.len();
            columns.retain(|&column| self.header[column] != *spare);
            if columns.len() < before {
                left_out.push(*spare);
            }
        }
        writeln!(out, "{}", self.aligned(&columns))?;
        let left_out = match &left_out[..] {
            [] => None,
            names => Some(format!("without {}: see --wide", names.join(", "))),
        };
        for (index, note) in left_out.iter().chain(&self.notes).enumerate() {
            let gap = if index == 0 { "\n" } else { "" };
            writeln!(out, "{gap}{}", wrapped(note, width))?;
        }
        Ok(())
    }

    fn cell(&self, row: usize, column: usize) -> &str {
        self.rows[row].get(column).map_or("", String::as_str)
    }

    fn is_empty(&self, column: usize) -> bool {
        (0..self.rows.len()).all(|row| self.cell(row, column).is_empty())
    }

    /// Whether all rows have the same in a column. A cell that is blank because it repeats the
    /// one above is another.
    fn is_same(&self, column: usize) -> bool {
        let mut cells = (0..self.rows.len()).map(|row| self.cell(row, column));
        let first = cells.next().unwrap_or_default();
        cells.all(|cell| cell == first)
    }

    /// Writes what is the same in all rows.
    fn write_above(
        &self,
        out: &mut dyn Write,
        columns: &[usize],
        width: Option<usize>,
    ) -> io::Result<()> {
        if columns.is_empty() {
            return Ok(());
        }
        let said = columns
            .iter()
            .map(|&column| format!("{} {}", self.header[column], self.cell(0, column)));
        let said = said.collect::<Vec<_>>().join(", ");
        writeln!(out, "{}\n", wrapped(&said, width))
    }

    /// How many columns of a terminal some columns take.
    fn width(&self, columns: &[usize]) -> usize {
        let lines = self.aligned(columns);
        lines
            .lines()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0)
    }

    fn aligned(&self, columns: &[usize]) -> String {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING);
        table.set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|&column| self.header[column]));
        for row in 0..self.rows.len() {
            table.add_row(columns.iter().map(|&column| self.cell(row, column)));
        }
        for (&column, own) in columns.iter().zip(table.column_iter_mut()) {
            own.set_padding((0, 2));
            own.set_cell_alignment(match column < self.words {
                true => CellAlignment::Left,
                false => CellAlignment::Right,
            });
        }
        table.trim_fmt()
    }
}

/// A sentence in lines of at most `width` columns, parted between words.
fn wrapped(sentence: &str, width: Option<usize>) -> String {
    let Some(width) = width else {
        return sentence.to_owned();
    };
    let (mut text, mut column) = (String::new(), 0);
    for word in sentence.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            text.push('\n');
            column = 0;
        } else if column > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Table, wrapped};

    #[test]
    fn a_sentence_is_parted_between_words_and_never_within() {
        assert_eq!(wrapped("a bc  def", None), "a bc  def");
        assert_eq!(wrapped("a bc def", Some(4)), "a bc\ndef");
        assert_eq!(wrapped("a bc def", Some(8)), "a bc def");
        assert_eq!(wrapped("a bc def", Some(7)), "a bc\ndef");
        assert_eq!(wrapped("abcdef g", Some(3)), "abcdef\ng");
        assert_eq!(wrapped("", Some(3)), "");
    }

    fn written(table: &Table, width: Option<usize>) -> String {
        let mut out = Vec::new();
        table.write(&mut out, width).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn words_are_set_left_and_numbers_right() {
        let mut table = Table::new(1, &["name", "GB/s", "aim"]);
        table.push(vec!["a".into(), "1.5".into(), String::new()]);
        table.push(vec!["longer".into(), "12.25".into(), "met".into()]);
        assert_eq!(
            written(&table, None),
            "name     GB/s  aim\na         1.5\nlonger  12.25  met\n"
        );
    }

    #[test]
    fn notes_stand_below_the_table() {
        let mut table = Table::new(1, &["name", "ms"]);
        table.note("first".to_owned());
        table.push(vec!["a".into(), "1".into()]);
        table.note("second".to_owned());
        assert_eq!(
            written(&table, None),
            "name  ms\na      1\n\nfirst\nsecond\n"
        );
    }

    #[test]
    fn columns_that_are_empty_are_left_out() {
        let mut table = Table::new(1, &["name", "aim", "ms"]);
        table.push(vec!["a".into(), String::new(), "1".into()]);
        // A row may end early.
        table.push(vec!["b".into()]);
        assert_eq!(written(&table, None), "name  ms\na      1\nb\n");
    }

    #[test]
    fn a_narrow_terminal_is_shown_what_matters() {
        let header = ["search", "dtype", "ms", "spread", "GB/s"];
        let mut table = Table::new(2, &header).with_spare(&["spread", "GB/s"]);
        for ms in ["1.5", "22.5"] {
            let row = ["ctc", "f32", ms, "3 %", "12.0"];
            table.push(row.map(String::from).to_vec());
        }
        table.rows[1][0] = "independent".into();
        let whole = "search       dtype    ms  spread  GB/s\n\
                     ctc          f32     1.5     3 %  12.0\n\
                     independent  f32    22.5     3 %  12.0\n";
        for width in [None, Some(38)] {
            assert_eq!(written(&table, width), whole);
        }
        assert_eq!(
            written(&table, Some(37)),
            "dtype f32\n\n\
             search         ms  spread  GB/s\n\
             ctc           1.5     3 %  12.0\n\
             independent  22.5     3 %  12.0\n"
        );
        assert_eq!(
            written(&table, Some(30)),
            "dtype f32\n\n\
             search         ms  GB/s\n\
             ctc           1.5  12.0\n\
             independent  22.5  12.0\n\
             \nwithout spread: see --wide\n"
        );
        // Where nothing can be spared any more it is as wide as it must be.
        let narrowest = "independent  22.5\n\nwithout\nspread,\nGB/s:\nsee\n--wide\n";
        assert!(written(&table, Some(3)).ends_with(narrowest));
    }
}
