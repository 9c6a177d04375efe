//! `widebeam decode`: files of scores in, n-best lists out.

use std::path::Path;
use std::process::ExitCode;

use widebeam::{CtcNBest, Error, IndependentSearch, Level, NBest, ScoresView};

use crate::args::{Decode, Format, Search, Task};
use crate::failure::Failure;
use crate::inputs::Inputs;
use crate::labels::Labels;
use crate::load::{self, Input, Reading, STDIN};
use crate::output::Output;
use crate::{ctc, memory, printable};

/// Bytes of scores decoded in one call: enough to keep every thread busy,
/// little enough that a progress bar moves.
const GROUP_BYTES: usize = 64 << 20;

/// Bytes that the search of one call may need, unless it is of one item.
const GROUP_MEMORY: usize = 1 << 30;

/// The hypotheses of one item, best first.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) item: usize,
    pub(crate) hypotheses: Vec<Hypothesis>,
}

#[derive(Debug)]
pub(crate) struct Hypothesis {
    pub(crate) score: f64,
    pub(crate) tokens: Vec<u32>,
    /// Of a CTC search.
    pub(crate) alignment: Option<Alignment>,
}

/// The best single alignment of a hypothesis.
#[derive(Debug)]
pub(crate) struct Alignment {
    pub(crate) score: f64,
    /// The frame at which each token begins.
    pub(crate) frames: Vec<u32>,
}

/// Does a task. Nothing is in its place before it is complete, so that an error
/// leaves nothing half-written.
pub(crate) fn run(task: &Task<'_>, options: &Decode) -> Result<ExitCode, Failure> {
    check(task)?;
    let labels = task.labels.map(|path| Labels::open(path)).transpose()?;
    let mut output = Output::prepare(task, labels.as_ref())?;
    let mut decoder = match (task.search, task.ctc.blank) {
        (Search::Ctc, Some(blank)) => {
            let (beams, level) = (task.beams, options.level);
            let search = ctc::Search::new(beams, blank, level, task.ctc, labels.as_ref())?;
            Decoder::ctc(search, task.nbest)
        }
        _ => Decoder::independent(task.beams, task.nbest, options.level)?,
    };
    let lengths = task.lengths.map(|path| load::lengths(path)).transpose()?;

    let reading = Reading {
        array: task.array,
        map: task.map,
    };
    let mut inputs = Inputs::new(task.inputs, task.keep_going);
    while let Some(path) = inputs.begin_next() {
        let mut decode = || {
            let input = Input::open(path, reading)?;
            if input.rounded {
                inputs.note(path, "float64 scores are rounded to float32");
            }
            let about = |failure: Failure| failure.about(printable::path(path));
            let view = input.tensor.view(task.kind);
            let scores = match lengths.as_ref().or(input.lengths.as_ref()) {
                Some(lengths) => view.and_then(|view| view.with_lengths(lengths)),
                None => view,
            };
            let scores = scores.map_err(|error| about(error.into()))?;
            if let Some(labels) = &labels {
                labels.require(scores.vocab()).map_err(about)?;
            }
            let answers = decoder.decode(&scores, |done| inputs.advance(done, scores.batch()));
            answers.map_err(about)
        };
        let decoded = decode();
        if let Some(answers) = inputs.settle(decoded)? {
            output.add(path, &answers)?;
        }
    }
    inputs.finish(|| output.finish())
}

/// What the parser of the arguments cannot check.
fn check(task: &Task<'_>) -> Result<(), Failure> {
    let (nbest, beams) = (task.nbest, task.beams);
    // A beam of nothing is for the search to refuse.
    if nbest > beams && beams > 0 {
        return Err(Failure::Input(format!(
            "--nbest {nbest} is more than the --beams {beams} that are searched"
        )));
    }
    if nbest == 0 {
        return Err(Failure::input(
            "--nbest 0 writes nothing; at least 1 is needed",
        ));
    }
    let inputs = task.inputs.len();
    if task.search != Search::Ctc && task.ctc.blank.is_some() {
        return Err(Failure::input("--blank is for --search ctc"));
    }
    if inputs > 1 && task.format == Format::Npz && task.output_dir.is_none() {
        return Err(Failure::Input(format!(
            "--format npz to one output is for one input, {inputs} are given; \
             --output-dir makes a file for each, and jsonl says where each item is from"
        )));
    }
    let stdin = task.inputs.iter().filter(|&path| path == Path::new(STDIN));
    if stdin.count() > 1 {
        return Err(Failure::input(
            "standard input (-) can be read once, and is named more than once",
        ));
    }
    if inputs > 1 && task.lengths.is_some() {
        return Err(Failure::Input(format!(
            "--lengths is for one input, {inputs} are given; a .npz file can hold its own"
        )));
    }
    Ok(())
}

/// A search and what is kept of its results.
pub(crate) struct Decoder {
    search: AnySearch,
    keep: usize,
}

enum AnySearch {
    Independent(IndependentSearch, NBest),
    Ctc(ctc::Search, CtcNBest),
}

impl Decoder {
    /// An independent search with a beam of width `beams`, of whose hypotheses
    /// `keep` are kept.
    pub(crate) fn independent(
        beams: usize,
        keep: usize,
        level: Option<Level>,
    ) -> Result<Self, Error> {
        let search = IndependentSearch::new(beams)?;
        let search = match level {
            Some(level) => search.with_level(level)?,
            None => search,
        };
        Ok(Decoder {
            search: AnySearch::Independent(search, NBest::new()),
            keep,
        })
    }

