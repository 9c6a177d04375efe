//! What is measured.

use widebeam::{CancellationToken, Error};

use super::{autoregressive, ctc, independent, stream, transducer};

/// A call that begins anew, with a token or without.
pub(super) type Call<'a> = dyn FnMut(Option<CancellationToken>) -> Result<(), Error> + Send + 'a;

/// What is done with each call and its name.
pub(super) type Visit<'a> = dyn FnMut(&str, &mut Call<'_>) + 'a;

/// All cases, or those whose name has the word in the environment's `CANCELLED_CASES`.
pub(super) fn each_case(mut visit: impl FnMut(&str, &mut Call<'_>)) {
    let wanted = std::env::var("CANCELLED_CASES").unwrap_or_default();
    let mut visit = |name: &str, call: &mut Call<'_>| {
        if name.contains(&wanted) {
            visit(name, call);
        }
    };
    let visit: &mut Visit<'_> = &mut visit;
    independent::each(visit);
    ctc::each(visit);
    stream::each(visit);
    autoregressive::each(visit);
    transducer::each(visit);
}
