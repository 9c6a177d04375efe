//! The published rules of other libraries.
//!
//! Each was read from the source that it names. Scores that tie exactly may
//! come in another order there: those libraries leave ties to their top-k.

use super::length_penalty::{CountedLength, LengthPenalty};
use super::rules::{AtMaximum, EndRank, PoolSize, Rules, WhenFull};
use super::stopping::{Leader, Stopping};

/// The `early_stopping` setting of Hugging Face transformers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum EarlyStopping {
    /// `False`: [`Stopping::Heuristic`].
    Heuristic,
    /// `True`: [`Stopping::FirstFinished`] with a patience of 1.
    FirstFinished,
    /// `"never"`: [`Stopping::Exhaustive`].
    Never,
}

impl EarlyStopping {
    fn rule(self, leader: Leader) -> Stopping {
        match self {
            EarlyStopping::Heuristic => Stopping::Heuristic { leader },
            EarlyStopping::FirstFinished => Stopping::FirstFinished { patience: 1.0 },
            EarlyStopping::Never => Stopping::Exhaustive,
        }
    }
}

/// The options of CTranslate2 that [`Rules::ctranslate2`] follows, by their names and
/// with their defaults there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CTranslate2Options {
    length_penalty: f64,
    patience: f64,
    num_hypotheses: usize,
}

impl CTranslate2Options {
    /// The exponent of the length penalty; 1 by default.
    #[must_use]
    pub fn with_length_penalty(mut self, alpha: f64) -> Self {
        self.length_penalty = alpha;
        self
    }

    /// How many hypotheses must finish, in multiples of the beams; 1 by default. It
    /// counts only if the length penalty is not 0.
    #[must_use]
    pub fn with_patience(mut self, patience: f64) -> Self {
        self.patience = patience;
        self
    }

    /// How many hypotheses must finish if the length penalty is 0; 1 by default.
    #[must_use]
    pub fn with_num_hypotheses(mut self, hypotheses: usize) -> Self {
        self.num_hypotheses = hypotheses;
        self
    }
}

impl Default for CTranslate2Options {
    fn default() -> Self {
        CTranslate2Options {
            length_penalty: 1.0,
            patience: 1.0,
            num_hypotheses: 1,
        }
    }
}

impl Rules {
    /// The default: `log p / length`, generated tokens counted with the end
    /// token, [`Stopping::Heuristic`] on the best live hypothesis.
    ///
    /// It is [`Rules::hugging_face`] at its defaults.
    #[must_use]
    pub fn plain() -> Rules {
        Rules {
            length_penalty: LengthPenalty::Power { alpha: 1.0 },
            counted: CountedLength::Generated,
            stopping: Stopping::Heuristic {
                leader: Leader::Live,
            },
            end_rank: EndRank::WithinBeam,
            when_full: WhenFull::ReplaceWorst,
            at_maximum: AtMaximum::Finish,
            pool_size: PoolSize::Beams,
        }
    }

    /// Hugging Face transformers from 4.50 through 5: `log p / length^alpha`,
    /// generated tokens counted with the end token.
    ///
    /// Its processors act after the log-softmax
    /// ([`Request::process_log_probabilities`]), and its forced tokens get a
    /// log-probability of 0 ([`ForcedScore::Certain`]). Our maximum length is
    /// its `max_new_tokens`. Source: `generation/utils.py`, `_beam_search`,
    /// 5.24.
    ///
    /// [`Request::process_log_probabilities`]: super::Request::process_log_probabilities
    /// [`ForcedScore::Certain`]: super::ForcedScore::Certain
    #[must_use]
    pub fn hugging_face(alpha: f64, early_stopping: EarlyStopping) -> Rules {
        Rules {
            length_penalty: LengthPenalty::Power { alpha },
            stopping: early_stopping.rule(Leader::Live),
            ..Rules::plain()
        }
    }

    /// The beam scorer of Hugging Face transformers up to 4.33: as
    /// [`Rules::hugging_face`], but a length counts the prompt and not the end
    /// token, the heuristic looks at the best candidate even where it has just
    /// ended, and a request that is done at the maximum length takes in no
    /// more.
    ///
    /// Its decoder prompt of an encoder-decoder is one start token; give that
    /// as the prompt. Source: `generation/beam_search.py`, `BeamSearchScorer`
    /// and `BeamHypotheses`, 4.33.
    #[must_use]
    pub fn hugging_face_scorer(alpha: f64, early_stopping: EarlyStopping) -> Rules {
        Rules {
            length_penalty: LengthPenalty::Power { alpha },
            counted: CountedLength::WithPrompt,
            stopping: early_stopping.rule(Leader::Any),
            at_maximum: AtMaximum::FinishUnlessDone,
            ..Rules::plain()
        }
    }

