//! The compiled half of the Python package `widebeam`: it hands arrays to the library and
//! results back, and has no search of its own. What it offers is documented in the package.

mod array;
mod autoregressive;
mod ctc;
mod error;
mod exclusive;
mod failure;
mod hypothesis;
mod idle;
mod independent;
mod ngram_model;
mod padded;
mod pool;
mod refused;
mod request_id;
mod scorers;
mod scores;
mod settings;
mod tool;
mod top_k;
mod transducer;
mod warning;
mod work;

use pyo3::prelude::*;

/// The compiled half of `widebeam`. Nobody has tried it without the GIL, which PyO3 can do without
/// from Python 3.14 on; `pool` says what it needs it for.
#[pymodule(gil_used = true)]
mod _widebeam {
    use super::*;

    #[pymodule_export]
    use super::autoregressive::{AutoregressiveCore, Completion, Feed, Outcome, Rules};
    #[pymodule_export]
    use super::ctc::{CtcCore, CtcHypothesis, CtcStream};
    #[pymodule_export]
    use super::hypothesis::Hypothesis;
    #[pymodule_export]
    use super::independent::{IndependentSearch, beam_search};
    #[pymodule_export]
    use super::ngram_model::NgramModel;
    #[pymodule_export]
    use super::pool::{_before_fork, get_num_threads, set_num_threads};
    #[pymodule_export]
    use super::request_id::RequestId;
    #[pymodule_export]
    use super::tool::_tool;
    #[pymodule_export]
    use super::top_k::{log_softmax_top_k, top_k};
    #[pymodule_export]
    use super::transducer::{TransducerCore, TransducerFeed, TransducerHypothesis};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let py = module.py();
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        let os = py.import("os")?;
        // Systems without fork have nothing to register for.
        if os.hasattr("register_at_fork")? {
            let options = pyo3::types::PyDict::new(py);
            options.set_item("before", module.getattr("_before_fork")?)?;
            os.call_method("register_at_fork", (), Some(&options))?;
        }
        Ok(())
    }
}
