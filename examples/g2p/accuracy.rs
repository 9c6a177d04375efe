//! How often the right pronunciation comes out.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use crate::weights::Weights;
use crate::{phonemes, pronounce};

const WORDS: usize = 1500;
/// Pronunciations that are looked at, stress left aside.
const NBEST: usize = 8;
/// Words in one batch.
const BATCH: usize = 50;

/// Prints the share of words whose pronunciation comes first, and whose
/// pronunciation is among the first different ones, for several beam widths.
pub(crate) fn measure(weights: &Weights, dictionary: &Path) -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(dictionary)
        .map_err(|error| format!("{}: {error}", dictionary.display()))?;
    let entries = entries(&text);
    let stride = (entries.len() / WORDS).max(1);
    let sample: Vec<_> = entries.into_iter().step_by(stride).take(WORDS).collect();
    println!("| beams | right one first | among the first {NBEST} |");
    println!("|---|---|---|");
    for beams in [1, 4, 8, 32] {
        let (mut first, mut among) = (0, 0);
        for batch in sample.chunks(BATCH) {
            let words: Vec<&str> = batch.iter().map(|(word, _)| *word).collect();
            let mut different = vec![Vec::new(); words.len()];
            pronounce(weights, &words, beams, |word, _, hypothesis| {
                let found = strip(phonemes(hypothesis.tokens));
                if different[word].len() < NBEST && !different[word].contains(&found) {
                    different[word].push(found);
                }
            })?;
            for (found, (_, right)) in different.iter().zip(batch) {
                let rank = found.iter().position(|found| right.contains(found));
                first += usize::from(rank == Some(0));
                among += usize::from(rank.is_some());
            }
        }
        let share = |count: usize| 100.0 * count as f64 / sample.len() as f64;
        println!(
            "| {beams} | {:.1} % | {:.1} % |",
            share(first),
            share(among)
        );
    }
    Ok(())
}

/// The words of letters alone, with all of their pronunciations.
fn entries(text: &str) -> BTreeMap<&str, Vec<String>> {
    let mut entries: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = line.split_whitespace();
        let word = fields.next().unwrap_or_default();
        let word = word.split('(').next().unwrap_or_default();
        if !word.is_empty() && word.bytes().all(|letter| letter.is_ascii_lowercase()) {
            entries.entry(word).or_default().push(strip(fields));
        }
    }
    entries
}

/// Phonemes without their stress marks.
fn strip<'a>(phonemes: impl Iterator<Item = &'a str>) -> String {
    let plain = phonemes.map(|phoneme| phoneme.trim_end_matches(|c: char| c.is_ascii_digit()));
    plain.collect::<Vec<_>>().join(" ")
}
