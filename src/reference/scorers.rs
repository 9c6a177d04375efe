//! Scorers by their definition over a whole prefix. Nothing is remembered from
//! one token to the next: every score is found anew, from the prefix as a list of
//! words or tokens.

use std::collections::{BTreeSet, HashMap};
use std::f64::consts::LN_10;

use crate::scorers::{NgramUnit, Unscored};

/// What a scorer says about a prefix, by looking at all of it.
pub trait PrefixScorer {
    /// The score of a prefix's last token after those before it; one that is not
    /// finite forbids the prefix.
    ///
    /// # Panics
    ///
    /// If the prefix is empty.
    fn last(&self, prefix: &[u32]) -> f64;

    /// The score of the end of input after a prefix; one that is not finite drops
    /// it.
    fn end(&self, prefix: &[u32]) -> f64;

    /// Whether it can lift a token above others.
    fn scores(&self) -> bool {
        true
    }

    /// The sum of the scores of a prefix's tokens, from the first on; negative
    /// infinity for a forbidden prefix.
    fn sum(&self, prefix: &[u32]) -> f64 {
        let score = |length| match self.last(&prefix[..length]) {
            score if score.is_finite() => score,
            _ => f64::NEG_INFINITY,
        };
        (1..=prefix.len()).map(score).fold(0.0, |sum, x| sum + x)
    }
}

/// Says nothing.
impl PrefixScorer for Unscored {
    fn last(&self, _: &[u32]) -> f64 {
        0.0
    }

    fn end(&self, _: &[u32]) -> f64 {
        0.0
    }

    fn scores(&self) -> bool {
        false
    }
}

impl<S: PrefixScorer + ?Sized> PrefixScorer for &S {
    fn last(&self, prefix: &[u32]) -> f64 {
        S::last(self, prefix)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        S::end(self, prefix)
    }

    fn scores(&self) -> bool {
        S::scores(self)
    }
}

/// Adds two scorers up.
impl<A: PrefixScorer, B: PrefixScorer> PrefixScorer for (A, B) {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.0.last(prefix) + self.1.last(prefix)
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.0.end(prefix) + self.1.end(prefix)
    }

    fn scores(&self) -> bool {
        self.0.scores() || self.1.scores()
    }
}

/// Says nothing where there is no scorer.
impl<S: PrefixScorer> PrefixScorer for Option<S> {
    fn last(&self, prefix: &[u32]) -> f64 {
        self.as_ref().map_or(0.0, |scorer| scorer.last(prefix))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        self.as_ref().map_or(0.0, |scorer| scorer.end(prefix))
    }
}

/// A back-off n-gram model as a dictionary of word sequences.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BackoffModel {
    /// The base-10 logarithms of each n-gram's probability and back-off.
    ngrams: HashMap<Vec<String>, (f32, Option<f32>)>,
}

impl BackoffModel {
    /// A model of n-grams: words with spaces between them, the log-probability
    /// and the back-off, both to base 10.
    pub fn new<'a>(ngrams: impl IntoIterator<Item = (&'a str, f32, Option<f32>)>) -> Self {
        let words = |words: &str| words.split(' ').map(str::to_owned).collect();
        let ngrams = ngrams.into_iter();
        BackoffModel {
            ngrams: ngrams.map(|(of, p, b)| (words(of), (p, b))).collect(),
        }
    }

    /// The model of a valid ARPA file.
    ///
    /// # Panics
    ///
    /// If a number is none.
    pub fn from_arpa(text: &str) -> Self {
        let mut model = BackoffModel::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines = text.split('\n').map(|line| line.trim_end_matches(ENDS));
        let mut order = 0;
        // What KenLM calls an unknown word, in either way.
        let own = |&word: &&str| if word == "<UNK>" { "<unk>" } else { word }.to_owned();
        let from_start = lines.skip_while(|&line| line != "\\data\\");
        for line in from_start.take_while(|&line| line != "\\end\\") {
            if line.starts_with('\\') {
                let title = line.trim_start_matches('\\').trim_end_matches("-grams:");
                order = title.parse().unwrap_or(0);
            } else if order > 0 && !line.is_empty() {
                let fields: Vec<&str> = line.split(SPACES).filter(|x| !x.is_empty()).collect();
                let number = |field: &&str| field.parse::<f32>().expect("a number");
                let words = fields[1..=order].iter().map(own);
                let scores = (number(&fields[0]), fields.get(order + 1).map(number));
                model.ngrams.insert(words.collect(), scores);
            }
        }
        model
    }

    /// Whether a back-off is above 0. Then an n-gram that is missing, though a longer one
    /// ends in it, may have a made-up probability above 1, of which KenLM turns the sign;
    /// this model does not.
    pub fn lifts(&self) -> bool {
        let mut scores = self.ngrams.values();
        scores.any(|(_, backoff)| backoff.is_some_and(|backoff| backoff > 0.0))
    }

    fn has(&self, word: &str) -> bool {
        self.ngrams.contains_key(&[word.to_owned()][..])
    }

    /// The word, or `<unk>` in its place; `None` where the model has neither.
    fn known(&self, word: &Option<String>) -> Option<String> {
        let unknown = || self.has("<unk>").then(|| "<unk>".to_owned());
        word.clone().filter(|word| self.has(word)).or_else(unknown)
    }

    /// The n-gram of these words; none has a word that is not known.
    fn ngram(&self, words: &[Option<String>]) -> Option<(f32, Option<f32>)> {
        let words: Option<Vec<String>> = words.iter().cloned().collect();
        self.ngrams.get(&words?).copied()
    }

    /// log10 P(word | the words before it): that of the longest n-gram that ends
    /// them, and the back-offs of all longer ends of what stands before the word,
    /// from the shortest on. `None` is a word that no model has.
    pub fn log10(&self, before: &[Option<String>], word: &Option<String>) -> f32 {
        let mut words: Vec<_> = before.iter().map(|word| self.known(word)).collect();
        words.push(self.known(word));
        let last = words.len() - 1;
        let longest = (0..=last).find_map(|start| Some((start, self.ngram(&words[start..])?.0)));
        let (start, mut sum) = longest.unwrap_or((last, -100.0));
        for start in (0..start).rev() {
            if let Some((_, Some(backoff))) = self.ngram(&words[start..last]) {
                sum += backoff;
            }
        }
        sum
    }
}

