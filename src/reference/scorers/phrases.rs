//! Favoured phrases.

use super::{PrefixScorer, text};

/// A favoured phrase.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// Its bytes, or its tokens.
    pub symbols: Vec<u32>,
    /// What a whole occurrence earns.
    pub boost: f64,
}

/// Phrases, each with a boost for every place where it ends, which is given in advance
/// while it is under way, character by character.
#[derive(Clone, Debug)]
pub struct Phrases {
    /// The phrases; no two are the same.
    pub phrases: Vec<Phrase>,
    /// The bytes that each token spells; `None` if the symbols are the tokens.
    pub spellings: Option<Vec<Vec<u8>>>,
    /// Whether a phrase counts only with a space, or an end of the input, on both sides.
    /// It then has these spaces as its first and last symbol.
    pub whole_words: bool,
}

const SPACE: u32 = b' ' as u32;

impl Phrases {
    /// Phrases of text.
    pub fn of_text(phrases: &[(&str, f64)], spellings: Vec<Vec<u8>>, whole_words: bool) -> Self {
        let symbols = |text: &str| {
            let text = as_text(text);
            let text = if whole_words {
                format!(" {text} ")
            } else {
                text
            };
            text.bytes().map(u32::from).collect()
        };
        let phrases = phrases.iter().map(|&(text, boost)| (symbols(text), boost));
        Phrases {
            phrases: distinct(phrases.collect()),
            spellings: Some(spellings),
            whole_words,
        }
    }

    /// Phrases of tokens.
    pub fn of_tokens(phrases: &[(Vec<u32>, f64)]) -> Self {
        Phrases {
            phrases: distinct(phrases.to_vec()),
            spellings: None,
            whole_words: false,
        }
    }

    /// The score of a whole input: the boost of each phrase, for every place where it is.
    pub fn total(&self, tokens: &[u32]) -> f64 {
        let mut symbols = self.symbols(tokens);
        if self.whole_words {
            symbols.push(SPACE);
        }
        let count = |phrase: &Phrase| {
            let places = symbols.windows(phrase.symbols.len());
            places.filter(|place| *place == phrase.symbols).count()
        };
        let boosts = self.phrases.iter().map(|p| p.boost * count(p) as f64);
        boosts.sum()
    }

    fn symbols(&self, tokens: &[u32]) -> Vec<u32> {
        let Some(spellings) = &self.spellings else {
            return tokens.to_vec();
        };
        let start = self.whole_words.then_some(SPACE);
        let bytes = text::bytes(spellings, tokens).into_iter().map(u32::from);
        start.into_iter().chain(bytes).collect()
    }

    /// How many of the first symbols of a phrase begin a character of its own.
    fn characters(&self, phrase: &Phrase, symbols: usize) -> usize {
        let all = 0..phrase.symbols.len();
        let own = if self.whole_words {
            1..all.end - 1
        } else {
            all
        };
        let begins = |at: &usize| {
            let continues = self.spellings.is_some() && phrase.symbols[*at] & 0xc0 == 0x80;
            own.contains(at) && !continues
        };
        (0..symbols).filter(begins).count()
    }

    /// What the phrases that end a text earn, the shortest first.
    fn earned(&self, text: &[u32]) -> f64 {
        let ending = self.phrases.iter().filter(|p| text.ends_with(&p.symbols));
        let mut ending: Vec<&Phrase> = ending.collect();
        ending.sort_by_key(|phrase| phrase.symbols.len());
        ending.iter().fold(0.0, |sum, phrase| sum + phrase.boost)
    }

    /// What was given in advance: for the longest end of a text that begins a phrase and
    /// is not all of it, the largest share of the phrases that go on from it.
    fn advance(&self, text: &[u32]) -> f64 {
        for length in (1..=text.len()).rev() {
            let end = &text[text.len() - length..];
            let goes_on = |p: &&Phrase| p.symbols.len() > length && p.symbols.starts_with(end);
            let share = |phrase: &Phrase| {
                let spelled = self.characters(phrase, length) as f64;
                let all = self.characters(phrase, phrase.symbols.len()) as f64;
                phrase.boost * spelled / all
            };
            let shares = self.phrases.iter().filter(goes_on).map(share);
            if let Some(most) = shares.reduce(f64::max) {
                return most;
            }
        }
        0.0
    }
}

/// A phrase as the text that it stands for. With U+2581 in it, it is a list of pieces, and
/// only the marks are spaces.
fn as_text(phrase: &str) -> String {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    if !phrase.contains('\u{2581}') {
        return words(phrase);
    }
    let pieces: String = phrase.split_whitespace().collect();
    words(&pieces.replace('\u{2581}', " "))
}

/// Of a phrase that is given twice, the last boost counts.
fn distinct(given: Vec<(Vec<u32>, f64)>) -> Vec<Phrase> {
    let mut phrases: Vec<Phrase> = Vec::new();
    for (symbols, boost) in given {
        phrases.retain(|phrase| phrase.symbols != symbols);
        phrases.push(Phrase { symbols, boost });
    }
    phrases
}

impl PrefixScorer for Phrases {
    fn last(&self, prefix: &[u32]) -> f64 {
        let before = self.symbols(&prefix[..prefix.len() - 1]);
        let text = self.symbols(prefix);
        let mut earned = 0.0;
        for end in before.len() + 1..=text.len() {
            earned += self.earned(&text[..end]);
        }
        earned + (self.advance(&text) - self.advance(&before))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let mut text = self.symbols(prefix);
        let advance = self.advance(&text);
        if !self.whole_words {
            return -advance;
        }
        text.push(SPACE);
        (0.0 + self.earned(&text)) - advance
    }

    fn tries_all(&self) -> bool {
        true
    }
}
