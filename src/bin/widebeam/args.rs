//! The arguments of the command line.

use std::fmt::Display;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use widebeam::{Level, ScoreKind};

use crate::bench::Bench;
use crate::info::Info;
use crate::report::Report;
use crate::scaling::Scaling;

/// Beam search over the scores of a model, from file to answer.
///
/// Without a command it decodes a small real sample that is built in.
#[derive(Debug, Parser)]
#[command(version, about, long_about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Decode(Box<Decode>),
    Bench(Box<Bench>),
    Scaling(Scaling),
    Info(Info),
    Report(Report),
}

const EXAMPLES: &str = "\
Examples:
  widebeam decode
      the built-in sample: twelve lines of text, read by an OCR model
  widebeam decode lm.npy --search independent --scores logits --beams 5
      the best sequence of each item, as text
  widebeam decode a.npz b.npz --array probs --search independent \\
      --scores probs --beams 8 --labels labels.txt --format jsonl
      the 8 best of each item, one line of JSON an item
  widebeam decode speech.npy --search ctc --blank 0 --scores log-probs \\
      --beams 100 --labels letters.txt --lm letters.arpa.gz --lm-weight 0.6 \\
      --token-bonus 1
      the best transcript of each item, with the help of a language model
  widebeam decode lm.safetensors --search independent --scores log-probs \\
      --beams 64 --format npz --output nbest.npz
      arrays `tokens`, `lengths` and `scores` for NumPy
  zcat lm.npy.gz | widebeam decode - --search independent --scores logits \\
      --beams 5
      from a pipe
  widebeam decode night/*.npz --search ctc --blank 0 --scores probs --beams 32 \\
      --format npz --output-dir answers --keep-going
      a file for each input in a folder that is there; those that cannot be
      decoded are reported and passed over

Exit codes: 0 done, 1 the machine failed (memory, disk), 2 an input is at fault,
128 + the signal's number where one ended it (Ctrl-C: 130).";

/// Find the best sequences in files of scores
///
/// Without INPUT it decodes a small real sample that is built in, and takes
/// --beams, --threads and --level alone.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Decode {
    /// Files of scores: .npy, .npz or .safetensors; - is standard input
    ///
    /// Each holds [time, vocab] or [batch, time, vocab] as float16, bfloat16
    /// (.safetensors), float32, or float64, which is rounded to float32. They
    /// are read one after the other: memory is needed for one of them.
    #[arg(value_name = "INPUT", value_hint = ValueHint::FilePath,
          requires_all = ["search", "scores", "beams"])]
    inputs: Vec<PathBuf>,

    /// What the positions are to each other
    #[arg(long, value_enum, requires = "inputs")]
    search: Option<Search>,

    /// What the numbers are; it is never guessed
    #[arg(long, value_enum, value_name = "KIND", requires = "inputs")]
    scores: Option<Scores>,

    /// Beam width: how many hypotheses are carried from step to step
    #[arg(long, value_name = "N")]
    beams: Option<usize>,

    /// How many hypotheses of an item to write [default: 1 for text, else the beam width]
    #[arg(long, value_name = "N", requires = "inputs")]
    nbest: Option<usize>,

    /// The array of a .npz or .safetensors file [default: its only float array of rank 2 or 3]
    #[arg(long, value_name = "NAME", requires = "inputs")]
    array: Option<String>,

    /// Steps in use of each item, an integer array [default: the file's own array `lengths`, else all]
    #[arg(long, value_name = "FILE.npy", value_hint = ValueHint::FilePath, requires = "inputs")]
    lengths: Option<PathBuf>,

    /// Text of each token: line i, from 0, is that of token i
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "inputs")]
    labels: Option<PathBuf>,

    /// What to write
    #[arg(long, value_enum, default_value_t, requires = "inputs")]
    format: Format,

    /// File to write; it appears when it is complete [default: standard output]
    ///
    /// To standard output too nothing is written before all is decoded.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "inputs")]
    output: Option<PathBuf>,

    /// Folder to write a file for each INPUT to, by its name: a.npy becomes a.jsonl
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "inputs",
          conflicts_with = "output")]
    output_dir: Option<PathBuf>,

    /// Report an INPUT that cannot be decoded and go on with the next; the exit code is then 2
    #[arg(long, requires = "inputs")]
    keep_going: bool,

    /// Read files into memory instead of mapping them
    ///
    /// A mapped file that another process shortens ends the program (SIGBUS).
    #[arg(long, requires = "inputs")]
    no_mmap: bool,

    /// Threads to use [default: RAYON_NUM_THREADS, else one per processor]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU16>)]
    pub(crate) threads: Option<NonZeroU16>,

    /// Instruction set: baseline, avx2 or avx512; the answer is the same [default: the best there is]
    #[arg(long, value_name = "LEVEL")]
    pub(crate) level: Option<Level>,

    // Last: what follows would stand under its heading.
    #[command(flatten)]
    ctc: Ctc,
}

/// What belongs to CTC alone.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Options of --search ctc")]
pub(crate) struct Ctc {
    /// The token id of the blank
    #[arg(
        long,
        value_name = "TOKEN",
        required_if_eq("search", "ctc"),
        requires = "inputs"
    )]
    pub(crate) blank: Option<u32>,

    /// An n-gram model of labels or characters to score with, an ARPA file, plain or gzip
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lm: Option<PathBuf>,

    /// What a word of the model is
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "UNIT",
        requires = "lm"
    )]
    pub(crate) lm_unit: LmUnit,

    /// What the model's log-probability is multiplied by
    #[arg(
        long,
        value_name = "A",
        default_value_t = 0.5,
        requires = "lm",
        allow_negative_numbers = true
    )]
    pub(crate) lm_weight: f64,

    /// What each token is given beside it
    #[arg(
        long,
        value_name = "B",
        default_value_t = 0.0,
        requires = "lm",
        allow_negative_numbers = true
    )]
    pub(crate) token_bonus: f64,

    /// Words to favour, one a line
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) hotwords: Option<PathBuf>,

    /// What each token of a favoured word is given
    #[arg(
        long,
        value_name = "W",
        default_value_t = 2.0,
        requires = "hotwords",
        allow_negative_numbers = true
    )]
    pub(crate) hotword_weight: f64,

    /// The only words allowed, one a line; the label of a space parts them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires_all = ["blank", "labels"])]
    pub(crate) lexicon: Option<PathBuf>,

    /// Of each frame, only the N best tokens beside the blank [default: all]
    ///
    /// With --lm, --hotwords or --lexicon: one more than the beams.
    #[arg(long, value_name = "N", requires = "blank")]
    pub(crate) top_tokens: Option<usize>,

    /// Of each frame, only tokens of at least this log-probability [default: all]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) min_token_log_prob: Option<f64>,

    /// After each frame, only prefixes at most this far below the best [default: all]
    #[arg(
        long,
        value_name = "D",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) score_threshold: Option<f64>,

    /// Of frames whose blank has at least this log-probability, only the blank [default: no frames]
    #[arg(
        long,
        value_name = "X",
        requires = "blank",
        allow_negative_numbers = true
    )]
    pub(crate) blank_skip: Option<f64>,
}

/// Reads a number that is not 0; of that `NonZero` itself says "zero for non-zero type".
pub(crate) fn at_least_one<N: FromStr<Err: Display>>(text: &str) -> Result<N, String> {
    match text.parse::<u64>() {
        Ok(0) => Err("0 is below the least, 1".to_owned()),
        _ => text.parse().map_err(|error: N::Err| error.to_string()),
    }
}

/// What a word of an n-gram model is.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LmUnit {
    /// A token's label
    #[default]
    Token,
    /// A character of it
    Character,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Search {
    /// Every position has one distribution, whatever came before it
    Independent,
    /// Frames of a CTC model: repeats and blanks drop out, alignments add up
    Ctc,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Scores {
    /// Probabilities
    Probs,
    /// Natural logarithms of probabilities
    LogProbs,
    /// Unnormalised: log-softmax is applied
    Logits,
}

impl Scores {
    pub(crate) fn kind(self) -> ScoreKind {
        match self {
            Scores::Probs => ScoreKind::Probabilities,
            Scores::LogProbs => ScoreKind::LogProbabilities,
            Scores::Logits => ScoreKind::Logits,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// A table to read
    #[default]
    Text,
    /// One line of JSON an item, with every bit of the scores
    Jsonl,
    /// NumPy arrays: tokens (padded with -1) and lengths (-1: no such hypothesis) and scores (-inf there)
    Npz,
}

/// What to decode, once there is a file to decode.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    pub(crate) inputs: &'a [PathBuf],
    pub(crate) search: Search,
    pub(crate) ctc: &'a Ctc,
    pub(crate) kind: ScoreKind,
    pub(crate) beams: usize,
    pub(crate) nbest: usize,
    pub(crate) array: Option<&'a str>,
    pub(crate) lengths: Option<&'a PathBuf>,
    pub(crate) labels: Option<&'a PathBuf>,
    pub(crate) format: Format,
    pub(crate) output: Option<&'a PathBuf>,
    pub(crate) output_dir: Option<&'a PathBuf>,
    pub(crate) keep_going: bool,
    pub(crate) map: bool,
}

impl<'a> Task<'a> {
    /// Every file that is read.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &'a PathBuf> + use<'a> {
        let beside = [
            self.lengths,
            self.labels,
            self.ctc.lm.as_ref(),
            self.ctc.hotwords.as_ref(),
            self.ctc.lexicon.as_ref(),
        ];
        self.inputs.iter().chain(beside.into_iter().flatten())
    }
}

impl Decode {
    /// The beam width, where it was given.
    pub(crate) fn beams(&self) -> Option<usize> {
        self.beams
    }

    /// The task, or `None` where no file is named.
    pub(crate) fn task(&self) -> Option<Task<'_>> {
        // With an input, the parser has required these three.
        let (search, scores, beams) = (self.search?, self.scores?, self.beams?);
        let nbest = self.nbest.unwrap_or(match self.format {
            Format::Text => 1,
            Format::Jsonl | Format::Npz => beams,
        });
        Some(Task {
            inputs: &self.inputs,
            search,
            ctc: &self.ctc,
            kind: scores.kind(),
            beams,
            nbest,
            array: self.array.as_deref(),
            lengths: self.lengths.as_ref(),
            labels: self.labels.as_ref(),
            format: self.format,
            output: self.output.as_ref(),
            output_dir: self.output_dir.as_ref(),
            keep_going: self.keep_going,
            map: !self.no_mmap,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        super::Args::command().debug_assert();
    }

    fn parsed(arguments: &str) -> Args {
        let arguments = ["widebeam"].into_iter().chain(arguments.split_whitespace());
        Args::try_parse_from(arguments).unwrap()
    }

    fn decode(arguments: &str) -> Decode {
        match parsed(&format!("decode {arguments}")).command {
            Some(Command::Decode(decode)) => *decode,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn as_many_hypotheses_are_written_as_the_format_has_room_for() {
        assert!(parsed("").command.is_none());
        assert!(decode("").task().is_none());
        assert_eq!(decode("--beams 7").beams(), Some(7));
        for (more, nbest) in [
            ("", 1),
            ("--format text", 1),
            ("--format jsonl", 9),
            ("--format npz", 9),
            ("--format npz --nbest 4", 4),
            ("--nbest 4", 4),
        ] {
            let options = "a.npy --search independent --scores probs --beams 9";
            let decode = decode(&format!("{options} {more}"));
            let task = decode.task().unwrap();
            assert_eq!((task.beams, task.nbest), (9, nbest), "{more}");
        }
    }

    #[test]
    fn a_task_is_what_was_asked_for() {
        let options = "a.npy b.npz --search ctc --scores log-probs --beams 9 --blank 3";
        let plain = decode(options);
        let task = plain.task().unwrap();
        assert_eq!(
            (task.search, task.kind),
            (Search::Ctc, ScoreKind::LogProbabilities)
        );
        assert!(task.map && !task.keep_going && task.format == Format::Text);
        assert_eq!(task.sources().count(), 2);
        let all = decode(&format!(
            "{options} --lengths l --labels t --lm m --hotwords h --lexicon x --array q \
             --output-dir d --keep-going --no-mmap --format npz"
        ));
        let task = all.task().unwrap();
        let sources: Vec<_> = task.sources().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(sources, ["a.npy", "b.npz", "l", "t", "m", "h", "x"]);
        assert!(!task.map && task.keep_going && task.format == Format::Npz);
        assert_eq!(task.array, Some("q"));
        assert!(task.output.is_none() && task.output_dir.is_some());
        for (name, kind) in [
            ("probs", ScoreKind::Probabilities),
            ("log-probs", ScoreKind::LogProbabilities),
            ("logits", ScoreKind::Logits),
        ] {
            assert_eq!(Scores::from_str(name, false).unwrap().kind(), kind);
        }
    }

    #[test]
    fn a_number_that_must_not_be_0_says_so() {
        let read = at_least_one::<NonZeroU16>;
        assert_eq!(read("7"), Ok(NonZeroU16::new(7).unwrap()));
        assert_eq!(read("65535").map(u16::from), Ok(u16::MAX));
        for text in ["0", "00"] {
            assert_eq!(read(text), Err("0 is below the least, 1".to_owned()));
        }
        for text in ["65536", "-1", "", "two"] {
            assert!(
                !read(text).unwrap_err().contains("below the least, 1"),
                "{text}"
            );
        }
    }
}
