//! ARPA files, read into hash tables.
//!
//! ```text
//! header: the number of n-grams of each order
//! for each order:
//!     parse its lines to ids and weights
//!     make a table of the size that this needs
//!     for each n-gram of it:
//!         put it in the table; refuse it if it is there
//!         complete it (tables.rs): its ends and its beginning must be there
//! ```
//!
//! The tables hold what those of KenLM's probing files do, so that scores are the same. What an order has is counted before its table is made: a header that promises
//! more takes no memory.

mod line;
mod lines;
mod model;
mod placed;
mod tables;
mod vocab;

use std::io::BufRead;

use super::state::DEAD_END;
use super::{MAX_ORDER, file_kind};
use crate::error::{Error, Kind};
use line::Fields;
use lines::Lines;
use model::Arpa;
use tables::{Tables, Weights};
use vocab::Vocab;

/// The log10-probability of unknown words where the model has no `<unk>`.
const UNKNOWN: Weights = Weights {
    probability: -100.0,
    backoff: 0.0,
};

/// # Errors
///
/// If the source fails, a line is not what the format asks for, a section has
/// not as many n-grams as the header says, or the end is missing.
pub(super) fn read(source: impl BufRead) -> Result<Arpa, Error> {
    let mut lines = Lines::new(source);
    let counts = header(&mut lines)?;
    let order = counts.len();
    if order > MAX_ORDER {
        let what = format!("an order of {order} is above the limit of {MAX_ORDER}");
        return Err(lines.error(what));
    }
    let (vocab, unigrams) = unigrams(&mut lines, counts[0], order)?;
    let mut tables = Tables::new(order, unigrams);
    for n in 2..=order {
        ngrams(&mut lines, n, counts[n - 1], &vocab, &mut tables)?;
    }
    lines.expect("\\end\\")?;
    Ok(Arpa { vocab, tables })
}

/// Reads up to the title of the first section: the number of n-grams of each
/// order.
fn header<R: BufRead>(lines: &mut Lines<R>) -> Result<Vec<u64>, Error> {
    while lines.advance()? && lines.line() != "\\data\\" {
        if lines.number() == 1
            && let Some(kind) = file_kind::no_arpa(lines.line().as_bytes())
        {
            return Err(lines.error(format!("it is {kind}")));
        }
    }
    let mut counts = Vec::new();
    while lines.advance()? && !lines.line().starts_with('\\') {
        let next = counts.len() + 1;
        let count = lines.line().strip_prefix("ngram ").and_then(|rest| {
            let (n, count) = rest.split_once('=')?;
            (n.trim().parse() == Ok(next)).then_some(())?;
            count.trim().parse().ok()
        });
        match count {
            Some(count) => counts.push(count),
            None => {
                let what = format!("\"ngram {next}=\" and a number should stand here");
                return Err(lines.error(what));
            }
        }
    }
    if counts.is_empty() {
        return Err(lines.error("no \"\\data\\\" with the numbers of n-grams".to_owned()));
    }
    Ok(counts)
}

/// Reads the first section: words with their weights, by id.
fn unigrams<R: BufRead>(
    lines: &mut Lines<R>,
    count: u64,
    order: usize,
) -> Result<(Vocab, Vec<Weights>), Error> {
    let mut vocab = Vocab::default();
    let mut unigrams = vec![UNKNOWN];
    let mut found = 0;
    lines.expect("\\1-grams:")?;
    while lines.advance()? && !lines.line().starts_with('\\') {
        found += 1;
        let mut add = || {
            let mut fields = Fields::new(lines.line());
            let probability = fields.probability()?;
            let word = fields.word(0, 1)?;
            let backoff = fields.backoff(1)?;
            let weights = Weights {
                probability,
                backoff,
            };
            match vocab.insert(word)? {
                0 => unigrams[0] = weights,
                _ => unigrams.push(weights),
            }
            Ok(())
        };
        add().map_err(|what| lines.error(what))?;
    }
    check_count(lines, 1, count, found)?;
    if order == 1 {
        unigrams
            .iter_mut()
            .for_each(|weights| weights.backoff = DEAD_END);
    }
    Ok((vocab, unigrams))
}

