//! Random models of words, as the library and the reference have them.

use std::sync::Arc;

use widebeam::reference::scorers::{BackoffModel, WordScores};
use widebeam::scorers::{Lookahead, NgramModel, NgramState};

use crate::random::Random;

/// One model twice.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) model: Arc<NgramModel>,
    pub(crate) naive: BackoffModel,
}

/// A word, its log-probability and its back-off.
type Entry = (String, f32, Option<f32>);

impl Model {
    pub(crate) fn from_arpa(text: &str) -> Self {
        Model {
            model: Arc::new(NgramModel::read_arpa(text.as_bytes()).unwrap()),
            naive: BackoffModel::from_arpa(text),
        }
    }

    fn new(order: usize, entries: &[Entry]) -> Self {
        Model::from_arpa(&arpa(order, entries))
    }

    /// A model of these words, and of some longer n-grams of them. Their beginnings are there,
    /// or KenLM would not read it, but not all of their ends. With `zeros`, some words are
    /// impossible.
    pub(crate) fn random(random: &mut Random, order: usize, words: &[&str], zeros: bool) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut before = vec![String::new()];
        for n in 1..=order {
            let mut longer = Vec::new();
            for (start, word) in before
                .iter()
                .flat_map(|b| words.iter().map(move |w| (b, w)))
            {
                let ngram = format!("{start} {word}").trim_start().to_owned();
                if n == 1 || random.one_in(n + 1) {
                    longer.push(ngram.clone());
                    let probability = match zeros && n == 1 && random.one_in(8) {
                        true => f32::NEG_INFINITY,
                        // Back-offs above 0 never lift it above 1: KenLM turns the sign
                        // of a probability above 1 that it makes up.
                        false => -0.7 - random.unit() * 4.0,
                    };
                    let backoff = match random.below(4) {
                        _ if n == order => None,
                        0 => None,
                        1 => Some(0.0),
                        _ => Some(random.unit() * 2.0 - 1.8),
                    };
                    entries.push((ngram, probability, backoff));
                }
            }
            before = longer;
        }
        Model::new(order, &entries)
    }

    /// What both sides make of settings.
    pub(crate) fn scores(&self, settings: &Settings) -> WordScores {
        let naive = WordScores::new(self.naive.clone());
        WordScores {
            weight: settings.weight,
            bonus: settings.bonus,
            unknown: settings.unknown,
            start: if settings.bos {
                naive.start.clone()
            } else {
                vec![]
            },
            end: settings.eos,
            ..naive
        }
    }
}

/// The ARPA file of n-grams of lengths 1 to `order`.
fn arpa(order: usize, entries: &[Entry]) -> String {
    let of = |n: usize| {
        let entries = entries.iter();
        entries.filter(move |(words, ..)| words.split(' ').count() == n)
    };
    let mut text = "\\data\\\n".to_owned();
    for n in 1..=order {
        text += &format!("ngram {n}={}\n", of(n).count());
    }
    for n in 1..=order {
        text += &format!("\n\\{n}-grams:\n");
        for (words, probability, backoff) in of(n) {
            text += &format!("{probability}\t{words}");
            text += &backoff.map_or(String::new(), |backoff| format!("\t{backoff}"));
            text.push('\n');
        }
    }
    text + "\n\\end\\\n"
}

/// How a model of words takes part.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) weight: f64,
    pub(crate) bonus: f64,
    pub(crate) unknown: f64,
    pub(crate) lookahead: bool,
    pub(crate) list: Option<&'static [&'static str]>,
    pub(crate) bos: bool,
    pub(crate) eos: bool,
}

impl Settings {
    pub(crate) fn lookahead(&self) -> Lookahead {
        if self.lookahead {
            Lookahead::Unigram
        } else {
            Lookahead::None
        }
    }
}

pub(crate) const PLAIN: Settings = Settings {
    weight: 1.0,
    bonus: 0.0,
    unknown: 0.0,
    lookahead: false,
    list: None,
    bos: true,
    eos: true,
};

const LIST: Option<&[&str]> = Some(&["a", "ab", "bb", "a\u{e4}", "\u{e4}", "abba"]);

/// Every kind of weight, and each switch on and off.
pub(crate) const SETTINGS: [Settings; 8] = [
    PLAIN,
    Settings {
        weight: 0.7,
        bonus: 0.3,
        unknown: -2.0,
        lookahead: true,
        ..PLAIN
    },
    Settings {
        weight: 0.7,
        unknown: -1.5,
        list: LIST,
        ..PLAIN
    },
    Settings {
        weight: 1.3,
        bonus: -0.4,
        unknown: 0.6,
        lookahead: true,
        list: LIST,
        bos: false,
        ..PLAIN
    },
    Settings {
        weight: 0.0,
        bonus: 0.5,
        unknown: -1.0,
        lookahead: true,
        eos: false,
        ..PLAIN
    },
    Settings {
        weight: 0.4,
        bos: false,
        eos: false,
        ..PLAIN
    },
    Settings {
        weight: 0.5,
        lookahead: true,
        list: Some(&[]),
        ..PLAIN
    },
    Settings {
        weight: -0.9,
        bonus: 0.2,
        unknown: -0.5,
        lookahead: true,
        list: LIST,
        ..PLAIN
    },
];

/// Words of models, with and without each mark. None is a model of letters.
pub(crate) const WORDS: [&[&str]; 4] = [
    &["a", "ab", "bab", "a\u{e4}", "aba", "<s>", "</s>", "<unk>"],
    &["ab", "aa", "b", "\u{e4}", "aab", "<s>", "</s>"],
    &["a", "abb", "bb", "ab", "a\u{e4}\u{e4}", "<unk>", "</s>"],
    &["aa", "ab", "<s>"],
];

/// The reference has states of its own: they are equal where those of the library are.
#[test]
fn states_are_equal_exactly_where_the_same_words_can_matter() {
    let mut random = Random::new(31);
    for order in 1..=4 {
        for words in WORDS {
            let Model { model, naive } = Model::random(&mut random, order, words, false);
            let mut texts: Vec<(Vec<Option<String>>, NgramState)> =
                vec![(vec![], model.empty_state())];
            let known = words.iter().copied().chain(["nowhere"]);
            let known: Vec<&str> = known.filter(|word| word.len() > 1).take(4).collect();
            for at in 0.. {
                if texts.len() > 150 {
                    break;
                }
                for word in &known {
                    let (text, state) = &texts[at];
                    let longer = [&text[..], &[Some(word.to_string())]].concat();
                    let next = model.advance(state, model.word(word));
                    texts.push((longer, next));
                }
            }
            let states = texts.iter().map(|(text, _)| naive.state(text));
            let states: Vec<Vec<String>> = states.collect();
            for (one, (text, state)) in texts.iter().enumerate() {
                for (two, (other, other_state)) in texts.iter().enumerate() {
                    assert_eq!(
                        state == other_state,
                        states[one] == states[two],
                        "{text:?} {other:?} {:?} {:?} {naive:?}",
                        states[one],
                        states[two]
                    );
                }
            }
        }
    }
}