    /// fairseq: `log p / length^length_penalty`, generated tokens counted with
    /// the end token; the search is over when as many hypotheses have finished
    /// as there are beams, first come, first served; the last token is forced
    /// to be an end token.
    ///
    /// Our maximum length is its `max_len` + 1. Its processors act after the
    /// log-softmax; suppress its padding token there. Source:
    /// `sequence_generator.py`, `SequenceGenerator`.
    #[must_use]
    pub fn fairseq(length_penalty: f64) -> Rules {
        Rules {
            length_penalty: LengthPenalty::Power {
                alpha: length_penalty,
            },
            stopping: Stopping::FirstFinished { patience: 1.0 },
            when_full: WhenFull::Keep,
            at_maximum: AtMaximum::ForceEnd,
            ..Rules::plain()
        }
    }

    /// CTranslate2: `log p / length^length_penalty`, generated tokens counted
    /// with the end token. With a penalty of 0 the search is over when the best
    /// candidate of a step has ended and `num_hypotheses` have finished; else when
    /// `round(patience * beams)` have.
    ///
    /// Its processors act before the log-softmax
    /// ([`Request::process_logits`]), its repetition penalty on generated tokens
    /// alone: give no prompt. Its Whisper does not count the end token:
    /// [`CountedLength::WithoutEnd`]. With several end tokens it may carry an
    /// ended hypothesis on; that is not followed. Source: `src/decoding.cc`,
    /// `BeamSearch::search`, 4.8.
    ///
    /// [`Request::process_logits`]: super::Request::process_logits
    /// ```
    /// use widebeam::autoregressive::{CTranslate2Options, Rules};
    ///
    /// let rules = Rules::ctranslate2(CTranslate2Options::default().with_length_penalty(0.6));
    /// ```
    #[must_use]
    pub fn ctranslate2(options: CTranslate2Options) -> Rules {
        let CTranslate2Options {
            length_penalty: alpha,
            patience,
            num_hypotheses: hypotheses,
        } = options;
        Rules {
            length_penalty: LengthPenalty::Power { alpha },
            stopping: if alpha == 0.0 {
                Stopping::BestFinished { hypotheses }
            } else {
                Stopping::FirstFinished { patience }
            },
            ..Rules::plain()
        }
    }

    /// t5x, with the length penalty of GNMT: `log p / ((5 + length) / 6)^alpha`,
    /// generated tokens counted with the end token; every candidate that ends
    /// competes; the search is over when no live hypothesis can catch up;
    /// hypotheses cut by length come back only where none ended.
    ///
    /// Those that were cut have their penalised score here, their
    /// log-probability there. Source: `t5x/decoding.py`, `beam_search`.
    #[must_use]
    pub fn gnmt(alpha: f64) -> Rules {
        Rules {
            length_penalty: LengthPenalty::Gnmt { alpha },
            stopping: Stopping::Exhaustive,
            end_rank: EndRank::Any,
            at_maximum: AtMaximum::FinishIfNoneEnded,
            ..Rules::plain()
        }
    }

    /// OpenAI's Whisper: the mean log-probability of the tokens, or with an exponent
    /// `log p / ((5 + length) / 6)^length_penalty`, the end token not counted in either; a
    /// candidate that ends finishes if it is better than the last beam that goes on; the search
    /// is over when `round(patience * beams)` hypotheses have finished, first come, first
    /// served; if fewer have, the best live ones fill the pool up to the number of beams.
    ///
    /// Its log-probabilities are those of the model after `ApplyTimestampRules` and the
    /// suppressed tokens, before the log-softmax ([`Request::process_logits`]). Our maximum
    /// length is its `sample_len`. Source: `whisper/decoding.py`, `BeamSearchDecoder` and
    /// `MaximumLikelihoodRanker`, 20250625.
    ///
    /// [`Request::process_logits`]: super::Request::process_logits
    #[must_use]
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

    /// vLLM: `log p / length^length_penalty`, the prompt counted and the end token not; every
    /// step looks at the best 2k tokens of each row, all of which that end finish; the search
    /// goes on to the maximum length, and all that finished or are live then compete.
    ///
    /// Our maximum length is its `max_tokens`. It knows one end token; with several, where the best
    /// 2k tokens of a row all end, others go on here. Source: `vllm/beam_search.py` and
    /// `entrypoints/llm.py`, `beam_search`, 0.11.
    #[must_use]
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
}
