//! The hypotheses of an item, as the formats write them.

/// The hypotheses of one item, best first.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) item: usize,
    pub(crate) hypotheses: Vec<Hypothesis>,
}

#[derive(Debug)]
pub(crate) struct Hypothesis {
    pub(crate) score: f64,
    pub(crate) tokens: Vec<u32>,
    /// Of a CTC search.
    pub(crate) alignment: Option<Alignment>,
}

/// The best single alignment of a hypothesis.
#[derive(Debug)]
pub(crate) struct Alignment {
    pub(crate) score: f64,
    /// The frame at which each token begins.
    pub(crate) frames: Vec<u32>,
}
