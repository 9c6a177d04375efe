//! The hypotheses of an independent search.

use std::sync::Arc;

use pyo3::prelude::*;
use widebeam::NBest;
use widebeam::independent::Hypothesis as View;

use crate::array::Framework;

/// What makes one again, and from which parts.
type Reduced<'py> = (Bound<'py, PyAny>, (Vec<u32>, f64, bool));

/// A sequence of tokens, and the logarithm of its probability.
///
/// It is a view of the results of its search, which live as long as one of their hypotheses.
#[pyclass(frozen, module = "widebeam", name = "Hypothesis")]
pub(crate) struct Hypothesis {
    held: Held,
    framework: Framework,
}

enum Held {
    Found {
        nbest: Arc<NBest>,
        item: usize,
        rank: usize,
    },
    /// Back from a pickle.
    Alone { tokens: Vec<u32>, score: f64 },
}

impl Hypothesis {
    /// That of a rank that the item has.
    pub(crate) fn new(nbest: Arc<NBest>, item: usize, rank: usize, framework: Framework) -> Self {
        Hypothesis {
            held: Held::Found { nbest, item, rank },
            framework,
        }
    }

    fn parts(&self) -> (&[u32], f64) {
        match &self.held {
            Held::Alone { tokens, score } => (tokens, *score),
            Held::Found { nbest, item, rank } => {
                let found = nbest.item(*item).ok().and_then(|mut all| all.nth(*rank));
                found.map_or(
                    (&[], f64::NEG_INFINITY),
                    |View { tokens, score, .. }| (tokens, score),
                )
            }
        }
    }
}

#[pymethods]
impl Hypothesis {
    /// The token ids, first to last: int64, of shape `[tokens]`.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.framework.tokens(py, self.parts().0)
    }

    /// The natural logarithm of the probability of the sequence.
    #[getter]
    fn score(&self) -> f64 {
        self.parts().1
    }

    fn __repr__(&self) -> String {
        let (tokens, score) = self.parts();
        format!("Hypothesis(tokens={tokens:?}, score={score:?})")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let make = slf.get_type().getattr("_restore")?;
        let Hypothesis { framework, .. } = slf.get();
        let (tokens, score) = slf.get().parts();
        let torch = *framework == Framework::Torch;
        Ok((make, (tokens.to_vec(), score, torch)))
    }

    /// One with these parts, as pickles have them.
    #[staticmethod]
    fn _restore(tokens: Vec<u32>, score: f64, torch: bool) -> Self {
        Hypothesis {
            held: Held::Alone { tokens, score },
            framework: Framework::restored(torch),
        }
    }
}
