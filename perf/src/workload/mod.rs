//! The four searches with something to do: what `bench`, `scaling` and `cargo bench`
//! measure.

mod autoregressive;
mod case;
mod comparison;
mod contract;
mod ctc;
mod dtype;
mod independent;
mod search;
mod shape;
mod steps;
mod transducer;
mod values;

pub use self::case::Case;
pub(crate) use self::case::kind_name;
pub use self::comparison::naive_share;
pub(crate) use self::comparison::{Comparison, compare};
pub(crate) use self::contract::wrong;
pub use self::contract::{Answer, Checked, Workload};
pub use self::dtype::Dtype;
pub use self::search::Search;
pub use self::shape::Shape;
pub use self::values::Values;

use self::autoregressive::Autoregressive;
use self::ctc::Ctc;
use self::independent::Independent;
use self::transducer::Transducer;
use crate::console::failure::Failure;

/// Makes the scores and the search of a case.
///
/// # Errors
///
/// If the search refuses the beam width or the level, or memory runs out.
pub fn prepare(case: Case) -> Result<Box<dyn Workload>, Failure> {
    Ok(match case.search {
        Search::Independent => Box::new(Independent::new(case)?),
        Search::Autoregressive => Box::new(Autoregressive::new(case)?),
        Search::Ctc => Box::new(Ctc::new(case)?),
        Search::Transducer => Box::new(Transducer::new(case)?),
    })
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use widebeam::ScoreKind;

    use super::*;

    #[test]
    fn every_search_agrees_with_its_reference_in_every_kind_and_type() {
        for &search in Search::value_variants() {
            for kind in [
                ScoreKind::Probabilities,
                ScoreKind::LogProbabilities,
                ScoreKind::Logits,
            ] {
                for dtype in [Dtype::F32, Dtype::F16, Dtype::Bf16] {
                    let case = Case {
                        search,
                        shape: Shape([2, 6, 30]),
                        beams: 4,
                        kind,
                        dtype,
                        level: None,
                    };
                    let mut workload = prepare(case).unwrap();
                    workload.run().unwrap();
                    let (found, checked) = workload.found().unwrap();
                    assert_eq!(checked.left_out(), None, "{case}");
                    assert_eq!(found.len(), 2, "{case}");
                    assert_eq!(found[0].len(), 4, "{case}");
                    assert_eq!(workload.bytes(), case.estimated_bytes(), "{case}");
                    assert_eq!(workload.part(1, 6).unwrap()[0], found[0], "{case}");
                    let expected = workload.reference(1, 3).unwrap();
                    assert_eq!(workload.part(1, 3).unwrap(), expected, "{case}");
                }
            }
        }
    }
}
