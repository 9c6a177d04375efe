//! The autoregressive search against its reference: one request alone, at every
//! level.

use arbitrary::{Result, Unstructured};
use widebeam::Level;
use widebeam::reference::requests::alone_in_steps;
use widebeam_toy::any_request;

/// Tries one input.
pub fn run(data: &[u8]) {
    let _ = attempt(&mut Unstructured::new(data));
}

/// `Err` only where the input is too short to make a case of.
fn attempt(u: &mut Unstructured<'_>) -> Result<()> {
    let model = any_request::model(u)?;
    let spec = any_request::spec(u, &model)?;
    let expected = spec.expected_in_steps(&model);
    for level in Level::available() {
        assert_eq!(alone_in_steps(&spec, &model, level), expected, "{level}");
    }
    Ok(())
}
