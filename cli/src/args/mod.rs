//! The arguments of `widebeam decode`.

mod ctc;
mod many;
mod missing;
mod search;
mod task;

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use widebeam_perf::console::args::{Instructions, Scores, whole};

use self::many::Many;

pub(crate) use self::ctc::{Ctc, LmLookahead, LmUnit};
pub(crate) use self::missing::how_to_decode;
pub(crate) use self::search::Search;
pub(crate) use self::task::Task;

use crate::format::Format;
use crate::load::{Axes, LengthsFrom};

const EXAMPLES: &str = "\
Examples:
  widebeam decode
      the built-in sample: twelve lines of text, read by an OCR model
  widebeam decode lm.npy --search independent --scores logits --beams 5
      the best sequence of each item, as text
  widebeam decode a.npz b.npz --array probs --search independent \\
      --scores probs --beams 8 --labels labels.txt --format jsonl
      the 8 best of each item, one line of JSON an item
  widebeam decode lines.npz --search ctc --blank 0 --scores probs --greedy
      the best token of each frame, to compare with
  widebeam decode speech.npy --search ctc --blank 0 --scores log-probs \\
      --beams 100 --labels letters.txt --lm letters.arpa.gz --lm-weight 0.6 \\
      --token-bonus 1
      the best transcript of each item, with the help of a language model
  widebeam decode speech.npy --search ctc --blank 0 --scores log-probs \\
      --beams 100 --labels phones.txt --lexicon lexicon.txt --lm words.arpa \\
      --lm-unit word --format jsonl
      words and their frames, from phones: a lexicon has their spellings
  widebeam decode lm.safetensors --search independent --scores log-probs \\
      --beams 64 --format npz --output nbest.npz
      arrays `tokens`, `lengths` and `scores` for NumPy
  zcat lm.npy.gz | widebeam decode - --search independent --scores logits \\
      --beams 5
      from a pipe
  widebeam decode night/*.npz --search ctc --blank 0 --scores probs \\
      --format npz --output-dir answers --create-dirs --keep-going
      a file for each input in a folder; those that cannot be decoded are
      reported and passed over
  find night -name '*.npz' | sort > list.txt
  widebeam decode --inputs-from list.txt --search ctc --blank 0 --scores probs \\
      --format jsonl --output-dir answers --shard 3/8 --resume --keep-going
      the third of eight jobs; run again, it does what is not done

Fields of a hypothesis (jsonl; csv and tsv have those marked * as columns):
  score*             log-probability, with what scorers add
  confidence*        its share: e^score over the sum of all that the beam holds,
                     so it falls as --beams grow; not with --greedy
  probability*       what the model alone gives it, hardly dependent on --beams
  tokens*            token ids, from 0
  token_confidences  of each token, the shares of those that have it there
  text*, words       with --labels; words have their frames and a confidence
  frames*            CTC: the frame where the best alignment enters each token
  last_frames        CTC: the last frame of each token's run
  alignment_score    CTC: log-probability of the best alignment alone
  log_mass, scorer_score
                     CTC: the parts of the score

Exit codes: 0 done, 1 the machine failed (memory, disk), 2 an input or an item
of one is at fault, 128 + the signal's number where one ended it (Ctrl-C: 130).";

/// Find the best sequences in files of scores
///
/// Without INPUT it decodes a small real sample that is built in, and takes
/// --beams, --threads and --level alone.
#[derive(Debug, Default, clap::Args)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("source").args(["inputs", "inputs_from"]).multiple(true)
)]
pub(crate) struct Decode {
    /// Files of scores: .npy, .npz or .safetensors; - is standard input
    ///
    /// Each holds [time, vocab] or [batch, time, vocab] (see --layout) as float16,
    /// bfloat16 (.safetensors), float32, or float64, which is rounded to float32. They
    /// are read one after the other: memory is needed for one of them.
    #[arg(value_name = "INPUT", value_hint = ValueHint::FilePath)]
    inputs: Vec<PathBuf>,

    /// What kind of model the scores are of
    #[arg(long, value_enum, ignore_case = true, requires = "source")]
    search: Option<Search>,

    /// What the numbers are; it is never guessed
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        value_name = "KIND",
        requires = "source"
    )]
    scores: Option<Scores>,

    /// Beam width: how many hypotheses are carried from step to step [default: 16]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<usize>)]
    beams: Option<usize>,

    /// How many hypotheses of an item to write [default: 1 for text, else the beam width]
    #[arg(long, value_name = "N", requires = "source",
          allow_negative_numbers = true, value_parser = whole::<usize>)]
    nbest: Option<usize>,

    /// The array of a .npz or .safetensors file [default: its only float array of rank 2 or 3]
    #[arg(long, value_name = "NAME", requires = "source")]
    array: Option<String>,

    /// Order of the axes of an array of rank 3
    #[arg(
        long,
        value_enum,
        value_name = "AXES",
        default_value_t,
        requires = "source"
    )]
    layout: Axes,

    /// Steps in use of each item, an integer array [default: see --lengths-array]
    #[arg(long, value_name = "FILE.npy", value_hint = ValueHint::FilePath, requires = "source",
          conflicts_with = "lengths_array")]
    lengths: Option<PathBuf>,

    /// The same as an array of the .npz or .safetensors file [default: `lengths`, or the only integer array of one entry an item whose name ends in `lengths` or `lens`, else all steps]
    #[arg(long, value_name = "NAME", requires = "source")]
    lengths_array: Option<String>,

    /// Text of each token: lines in order of the tokens, from 0; lines with the token id after each; or a .json list or map
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "source")]
    labels: Option<PathBuf>,

    /// The label that stands between words [default: found in the labels]
    #[arg(long, value_name = "LABEL", requires = "labels")]
    word_delimiter: Option<String>,

    /// What to write [default: what the name of --output ends in, else text]
    ///
    /// An item that holds an invalid score is reported, and the others are decoded; the
    /// exit code is then 2. In the place of its hypotheses text and jsonl have the
    /// error, and npz has none.
    #[arg(
        long,
        value_enum,
        ignore_case = true,
        requires = "source",
        alias = "output-format"
    )]
    format: Option<Format>,

    /// File to write; it appears when it is complete [default: standard output]
    ///
    /// To standard output too nothing is written before all is decoded.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "source")]
    output: Option<PathBuf>,

    /// Folder to write a file for each INPUT to, by its name: a.npy becomes a.jsonl
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, requires = "source",
          conflicts_with = "output")]
    output_dir: Option<PathBuf>,

    /// Make the folder of --output or --output-dir, where it is missing
    #[arg(long, requires = "source")]
    create_dirs: bool,

    /// Report an INPUT that cannot be decoded and go on with the next; the exit code is then 2
    #[arg(long, requires = "source")]
    keep_going: bool,

    /// Read files into memory instead of mapping them
    ///
    /// A mapped file that another process shortens ends the program (SIGBUS).
    #[arg(long, requires = "source")]
    no_mmap: bool,

    /// Threads to use [default: RAYON_NUM_THREADS, else one per processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    pub(crate) threads: Option<NonZeroU16>,

    #[command(flatten)]
    pub(crate) instructions: Instructions,

    #[command(flatten)]
    many: Many,

    // Last: what follows would stand under its heading.
    #[command(flatten)]
    ctc: Ctc,
}

/// The beam width where none is given.
const BEAMS: usize = 16;

impl Decode {
    /// The beam width, where it was given.
    pub(crate) fn beams(&self) -> Option<usize> {
        self.beams
    }

    /// Whether the answers go to files, and none to standard output.
    pub(crate) fn writes_files(&self) -> bool {
        self.output.is_some() || self.output_dir.is_some()
    }

    /// The task, or `None` where no file is named.
    pub(crate) fn task(&self) -> Option<Task<'_>> {
        // With an input, `check` has required these two.
        let (search, scores) = (self.search?, self.scores?);
        let beams = match self.ctc.greedy {
            true => 1,
            false => self.beams.unwrap_or(BEAMS),
        };
        let named = self.output.as_deref().and_then(Format::of_name);
        let format = self.format.or(named).unwrap_or_default();
        let nbest = self.nbest.unwrap_or(format.default_nbest(beams));
        Some(Task {
            inputs: &self.inputs,
            inputs_from: self.many.inputs_from.as_ref(),
            shard: self.many.shard,
            resume: self.many.resume,
            summary: self.many.summary.as_deref(),
            search,
            ctc: &self.ctc,
            kind: scores.kind(),
            beams,
            nbest,
            array: self.array.as_deref(),
            axes: self.layout,
            lengths: self.lengths.as_ref(),
            lengths_from: match (&self.lengths, &self.lengths_array) {
                (Some(_), _) => LengthsFrom::Elsewhere,
                (None, Some(name)) => LengthsFrom::Array(name),
                (None, None) => LengthsFrom::Own,
            },
            labels: self.labels.as_ref(),
            word_delimiter: self.word_delimiter.as_deref(),
            format,
            format_is_named: self.format.is_some(),
            output: self.output.as_ref(),
            output_dir: self.output_dir.as_ref(),
            create_dirs: self.create_dirs,
            keep_going: self.keep_going,
            map: !self.no_mmap,
        })
    }
}
