//! The reader of labels, and the spelling of text in them.

use widebeam::Labels as Spelling;

use super::file;
use crate::labels::{Labels, WORD_MARK};

const BLANK: u32 = 1;

pub(crate) fn run(data: &[u8]) {
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
    match Spelling::new(labels.as_slice(), BLANK).spell(&text) {
        Ok(tokens) => {
            let label = |&token: &u32| labels.as_slice()[token as usize].as_str();
            assert_eq!(tokens.iter().map(label).collect::<String>(), text);
            assert!(!tokens.contains(&BLANK));
            if !text.contains(WORD_MARK) {
                assert_eq!(labels.text(&tokens), text);
            }
        }
        Err(error) => assert!(error.to_string().starts_with("no label spells "), "{error}"),
    }
}
