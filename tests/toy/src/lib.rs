//! Inputs that are made up, and the settings of the property tests: what the tests of
//! the library share with the fuzz targets.
//!
//! The toy models and their requests are in `widebeam::reference`, because the
//! library's unit tests use them too.

pub mod any_request;
pub mod any_tensor;
pub mod seeded;
