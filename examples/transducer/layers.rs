//! The layers of the network, on one frame or token at a time.

use std::error::Error;

use crate::archive::Archive;

/// A product with a matrix, and a bias.
pub(crate) struct Linear {
    /// The input dimension is outermost, so that a product runs along memory.
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// The weights `[outputs, inputs]` of that name and their bias; no bias is a bias of 0.
    pub(crate) fn load(
        archive: &mut Archive,
        weights: &str,
        bias: Option<&str>,
    ) -> Result<Self, Box<dyn Error>> {
        let (values, shape) = archive.weights(weights)?;
        let &[outputs, inputs] = shape.as_slice() else {
            return Err(format!("the array {weights:?} is no matrix").into());
        };
        let columns = (0..inputs).flat_map(|i| values[i..].iter().step_by(inputs));
        let bias = match bias {
            Some(name) => archive.weights(name)?.0,
            None => vec![0.0; outputs],
        };
        if bias.len() != outputs {
            return Err(format!("the bias of {weights:?} has another length").into());
        }
        Ok(Linear {
            weights: columns.copied().collect(),
            bias,
        })
    }

    pub(crate) fn inputs(&self) -> usize {
        self.weights.len() / self.bias.len()
    }

    pub(crate) fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Writes the product with `input` plus the bias into `output`.
    pub(crate) fn apply(&self, input: &[f32], output: &mut [f32]) {
        output.copy_from_slice(&self.bias);
        let columns = self.weights.chunks_exact(self.outputs());
        for (x, column) in input.iter().zip(columns) {
            for (sum, weight) in output.iter_mut().zip(column) {
                *sum += x * weight;
            }
        }
    }
}

/// A convolution of width 4 and stride 2 with ReLU. Frame t reads the frames 2t - 2 to 2t + 1;
/// those before the first are 0.
pub(crate) struct Halving(Linear);

impl Halving {
    pub(crate) fn load(archive: &mut Archive, name: &str) -> Result<Self, Box<dyn Error>> {
        let (weights, bias) = (
            format!("{name}.linear.weight"),
            format!("{name}.linear.bias"),
        );
        Ok(Halving(Linear::load(archive, &weights, Some(&bias))?))
    }

    pub(crate) fn outputs(&self) -> usize {
        self.0.outputs()
    }

    /// The output frames of all input frames, flat. A last frame without a partner is dropped.
    pub(crate) fn apply(&self, frames: &[f32]) -> Vec<f32> {
        let pair = self.0.inputs() / 2;
        let mut padded = vec![0.0; pair];
        padded.extend_from_slice(&frames[..frames.len() / pair * pair]);
        let windows = (0..frames.len() / pair).map(|t| &padded[t * pair..(t + 2) * pair]);
        let mut output = vec![0.0; windows.len() * self.outputs()];
        for (window, output) in windows.zip(output.chunks_exact_mut(self.outputs())) {
            self.0.apply(window, output);
            output.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        output
    }
}

/// A layer of gated recurrent units.
pub(crate) struct Gru {
    from_input: Linear,
    from_hidden: Linear,
}

impl Gru {
    pub(crate) fn load(
        archive: &mut Archive,
        name: &str,
        layer: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let mut part = |part: &str| {
            let weights = format!("{name}.weight_{part}_l{layer}");
            let bias = format!("{name}.bias_{part}_l{layer}");
            Linear::load(archive, &weights, Some(&bias))
        };
        Ok(Gru {
            from_input: part("ih")?,
            from_hidden: part("hh")?,
        })
    }

    pub(crate) fn units(&self) -> usize {
        self.from_hidden.inputs()
    }

    /// One step: reads an input and changes the state.
    pub(crate) fn step(&self, input: &[f32], state: &mut [f32]) {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let units = self.units();
        let mut from_input = vec![0.0; 3 * units];
        let mut from_hidden = vec![0.0; 3 * units];
        self.from_input.apply(input, &mut from_input);
        self.from_hidden.apply(state, &mut from_hidden);
        for (i, state) in state.iter_mut().enumerate() {
            let (reset, update, new) = (i, units + i, 2 * units + i);
            let reset = sigmoid(from_input[reset] + from_hidden[reset]);
            let update = sigmoid(from_input[update] + from_hidden[update]);
            let new = (from_input[new] + reset * from_hidden[new]).tanh();
            *state = (1.0 - update) * new + update * *state;
        }
    }
}
