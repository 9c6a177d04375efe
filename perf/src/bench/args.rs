//! The arguments of the benchmarks.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;

use clap::{Subcommand, ValueEnum, ValueHint};

use crate::console::args::{Instructions, Scores, whole};
use crate::results::ResultOptions;
use crate::workload::{Dtype, Search, Shape};

const EXAMPLES: &str = "\
Examples:
  widebeam bench
      all four searches on their standard shapes
  widebeam bench ctc --shape 32x400x29 --beams 100
      one search on scores of a shape of your own
  widebeam bench --shape 32x20x50000 --beams 5 --scores logits --dtype f16 --search independent
      the same, with the option of `widebeam decode`
  widebeam bench independent --profile trace.json
      where the time goes, as a table and for ui.perfetto.dev
  widebeam bench kernels --filter probs-f32
      the kernels of a row at every level

Columns: `ms` a run; `tokens/s` steps of all items (CTC: frames); `of read` the
roofline's time over ours, 1 is the speed of reading; `greedy ms` the best token
of each step alone; `x greedy` our time over that; `slower` the naive search's
time over ours, and `naive did` how much of the input it was given.";

/// Measure the searches on this machine, and check their answers
///
/// The engine is measured in turn with the read roofline: the largest value of
/// the same scores, found on the same threads at the best level. A naive search
/// is given as much of them as it does in about a second; its time is scaled
/// up, and its answer must be the engine's. Times are medians; the spread is
/// the middle half of the times over the median.
///
/// A check has a budget of scores to read, which covers all standard shapes. Where
/// it does not cover a shape, a line below the table says what was left out.
///
/// A token is a step of an item, for CTC and transducers a frame.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, after_help = EXAMPLES)]
pub struct Bench {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    #[command(flatten)]
    pub(super) searches: Searches,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    Kernels(Kernels),
    Sweep(Sweep),
}

impl Bench {
    /// How many threads to use, if a number was given.
    pub fn threads(&self) -> Option<NonZeroU16> {
        match &self.command {
            Some(Command::Kernels(options)) => options.common.threads,
            Some(Command::Sweep(options)) => options.common.threads,
            None => self.searches.common.threads,
        }
    }
}

/// The kernels of a row against the speed of reading it, at every level
///
/// The roofline is the largest value of the same tensor, found on the same
/// threads at the best level; it is measured in turn with the kernels. Times
/// are medians; the spread is the middle half of the times over the median.
#[derive(Debug, clap::Args)]
pub(super) struct Kernels {
    /// Size of each tensor, in MiB; less than a cache holds measures the cache
    #[arg(long, value_name = "N", default_value = "256",
          allow_negative_numbers = true, value_parser = whole::<NonZeroU32>)]
    pub(super) megabytes: NonZeroU32,

    /// Only inputs whose name holds TEXT, and those they are compared with;
    /// names read as probs-f32-50000-5, log-add-f64, top-k-f32-50257-50 or heap-probs-f32-5000-16
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,

    #[command(flatten)]
    pub(super) common: Common,
}

/// The cost of the best k of a row over the length of the row and k
///
/// Rows of random probabilities that a cache holds, at the best level, beside the heap of
/// the design and a sort of the whole row (as integers that hold score and token). On one
/// thread, with `--threads 1`, it is the cost of a row.
#[derive(Debug, clap::Args)]
pub(super) struct Sweep {
    /// Size of the scores of each length, in MiB
    #[arg(long, value_name = "N", default_value = "2",
          allow_negative_numbers = true, value_parser = whole::<NonZeroU32>)]
    pub(super) megabytes: NonZeroU32,

    /// Only rows of so many tokens [default: 512 1024 5000 8192 32000 128256]
    #[arg(long, value_name = "N", num_args = 1..,
          allow_negative_numbers = true, value_parser = whole::<NonZeroU32>)]
    pub(super) tokens: Vec<NonZeroU32>,

    /// Each k is so many times the one before, in hundredths
    #[arg(long, value_name = "PERCENT", default_value = "125",
          value_parser = clap::value_parser!(u16).range(101..=1000))]
    pub(super) step: u16,

    /// Leave out the heap
    #[arg(long)]
    pub(super) no_heap: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct Searches {
    /// The search to measure [default: all]
    #[arg(value_enum, value_name = "SEARCH")]
    only: Option<Search>,

    /// The same, as `widebeam decode` spells it
    #[arg(long, value_enum, value_name = "SEARCH", conflicts_with = "only")]
    search: Option<Search>,

    /// Shape of the scores: items, steps and tokens, as in 32x20x1000 [default: some of each search]
    #[arg(long, value_name = "BxTxV")]
    pub(super) shape: Option<Shape>,

    /// Beam width of --shape [default: 16]
    #[arg(long, value_name = "N", requires = "shape",
          allow_negative_numbers = true, value_parser = whole::<usize>)]
    pub(super) beams: Option<usize>,

    /// What the numbers are [default: probs; log-probs for ctc, logits for autoregressive and transducer]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) scores: Option<Scores>,

    /// Type of the numbers
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = Dtype::F32)]
    pub(super) dtype: Dtype,

    #[command(flatten)]
    pub(super) instructions: Instructions,

    /// Leave out the reference, and with it the check against it
    #[arg(long)]
    pub(super) no_reference: bool,

    /// Run each search once more and write what each thread did when, as a Chrome trace
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(super) profile: Option<PathBuf>,

    #[command(flatten)]
    pub(super) common: Common,
}

impl Searches {
    pub(super) fn selected(&self) -> Vec<Search> {
        match self.only.or(self.search) {
            Some(search) => vec![search],
            None => Search::value_variants().to_vec(),
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Measured runs, once it is warmed up
    #[arg(long, value_name = "N", default_value = "7",
          allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    pub(super) runs: NonZeroU16,

    /// Threads to use [default: RAYON_NUM_THREADS, else one per processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    threads: Option<NonZeroU16>,

    #[command(flatten)]
    pub(super) outputs: ResultOptions,
}
