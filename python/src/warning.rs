//! What is said of input that is no error.

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;

/// Says something as a UserWarning, which a user may have turned into an exception.
pub(crate) fn say(py: Python<'_>, said: &str) -> PyResult<()> {
    let category = py.get_type::<PyUserWarning>();
    py.import("warnings")?
        .call_method1("warn", (said, category))?;
    Ok(())
}