/// Reads the section of one of the other orders.
fn ngrams<R: BufRead>(
    lines: &mut Lines<R>,
    n: usize,
    count: u64,
    vocab: &Vocab,
    tables: &mut Tables,
) -> Result<(), Error> {
    lines.expect(&format!("\\{n}-grams:"))?;
    let mut section = Section::default();
    let parsed = parse(lines, n, vocab, &mut section);
    // What is wrong before that is said first.
    tables
        .insert(n, &section.words, &section.weights)
        .map_err(|(entry, what)| {
            let words = vocab.text(&section.words[n * entry..][..n]);
            let line = section.line(entry);
            let what = format!("{words:?} {what}");
            Error::from(Kind::Arpa { line, what })
        })?;
    parsed?;
    check_count(lines, n, count, section.weights.len() as u64)
}

fn parse<R: BufRead>(
    lines: &mut Lines<R>,
    n: usize,
    vocab: &Vocab,
    section: &mut Section,
) -> Result<(), Error> {
    while lines.advance()? && !lines.line().starts_with('\\') {
        let mut ids = [0; MAX_ORDER];
        let parse = |ids: &mut [u32]| {
            let mut fields = Fields::new(lines.line());
            let probability = fields.probability()?;
            // The last word comes first.
            for (place, id) in ids.iter_mut().rev().enumerate() {
                let word = fields.word(place, n)?;
                let found = vocab.find(word.as_bytes());
                *id = found.ok_or_else(|| format!("{word:?} is not among the 1-grams"))?;
            }
            let backoff = fields.backoff(n)?;
            Ok(Weights {
                probability,
                backoff,
            })
        };
        let ids = &mut ids[..n];
        let weights = parse(ids).map_err(|what| lines.error(what))?;
        section.push(ids, weights, lines.number());
    }
    Ok(())
}

fn check_count<R: BufRead>(
    lines: &Lines<R>,
    n: usize,
    count: u64,
    found: u64,
) -> Result<(), Error> {
    if found == count {
        return Ok(());
    }
    let what = format!("the header promises {count} {n}-grams, {found} are there");
    Err(lines.error(what))
}

/// The n-grams of an order, as they stand in the file.
#[derive(Default)]
struct Section {
    /// Those of all n-grams; of each the last word first.
    words: Vec<u32>,
    weights: Vec<Weights>,
    /// Where lines are left out: the n-gram after it, and its line.
    jumps: Vec<(usize, usize)>,
}

impl Section {
    fn push(&mut self, words: &[u32], weights: Weights, line: usize) {
        let entry = self.weights.len();
        if self.line(entry) != line {
            self.jumps.push((entry, line));
        }
        self.words.extend_from_slice(words);
        self.weights.push(weights);
    }

