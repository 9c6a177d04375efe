//! The CTC search with what the command line adds to it.

use std::io::BufRead;
use std::path::Path;

use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::scorers::{Lexicon, NgramModel, NgramScorer, NgramUnit, Phrases};
use widebeam::{Error, Level, ScoresView};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::args::{Ctc, LmUnit};
use crate::labels::Labels;
use crate::load;
use crate::text;
use crate::words::Words;

type Scorers = (
    Option<NgramScorer<NgramModel>>,
    (Option<Phrases>, Option<Lexicon>),
);

/// A CTC search with scorers or without: the latter looks at fewer candidates.
#[derive(Debug)]
pub(crate) enum Search {
    Plain(Box<CtcSearch>),
    Scored(Box<CtcSearch<Scorers>>),
}

impl Search {
    /// A search without anything beside it.
    pub(crate) fn plain(beams: usize, blank: Blank, level: Option<Level>) -> Result<Self, Error> {
        Ok(Search::Plain(Box::new(search(beams, blank, level)?)))
    }

    /// The search that the arguments ask for.
    pub(crate) fn new(
        beams: usize,
        blank: Blank,
        level: Option<Level>,
        options: &Ctc,
        labels: Option<&Labels>,
        map: bool,
    ) -> Result<Self, Failure> {
        let search = search(beams, blank, level)?;
        let search = search.with_pruning(pruning(options))?;
        let Some(labels) = labels else {
            return Ok(Search::Plain(Box::new(search)));
        };
        let lm = options
            .lm
            .as_deref()
            .map(|path| read_lm(path, options, labels, map));
        let hotwords = options.hotwords.as_deref().map(|path| {
            let words = Words::read(path, labels)?;
            let boost = |tokens: &Vec<u32>| options.hotword_weight * tokens.len() as f64;
            let boosted = words.spelled.into_iter().map(|tokens| {
                let boost = boost(&tokens);
                (tokens, boost)
            });
            Phrases::from_tokens(&boosted.collect::<Vec<_>>())
                .map_err(|error| Failure::from(error).about(printable::path(path)))
        });
        let lexicon = options.lexicon.as_deref().map(|path| {
            let words = Words::read(path, labels)?;
            let texts = words.spelled.iter().map(|tokens| labels.text(tokens));
            Lexicon::new(&texts.collect::<Vec<_>>(), labels.vocabulary())
                .map_err(|error| Failure::from(error).about(printable::path(path)))
        });
        let (lm, hotwords, lexicon) =
            (lm.transpose()?, hotwords.transpose()?, lexicon.transpose()?);
        if lm.is_none() && hotwords.is_none() && lexicon.is_none() {
            return Ok(Search::Plain(Box::new(search)));
        }
        let scorers = (lm, (hotwords, lexicon));
        Ok(Search::Scored(Box::new(search.with_scorer(scorers))))
    }

    pub(crate) fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        match self {
            Search::Plain(search) => search.bytes_needed(scores),
            Search::Scored(search) => search.bytes_needed(scores),
        }
    }

    pub(crate) fn decode_into(
        &mut self,
        scores: &ScoresView<'_>,
        nbest: &mut CtcNBest,
    ) -> Result<(), Error> {
        match self {
            Search::Plain(search) => search.decode_into(scores, nbest),
            Search::Scored(search) => search.decode_into(scores, nbest),
        }
    }
}

fn search(beams: usize, blank: Blank, level: Option<Level>) -> Result<CtcSearch, Error> {
    let search = CtcSearch::new(beams, blank)?;
    match level {
        Some(level) => search.with_level(level),
        None => Ok(search),
    }
}

fn pruning(options: &Ctc) -> CtcPruning {
    let mut pruning = CtcPruning::none();
    if let Some(count) = options.top_tokens {
        pruning = pruning.with_top_tokens(count);
    }
    if let Some(least) = options.min_token_log_prob {
        pruning = pruning.with_min_token_log_probability(least);
    }
    if let Some(distance) = options.score_threshold {
        pruning = pruning.with_score_threshold(distance);
    }
    if let Some(least) = options.blank_skip {
        pruning = pruning.with_blank_skip(least);
    }
    pruning
}

fn read_lm(
    path: &Path,
    options: &Ctc,
    labels: &Labels,
    map: bool,
) -> Result<NgramScorer<NgramModel>, Failure> {
    let about = |failure: Failure| failure.about(printable::path(path));
    let mut source = text::open(path)?;
    let start = source.fill_buf();
    let start = start.map_err(|error| about(Failure::reading(&error)))?;
    let model = match NgramModel::is_binary(start) {
        true => NgramModel::from_binary(load::bytes(path, map).map_err(about)?),
        false => NgramModel::read_arpa(source),
    };
    let model = model.map_err(|error| about(error.into()))?;
    let (unit, parts) = match options.lm_unit {
        LmUnit::Token => (NgramUnit::Token, "labels"),
        LmUnit::Character => (NgramUnit::Character, "characters of the labels"),
    };
    let scorer = NgramScorer::new(model, labels.vocabulary().labels(), unit)
        .with_weight(options.lm_weight)?
        .with_token_bonus(options.token_bonus)?;
    if !scorer.knows_any() {
        return Err(about(Failure::Input(format!(
            "none of the {parts} in {} is a word of this model; models of words are not read",
            labels.name
        ))));
    }
    Ok(scorer)
}
