//! The arguments of `widebeam scaling`.

use std::num::NonZeroU16;
use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use crate::console::args::{Instructions, Scores, whole};
use crate::results::ResultOptions;
use crate::workload::{Dtype, Search, Shape};

const EXAMPLES: &str = "\
Examples:
  widebeam scaling --plot scaling.svg
      all four searches on 1, 2, 4 ... and all processors
  widebeam scaling independent --threads 1,2,3 --shape 8x64x128256 --beams 10
      one search on scores of a shape of your own";

/// Measure what more threads bring, against memory
///
/// Strong scaling: the same scores on more threads. Weak scaling: scores that
/// grow with the threads, one thread's share of the shape each. The read
/// roofline is measured at the same counts, all in turn, so that one sees
/// whether cores or memory run out: `ours / its` is our efficiency over the
/// roofline's. The serial share is Amdahl's, a least-squares fit over all
/// counts of threads.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Scaling {
    /// The search to measure [default: all]
    #[arg(value_enum, value_name = "SEARCH")]
    search: Option<Search>,

    /// Counts of threads, as in 1,2,3; 1 is always among them [default: 1, 2, 4 ... and one per processor]
    #[arg(long, value_name = "LIST", value_delimiter = ',',
          allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    threads: Option<Vec<NonZeroU16>>,

    /// Shape of the scores: items, steps and tokens, as in 32x20x1000 [default: about 256 MB]
    #[arg(long, value_name = "BxTxV", requires = "beams")]
    shape: Option<Shape>,

    /// Beam width
    #[arg(long, value_name = "N", requires = "shape",
          allow_negative_numbers = true, value_parser = whole::<usize>)]
    beams: Option<usize>,

    /// What the numbers are [default: probs; log-probs for ctc, logits for autoregressive and transducer]
    #[arg(long, value_enum, value_name = "KIND")]
    pub(super) scores: Option<Scores>,

    /// Type of the numbers
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = Dtype::F32)]
    pub(super) dtype: Dtype,

    #[command(flatten)]
    pub(super) instructions: Instructions,

    /// Measured runs; one more warms up
    #[arg(long, value_name = "N", default_value = "7",
          allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    pub(super) runs: NonZeroU16,

    /// Draw speed-up against threads
    #[arg(long, value_name = "FILE.svg|FILE.png", value_hint = ValueHint::FilePath)]
    pub(super) plot: Option<PathBuf>,

    /// Run everything once more and write what each thread did when, as a Chrome trace
    #[arg(long, value_name = "FILE.json", value_hint = ValueHint::FilePath)]
    pub(super) profile: Option<PathBuf>,

    #[command(flatten)]
    pub(super) outputs: ResultOptions,
}

impl Scaling {
    pub(super) fn searches(&self) -> Vec<Search> {
        self.search
            .map_or(Search::value_variants().to_vec(), |search| vec![search])
    }

    /// Shape and beam width for a search.
    pub(super) fn input(&self, search: Search) -> (Shape, usize) {
        let usual = match search {
            Search::Independent => (Shape([8, 64, 128_256]), 10),
            Search::Autoregressive => (Shape([16, 16, 50_257]), 5),
            Search::Ctc => (Shape([32, 400, 5000]), 16),
            Search::Transducer => (Shape([32, 200, 1025]), 8),
        };
        self.shape.zip(self.beams).unwrap_or(usual)
    }

    /// Counts of threads, ascending from 1.
    pub(super) fn counts(&self, processors: usize) -> Vec<usize> {
        let mut counts = vec![1];
        match &self.threads {
            Some(list) => counts.extend(list.iter().map(|count| usize::from(count.get()))),
            None => {
                let doubled = std::iter::successors(Some(2), |count| Some(count * 2));
                counts.extend(doubled.take_while(|&count| count < processors));
                counts.push(processors);
            }
        }
        counts.sort_unstable();
        counts.dedup();
        counts
    }
}
