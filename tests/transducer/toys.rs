//! What the tests of the engine alone search with, and in.

use widebeam::transducer::{Blank, Topology, TransducerSearch};

use crate::random::Random;

pub(crate) const NO: f32 = f32::NEG_INFINITY;

pub(crate) const VOCAB: usize = 90;

pub(crate) fn topologies() -> [Topology; 3] {
    [
        Topology::Standard { max_symbols: 3 },
        Topology::OneSymbol,
        tdt(&[0, 1, 2, 4]),
    ]
}

pub(crate) fn tdt(durations: &[u32]) -> Topology {
    Topology::Tdt {
        durations: durations.to_vec(),
        max_symbols: 3,
    }
}

pub(crate) fn search(vocab: usize, beams: usize, topology: &Topology) -> TransducerSearch {
    let search = TransducerSearch::new(vocab, Blank(0), beams).unwrap();
    search.with_topology(topology.clone()).unwrap()
}

/// A model with state: any scores, from a hash of the utterance, the frame and the last two
/// tokens.
#[derive(Clone, Copy)]
pub(crate) struct Toy {
    pub(crate) utterance: u64,
    pub(crate) columns: usize,
    /// How far scores lie apart.
    pub(crate) spread: f32,
}

impl Toy {
    pub(crate) fn row(&self, frame: usize, prefix: &[u32]) -> Vec<f32> {
        let recent = &prefix[prefix.len().saturating_sub(2)..];
        let seed = recent.iter().fold(
            self.utterance * 1_000_003 + frame as u64 * 7919 + 1,
            |seed, &token| seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(token + 1),
        );
        let mut random = Random::new(seed | 1);
        for _ in 0..4 {
            random.bits();
        }
        (0..self.columns)
            .map(|_| self.spread * random.unit())
            .collect()
    }
}

/// The model of an utterance.
pub(crate) fn toy(search: &TransducerSearch, utterance: u64) -> Toy {
    Toy {
        utterance,
        columns: search.columns(),
        spread: 9.0,
    }
}