    fn line(&self, entry: usize) -> usize {
        let jump = self.jumps.iter().rev().find(|&&(first, _)| first <= entry);
        jump.map_or(0, |&(first, line)| line + entry - first)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{NgramModel, NgramState};

    fn model(text: &str) -> Result<NgramModel, String> {
        NgramModel::read_arpa(text.as_bytes()).map_err(|error| error.to_string())
    }

    fn sentence(model: &NgramModel, words: &str) -> Vec<f32> {
        let mut state = model.start_state();
        let score = |word| {
            let (score, next) = model.score_and_advance(&state, model.word(word));
            state = next;
            score
        };
        words.split(' ').map(score).collect()
    }

    /// A file of one word, that makes a line of `length` bytes before the one that ends it.
    fn read_line(length: usize, character: &str) -> Result<usize, String> {
        let mut text = "\\data\\\nngram 1=1\n\\1-grams:\n-1 ".to_owned();
        let start = text.len() - "-1 ".len();
        while text.len() - start < length {
            let fits = text.len() + character.len() - start <= length;
            text.push_str(if fits { character } else { "x" });
        }
        text.push_str("\n\\end\\\n");
        let model = model(&text)?;
        Ok(model.words().unwrap().nth(1).unwrap().0.len())
    }

    #[test]
    fn lines_of_the_most_bytes_and_of_one_more() {
        let most = (1 << 20) - 1;
        // Whole characters, and those that the limit falls into.
        for character in ["x", "\u{e4}", "\u{2581}", "\u{1f600}"] {
            assert_eq!(read_line(most, character), Ok(most - 3), "{character}");
            for more in 1..5 {
                let error = read_line(most + more, character).unwrap_err();
                let expected = "line 4: it is longer than 1048576 bytes";
                assert!(error.ends_with(expected), "{error}");
            }
        }
    }

    #[test]
    fn a_line_that_is_no_utf_8() {
        let text = b"\\data\\\nngram 1=1\n\\1-grams:\n-1 \xe4\n\\end\\\n";
        let error = NgramModel::read_arpa(&text[..]).unwrap_err().to_string();
        assert!(error.contains("line 4: invalid utf-8"), "{error}");
    }

    #[test]
    fn files_that_are_something_else_are_named() {
        for (bytes, part) in [
            (&b"\x1f\x8b\x08\0\xff\xff"[..], "line 1: it is a gzip file"),
            (b"iARPA\n", "line 1: it is an iARPA file of IRSTLM"),
            (
                b"mmap lm http://kheafield.com/code format version 5\n",
                "line 1: it is a binary file",
            ),
            (b"", "line 1: no \"\\data\\\""),
        ] {
            let error = NgramModel::read_arpa(bytes).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    const PARTS: &str = "\\data\\\nngram 1=4\nngram 2=1\nngram 3=1\n\n\\1-grams:\n\
        -99 <s> -1\n-1 a -0.5\n-2 b -0.25\n-3 c\n\n\\2-grams:\n-0.5 a a -0.125\n\n\
        \\3-grams:\n-0.0625 a b c\n\n\\end\\\n";

    #[test]
    fn an_n_gram_may_be_there_without_its_parts() {
        let model = model(PARTS).unwrap();
        let a_b = -2.0 - 0.5;
        assert_eq!(sentence(&model, "a b c"), [-1.0 - 1.0, a_b, -0.0625]);
        assert_eq!(sentence(&model, "b c c"), [-2.0 - 1.0, -3.0 - 0.25, -3.0]);
        assert_eq!(sentence(&model, "a a b"), [-2.0, -0.5, -2.0 - 0.5 - 0.125]);
    }

    #[test]
    fn numbers_that_kenlm_reads_and_what_it_refuses() {
        let with = |old: &str, new: &str| model(&PARTS.replacen(old, new, 1));
        let infinite = with("-2 b", "-inf b").unwrap();
        assert_eq!(sentence(&infinite, "b"), [f32::NEG_INFINITY]);
        assert!(with("-2 b", "-1e39 b").is_ok());
        for (new, what) in [
            ("inf b", "the log-probability inf is above 0"),
            ("nan b", "\"nan\" is not a number"),
        ] {
            assert_eq!(
                with("-2 b", new).unwrap_err(),
                format!("ARPA file, line 9: {what}")
            );
        }
        let error = with("-0.25", "-inf").unwrap_err();
        assert_eq!(error, "ARPA file, line 9: \"-inf\" is not a number");
        // A back-off of the highest order is read and not used.
        assert!(with("a b c", "a b c -7").is_ok());
        let error = with("a b c", "a b c x").unwrap_err();
        assert_eq!(error, "ARPA file, line 16: \"x\" is not a number");
    }

    #[test]
    fn the_unknown_word_has_two_names() {
        let none = model(PARTS).unwrap();
        assert_eq!((none.word("<unk>"), none.vocab()), (None, 5));
        assert_eq!(sentence(&none, "x a"), [-101.0, -1.0]);
        for name in ["<unk>", "<UNK>"] {
            let text = PARTS.replace("-3 c", &format!("-3 c\n-7 {name} -4"));
            let text = text.replace("1=4", "1=5");
            let model = model(&text).unwrap();
            assert_eq!(
                (model.word("<unk>"), model.word("<UNK>")),
                (Some(0), Some(0))
            );
            assert_eq!((model.word("x"), model.vocab()), (None, 5));
            assert_eq!(sentence(&model, "x a"), [-8.0, -5.0]);
        }
    }

    #[test]
    fn what_is_there_twice_is_named_before_what_comes_later() {
        let text = PARTS.replace("2=1", "2=3");
        let text = text.replace("-0.5 a a", "-1 b b\n\n-1 b b\n\nx\n-0.5 a a");
        assert_eq!(
            model(&text).unwrap_err(),
            "ARPA file, line 15: \"b b\" is there twice"
        );
    }

    #[test]
    fn a_model_of_single_words_has_no_state() {
        let text = "\\data\\\nngram 1=2\n\\1-grams:\n-1 <s> -3\n-2 a -1\n\\end\\\n";
        let model = model(text).unwrap();
        assert_eq!(model.start_state(), NgramState::EMPTY);
        assert_eq!(model.advance(&NgramState::EMPTY, None), NgramState::EMPTY);
        assert_eq!(sentence(&model, "a x a"), [-2.0, -100.0, -2.0]);
    }
}
