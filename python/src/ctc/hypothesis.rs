//! The hypotheses of a CTC search.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyList;
use widebeam::ctc::{CtcNBest, OwnedCtcHypothesis};

use crate::array::Framework;
use crate::scorers::{self, Read, Reader, Reading, WordParts};

/// A labelling, and the logarithm of the mass of its alignments.
///
/// It is a view of the results of its search, which live as long as one of their hypotheses.
#[pyclass(frozen, module = "widebeam")]
pub(crate) struct CtcHypothesis {
    held: Held,
    reading: Reading,
    framework: Framework,
}

enum Held {
    Found {
        nbest: Arc<CtcNBest>,
        item: usize,
        rank: usize,
    },
    /// Of a stream, or back from a pickle.
    Alone(Box<Parts<Vec<u32>>>),
}

struct Parts<T> {
    tokens: T,
    frames: T,
    last_frames: T,
    scores: Scores,
}

/// Score, log mass, score of the best alignment, score of the scorer.
type Scores = [f64; 4];

impl From<OwnedCtcHypothesis> for Parts<Vec<u32>> {
    fn from(owned: OwnedCtcHypothesis) -> Self {
        Parts {
            tokens: owned.tokens,
            frames: owned.frames,
            last_frames: owned.last_frames,
            scores: [
                owned.score,
                owned.log_mass,
                owned.alignment_score,
                owned.scorer_score,
            ],
        }
    }
}

impl CtcHypothesis {
    /// That of a rank that the item has.
    pub(super) fn found(
        nbest: Arc<CtcNBest>,
        [item, rank]: [usize; 2],
        reader: Option<Arc<Reader>>,
        framework: Framework,
    ) -> Self {
        CtcHypothesis {
            held: Held::Found { nbest, item, rank },
            reading: reader.into(),
            framework,
        }
    }

    pub(super) fn alone(
        owned: OwnedCtcHypothesis,
        reader: Option<Arc<Reader>>,
        framework: Framework,
    ) -> Self {
        CtcHypothesis {
            held: Held::Alone(Box::new(owned.into())),
            reading: reader.into(),
            framework,
        }
    }

    fn parts(&self) -> Parts<&[u32]> {
        match &self.held {
            Held::Alone(parts) => Parts {
                tokens: &parts.tokens,
                frames: &parts.frames,
                last_frames: &parts.last_frames,
                scores: parts.scores,
            },
            Held::Found { nbest, item, rank } => {
                let found = nbest.item(*item).ok().and_then(|mut all| all.nth(*rank));
                let nothing = Parts {
                    tokens: &[][..],
                    frames: &[][..],
                    last_frames: &[][..],
                    scores: [f64::NEG_INFINITY; 4],
                };
                found.map_or(nothing, |found| Parts {
                    tokens: found.tokens,
                    frames: found.frames,
                    last_frames: found.last_frames,
                    scores: [
                        found.score,
                        found.log_mass,
                        found.alignment_score,
                        found.scorer_score,
                    ],
                })
            }
        }
    }

    fn read_text(&self, py: Python<'_>) -> PyResult<String> {
        self.reading.text(py, self.parts().tokens)
    }

    fn read_words(&self, py: Python<'_>) -> PyResult<Vec<WordParts>> {
        let parts = self.parts();
        self.reading.words(py, parts.tokens, |tokens| {
            let first = parts.frames.get(tokens.start)?;
            let last = parts.last_frames.get(tokens.end.checked_sub(1)?)?;
            Some((*first, *last))
        })
    }
}

/// What makes one again, and from which parts.
type Reduced<'py> = (Bound<'py, PyAny>, Restored);

/// Tokens, frames, last frames, scores, text and words, whether arrays are torch's.
type Restored = ([Vec<u32>; 3], Scores, Option<Read>, bool);

#[pymethods]
impl CtcHypothesis {
    /// The token ids, first to last, without blanks: int64, of shape `[tokens]`.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, self.parts().tokens)
    }

    /// The frame at which the best alignment enters each token: int64, of shape `[tokens]`.
    #[getter]
    fn frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, self.parts().frames)
    }

    /// The last frame of each token in the best alignment: int64, of shape `[tokens]`.
    #[getter]
    fn last_frames<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, self.parts().last_frames)
    }

    /// What it is ranked by: `log_mass` and `scorer_score`.
    #[getter]
    fn score(&self) -> f64 {
        self.parts().scores[0]
    }

    /// The natural logarithm of the mass of its alignments that was found under the beam.
    #[getter]
    fn log_mass(&self) -> f64 {
        self.parts().scores[1]
    }

    /// The natural logarithm of the probability of its best single alignment.
    #[getter]
    fn alignment_score(&self) -> f64 {
        self.parts().scores[2]
    }

    /// What language model, hotwords and lexicon add; 0 without any.
    #[getter]
    fn scorer_score(&self) -> f64 {
        self.parts().scores[3]
    }

    /// The text that the labels spell. Raises `widebeam.Error` if the decoder has none.
    #[getter]
    fn text(&self, py: Python<'_>) -> PyResult<String> {
        self.read_text(py)
    }

    /// The words of the text: each a `Word` of its text, and its first and last frame. Raises
    /// `widebeam.Error` if the decoder has no labels.
    #[getter]
    fn words<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        scorers::listed(py, self.read_words(py)?)
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let parts = self.parts();
        let score = parts.scores[0];
        match self.read_text(py) {
            Ok(text) => format!("CtcHypothesis(text={text:?}, score={score:?})"),
            Err(_) => format!("CtcHypothesis(tokens={:?}, score={score:?})", parts.tokens),
        }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, this) = (slf.py(), slf.get());
        let parts = this.parts();
        let read = match this.reading.has_text() {
            true => Some((this.read_text(py)?, this.read_words(py)?)),
            false => None,
        };
        let numbers = [parts.tokens, parts.frames, parts.last_frames].map(<[u32]>::to_vec);
        let torch = this.framework == Framework::Torch;
        let make = slf.get_type().getattr("_restore")?;
        Ok((make, (numbers, parts.scores, read, torch)))
    }

    /// One with these parts, as pickles have them.
    #[staticmethod]
    fn _restore(numbers: [Vec<u32>; 3], scores: Scores, read: Option<Read>, torch: bool) -> Self {
        let [tokens, frames, last_frames] = numbers;
        CtcHypothesis {
            held: Held::Alone(Box::new(Parts {
                tokens,
                frames,
                last_frames,
                scores,
            })),
            reading: read.into(),
            framework: Framework::restored(torch),
        }
    }
}
