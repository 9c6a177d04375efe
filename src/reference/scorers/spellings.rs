//! A lexicon of words with their spellings.

use std::ops::Range;

use super::{PrefixScorer, Word, WordScores};

/// A word of a reading, and the places of the tokens that spell it.
pub type Spelled = (String, Range<usize>);

/// The only words that are allowed, each as its tokens.
#[derive(Clone, Debug)]
pub struct Spellings {
    /// The words and what spells them. A word may stand several times, and so may a
    /// spelling.
    pub words: Vec<(String, Vec<u32>)>,
    /// The token between two words. Without one, a word ends where another begins.
    pub delimiter: Option<u32>,
    /// The model of the words, if there is one.
    pub scores: Option<WordScores>,
    /// Whether the word under way has the score of the best word that is spelled so.
    pub lookahead: bool,
    /// How many readings of a prefix are kept.
    pub readings: usize,
}

/// A way to read a prefix.
#[derive(Clone, Debug)]
struct Reading {
    words: Vec<Spelled>,
    /// The score of these words.
    base: f64,
    /// The tokens of the word under way.
    under_way: Vec<u32>,
}

impl Spellings {
    /// The score of a whole input: that of its best reading among all.
    pub fn total(&self, tokens: &[u32]) -> f64 {
        let score = |words: &Vec<Word>| {
            let Some(scores) = &self.scores else {
                return 0.0;
            };
            let word = |at| scores.word(&words[..at], &words[at], scores.is_unknown(&words[at]));
            (0..words.len()).map(word).sum::<f64>() + scores.end(words)
        };
        let readings = self.all(tokens);
        readings.iter().map(score).fold(f64::NEG_INFINITY, f64::max)
    }

    /// All lists of words that tokens may be read as.
    fn all(&self, tokens: &[u32]) -> Vec<Vec<Word>> {
        if tokens.is_empty() {
            return vec![Vec::new()];
        }
        if self.delimiter == Some(tokens[0]) {
            return self.all(&tokens[1..]);
        }
        let mut readings = Vec::new();
        for (word, _) in self.words.iter().enumerate() {
            let Some(rest) = tokens.strip_prefix(self.spelling(word)) else {
                continue;
            };
            if self.delimiter.is_some() && rest.first().is_some_and(|&t| Some(t) != self.delimiter)
            {
                continue;
            }
            for mut words in self.all(rest) {
                words.insert(0, Some(self.words[word].0.clone()));
                readings.push(words);
            }
        }
        readings
    }

    /// The words of the best reading of an input that ends here; `None` if there is no
    /// reading.
    pub fn best_words(&self, tokens: &[u32]) -> Option<Vec<Spelled>> {
        let mut best: Option<(f64, Vec<Spelled>)> = None;
        for (score, words) in self.ended(tokens) {
            if best.as_ref().is_none_or(|(best, _)| score > *best) {
                best = Some((score, words));
            }
        }
        best.map(|(_, words)| words)
    }

    /// The tokens of a word, by its place in the list.
    fn spelling(&self, word: usize) -> &[u32] {
        let mut tokens = &self.words[word].1[..];
        while let Some((&first, rest)) = tokens.split_first()
            && Some(first) == self.delimiter
        {
            tokens = rest;
        }
        while let Some((&last, rest)) = tokens.split_last()
            && Some(last) == self.delimiter
        {
            tokens = rest;
        }
        tokens
    }

    /// The places of the words that are spelled so, or begin so.
    fn spelled(&self, tokens: &[u32]) -> Vec<usize> {
        let words = 0..self.words.len();
        words
            .filter(|&word| self.spelling(word) == tokens)
            .collect()
    }

    fn begun(&self, tokens: &[u32]) -> Vec<usize> {
        let words = 0..self.words.len();
        let begins = |&word: &usize| self.spelling(word).starts_with(tokens);
        words.filter(begins).collect()
    }

    /// A reading whose word under way is now complete and one of the list, at the place
    /// `end` of the tokens.
    fn complete(&self, reading: &Reading, word: usize, end: usize) -> Reading {
        let mut words = reading.words.clone();
        let text = self.words[word].0.clone();
        let score = match &self.scores {
            None => 0.0,
            Some(scores) => {
                let word = Some(text.clone());
                scores.word(&texts(&words), &word, scores.is_unknown(&word))
            }
        };
        words.push((text, end - reading.under_way.len()..end));
        Reading {
            words,
            base: reading.base + score,
            under_way: Vec::new(),
        }
    }

