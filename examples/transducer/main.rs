//! Spoken numbers, by a small RNN-T: the search hands out the predictor's steps and the
//! joiner's rows of all utterances at once, and plain Rust computes them.
//!
//! ```sh
//! cargo run --release --example transducer
//! ```

mod archive;
mod beam;
mod greedy;
mod layers;
mod network;
mod table;
#[cfg(test)]
mod tests;
mod utterances;
mod word_errors;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use network::{BLANK, Encoded, Transducer};
use utterances::Utterance;
use widebeam::scorers::{Lookahead, NgramModel, Unscored, Vocabulary, WordNgram};
use widebeam::transducer::Blank;

/// The most tokens of a frame.
const MAX_SYMBOLS: usize = 10;
/// Utterances that are printed.
const SHOWN: usize = 6;
/// The weight of the n-gram model and the bonus of a word, by the development set.
const WEIGHT: f64 = 0.3;
const BONUS: f64 = 1.0;

const USAGE: &str = "usage: transducer [UTTERANCES.npz [WEIGHT BONUS]]";

/// What a search has found.
#[derive(Clone, Debug, Default)]
struct Found {
    tokens: Vec<u32>,
    frames: Vec<u32>,
    /// ln P of the tokens; 0 of the greedy search, which does not know it.
    log_mass: f64,
}

/// The model and what belongs to it.
struct Recogniser {
    transducer: Transducer,
    vocabulary: Vocabulary,
    ngram: WordNgram<NgramModel>,
}

impl Recogniser {
    fn load(weight: f64, bonus: f64) -> Result<Self, Box<dyn Error>> {
        let arpa = std::fs::read(folder().join("numbers.arpa"))?;
        let vocabulary = Vocabulary::new(&network::labels(), Some(Blank(BLANK)));
        let ngram = WordNgram::new(NgramModel::read_arpa(arpa.as_slice())?, &vocabulary)?
            .with_lookahead(Lookahead::Unigram)?
            .with_weight(weight)?
            .with_word_bonus(bonus)?;
        Ok(Recogniser {
            transducer: Transducer::load(&folder().join("weights.npz"))?,
            vocabulary,
            ngram,
        })
    }

    /// The encoder's output of all utterances, and the time it took.
    fn encode(&self, utterances: &[Utterance]) -> (Vec<Encoded>, Duration) {
        let begun = Instant::now();
        let features = utterances.iter().map(|utterance| &utterance.features);
        let encoded = features.map(|features| self.transducer.encode(features));
        (encoded.collect(), begun.elapsed())
    }

    /// The words, and after each the frame of its first letter.
    fn with_frames(&self, found: &Found) -> Result<String, widebeam::Error> {
        let words = self.vocabulary.words(&found.tokens)?;
        let words = words.iter().map(|word| {
            let frame = found.frames[word.tokens.start];
            format!("{} {frame}", word.text)
        });
        Ok(words.collect::<Vec<_>>().join("  "))
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/transducer")
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    // One thread, so that the shares of time compare.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    let done = match pool {
        Ok(pool) => pool.install(|| run(&arguments).map_err(|error| error.to_string())),
        Err(error) => Err(error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let mut file = folder().join("held_out.npz");
    let (mut weight, mut bonus) = (WEIGHT, BONUS);
    match arguments {
        [] => {}
        [name] if !name.starts_with("--") => file = name.into(),
        [name, given_weight, given_bonus] => {
            file = name.into();
            weight = given_weight.parse().map_err(|_| USAGE)?;
            bonus = given_bonus.parse().map_err(|_| USAGE)?;
        }
        _ => return Err(USAGE.into()),
    }
    let recogniser = Recogniser::load(weight, bonus)?;
    let utterances =
        utterances::load(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let (encoded, encoding) = recogniser.encode(&utterances);

    let model = &recogniser.transducer;
    let shown = encoded.len().min(SHOWN);
    let (plain, _) = beam::decode(model, &encoded[..shown], 16, Unscored)?;
    let (scored, _) = beam::decode(model, &encoded[..shown], 16, &recogniser.ngram)?;
    println!("Each word and the frame, of 50 ms, of its first letter.\n");
    for (i, utterance) in utterances[..shown].iter().enumerate() {
        println!("reference    {}", utterance.text);
        let greedy = greedy::decode(model, &encoded[i]);
        println!("greedy       {}", recogniser.with_frames(&greedy)?);
        for (name, found) in [("16 beams    ", &plain[i]), ("... + n-gram", &scored[i])] {
            let words = recogniser.with_frames(found)?;
            println!("{name} {words}  (ln P {:.2})", found.log_mass);
        }
        println!();
    }
    table::print(&recogniser, &utterances, &encoded, encoding)
}
