//! The loader of `.npz` files.

use super::file;

pub(crate) fn run(data: &[u8]) {
    file::scores(".npz", data);
}
