//! The blank of an alignment.

use std::fmt;

/// The token id of the blank, which an emission has where no token begins.
///
/// It has a type of its own so that it cannot change places with another number:
///
/// ```compile_fail,E0308
/// # use widebeam::ctc::{Blank, CtcSearch};
/// let search = CtcSearch::new(Blank(0), 16);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Blank(pub u32);

impl fmt::Display for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
