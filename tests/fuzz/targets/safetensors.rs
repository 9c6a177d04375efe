//! The loader of `.safetensors` files.

use super::file;

pub(crate) fn run(data: &[u8]) {
    file::scores(".safetensors", data);
}
