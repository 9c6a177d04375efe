//! The loader of `.npy` files, of scores and of lengths.

use widebeam_cli::load;

use crate::file;

/// Tries one input.
pub fn run(data: &[u8]) {
    file::scores(".npy", data);
    if let Err(failure) = file::with(".npy", data, load::lengths) {
        file::refused(&failure);
    }
}
