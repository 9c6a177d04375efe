//! Word errors.

/// The least number of words to change, to insert and to delete.
pub(crate) fn word_errors(found: &str, right: &str) -> usize {
    let right: Vec<&str> = right.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for word in found.split_whitespace() {
        let mut diagonal = row[0];
        row[0] += 1;
        for (i, other) in right.iter().enumerate() {
            let changed = diagonal + usize::from(word != *other);
            diagonal = row[i + 1];
            row[i + 1] = changed.min(row[i] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::word_errors;

    #[test]
    fn each_edit_counts_once() {
        for (found, right, errors) in [
            ("", "", 0),
            ("one two", "one two", 0),
            ("", "one two", 2),
            ("one two", "", 2),
            ("one three", "one two", 1),
            ("one two three", "one three", 1),
            ("two three", "one two three", 1),
            ("five six one", "six one nine", 2),
            // A change costs less than leaving a word out and putting another in.
            ("one four two", "one five two", 1),
        ] {
            assert_eq!(word_errors(found, right), errors, "{found:?} {right:?}");
        }
    }
}
