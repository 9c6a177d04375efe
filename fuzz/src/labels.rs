//! The reader of labels, and the spelling of text in them.

use widebeam::ctc::Blank;
use widebeam_cli::labels::Labels;

use crate::file;

const BLANK: u32 = 1;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (labels, text) = file::halves(data);
    let labels = match file::with(".txt", labels, |path| {
        Labels::open(path, Some(Blank(BLANK)))
    }) {
        Ok(labels) => labels,
        Err(failure) => return file::refused(&failure),
    };
    let vocabulary = labels.vocabulary();
    let count = vocabulary.len();
    assert!(labels.require(count).is_ok() && labels.require(count + 1).is_err());
    let every: Vec<u32> = (0..count as u32).collect();
    labels.text(&every);

    let text = String::from_utf8_lossy(text);
    let expected = spelled(vocabulary.labels(), &text);
    match vocabulary.spell(&text) {
        Ok(tokens) => {
            assert_eq!(Ok(&tokens), expected.as_ref());
            let label = |&token: &u32| vocabulary.label(token).expect("a label");
            assert_eq!(tokens.iter().map(label).collect::<String>(), text);
            assert!(!tokens.contains(&BLANK));
            let words = vocabulary.words(&tokens).expect("tokens");
            let shown = vocabulary.text(&tokens).expect("tokens");
            assert_eq!(labels.text(&tokens), shown);
            let parted = shown.split(' ').filter(|word| !word.is_empty());
            assert!(words.iter().map(|word| &*word.text).eq(parted));
            // A token may end one word and begin the next.
            for pair in words.windows(2) {
                assert!(pair[0].tokens.end <= pair[1].tokens.start + 1);
            }
            assert!(words.iter().all(|word| !word.tokens.is_empty()));
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
