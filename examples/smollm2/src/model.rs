//! The Llama architecture, as far as SmolLM2 uses it, for a batch of rows that
//! may belong to any beams of any requests.
//!
//! candle reads the weights, ndarray multiplies matrices (candle has no vector code
//! for this quantisation, and asks the system how many cores there are at every
//! product: 40 microseconds). Attention is our own, since every row has other
//! ancestors in the tree of the cache; so is the rest, which is short. Each row is computed alone: its bits depend on the tokens before it,
//! not on its neighbours in the batch. (For that, matrices are multiplied by
//! whole blocks of rows: see [`Matrix::apply`].)

use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::quantized::gguf_file::{Content, Value};
use candle_core::{Device, Tensor};
use ndarray::Array2;
use rayon::prelude::*;
use tokenizers::Tokenizer;

use crate::cache::{Cache, LayerCache, Node};
use crate::text;

pub struct Model {
    config: Config,
    embeddings: Vec<f32>,
    layers: Vec<Layer>,
    norm: Vec<f32>,
    /// The embeddings again, as the last matrix.
    head: Matrix,
    /// Cosines and sines, `[context, head / 2]`.
    rotations: Vec<(f32, f32)>,
}

#[derive(Clone, Copy, Debug)]
struct Config {
    width: usize,
    hidden: usize,
    heads: usize,
    /// Heads of keys and values, each shared by several of the queries.
    shared_heads: usize,
    epsilon: f32,
    vocab: usize,
    context: usize,
}

impl Config {
    fn head(&self) -> usize {
        self.width / self.heads
    }

    fn shared_width(&self) -> usize {
        self.head() * self.shared_heads
    }
}

struct Layer {
    attention_norm: Vec<f32>,
    /// Queries, keys and values side by side.
    attention_in: Matrix,
    attention_out: Matrix,
    feed_norm: Vec<f32>,
    /// The gate and what it lets through, side by side.
    feed_in: Matrix,
    feed_out: Matrix,
}

/// A row vector is multiplied by it from the left.
struct Matrix {
    /// Columns side by side, `[from, PANEL]`: work for one thread, and read in
    /// the order in which it lies in memory.
    panels: Vec<Array2<f32>>,
    to: usize,
}

const PANEL: usize = 64;

/// Rows are multiplied in multiples of this many, the rest being zeros. A
/// single row would be multiplied by other code, with other bits.
const ROW_BLOCK: usize = 8;

impl Matrix {
    /// From weights of shape `[to, from]`.
    fn new(weights: &Tensor) -> Result<Self> {
        let (to, from) = weights.dims2()?;
        let panels = (0..to).step_by(PANEL).map(|start| {
            let width = PANEL.min(to - start);
            let columns = weights.narrow(0, start, width)?.t()?;
            let columns = columns.flatten_all()?.to_vec1()?;
            Ok(Array2::from_shape_vec((from, width), columns)?)
        });
        Ok(Matrix {
            panels: panels.collect::<Result<_>>()?,
            to,
        })
    }

    fn apply(&self, rows: &[f32], count: usize) -> Result<Vec<f32>> {
        let from = rows.len() / count;
        let padded = count.next_multiple_of(ROW_BLOCK);
        let mut rows = rows.to_vec();
        rows.resize(padded * from, 0.0);
        let rows = Array2::from_shape_vec((padded, from), rows)?;
        let panels = self.panels.par_iter();
        let products: Vec<_> = panels.map(|panel| rows.dot(panel)).collect();
        let mut out = Vec::with_capacity(count * self.to);
        for row in 0..count {
            for product in &products {
                out.extend(product.row(row));
            }
        }
        Ok(out)
    }
}

