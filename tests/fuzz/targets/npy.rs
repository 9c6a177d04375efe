//! The loader of `.npy` files, of scores and of lengths.

use super::file;
use crate::load;

pub(crate) fn run(data: &[u8]) {
    file::scores(".npy", data);
    if let Err(failure) = file::with(".npy", data, load::lengths) {
        file::refused(&failure);
    }
}
