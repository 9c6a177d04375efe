//! The arguments of the benchmarks.

use std::num::{NonZeroU16, NonZeroU32};

use clap::{Subcommand, ValueEnum};
use widebeam::Level;

use crate::args::Scores;

/// Measure the speed of this machine, every answer checked
#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    Kernels(Kernels),
    Independent(Independent),
}

impl Bench {
    pub(crate) fn threads(&self) -> Option<NonZeroU16> {
        match self {
            Bench::Kernels(options) => options.common.threads,
            Bench::Independent(options) => options.common.threads,
        }
    }
}

/// The kernels of a row against the speed of reading it, at every level
///
/// The roofline is the largest value of the same tensor, found on the same
/// threads at the best level; it is measured in turn with the kernels. Times
/// are medians; the spread is the middle half of the times over the median.
#[derive(Debug, clap::Args)]
pub(crate) struct Kernels {
    /// Size of each tensor, in MiB; less than a cache holds measures the cache
    #[arg(long, value_name = "N", default_value = "256")]
    pub(super) megabytes: NonZeroU32,

    /// Only rows whose name holds TEXT; names read as probs-f32-50000-5
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,

    #[command(flatten)]
    pub(super) common: Common,
}

/// Independent search against the roofline and a naive reference
///
/// Without --shape it measures five: 32x20x1000 with 3 beams, 32x20x50000
/// with 5, 8x64x128256 with 10, 64x200x5000 with 16 and 1x20x50000 with 5.
#[derive(Debug, clap::Args)]
pub(crate) struct Independent {
    /// Shape of the scores: items, steps and tokens, as in 32x20x1000
    #[arg(long, value_name = "BxTxV", requires = "beams", value_parser = shape)]
    pub(super) shape: Option<[usize; 3]>,

    /// Beam width
    #[arg(long, value_name = "N", requires = "shape")]
    pub(super) beams: Option<usize>,

    /// What the numbers are
    #[arg(long, value_enum, value_name = "KIND", default_value = "probs")]
    pub(super) scores: Scores,

    /// Type of the numbers
    #[arg(long, value_enum, value_name = "TYPE", default_value_t = Dtype::F32)]
    pub(super) dtype: Dtype,

    /// Instruction set: baseline, avx2 or avx512 [default: the best there is]
    #[arg(long, value_name = "LEVEL")]
    pub(super) level: Option<Level>,

    /// Leave out the reference, and with it the check against it
    #[arg(long)]
    pub(super) no_reference: bool,

    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Measured runs; one more warms up
    #[arg(long, value_name = "N", default_value = "7")]
    pub(super) runs: NonZeroU16,

    /// Threads to use [default: one per processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroU16>,

    /// Print JSON, with the time of every run
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Dtype {
    F32,
    F16,
    Bf16,
}

impl Dtype {
    pub(super) fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "f32",
            Dtype::F16 => "f16",
            Dtype::Bf16 => "bf16",
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 | Dtype::Bf16 => 2,
        }
    }
}

fn shape(text: &str) -> Result<[usize; 3], String> {
    let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.parse().ok()).collect();
    match sizes.as_deref() {
        Some(&[batch, time, vocab]) if batch > 0 && time > 0 && vocab > 0 => {
            Ok([batch, time, vocab])
        }
        _ => Err("a shape is three numbers above 0, as in 32x20x1000".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::shape;

    #[test]
    fn a_shape_is_three_positive_numbers() {
        assert_eq!(shape("1x20x50000"), Ok([1, 20, 50_000]));
        for wrong in ["", "1x2", "1x2x3x4", "1x0x3", "-1x2x3", "1 x2x3", "axbxc"] {
            assert!(shape(wrong).is_err(), "{wrong:?}");
        }
    }
}
