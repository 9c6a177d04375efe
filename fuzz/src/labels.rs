//! The reader of labels, and the spelling of text in them.

use widebeam::ctc::Blank;
use widebeam::scorers::Labels as Spelling;
use widebeam_cli::labels::{Labels, WORD_MARK};

use crate::file;

const BLANK: u32 = 1;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, text) = file::halves(data);
    let labels = match file::with(".txt", labels, Labels::open) {
        Ok(labels) => labels,
        Err(failure) => return file::refused(&failure),
    };
    let count = labels.as_slice().len();
    assert!(labels.require(count).is_ok() && labels.require(count + 1).is_err());
    let every: Vec<u32> = (0..count as u32).collect();
    labels.text(&every);

    let text = String::from_utf8_lossy(text);
    let expected = spelled(labels.as_slice(), &text);
    let spelling = Spelling::new(labels.as_slice(), Blank(BLANK));
    match spelling.spell(&text) {
        Ok(tokens) => {
            assert_eq!(Ok(&tokens), expected.as_ref());
            assert_eq!(spelling.text(&tokens), Ok(text.to_string()));
            let label = |&token: &u32| labels.as_slice()[token as usize].as_str();
            assert_eq!(tokens.iter().map(label).collect::<String>(), text);
            assert!(!tokens.contains(&BLANK));
            if !text.contains(WORD_MARK) {
                assert_eq!(labels.text(&tokens), text);
            }
        }
        Err(error) => {
            let character = expected.expect_err("some label fits everywhere");
            let expected = format!("no label spells {character:?} in {text:?}");
            assert_eq!(error.to_string(), expected);
        }
    }
}

/// The tokens of a text, each the longest that fits and the first of that label;
/// or the character that none does.
fn spelled(labels: &[String], mut text: &str) -> Result<Vec<u32>, char> {
    let mut tokens = Vec::new();
    while let Some(character) = text.chars().next() {
        let fits = |&(token, label): &(u32, &String)| {
            token != BLANK && !label.is_empty() && text.starts_with(&**label)
        };
        let fitting = (0..).zip(labels).filter(fits);
        let longest = fitting.max_by_key(|&(token, label)| (label.len(), !token));
        let (token, label) = longest.ok_or(character)?;
        tokens.push(token);
        text = &text[label.len()..];
    }
    Ok(tokens)
}
