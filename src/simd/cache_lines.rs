//! Memory for vectors, each in a cache line of its own.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use bytemuck::Pod;
use wide::f32x16;

use super::CACHE_LINE;
use crate::error::Error;
use crate::memory;

/// A buffer of vectors, of 64 bytes each, of which none lies in two cache lines.
///
/// `malloc` aligns to 16 bytes. A vector that begins within a cache line takes two, and
/// rows of 512 probabilities took 86 or 97 microseconds a MiB (Zen 3, AVX2, from a
/// cache), as the addresses of a process happened to be.
#[derive(Clone, Debug)]
pub(crate) struct CacheLines<V> {
    /// What is in them are `V`s; the type is one that has the size and the alignment.
    lines: Vec<f32x16>,
    vectors: PhantomData<V>,
}

impl<V> Default for CacheLines<V> {
    fn default() -> Self {
        CacheLines {
            lines: Vec::new(),
            vectors: PhantomData,
        }
    }
}

impl<V: Pod> CacheLines<V> {
    /// Makes it `length` vectors long; new ones hold zeros.
    ///
    /// # Errors
    ///
    /// If memory runs out; `what` names the buffer in the message.
    pub(crate) fn resize(&mut self, length: usize, what: &'static str) -> Result<(), Error> {
        const { assert!(size_of::<V>() == CACHE_LINE && align_of::<f32x16>() == CACHE_LINE) };
        memory::resize(&mut self.lines, length, what)
    }
}

impl<V: Pod> Deref for CacheLines<V> {
    type Target = [V];

    #[inline(always)]
    fn deref(&self) -> &[V] {
        bytemuck::cast_slice(&self.lines)
    }
}

impl<V: Pod> DerefMut for CacheLines<V> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [V] {
        bytemuck::cast_slice_mut(&mut self.lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vector_has_a_cache_line_of_its_own() {
        for length in [0, 1, 3, 100] {
            let mut lines = CacheLines::<[f64; 8]>::default();
            lines.resize(length, "a test").unwrap();
            assert_eq!(*lines, vec![[0.0; 8]; length]);
            assert_eq!(lines.as_ptr().addr() % CACHE_LINE, 0);
            for (number, vector) in (0..).zip(&mut *lines) {
                vector[7] = f64::from(number);
            }
            lines.resize(2, "a test").unwrap();
            assert_eq!(lines.len(), 2);
            let last = |number: usize| if number < length { number as f64 } else { 0.0 };
            assert_eq!((lines[0][7], lines[1][7]), (last(0), last(1)));
        }
    }
}
