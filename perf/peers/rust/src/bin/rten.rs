//! `rten::ctc`, the decoder behind ocrs.

use rten::ctc::{CtcDecoder, CtcHypothesis};
use rten_tensor::{AsView, NdTensor, NdTensorView};
use widebeam_peers::{Case, Hypothesis, Program, Result, serve};

fn main() -> Result<()> {
    let case = Case::from_arguments()?;
    let scores = NdTensor::from_data(case.shape::<2>()?, case.log_probs());
    let search = Search {
        scores: scores.view(),
        beams: case.beams.try_into()?,
        found: Vec::new(),
    };
    serve(vec![Box::new(search)])
}

struct Search<'a> {
    scores: NdTensorView<'a, f32, 2>,
    beams: u32,
    found: Vec<CtcHypothesis>,
}

impl Program for Search<'_> {
    fn name(&self) -> String {
        "rten".into()
    }

    fn differs(&self) -> &'static str {
        "sums in f32"
    }

    fn search(&mut self) -> Result<()> {
        self.found = CtcDecoder::new().decode_beam_nbest(self.scores, self.beams, self.beams);
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let tokens = |found: &CtcHypothesis| found.steps().iter().map(|s| s.label).collect();
        let found = self.found.iter();
        Ok(vec![
            found
                .map(|h| Hypothesis(tokens(h), Some(h.score().into())))
                .collect(),
        ])
    }
}
