//! The loader of `.npz` files.

use crate::file;

/// Tries one input.
pub fn run(data: &[u8]) {
    file::scores(".npz", data);
}
