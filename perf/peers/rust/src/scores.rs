//! Scores in memory, in pages of the size that numpy asks for.

use std::io;
use std::ops::Deref;

use memmap2::MmapMut;

use crate::Result;

/// Scores of a case. As for numpy's large arrays, the system is asked for huge pages: with
/// small ones a scan of 64 MB took 1.2 times as long, so programs in Rust and in Python
/// would not read the same bytes alike.
pub struct Scores(MmapMut);

impl Scores {
    /// Takes `len` scores, fewer if there are fewer.
    pub fn collect(len: usize, scores: impl Iterator<Item = io::Result<f32>>) -> Result<Self> {
        let mut map = MmapMut::map_anon(len * size_of::<f32>())?;
        #[cfg(target_os = "linux")]
        map.advise(memmap2::Advice::HugePage)?;
        for (place, score) in bytemuck::cast_slice_mut(&mut map).iter_mut().zip(scores) {
            *place = score?;
        }
        Ok(Scores(map))
    }
}

impl Deref for Scores {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        bytemuck::cast_slice(&self.0)
    }
}
