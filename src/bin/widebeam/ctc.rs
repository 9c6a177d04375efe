//! The CTC search with what the command line adds to it.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use widebeam::{
    CtcNBest, CtcPruning, CtcSearch, Error, Hotwords, Labels as Spelling, Level, Lexicon,
    NgramModel, NgramScorer, NgramUnit, ScoresView,
};

use crate::args::{Ctc, LmUnit};
use crate::failure::Failure;
use crate::labels::{Labels, WORD_MARK};

type Scorers = (
    Option<NgramScorer<NgramModel>>,
    (Option<Hotwords>, Option<Lexicon>),
);

/// A CTC search with scorers or without: the latter looks at fewer candidates.
#[derive(Debug)]
pub(crate) enum Search {
    Plain(Box<CtcSearch>),
    Scored(Box<CtcSearch<Scorers>>),
}

impl Search {
    /// A search without anything beside it.
    pub(crate) fn plain(beams: usize, blank: u32, level: Option<Level>) -> Result<Self, Error> {
        Ok(Search::Plain(Box::new(search(beams, blank, level)?)))
    }

    /// The search that the arguments ask for.
    pub(crate) fn new(
        beams: usize,
        blank: u32,
        level: Option<Level>,
        options: &Ctc,
        labels: Option<&Labels>,
    ) -> Result<Self, Failure> {
        let search = search(beams, blank, level)?;
        let search = search.with_pruning(pruning(options))?;
        let Some(labels) = labels else {
            return Ok(Search::Plain(Box::new(search)));
        };
        let lm = options
            .lm
            .as_deref()
            .map(|path| read_lm(path, options, labels));
        let hotwords = options.hotwords.as_deref().map(|path| {
            let words = Words::read(path, labels, blank)?;
            Hotwords::new(&words.spelled, options.hotword_weight)
                .map_err(|error| Failure::from(error).about(path.display()))
        });
        let lexicon = options.lexicon.as_deref().map(|path| {
            let words = Words::read(path, labels, blank)?;
            Lexicon::new(&words.spelled, words.space)
                .map_err(|error| Failure::from(error).about(path.display()))
        });
        let (lm, hotwords, lexicon) =
            (lm.transpose()?, hotwords.transpose()?, lexicon.transpose()?);
        if lm.is_none() && hotwords.is_none() && lexicon.is_none() {
            return Ok(Search::Plain(Box::new(search)));
        }
        let scorers = (lm, (hotwords, lexicon));
        Ok(Search::Scored(Box::new(search.with_scorer(scorers))))
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

fn search(beams: usize, blank: u32, level: Option<Level>) -> Result<CtcSearch, Error> {
    let search = CtcSearch::new(beams, blank)?;
    match level {
        Some(level) => search.with_level(level),
        None => Ok(search),
    }
}

fn pruning(options: &Ctc) -> CtcPruning {
    let mut pruning = CtcPruning::none();
    if let Some(count) = options.top_tokens {
        pruning = pruning.top_tokens(count);
    }
    if let Some(least) = options.min_token_log_prob {
        pruning = pruning.min_token_log_probability(least);
    }
    if let Some(distance) = options.score_threshold {
        pruning = pruning.score_threshold(distance);
    }
    if let Some(least) = options.blank_skip {
        pruning = pruning.blank_skip(least);
    }
    pruning
}

fn read_lm(
    path: &Path,
    options: &Ctc,
    labels: &Labels,
) -> Result<NgramScorer<NgramModel>, Failure> {
    let about = |failure: Failure| failure.about(path.display());
    let model = NgramModel::read_arpa(open(path)?).map_err(|error| about(error.into()))?;
    let unit = match options.lm_unit {
        LmUnit::Token => NgramUnit::Token,
        LmUnit::Character => NgramUnit::Character,
    };
    let (weight, bonus) = (options.lm_weight, options.token_bonus);
    Ok(NgramScorer::new(
        model,
        labels.as_slice(),
        unit,
        weight,
        bonus,
    )?)
}

/// Opens a text, which may be compressed by gzip.
fn open(path: &Path) -> Result<Box<dyn BufRead>, Failure> {
    let failed = |error: std::io::Error| Failure::reading(&error).about(path.display());
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let compressed = file.fill_buf().map_err(failed)?.starts_with(&[0x1f, 0x8b]);
    Ok(if compressed {
        Box::new(BufReader::new(MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    })
}

/// The words of a file, one a line, in tokens.
struct Words {
    spelled: Vec<Vec<u32>>,
    /// The token that stands between words of letters.
    space: Option<u32>,
}

impl Words {
    fn read(path: &Path, labels: &Labels, blank: u32) -> Result<Self, Failure> {
        let mut text = String::new();
        open(path)?
            .read_to_string(&mut text)
            .map_err(|error| Failure::reading(&error).about(path.display()))?;
        let spelling = Spelling::new(labels.as_slice(), blank);
        let mut spelled = Vec::new();
        for (line, word) in text.lines().enumerate() {
            if word.is_empty() {
                continue;
            }
            let tokens = if labels.are_pieces() {
                let pieces = format!("{WORD_MARK}{}", word.replace(' ', &WORD_MARK.to_string()));
                spelling.spell(&pieces)
            } else {
                spelling.spell(word)
            };
            spelled.push(tokens.map_err(|error| {
                Failure::from(error).about(format!("{}, line {}", path.display(), line + 1))
            })?);
        }
        Ok(Words {
            spelled,
            space: spelling.token(" "),
        })
    }
}
