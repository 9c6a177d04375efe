//! Generated inputs, and the settings of the property tests. The tests of the library
//! share them with the fuzz targets.
//!
//! Toy models and their requests are in `widebeam::reference`, because the unit tests of
//! the library use them too.

pub mod any_extended;
pub mod any_request;
pub mod any_tensor;
#[cfg(feature = "proptest")]
pub mod seeded;
