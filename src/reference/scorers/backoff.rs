//! A back-off n-gram model by its definition.

use std::collections::HashMap;

/// A word of a text; `None` is one that no model has.
pub type Word = Option<String>;

/// The words that stand for no word of a text.
const MARKS: [&str; 3] = ["<s>", "</s>", "<unk>"];

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

    /// The length of the longest n-grams.
    pub fn order(&self) -> usize {
        self.ngrams.keys().map(Vec::len).max().unwrap_or(0)
    }

    /// Whether it has a word.
    pub fn has(&self, word: &str) -> bool {
        self.ngrams.contains_key(&[word.to_owned()][..])
    }

    /// Its words, without the marks `<s>`, `</s>` and `<unk>`.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.ngrams.keys().filter(|words| words.len() == 1);
        let words = words.map(|words| &*words[0]);
        words.filter(|word| !MARKS.contains(word))
    }

    /// The words that stand before a sentence: `<s>`, if the model has it.
    pub fn before_a_sentence(&self) -> Vec<String> {
        let start = self.has("<s>").then(|| "<s>".to_owned());
        start.into_iter().collect()
    }

    /// The word, or `<unk>` in its place; `None` where the model has neither.
    fn known(&self, word: &Word) -> Word {
        let unknown = || self.has("<unk>").then(|| "<unk>".to_owned());
        word.clone().filter(|word| self.has(word)).or_else(unknown)
    }

    /// The n-gram of these words; none has a word that is not known.
    fn ngram(&self, words: &[Word]) -> Option<(f32, Option<f32>)> {
        let words: Option<Vec<String>> = words.iter().cloned().collect();
        self.ngrams.get(&words?).copied()
    }

    /// log10 P(word | the words before it): that of the longest n-gram that ends
    /// them, and the back-offs of all longer ends of what stands before the word,
    /// from the shortest on.
    pub fn log10(&self, before: &[Word], word: &Word) -> f32 {
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

    /// What of some words can matter to those that follow: the longest end of them that
    /// has a back-off or that a longer n-gram begins with.
    pub fn state(&self, words: &[Word]) -> Vec<String> {
        let known: Vec<Word> = words.iter().map(|word| self.known(word)).collect();
        let longest = self.order().saturating_sub(1).min(known.len());
        let ends = (1..=longest)
            .rev()
            .map(|length| &known[known.len() - length..]);
        let ends = ends.filter_map(|end| end.iter().cloned().collect::<Option<Vec<String>>>());
        let mut ends = ends.filter(|end| self.matters(end));
        ends.next().unwrap_or_default()
    }

    fn matters(&self, words: &[String]) -> bool {
        let scores = self.ngrams.get(words);
        let backoff = scores.and_then(|(_, backoff)| *backoff);
        let goes_on =
            |longer: &Vec<String>| longer.len() > words.len() && longer.starts_with(words);
        backoff.is_some_and(|backoff| backoff != 0.0) || self.ngrams.keys().any(goes_on)
    }
}

/// What parts two fields of a line, and what may follow the last.
const SPACES: [char; 2] = [' ', '\t'];
const ENDS: [char; 3] = [' ', '\t', '\r'];