impl Model {
    /// Reads a GGUF file: the model, and the tokenizer in it.
    pub fn load(path: &Path) -> Result<(Self, Tokenizer)> {
        let opened = std::fs::File::open(path);
        let mut file = opened.with_context(|| {
            let path = path.display();
            format!("cannot open {path} (examples/smollm2/fetch.sh fetches the model)")
        })?;
        let content = Content::read(&mut file)?;
        let tokenizer = text::tokenizer(&content)?;
        let mut reader = Reader {
            content: &content,
            file,
        };
        let number = |key: &str| -> Result<usize> {
            let value = content.metadata.get(&format!("llama.{key}"));
            Ok(value
                .with_context(|| format!("the model has no {key}"))?
                .to_u32()? as usize)
        };
        let float = |key: &str| match content.metadata.get(&format!("llama.{key}")) {
            Some(Value::F32(x)) => Ok(*x),
            _ => anyhow::bail!("the model has no {key}"),
        };
        let embeddings = reader.tensor("token_embd.weight")?;
        let (vocab, width) = embeddings.dims2()?;
        let config = Config {
            width,
            hidden: number("feed_forward_length")?,
            heads: number("attention.head_count")?,
            shared_heads: number("attention.head_count_kv")?,
            epsilon: float("attention.layer_norm_rms_epsilon")?,
            vocab,
            context: number("context_length")?,
        };
        let layers = number("block_count")?;
        let layers = (0..layers)
            .map(|i| reader.layer(i))
            .collect::<Result<_>>()?;
        let head = config.head();
        let base = f64::from(float("rope.freq_base")?);
        let angle = |position: usize, pair: usize| {
            position as f64 / base.powf(2.0 * pair as f64 / head as f64)
        };
        let rotations = (0..config.context).flat_map(|position| {
            (0..head / 2).map(move |pair| {
                let angle = angle(position, pair);
                (angle.cos() as f32, angle.sin() as f32)
            })
        });
        let model = Model {
            rotations: rotations.collect(),
            norm: reader.vector("output_norm.weight")?,
            head: Matrix::new(&embeddings)?,
            embeddings: embeddings.flatten_all()?.to_vec1()?,
            layers,
            config,
        };
        Ok((model, tokenizer))
    }

    pub fn vocab(&self) -> usize {
        self.config.vocab
    }

    /// An empty cache for this model.
    pub fn cache(&self) -> Cache {
        Cache::new(self.layers.len(), self.config.shared_width())
    }

    /// Computes the keys and values of `nodes`, parents before children, and
    /// writes the logits of those that `wanted` indexes to `logits`,
    /// `[wanted, vocab]`.
    pub fn run(
        &self,
        cache: &mut Cache,
        nodes: &[Node],
        wanted: &[usize],
        logits: &mut Vec<f32>,
    ) -> Result<()> {
        let config = &self.config;
        let (count, width) = (nodes.len(), config.width);
        let mut state = Vec::with_capacity(count * width);
        let mut paths = Vec::with_capacity(count);
        for &node in nodes {
            let (position, limit) = (cache.position(node), config.context);
            ensure!(position < limit, "the model reads at most {limit} tokens");
            let start = cache.token(node) as usize * width;
            state.extend_from_slice(&self.embeddings[start..start + width]);
            paths.push(cache.path(node));
        }
        for (index, layer) in self.layers.iter().enumerate() {
            let input = self.normalise(&state, &layer.attention_norm);
            let mut input = layer.attention_in.apply(&input, count)?;
            self.store(cache, index, nodes, &mut input);
            let mixed = self.attend(cache, &cache.layers[index], &paths, &input);
            add(&mut state, &layer.attention_out.apply(&mixed, count)?);

            let input = self.normalise(&state, &layer.feed_norm);
            let gated = gate(&layer.feed_in.apply(&input, count)?, config.hidden);
            add(&mut state, &layer.feed_out.apply(&gated, count)?);
        }
        let rows = wanted.iter();
        let rows = rows.flat_map(|&row| &state[row * width..(row + 1) * width]);
        let last: Vec<f32> = rows.copied().collect();
        let last = self.normalise(&last, &self.norm);
        *logits = self.head.apply(&last, wanted.len())?;
        Ok(())
    }

    /// Rotates queries and keys by their positions, and puts keys and values
    /// in the cache.
    fn store(&self, cache: &mut Cache, layer: usize, nodes: &[Node], input: &mut [f32]) {
        let config = &self.config;
        let (width, shared, head) = (config.width, config.shared_width(), config.head());
        for (&node, row) in nodes.iter().zip(input.chunks_mut(width + 2 * shared)) {
            let position = cache.position(node);
            let rotations = &self.rotations[position * head / 2..][..head / 2];
            for head in row[..width + shared].chunks_mut(head) {
                for (pair, &(cos, sin)) in head.as_chunks_mut::<2>().0.iter_mut().zip(rotations) {
                    let [x, y] = *pair;
                    *pair = [x * cos - y * sin, x * sin + y * cos];
                }
            }
            let range = cache.range(node);
            let (keys, values) = row[width..].split_at(shared);
            cache.layers[layer].keys[range.clone()].copy_from_slice(keys);
            cache.layers[layer].values[range].copy_from_slice(values);
        }
    }