    /// A CTC search, of whose hypotheses `keep` are kept.
    pub(crate) fn ctc(search: ctc::Search, keep: usize) -> Self {
        Decoder {
            search: AnySearch::Ctc(search, CtcNBest::new()),
            keep,
        }
    }

    /// Decodes every item, and tells `progress` how many are done.
    pub(crate) fn decode(
        &mut self,
        scores: &ScoresView<'_>,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Answer>, Failure> {
        let batch = scores.batch();
        // Items of average size: what a group holds need not be exact.
        let item_bytes = (scores.bytes() / batch.max(1)).max(1);
        let most = (GROUP_BYTES / item_bytes).max(1);
        let mut answers = Vec::new();
        while answers.len() < batch {
            let start = answers.len();
            let mut count = most.min(batch - start);
            let mut part = scores.items(start..start + count);
            while count > 1 && self.search.bytes_needed(&part) > GROUP_MEMORY {
                count /= 2;
                part = scores.items(start..start + count);
            }
            memory::require(self.search.bytes_needed(&part), "the search")
                .map_err(|failure| failure.about(format_args!("item {start}")))?;
            let items = self.search.decode(&part, self.keep)?;
            answers.extend(
                items
                    .into_iter()
                    .enumerate()
                    .map(|(at, hypotheses)| Answer {
                        item: start + at,
                        hypotheses,
                    }),
            );
            progress(answers.len());
        }
        Ok(answers)
    }
}

impl AnySearch {
    fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        match self {
            AnySearch::Independent(search, _) => search.bytes_needed(scores),
            AnySearch::Ctc(search, _) => search.bytes_needed(scores),
        }
    }

    /// The best `keep` hypotheses of each item.
    fn decode(
        &mut self,
        scores: &ScoresView<'_>,
        keep: usize,
    ) -> Result<Vec<Vec<Hypothesis>>, Error> {
        match self {
            AnySearch::Independent(search, nbest) => {
                search.decode_into(scores, nbest)?;
                let items = nbest.iter().map(|item| {
                    let kept = item.take(keep).map(|hypothesis| Hypothesis {
                        score: hypothesis.score,
                        tokens: hypothesis.tokens.to_vec(),
                        alignment: None,
                    });
                    kept.collect()
                });
                Ok(items.collect())
            }
            AnySearch::Ctc(search, nbest) => {
                search.decode_into(scores, nbest)?;
                let items = nbest.iter().map(|item| {
                    let kept = item.take(keep).map(|hypothesis| Hypothesis {
                        score: hypothesis.score,
                        tokens: hypothesis.tokens.to_vec(),
                        alignment: Some(Alignment {
                            score: hypothesis.alignment_score,
                            frames: hypothesis.frames.to_vec(),
                        }),
                    });
                    kept.collect()
                });
                Ok(items.collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use widebeam::Layout;

    /// Scores are decoded in groups of a size, so that a bar moves, and items are
    /// numbered through.
    #[test]
    fn a_batch_is_decoded_in_groups() {
        // One row of scores, seen as many: an item has 16 MiB of it.
        let vocab = 1 << 14;
        let row: Vec<f32> = (0..vocab).map(|i| (i % 101) as f32 / 101.0).collect();
        for (batch, groups) in [
            (0, &[][..]),
            (1, &[1]),
            (4, &[4]),
            (5, &[4, 5]),
            (9, &[4, 8, 9]),
        ] {
            let layout = Layout::strided([batch, 256, vocab], [0, 0]);
            let view = ScoresView::probabilities(&row, layout).unwrap();
            let mut decoder = Decoder::independent(2, 1, None).unwrap();
            let mut progress = Vec::new();
            let answers = decoder.decode(&view, |done| progress.push(done));
            let answers = answers.unwrap_or_else(|failure| panic!("{failure:?}"));
            assert_eq!(progress, groups);
            assert!(answers.iter().map(|answer| answer.item).eq(0..batch));
            for answer in &answers {
                assert_eq!(answer.hypotheses.len(), 1);
                assert_eq!(answer.hypotheses[0].tokens, [100; 256]);
            }
        }
    }

    #[test]
    fn as_many_hypotheses_are_kept_as_asked_for() {
        let row = [0.5f32, 0.25, 0.125, 0.125];
        let view = ScoresView::probabilities(&row, [1, 4]).unwrap();
        for keep in 1..=4 {
            let search = ctc::Search::plain(4, 3, None).unwrap();
            let decoders = [
                Decoder::independent(4, keep, None).unwrap(),
                Decoder::ctc(search, keep),
            ];
            for (at, mut decoder) in decoders.into_iter().enumerate() {
                let Ok(answers) = decoder.decode(&view, |_| ()) else {
                    panic!("{keep}")
                };
                let hypotheses = &answers[0].hypotheses;
                assert_eq!(hypotheses.len(), keep);
                let first = &hypotheses[0];
                assert_eq!((&first.tokens[..], first.score), (&[0][..], 0.5f64.ln()));
                assert_eq!(first.alignment.is_some(), at == 1);
                if let Some(alignment) = &first.alignment {
                    assert_eq!(alignment.frames, [0]);
                    assert_eq!(alignment.score, 0.5f64.ln());
                }
            }
        }
    }
}