/// What parts two fields of a line, and what may follow the last.
const SPACES: [char; 2] = [' ', '\t'];
const ENDS: [char; 3] = [' ', '\t', '\r'];

/// A [`BackoffModel`] over the labels of tokens: weight x ln P + bonus a token, and
/// weight x ln P(`</s>`) at the end.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Ngrams {
    pub model: BackoffModel,
    pub labels: Vec<String>,
    pub unit: NgramUnit,
    pub weight: f64,
    pub bonus: f64,
}

impl Ngrams {
    /// A label, or a character of one, as a word. A space has several names.
    fn word(&self, word: &str) -> Option<String> {
        let names = match word {
            " " => &[" ", "<space>", "\u{2581}", "|"][..],
            "\u{2581}" => &["\u{2581}", "<space>", "|"],
            word => &[word],
        };
        let name = names.iter().find(|&name| self.model.has(name));
        name.map(|&name| name.to_owned())
    }

    /// The words of some tokens; an unknown one for a token without a label.
    fn words(&self, tokens: &[u32]) -> Vec<Option<String>> {
        let of = |&token: &u32| match (self.labels.get(token as usize), self.unit) {
            (None, _) => vec![None],
            (Some(label), NgramUnit::Token) => vec![self.word(label)],
            (Some(label), NgramUnit::Character) => {
                let characters = label.chars().map(|c| self.word(&c.to_string()));
                characters.collect()
            }
        };
        tokens.iter().flat_map(of).collect()
    }

    /// The words of a sentence that begins with some tokens.
    fn sentence(&self, tokens: &[u32]) -> Vec<Option<String>> {
        let start = self.model.has("<s>").then(|| Some("<s>".to_owned()));
        start.into_iter().chain(self.words(tokens)).collect()
    }
}

impl PrefixScorer for Ngrams {
    fn last(&self, prefix: &[u32]) -> f64 {
        let words = self.sentence(prefix);
        let before = self.sentence(&prefix[..prefix.len() - 1]).len();
        let mut sum = 0.0;
        for at in before..words.len() {
            sum += f64::from(self.model.log10(&words[..at], &words[at]));
        }
        self.weight * (sum * LN_10) + self.bonus
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        if !self.model.has("</s>") {
            return 0.0;
        }
        let end = Some("</s>".to_owned());
        let log10 = self.model.log10(&self.sentence(prefix), &end);
        self.weight * (f64::from(log10) * LN_10)
    }
}

/// Favoured sequences, `weight` for each token of each whole occurrence, given in
/// advance while one is under way.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Favoured {
    pub sequences: Vec<Vec<u32>>,
    pub weight: f64,
}

impl Favoured {
    fn bonus(&self, length: usize) -> f64 {
        self.weight * length as f64
    }

    /// What was given in advance: for the longest end of the prefix that begins a
    /// sequence and is not all of it.
    fn advance(&self, prefix: &[u32]) -> f64 {
        let under_way = |length: &usize| {
            let end = &prefix[prefix.len() - length..];
            let goes_on = |sequence: &Vec<u32>| sequence.len() > *length;
            let mut longer = self.sequences.iter().filter(|sequence| goes_on(sequence));
            longer.any(|sequence| sequence.starts_with(end))
        };
        let longest = (1..=prefix.len()).rev().find(under_way);
        longest.map_or(0.0, |length| self.bonus(length))
    }
}

impl PrefixScorer for Favoured {
    fn last(&self, prefix: &[u32]) -> f64 {
        let ending = self.sequences.iter().filter(|&s| prefix.ends_with(s));
        // Two of one length that end here are one.
        let lengths: BTreeSet<usize> = ending.map(Vec::len).collect();
        let earned = lengths.iter().fold(0.0, |sum, &n| sum + self.bonus(n));
        let before = &prefix[..prefix.len() - 1];
        earned + (self.advance(prefix) - self.advance(before))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        -self.advance(prefix)
    }
}

/// The only words that are allowed.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub struct Allowed {
    pub words: Vec<Vec<u32>>,
    pub separator: Option<u32>,
}

impl Allowed {
    fn score(allowed: bool) -> f64 {
        if allowed { 0.0 } else { f64::NEG_INFINITY }
    }

    /// Whether all but the last word of a prefix are there, and what the last one
    /// is so far.
    fn split<'a>(&self, prefix: &'a [u32]) -> (bool, &'a [u32]) {
        let mut parts: Vec<&[u32]> = prefix.split(|&t| Some(t) == self.separator).collect();
        let last = parts.pop().unwrap_or_default();
        (parts.iter().all(|part| self.has(part)), last)
    }

    fn has(&self, word: &[u32]) -> bool {
        self.words.iter().any(|other| other == word)
    }
}

impl PrefixScorer for Allowed {
    fn last(&self, prefix: &[u32]) -> f64 {
        let (whole, last) = self.split(prefix);
        let begins = self.words.iter().any(|word| word.starts_with(last));
        Self::score(whole && (begins || last.is_empty()))
    }

    fn end(&self, prefix: &[u32]) -> f64 {
        let (whole, last) = self.split(prefix);
        Self::score(whole && (self.has(last) || last.is_empty()))
    }
}
