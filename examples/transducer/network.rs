//! The transducer: encoder, predictor and joiner. `training/network.py` is the same in PyTorch.

use std::error::Error;
use std::path::Path;

use crate::archive::Archive;
use crate::layers::{Gru, Halving, Linear};

pub(crate) const BLANK: u32 = 0;
/// The energies of a frame of 12.5 ms.
pub(crate) const MELS: usize = 16;
/// The letters that number words have. Token 0 is the blank, token 1 the first of them.
const LETTERS: &str = " adefghilnorstuvwxyz";
pub(crate) const VOCABULARY: usize = 1 + LETTERS.len();

/// The label of each token; that of the blank is empty.
pub(crate) fn labels() -> Vec<&'static str> {
    // All letters are ASCII.
    let letters = (0..LETTERS.len()).map(|i| &LETTERS[i..i + 1]);
    [""].into_iter().chain(letters).collect()
}

pub(crate) struct Transducer {
    halvings: [Halving; 2],
    encoder: [Gru; 2],
    from_encoder: Linear,
    embedding: Vec<f32>,
    predictor: Gru,
    from_predictor: Linear,
    output: Linear,
}

/// The predictor's state after a prefix, and what of it the joiner reads.
#[derive(Clone, Default)]
pub(crate) struct Prefix {
    hidden: Vec<f32>,
    joined: Vec<f32>,
}

/// What of the encoder's output the joiner reads, frames of 50 ms.
pub(crate) struct Encoded {
    joined: Vec<f32>,
    width: usize,
}

impl Encoded {
    pub(crate) fn frames(&self) -> usize {
        self.joined.len() / self.width
    }

    fn frame(&self, frame: usize) -> &[f32] {
        &self.joined[frame * self.width..(frame + 1) * self.width]
    }
}

impl Transducer {
    pub(crate) fn load(path: &Path) -> Result<Self, Box<dyn Error>> {
        let archive = &mut Archive::open(path)?;
        let transducer = Transducer {
            halvings: [
                Halving::load(archive, "first")?,
                Halving::load(archive, "second")?,
            ],
            encoder: [
                Gru::load(archive, "encoder", 0)?,
                Gru::load(archive, "encoder", 1)?,
            ],
            from_encoder: Linear::load(archive, "from_encoder.weight", Some("from_encoder.bias"))?,
            embedding: archive.weights("embedding.weight")?.0,
            predictor: Gru::load(archive, "predictor", 0)?,
            from_predictor: Linear::load(archive, "from_predictor.weight", None)?,
            output: Linear::load(archive, "output.weight", Some("output.bias"))?,
        };
        match transducer.output.outputs() {
            VOCABULARY => Ok(transducer),
            other => Err(format!("the model has {other} tokens, not {VOCABULARY}").into()),
        }
    }

    /// The encoder, on all frames of an utterance: four at 12.5 ms become one.
    pub(crate) fn encode(&self, features: &[u8]) -> Encoded {
        let input: Vec<f32> = features
            .iter()
            .map(|&energy| (f32::from(energy) - 128.0) / 32.0)
            .collect();
        let [first, second] = &self.halvings;
        let width = second.outputs();
        let halved = second.apply(&first.apply(&input));
        let mut states = self.encoder.each_ref().map(|gru| vec![0.0; gru.units()]);
        let mut encoded = Encoded {
            joined: Vec::new(),
            width: self.from_encoder.outputs(),
        };
        for frame in halved.chunks_exact(width) {
            let [lower, upper] = &mut states;
            self.encoder[0].step(frame, lower);
            self.encoder[1].step(lower, upper);
            let start = encoded.joined.len();
            encoded.joined.resize(start + encoded.width, 0.0);
            self.from_encoder.apply(upper, &mut encoded.joined[start..]);
        }
        encoded
    }

    /// The predictor before the first token: it has read the blank.
    pub(crate) fn start(&self) -> Prefix {
        let hidden = vec![0.0; self.predictor.units()];
        let joined = vec![0.0; self.from_predictor.outputs()];
        self.read(Prefix { hidden, joined }, BLANK)
    }

    /// One step of the predictor: the prefix longer by a token.
    pub(crate) fn read(&self, mut prefix: Prefix, token: u32) -> Prefix {
        let width = self.embedding.len() / VOCABULARY;
        let start = token as usize * width;
        let embedding = &self.embedding[start..start + width];
        self.predictor.step(embedding, &mut prefix.hidden);
        self.from_predictor
            .apply(&prefix.hidden, &mut prefix.joined);
        prefix
    }

    /// The joiner: writes the logits of what comes after a prefix at a frame.
    pub(crate) fn join(
        &self,
        encoded: &Encoded,
        frame: usize,
        prefix: &Prefix,
        logits: &mut [f32],
    ) {
        let both = encoded.frame(frame).iter().zip(&prefix.joined);
        let joined: Vec<f32> = both.map(|(e, p)| (e + p).tanh()).collect();
        self.output.apply(&joined, logits);
    }
}
