//! What the numbers of a tensor are.

/// The log-probability of what is impossible.
pub(crate) const IMPOSSIBLE: f64 = f64::NEG_INFINITY;

/// What the numbers of a tensor are. It is always said, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum ScoreKind {
    /// Probabilities: 0 is impossible; rows are used as they are, whatever
    /// their sum.
    Probabilities,
    /// Natural logarithms of probabilities: `-inf` is impossible.
    LogProbabilities,
    /// Unnormalised scores, normalised by log-softmax over the vocabulary as
    /// they are read: `-inf` is impossible.
    Logits,
}

impl ScoreKind {
    /// The largest value accepted as a probability, 1.001; the excess over 1 leaves
    /// room for a softmax that rounded upwards.
    pub const MAX_PROBABILITY: f32 = 1.001;
    /// The largest value accepted as a log-probability, 0.001.
    pub const MAX_LOG_PROBABILITY: f32 = 0.001;

    /// Whether `value` may stand in a tensor of this kind. NaN never may.
    pub fn accepts(self, value: f32) -> bool {
        match self {
            ScoreKind::Probabilities => (0.0..=Self::MAX_PROBABILITY).contains(&value),
            ScoreKind::LogProbabilities => value <= Self::MAX_LOG_PROBABILITY,
            ScoreKind::Logits => value < f32::INFINITY,
        }
    }

    /// The value of this kind that marks a token as impossible.
    pub(crate) fn impossible(self) -> f32 {
        match self {
            ScoreKind::Probabilities => 0.0,
            ScoreKind::LogProbabilities | ScoreKind::Logits => f32::NEG_INFINITY,
        }
    }

    /// The least value of this kind that a possible token can have.
    pub(crate) fn least_possible(self) -> f32 {
        self.impossible().next_up()
    }
}
