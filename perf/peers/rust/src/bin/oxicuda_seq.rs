//! `oxicuda-seq`: its CTC prefix search, and its generic beam search given the
//! same row at every prefix.

use oxicuda_seq::beam::{BeamConfig, BeamSearch};
use oxicuda_seq::ctc::ctc_decode::{CtcHypothesis, ctc_prefix_beam_search};
use widebeam_peers::{Case, Hypothesis, Program, Result, serve};

/// Either search copies a prefix for each of its extensions. Seconds for so many.
const EXTENSIONS: usize = 20_000_000;

fn main() -> Result<()> {
    let case = Case::from_arguments()?;
    match &case.task[..] {
        "independent" => serve(vec![Box::new(Independent {
            case: &case,
            found: Vec::new(),
        })]),
        _ => {
            let scores = case.log_probs().into_iter().map(f64::from).collect();
            serve(vec![Box::new(Ctc {
                case: &case,
                scores,
                found: Vec::new(),
            })])
        }
    }
}

fn too_many(case: &Case) -> Option<String> {
    let extensions = case.scores.len().saturating_mul(case.beams);
    (extensions > EXTENSIONS)
        .then(|| format!("it would copy {} million prefixes", extensions / 1_000_000))
}

struct Ctc<'a> {
    case: &'a Case,
    scores: Vec<f64>,
    found: Vec<CtcHypothesis>,
}

impl Program for Ctc<'_> {
    fn name(&self) -> String {
        "oxicuda-seq".into()
    }

    fn skipped(&self) -> Option<String> {
        too_many(self.case)
    }

    fn search(&mut self) -> Result<()> {
        let [frames, vocab] = self.case.shape()?;
        self.found = ctc_prefix_beam_search(&self.scores, frames, vocab, 0, self.case.beams)?;
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let tokens = |h: &CtcHypothesis| h.labels.iter().map(|&label| label as u32).collect();
        let found = self.found.iter();
        Ok(vec![
            found
                .map(|h| Hypothesis(tokens(h), Some(h.log_prob)))
                .collect(),
        ])
    }
}

struct Independent<'a> {
    case: &'a Case,
    found: Vec<(Vec<usize>, f64)>,
}

impl Program for Independent<'_> {
    fn name(&self) -> String {
        "oxicuda-seq".into()
    }

    fn differs(&self) -> &'static str {
        "the best sequence only"
    }

    fn skipped(&self) -> Option<String> {
        too_many(self.case)
    }

    fn search(&mut self) -> Result<()> {
        let [_, time, vocab] = self.case.shape()?;
        let config = BeamConfig {
            beam_width: self.case.beams,
            max_steps: time,
            length_alpha: 0.0,
            diversity: 0.0,
        };
        let search = BeamSearch::new(config)?;
        self.found.clear();
        for item in self.case.scores.chunks(time * vocab) {
            let logs = logarithms(&self.case.kind, item, vocab);
            // A path has the token that all start with, and one of each step.
            let row = |path: &[usize]| {
                let step = path.len() - 1;
                let row = &logs[step * vocab..][..vocab];
                row.iter().copied().enumerate().collect()
            };
            self.found.push(search.search(0, row, |_| false)?);
        }
        Ok(())
    }

    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>> {
        let tokens = |path: &[usize]| path[1..].iter().map(|&token| token as u32).collect();
        let found = self.found.iter();
        Ok(found
            .map(|(path, score)| vec![Hypothesis(tokens(path), Some(*score))])
            .collect())
    }
}

fn logarithms(kind: &str, scores: &[f32], vocab: usize) -> Vec<f64> {
    if kind == "probs" {
        return scores.iter().map(|&p| f64::from(p).ln()).collect();
    }
    let normalise = |row: &[f32]| {
        let sum: f64 = row.iter().map(|&x| f64::from(x).exp()).sum();
        let normaliser = sum.ln();
        row.iter()
            .map(move |&x| f64::from(x) - normaliser)
            .collect::<Vec<_>>()
    };
    scores.chunks(vocab).flat_map(normalise).collect()
}
