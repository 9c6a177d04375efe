//! Arrays of an `.npz` file.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use npyz::Deserialize;
use npyz::npz::NpzArchive;

pub(crate) struct Archive(NpzArchive<BufReader<File>>);

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, Box<dyn Error>> {
        Ok(Archive(NpzArchive::open(path)?))
    }

    /// The values of an array, row after row, and its shape.
    pub(crate) fn array<T: Deserialize>(
        &mut self,
        name: &str,
    ) -> Result<(Vec<T>, Vec<usize>), Box<dyn Error>> {
        let array = self.0.by_name(name)?;
        let array = array.ok_or_else(|| format!("there is no array {name:?}"))?;
        let shape = array.shape().iter().map(|&axis| usize::try_from(axis));
        let shape = shape.collect::<Result<_, _>>()?;
        Ok((array.into_vec()?, shape))
    }

    /// An array of weights: f16, as f32.
    pub(crate) fn weights(&mut self, name: &str) -> Result<(Vec<f32>, Vec<usize>), Box<dyn Error>> {
        let (values, shape) = self.array::<half::f16>(name)?;
        Ok((values.into_iter().map(f32::from).collect(), shape))
    }
}
