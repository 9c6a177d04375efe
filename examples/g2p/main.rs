//! Pronunciations of English words, by beam search over the g2p-en model: all
//! beams of all words in one batch, the state of the recurrent network put in
//! order by the search's map of parents.

mod accuracy;
mod model;
mod weights;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use weights::Weights;
use widebeam::autoregressive::{
    AutoregressiveSearch, Completion, LengthPenalty, MaximumLength, Request, RequestId, Rules,
    Stopping,
};

/// The longest pronunciation, with its end token.
const MAX_LENGTH: MaximumLength = MaximumLength(21);

const USAGE: &str = "usage: g2p WORD... [--beams N]
       g2p --accuracy CMUDICT";

fn main() -> ExitCode {
    let arguments = std::env::args_os().skip(1);
    match run(arguments.map(|argument| argument.to_string_lossy().into_owned())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            // Nothing can be wrong but the arguments and the files they name.
            ExitCode::from(2)
        }
    }
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let (mut words, mut beams) = (Vec::new(), 5);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--beams" => {
                let value = arguments.next().ok_or(USAGE)?;
                beams = value.parse().map_err(|_| USAGE)?;
            }
            _ => words.push(argument),
        }
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/g2p/checkpoint20.npz");
    let weights = || Weights::load(&file).map_err(|error| format!("{}: {error}", file.display()));
    match words.as_slice() {
        [] => Err(USAGE.into()),
        [flag, dictionary] if flag == "--accuracy" => {
            accuracy::measure(&weights()?, Path::new(dictionary))
        }
        words if words.iter().any(|word| word.starts_with("--")) => Err(USAGE.into()),
        words => {
            // The model pronounces anything, also what has no letter that it knows.
            if let Some(word) = words.iter().find(|word| !model::knows_any(word)) {
                return Err(
                    format!("{word:?} is no word: it has none of the letters a to z").into(),
                );
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            pronounce(&weights()?, &words, beams, |word, rank, hypothesis| {
                if rank == 0 {
                    println!("{}", words[word]);
                }
                let phonemes = phonemes(hypothesis.tokens).collect::<Vec<_>>().join(" ");
                println!("{:8.3}  {phonemes}", hypothesis.score);
            })
        }
    }
}

/// The names of phonemes, the end token left out.
fn phonemes(tokens: &[u32]) -> impl Iterator<Item = &'static str> {
    let tokens = tokens.iter().filter(|&&token| token != model::END);
    tokens.map(|&token| model::PHONEMES[token as usize])
}

/// Calls `found` with every hypothesis of every word: the word, its rank, and
/// itself.
fn pronounce(
    weights: &Weights,
    words: &[&str],
    beams: usize,
    mut found: impl FnMut(usize, usize, Completion<'_>),
) -> Result<(), Box<dyn Error>> {
    // The most probable pronunciations, whatever their lengths.
    let rules = Rules::plain()
        .with_length_penalty(LengthPenalty::None)
        .with_stopping(Stopping::Exhaustive);
    let mut search = AutoregressiveSearch::new(model::PHONEMES.len())?;
    let request = Request::new(beams, MAX_LENGTH)
        .with_prompt([model::START])
        .with_end_tokens([model::END])
        .with_rules(rules);
    let admit = |_| search.admit(request.clone());
    let ids = (0..words.len())
        .map(admit)
        .collect::<Result<Vec<RequestId>, _>>()?;

    // One row of `state` for each row of the search.
    let (mut state, mut next): (Vec<f32>, Vec<f32>) = Default::default();
    search.run(|feed, logits| {
        next.clear();
        for &parent in feed.parents() {
            let start = parent as usize * model::UNITS;
            next.extend_from_slice(&state[start..start + model::UNITS]);
        }
        // All words are admitted before the first step, in order.
        let starts = feed.fresh().zip(words).map(|((_, prompt), word)| {
            model::encode(weights, word, &mut next);
            prompt[0]
        });
        let starts: Vec<u32> = starts.collect();
        std::mem::swap(&mut state, &mut next);
        let tokens = feed.tokens().iter().chain(&starts).copied();
        model::decode(weights, tokens, &mut state, logits);
        Ok::<(), widebeam::Error>(())
    })?;
    for (word, &id) in ids.iter().enumerate() {
        let outcome = search.outcome(id)?.ok_or("a request is not done")?;
        for (rank, hypothesis) in outcome.hypotheses().enumerate() {
            found(word, rank, hypothesis);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said about these arguments.
    fn refused(arguments: &[&str]) -> String {
        let arguments = arguments.iter().map(|argument| argument.to_string());
        run(arguments).unwrap_err().to_string()
    }

    #[test]
    fn what_has_no_letters_is_no_word() {
        for word in ["", " ", "123", "...", "\u{444}", "\u{fffd}"] {
            assert_eq!(
                refused(&["beam", word]),
                format!("{word:?} is no word: it has none of the letters a to z")
            );
        }
    }

    #[test]
    fn arguments_that_are_no_words_are_answered_with_the_usage() {
        for arguments in [
            &[][..],
            &["--help"],
            &["--accuracy"],
            &["beam", "--beams"],
            &["beam", "--beams", "x"],
        ] {
            assert_eq!(refused(arguments), USAGE, "{arguments:?}");
        }
    }
}