    /// The values that each row's queries find at the row and its ancestors.
    fn attend(
        &self,
        cache: &Cache,
        layer: &LayerCache,
        paths: &[Vec<Node>],
        input: &[f32],
    ) -> Vec<f32> {
        let config = &self.config;
        let (width, shared, head) = (config.width, config.shared_width(), config.head());
        let sharing = config.heads / config.shared_heads;
        let scale = 1.0 / (head as f32).sqrt();
        let mut out = vec![0.0; paths.len() * width];
        let rows = out.par_chunks_mut(width).zip(paths);
        let rows = rows.zip(input.par_chunks(width + 2 * shared));
        rows.for_each(|((out, path), row)| {
            let mut weights = vec![0.0; path.len()];
            let heads = out.chunks_mut(head).zip(row[..width].chunks(head));
            for (index, (out, query)) in heads.enumerate() {
                let start = index / sharing * head;
                let part = |node| {
                    let range = cache.range(node);
                    range.start + start..range.start + start + head
                };
                for (weight, &node) in weights.iter_mut().zip(path) {
                    *weight = dot(query, &layer.keys[part(node)]) * scale;
                }
                softmax(&mut weights);
                for (&weight, &node) in weights.iter().zip(path) {
                    for (out, &value) in out.iter_mut().zip(&layer.values[part(node)]) {
                        *out += weight * value;
                    }
                }
            }
        });
        out
    }

    /// Root mean square normalisation of every row.
    fn normalise(&self, state: &[f32], weights: &[f32]) -> Vec<f32> {
        let mut out = state.to_vec();
        for row in out.chunks_mut(weights.len()) {
            let mean = dot(row, row) / row.len() as f32;
            let scale = 1.0 / (mean + self.config.epsilon).sqrt();
            for (x, &weight) in row.iter_mut().zip(weights) {
                *x *= scale * weight;
            }
        }
        out
    }
}

/// Reads tensors of a file.
struct Reader<'a> {
    content: &'a Content,
    file: std::fs::File,
}

impl Reader<'_> {
    fn tensor(&mut self, name: &str) -> Result<Tensor> {
        let tensor = self.content.tensor(&mut self.file, name, &Device::Cpu)?;
        Ok(tensor.dequantize(&Device::Cpu)?)
    }

    fn vector(&mut self, name: &str) -> Result<Vec<f32>> {
        Ok(self.tensor(name)?.to_vec1()?)
    }

    fn layer(&mut self, index: usize) -> Result<Layer> {
        let name = |part: &str| format!("blk.{index}.{part}.weight");
        let mut matrices = |parts: &[&str]| {
            let parts = parts.iter().map(|part| self.tensor(&name(part)));
            Matrix::new(&Tensor::cat(&parts.collect::<Result<Vec<_>>>()?, 0)?)
        };
        let attention_in = matrices(&["attn_q", "attn_k", "attn_v"])?;
        let attention_out = matrices(&["attn_output"])?;
        let feed_in = matrices(&["ffn_gate", "ffn_up"])?;
        let feed_out = matrices(&["ffn_down"])?;
        Ok(Layer {
            attention_norm: self.vector(&name("attn_norm"))?,
            attention_in,
            attention_out,
            feed_norm: self.vector(&name("ffn_norm"))?,
            feed_in,
            feed_out,
        })
    }
}

/// Eight sums, so that the compiler may use vectors.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0f32; 8];
    for (a, b) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum()
}

fn softmax(weights: &mut [f32]) {
    let max = weights.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for weight in &mut *weights {
        *weight = (*weight - max).exp();
        sum += *weight;
    }
    for weight in weights {
        *weight /= sum;
    }
}

/// SiLU of the first half of every row, times the second half.
fn gate(rows: &[f32], hidden: usize) -> Vec<f32> {
    let gated = rows.chunks(2 * hidden).flat_map(|row| {
        let (gate, through) = row.split_at(hidden);
        let pairs = gate.iter().zip(through);
        pairs.map(|(&x, &y)| x / (1.0 + (-x).exp()) * y)
    });
    gated.collect()
}

fn add(state: &mut [f32], change: &[f32]) {
    for (x, &y) in state.iter_mut().zip(change) {
        *x += y;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bits_of_a_row_do_not_depend_on_its_neighbours() {
        let number = |i: usize| ((i * 2_654_435_761) % 10_007) as f32 / 5003.5 - 1.0;
        for (from, to) in [(576, 960), (1536, 576), (576, 1000)] {
            let weights: Vec<f32> = (0..from * to).map(number).collect();
            let weights = Tensor::from_vec(weights, (to, from), &Device::Cpu).unwrap();
            let matrix = Matrix::new(&weights).unwrap();
            let rows: Vec<f32> = (0..97 * from).map(|i| number(i + 5)).collect();
            let alone: Vec<Vec<f32>> = rows
                .chunks(from)
                .map(|row| matrix.apply(row, 1).unwrap())
                .collect();
            for count in [2, 5, 8, 9, 16, 33, 64, 97] {
                let together = matrix.apply(&rows[..count * from], count).unwrap();
                for (row, together) in together.chunks(to).enumerate() {
                    assert!(alone[row] == together, "{from} {to}: row {row} of {count}");
                }
            }
        }
    }
}
