//! The weights of g2p-en.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use npyz::npz::NpzArchive;

/// A matrix with its input dimension outermost, so that a product with a
/// vector runs along memory.
pub(crate) struct Matrix {
    columns: usize,
    values: Vec<f32>,
}

impl Matrix {
    /// `out += self^T x`.
    pub(crate) fn add_product(&self, x: &[f32], out: &mut [f32]) {
        for (x, row) in x.iter().zip(self.values.chunks_exact(self.columns)) {
            for (out, weight) in out.iter_mut().zip(row) {
                *out += x * weight;
            }
        }
    }
}

pub(crate) struct Gru {
    pub(crate) embedding: Vec<f32>,
    pub(crate) input: Matrix,
    pub(crate) hidden: Matrix,
    pub(crate) input_bias: Vec<f32>,
    pub(crate) hidden_bias: Vec<f32>,
}

pub(crate) struct Weights {
    pub(crate) encoder: Gru,
    pub(crate) decoder: Gru,
    pub(crate) output: Matrix,
    pub(crate) output_bias: Vec<f32>,
}

type Archive = NpzArchive<BufReader<File>>;

impl Weights {
    pub(crate) fn load(path: &Path) -> Result<Self, Box<dyn Error>> {
        let archive = &mut NpzArchive::open(path)?;
        Ok(Weights {
            encoder: gru(archive, "enc")?,
            decoder: gru(archive, "dec")?,
            output: matrix(archive, "fc_w")?,
            output_bias: array(archive, "fc_b")?.0,
        })
    }
}

fn gru(archive: &mut Archive, name: &str) -> Result<Gru, Box<dyn Error>> {
    Ok(Gru {
        embedding: array(archive, &format!("{name}_emb"))?.0,
        input: matrix(archive, &format!("{name}_w_ih"))?,
        hidden: matrix(archive, &format!("{name}_w_hh"))?,
        input_bias: array(archive, &format!("{name}_b_ih"))?.0,
        hidden_bias: array(archive, &format!("{name}_b_hh"))?.0,
    })
}

fn array(archive: &mut Archive, name: &str) -> Result<(Vec<f32>, Vec<u64>), Box<dyn Error>> {
    let array = archive.by_name(name)?;
    let array = array.ok_or_else(|| format!("the weights have no array {name:?}"))?;
    let shape = array.shape().to_vec();
    Ok((array.into_vec()?, shape))
}

/// An array of `[out, in]`, transposed.
fn matrix(archive: &mut Archive, name: &str) -> Result<Matrix, Box<dyn Error>> {
    let (values, shape) = array(archive, name)?;
    let &[out, inputs] = shape.as_slice() else {
        return Err(format!("the array {name:?} is no matrix").into());
    };
    let (columns, inputs) = (usize::try_from(out)?, usize::try_from(inputs)?);
    let transposed = (0..inputs)
        .flat_map(|i| values[i..].iter().step_by(inputs))
        .copied();
    Ok(Matrix {
        columns,
        values: transposed.collect(),
    })
}