    /// What a word under way gets in advance.
    fn advance(&self, under_way: &[u32]) -> f64 {
        let Some(scores) = self.scores.as_ref().filter(|_| self.lookahead) else {
            return 0.0;
        };
        if under_way.is_empty() {
            return 0.0;
        }
        let alone = |word: usize| {
            let word = Some(self.words[word].0.clone());
            let score = scores.weighted(scores.model.log10(&[], &word));
            if scores.is_unknown(&word) {
                score + scores.unknown
            } else {
                score
            }
        };
        let words = self.begun(under_way).into_iter();
        words.map(alone).fold(f64::NEG_INFINITY, f64::max)
    }

    fn value(&self, reading: &Reading) -> f64 {
        reading.base + self.advance(&reading.under_way)
    }

    fn state(&self, reading: &Reading) -> Option<Vec<String>> {
        let scores = self.scores.as_ref()?;
        Some(scores.state(&texts(&reading.words)))
    }

    /// The readings of a prefix that are kept, the best first.
    fn readings(&self, prefix: &[u32]) -> Vec<Reading> {
        let mut readings = vec![Reading {
            words: Vec::new(),
            base: 0.0,
            under_way: Vec::new(),
        }];
        for (place, &token) in prefix.iter().enumerate() {
            let mut next = Vec::new();
            for reading in &readings {
                let longer = [&reading.under_way[..], &[token]].concat();
                if !self.begun(&longer).is_empty() {
                    let under_way = longer;
                    next.push(Reading {
                        under_way,
                        ..reading.clone()
                    });
                }
                let after = match self.delimiter {
                    Some(delimiter) if delimiter != token => continue,
                    Some(_) if reading.under_way.is_empty() => {
                        next.push(reading.clone());
                        continue;
                    }
                    Some(_) => vec![],
                    None if self.begun(&[token]).is_empty() => continue,
                    None => vec![token],
                };
                for word in self.spelled(&reading.under_way) {
                    let mut complete = self.complete(reading, word, place);
                    complete.under_way.clone_from(&after);
                    next.push(complete);
                }
            }
            readings = self.recombined(next);
        }
        readings
    }

    /// The best of each group of readings that will always be scored alike; of these the
    /// best few.
    fn recombined(&self, mut readings: Vec<Reading>) -> Vec<Reading> {
        readings.retain(|reading| self.value(reading).is_finite());
        let states: Vec<_> = readings.iter().map(|reading| self.state(reading)).collect();
        let beaten = |this: usize| {
            let better = |other: usize| {
                let (mine, others) = (readings[this].base, readings[other].base);
                others > mine || others == mine && other < this
            };
            let alike = |other: usize| {
                states[other] == states[this]
                    && readings[other].under_way == readings[this].under_way
            };
            (0..readings.len()).any(|other| alike(other) && better(other))
        };
        let kept = (0..readings.len()).filter(|&this| !beaten(this));
        let mut kept: Vec<Reading> = kept.map(|this| readings[this].clone()).collect();
        kept.sort_by(|a, b| self.value(b).partial_cmp(&self.value(a)).expect("finite"));
        kept.truncate(self.readings);
        kept
    }

    /// The scores and words of all readings of an input that ends here.
    fn ended(&self, tokens: &[u32]) -> Vec<(f64, Vec<Spelled>)> {
        let mut ended = Vec::new();
        for reading in self.readings(tokens) {
            if reading.under_way.is_empty() {
                ended.push(reading.clone());
            }
            for word in self.spelled(&reading.under_way) {
                ended.push(self.complete(&reading, word, tokens.len()));
            }
        }
        let end = |words: &[Spelled]| match &self.scores {
            None => 0.0,
            Some(scores) => scores.end(&texts(words)),
        };
        let scored = ended.into_iter().map(|r| (r.base + end(&r.words), r.words));
        scored.filter(|(score, _)| score.is_finite()).collect()
    }
}

fn texts(words: &[Spelled]) -> Vec<Word> {
    words.iter().map(|(text, _)| Some(text.clone())).collect()
}

impl PrefixScorer for Spellings {
    fn last(&self, prefix: &[u32]) -> f64 {
        let before = self.readings(&prefix[..prefix.len() - 1]);
        match (before.first(), self.readings(prefix).first()) {
            (Some(before), Some(after)) => self.value(after) - self.value(before),
            _ => f64::NEG_INFINITY,
        }
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let scores = self.ended(prefix).into_iter().map(|(score, _)| score);
        match (self.readings(prefix).first(), scores.reduce(f64::max)) {
            (Some(before), Some(after)) => after - self.value(before),
            _ => f64::NEG_INFINITY,
        }
    }

    fn tries_all(&self) -> bool {
        true
    }
}
