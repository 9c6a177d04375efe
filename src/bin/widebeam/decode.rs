//! `widebeam decode`: files of scores in, n-best lists out.

use widebeam::{CtcNBest, Error, IndependentSearch, Level, NBest, ScoresView};

use crate::args::{Decode, Format, Search, Task};
use crate::ctc;
use crate::failure::Failure;
use crate::labels::Labels;
use crate::load::{self, Input};
use crate::output::{self, Target};
use crate::progress::Progress;

/// Bytes of scores decoded in one call: enough to keep every thread busy,
/// little enough that a progress bar moves.
const GROUP_BYTES: usize = 64 << 20;

/// The hypotheses of one item of one file, best first.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) source: String,
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

/// Does a task. Nothing is written before everything is decoded, so that an
/// error leaves nothing half-written.
pub(crate) fn run(task: &Task<'_>, options: &Decode) -> Result<(), Failure> {
    check(task)?;
    let target = Target::prepare(task.output.map(|path| path.as_path()), task.format)?;
    let labels = task.labels.map(|path| Labels::open(path)).transpose()?;
    let mut decoder = match (task.search, task.ctc.blank) {
        (Search::Ctc, Some(blank)) => {
            let (beams, level) = (task.beams, options.level);
            let search = ctc::Search::new(beams, blank, level, task.ctc, labels.as_ref())?;
            Decoder::ctc(search, task.nbest)
        }
        _ => Decoder::independent(task.beams, task.nbest, options.level)?,
    };
    let lengths = task.lengths.map(|path| load::lengths(path)).transpose()?;

    let mut answers = Vec::new();
    for path in task.inputs {
        let source = path.display().to_string();
        let input = Input::open(path, task.array)?;
        let scores = || {
            let view = input.tensor.view(task.kind)?;
            match lengths.as_ref().or(input.lengths.as_ref()) {
                Some(lengths) => view.with_lengths(lengths),
                None => Ok(view),
            }
        };
        let scores = scores().map_err(|error| Failure::from(error).about(&source))?;
        if let Some(labels) = &labels {
            let matched = labels.require(scores.vocab());
            matched.map_err(|failure| failure.about(&source))?;
        }
        decoder
            .decode(&source, &scores, &mut answers)
            .map_err(|error| Failure::from(error).about(&source))?;
    }
    output::write(target, task.format, labels.as_ref(), &answers)
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
    if inputs > 1 && task.format == Format::Npz {
        return Err(Failure::Input(format!(
            "--format npz is for one input, {inputs} are given; jsonl says where each item is from"
        )));
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

    /// Decodes every item and appends the answers.
    pub(crate) fn decode(
        &mut self,
        source: &str,
        scores: &ScoresView<'_>,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Error> {
        let batch = scores.batch();
        let bytes = scores.bytes();
        let progress = Progress::new(source, bytes);
        // Items of average size: what a group holds need not be exact.
        let group = (GROUP_BYTES / (bytes / batch.max(1)).max(1)).clamp(1, batch.max(1));
        for start in (0..batch).step_by(group) {
            let part = scores.items(start..batch.min(start + group));
            let items = self.search.decode(&part, self.keep)?;
            let items = items.into_iter().enumerate();
            answers.extend(items.map(|(item, hypotheses)| Answer {
                source: source.to_owned(),
                item: start + item,
                hypotheses,
            }));
            progress.advance(part.bytes());
        }
        Ok(())
    }
}

impl AnySearch {
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
