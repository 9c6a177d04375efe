//! The ways to write labels down: lines, lines with token ids, JSON.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

/// The labels of a file in order of the token ids.
///
/// - JSON is a list of labels, or a map from labels to ids.
/// - Lines that all end in a whole number from 0 on, after a space or a tab, have the ids
///   of their labels there: `tokens.txt`, `units.txt`.
/// - Lines that all end in a number after a tab, some below 0 or not whole, have scores
///   there, which are left out: the `.vocab` of SentencePiece.
/// - Else a line is a label.
///
/// # Errors
///
/// If ids leave a gap or come twice, or what begins like JSON is not such JSON: a sentence.
pub(super) fn parse(text: &str, is_json: bool) -> Result<Vec<String>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if is_json {
        let labels: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        return match labels {
            Json::List(labels) => Ok(labels),
            Json::Map(labels) => by_id(labels),
        };
    }
    let lines: Vec<&str> = text.lines().collect();
    let numbered = lines.iter().map(|line| Numbered::parse(line));
    match numbered.collect::<Option<Vec<Numbered<'_>>>>() {
        Some(numbered) if !numbered.is_empty() => {
            let ids = numbered.iter().map(|line| line.number.parse::<u64>());
            if let Ok(ids) = ids.collect::<Result<Vec<u64>, _>>() {
                let labels = numbered.iter().map(|line| line.label.to_owned());
                return by_id(labels.zip(ids).collect());
            }
            if numbered.iter().all(|line| line.tab) {
                return Ok(numbered.iter().map(|line| line.label.to_owned()).collect());
            }
        }
        _ => {}
    }
    Ok(lines.into_iter().map(str::to_owned).collect())
}

/// A line that ends in a number.
struct Numbered<'a> {
    label: &'a str,
    number: &'a str,
    /// Whether a tab stands between them.
    tab: bool,
}

impl<'a> Numbered<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let at = line.rfind([' ', '\t'])?;
        let (label, number) = (&line[..at], &line[at + 1..]);
        let is_number = number.parse::<f64>().is_ok_and(f64::is_finite);
        let tab = line[at..].starts_with('\t');
        (is_number && !label.is_empty()).then_some(Numbered { label, number, tab })
    }
}

/// Puts labels in the order of their ids, which must be those from 0 on.
fn by_id(labels: Vec<(String, u64)>) -> Result<Vec<String>, String> {
    let count = labels.len();
    let mut places: Vec<Option<String>> = vec![None; count];
    let mut beyond = None;
    for (label, id) in labels {
        match usize::try_from(id).ok().and_then(|id| places.get_mut(id)) {
            Some(Some(other)) => {
                return Err(format!("{other:?} and {label:?} both have the id {id}"));
            }
            Some(place) => *place = Some(label),
            None => beyond = beyond.max(Some((id, label))),
        }
    }
    let missing = places.iter().position(Option::is_none);
    if let (Some(missing), Some((id, label))) = (missing, beyond) {
        return Err(format!(
            "no label has the id {missing}, but {label:?} has {id}; {count} labels have the ids from 0 on"
        ));
    }
    Ok(places.into_iter().flatten().collect())
}

/// Labels in JSON. A map keeps labels that come twice, to be refused.
enum Json {
    List(Vec<String>),
    Map(Vec<(String, u64)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Labels;
        impl<'de> Visitor<'de> for Labels {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of labels, or a map from labels to token ids")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut labels = Vec::new();
                while let Some(label) = items.next_element()? {
                    labels.push(label);
                }
                Ok(Json::List(labels))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
                let mut labels = Vec::new();
                while let Some((label, Id(id))) = entries.next_entry()? {
                    labels.push((label, id));
                }
                Ok(Json::Map(labels))
            }
        }
        deserializer.deserialize_any(Labels)
    }
}

/// A token id in JSON.
struct Id(u64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a token id, a whole number from 0 on")
            }

            fn visit_u64<E>(self, id: u64) -> Result<Id, E> {
                Ok(Id(id))
            }
        }
        deserializer.deserialize_u64(Number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, is_json: bool, expected: Result<&[&str], &str>) {
        let found = parse(text, is_json);
        match expected {
            Ok(labels) => assert_eq!(found.unwrap(), labels, "{text:?}"),
            Err(part) => {
                let error = found.unwrap_err();
                assert!(error.contains(part), "{text:?}: {error}");
            }
        }
    }

    #[test]
    fn a_line_is_a_label_unless_every_line_ends_in_a_number() {
        check("a\nb\n\n \n", false, Ok(&["a", "b", "", " "]));
        check("\u{feff}a\r\nb\r\n", false, Ok(&["a", "b"]));
        check("a 0\nb\n", false, Ok(&["a 0", "b"]));
        check("1\n2\n", false, Ok(&["1", "2"]));
        check("a 0.5\nb 1\n", false, Ok(&["a 0.5", "b 1"]));
        check("", false, Ok(&[]));
    }

    #[test]
    fn numbers_from_0_on_are_ids_in_any_order() {
        check("b 1\na 0\n", false, Ok(&["a", "b"]));
        check(
            "\u{2581}he\t1\n<blk>\t0\n",
            false,
            Ok(&["<blk>", "\u{2581}he"]),
        );
        check("  0\na b 1\n", false, Ok(&[" ", "a b"]));
        check(
            "a 0\nb 0\n",
            false,
            Err("\"a\" and \"b\" both have the id 0"),
        );
        check(
            "a 0\nb 2\n",
            false,
            Err("no label has the id 1, but \"b\" has 2"),
        );
        check(
            "a 0\nb 18446744073709551615\n",
            false,
            Err("no label has the id 1"),
        );
    }

    #[test]
    fn scores_after_a_tab_are_left_out() {
        check(
            "<unk>\t0\na\t-1\nb\t-2.5\n",
            false,
            Ok(&["<unk>", "a", "b"]),
        );
        check("a\t-1\nb -2\n", false, Ok(&["a\t-1", "b -2"]));
    }

    #[test]
    fn json_is_a_list_or_a_map() {
        check("[\"a\", \"b \\u2581\"]", true, Ok(&["a", "b \u{2581}"]));
        check("{\"b\": 1, \"a\": 0}", true, Ok(&["a", "b"]));
        check("{\"b\": 1, \"a\": 1}", true, Err("both have the id 1"));
        check("{\"a\": 0, \"a\": 1}", true, Ok(&["a", "a"]));
        check(
            "{\"b\": 5, \"a\": 0}",
            true,
            Err("no label has the id 1, but \"b\" has 5"),
        );
        check(
            "{\"a\": -1}",
            true,
            Err("integer `-1`, expected a token id, a whole number from 0 on"),
        );
        check(
            "[\"a\", 1]",
            true,
            Err("invalid type: integer `1`, expected a string"),
        );
        check(
            "3",
            true,
            Err("a list of labels, or a map from labels to token ids"),
        );
        check("[\"a\"", true, Err("EOF while parsing"));
        // Lines may begin like JSON.
        check("[PAD]\n{\n", false, Ok(&["[PAD]", "{"]));
    }
}
