//! The loader of `.safetensors` files.

use crate::file;

/// Tries one input.
pub fn run(data: &[u8]) {
    file::scores(".safetensors", data);
}
