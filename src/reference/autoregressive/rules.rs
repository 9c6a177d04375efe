//! The rules of a request as data: those that the engine has, and more.

use crate::autoregressive as engine;
use crate::autoregressive::{CountedLength, Leader, LengthPenalty, WhenFull};
use crate::kernels::power::power;

/// How hypotheses finish, are ranked, and end a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// What a log-probability is divided by.
    pub length_penalty: LengthPenalty,
    /// Which tokens a length counts.
    pub counted: CountedLength,
    /// When a request is done.
    pub stopping: Stopping,
    /// Which of the candidates that end finish.
    pub end_rank: EndRank,
    /// What a full pool does.
    pub when_full: WhenFull,
    /// What becomes of live hypotheses.
    pub at_maximum: AtMaximum,
    /// When a pool is full.
    pub pool_size: PoolSize,
}

/// When a request is done before its maximum length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stopping {
    /// The leader would not beat a full pool at the length that it has.
    Heuristic {
        /// Who is held against the pool.
        leader: Leader,
    },
    /// No live hypothesis can beat a full pool at any length.
    Exhaustive,
    /// `round(patience * beams)` hypotheses have finished, and at least one.
    FirstFinished {
        /// The factor.
        patience: f64,
    },
    /// The best candidate of a step has ended, and so many have finished.
    BestFinished {
        /// How many.
        hypotheses: usize,
    },
    /// Never.
    Never,
    /// The pool is full.
    PoolFull,
}

/// Which of the candidates that end finish, where a step keeps k.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum EndRank {
    /// Those of rank < k.
    WithinBeam,
    /// Those of rank < K.
    Any,
    /// Those that fewer than k candidates which go on are better than.
    BeforeLastBeam,
    /// Those among the best 2k tokens of their row.
    WithinRow,
}

/// What becomes of the hypotheses that are live at the maximum length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AtMaximum {
    /// They finish.
    Finish,
    /// They finish unless the stopping rule is met.
    FinishUnlessDone,
    /// They finish if nothing has ended.
    FinishIfNoneEnded,
    /// The last token is an end token.
    ForceEnd,
    /// However the search ends, they finish until the pool holds as many as there are beams.
    FillUp,
}

/// How many finished hypotheses a pool holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PoolSize {
    /// As many as beams, or as hypotheses wanted if these are more.
    Beams,
    /// `patience * beams`, rounded half to even, and at least one.
    Patience {
        /// The factor.
        patience: f64,
    },
    /// All.
    All,
}

impl Rules {
    /// OpenAI's Whisper (`whisper/decoding.py`: `BeamSearchDecoder`,
    /// `MaximumLikelihoodRanker`): without an exponent the mean, else GNMT's penalty.
    pub fn whisper(length_penalty: Option<f64>, patience: f64) -> Rules {
        Rules {
            length_penalty: match length_penalty {
                None => LengthPenalty::Power { alpha: 1.0 },
                Some(alpha) => LengthPenalty::Gnmt { alpha },
            },
            counted: CountedLength::WithoutEnd,
            stopping: Stopping::PoolFull,
            end_rank: EndRank::BeforeLastBeam,
            when_full: WhenFull::Keep,
            at_maximum: AtMaximum::FillUp,
            pool_size: PoolSize::Patience { patience },
        }
    }

    /// vLLM (`beam_search`): every step looks at the best 2k tokens of each row.
    pub fn vllm(length_penalty: f64) -> Rules {
        Rules {
            length_penalty: LengthPenalty::Power {
                alpha: length_penalty,
            },
            counted: CountedLength::WithPrompt,
            stopping: Stopping::Never,
            end_rank: EndRank::WithinRow,
            when_full: WhenFull::ReplaceWorst,
            at_maximum: AtMaximum::Finish,
            pool_size: PoolSize::All,
        }
    }

    /// The score of a hypothesis of so many generated tokens, of which the last `ending`
    /// are its ending.
    pub(super) fn penalised(
        &self,
        log_probability: f64,
        prompt: usize,
        generated: usize,
        ending: usize,
    ) -> f64 {
        let length = match self.counted {
            CountedLength::Generated => generated,
            CountedLength::WithoutEnd => generated - ending,
            CountedLength::WithPrompt => prompt + generated - ending,
        };
        let divisor = match self.length_penalty {
            LengthPenalty::None => 1.0,
            LengthPenalty::Power { alpha } => power(length.max(1) as f64, alpha),
            LengthPenalty::Gnmt { alpha } => power((5.0 + length as f64) / 6.0, alpha),
        };
        if divisor == 0.0 {
            f64::NEG_INFINITY
        } else {
            log_probability / divisor
        }
    }
}

impl From<engine::Rules> for Rules {
    fn from(rules: engine::Rules) -> Rules {
        Rules {
            length_penalty: rules.length_penalty(),
            counted: rules.counted(),
            stopping: match rules.stopping() {
                engine::Stopping::Heuristic { leader } => Stopping::Heuristic { leader },
                engine::Stopping::Exhaustive => Stopping::Exhaustive,
                engine::Stopping::FirstFinished { patience } => {
                    Stopping::FirstFinished { patience }
                }
                engine::Stopping::BestFinished { hypotheses } => {
                    Stopping::BestFinished { hypotheses }
                }
                engine::Stopping::Never => Stopping::Never,
                engine::Stopping::PoolFull => Stopping::PoolFull,
            },
            end_rank: match rules.end_rank() {
                engine::EndRank::WithinBeam => EndRank::WithinBeam,
                engine::EndRank::Any => EndRank::Any,
                engine::EndRank::BeforeLastBeam => EndRank::BeforeLastBeam,
                engine::EndRank::WithinRow => EndRank::WithinRow,
            },
            when_full: rules.when_full(),
            at_maximum: match rules.at_maximum() {
                engine::AtMaximum::Finish => AtMaximum::Finish,
                engine::AtMaximum::FinishUnlessDone => AtMaximum::FinishUnlessDone,
                engine::AtMaximum::FinishIfNoneEnded => AtMaximum::FinishIfNoneEnded,
                engine::AtMaximum::ForceEnd => AtMaximum::ForceEnd,
                engine::AtMaximum::FillUp => AtMaximum::FillUp,
            },
            pool_size: match rules.pool_size() {
                engine::PoolSize::Beams => PoolSize::Beams,
                engine::PoolSize::Patience { patience } => PoolSize::Patience { patience },
                engine::PoolSize::All => PoolSize::All,
            },
        }
    }
}
