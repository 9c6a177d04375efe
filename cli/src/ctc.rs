//! The CTC searches with what the command line adds to them.

use std::sync::Arc;

use widebeam::ctc::{Blank, CtcGreedy, CtcNBest, CtcPruning, CtcSearch};
use widebeam::scorers::{Lexicon, NgramModel, NgramScorer, Phrases, SpellingLexicon, WordNgram};
use widebeam::{Error, Level, ScoresView};
use widebeam_perf::console::failure::Failure;

use crate::args::Ctc;
use crate::labels::Labels;
use crate::scorers::Scorers;
use crate::transcript::Reader;

/// Scorers of tokens and of the text that they spell.
type OfText = (
    (
        Option<NgramScorer<NgramModel>>,
        Option<WordNgram<NgramModel>>,
    ),
    (Option<Phrases>, Option<Lexicon>),
);

/// A lexicon of spellings, which has the model of words, and scorers beside it.
type OfSpellings = (
    Arc<SpellingLexicon>,
    (Option<NgramScorer<NgramModel>>, Option<Phrases>),
);

/// A CTC search with scorers or without: the latter looks at fewer candidates. The state of a
/// lexicon of spellings is large, and no other search has to carry it.
#[derive(Debug)]
pub(crate) enum Search {
    /// No search: the best alignment.
    Greedy(Box<CtcGreedy>),
    Plain(Box<CtcSearch>),
    OfText(Box<CtcSearch<OfText>>),
    /// Nothing beside the lexicon: what most people have, a tenth faster.
    OfSpellingsAlone(Box<CtcSearch<Arc<SpellingLexicon>>>),
    OfSpellings(Box<CtcSearch<OfSpellings>>),
}

impl Search {
    /// A search without anything beside it.
    pub(crate) fn plain(beams: usize, blank: Blank, level: Option<Level>) -> Result<Self, Error> {
        Ok(Search::Plain(Box::new(search(beams, blank, level)?)))
    }

    /// Greedy decoding.
    pub(crate) fn greedy(blank: Blank, level: Option<Level>) -> Result<Self, Error> {
        let greedy = CtcGreedy::new(blank)?;
        let greedy = match level {
            Some(level) => greedy.with_level(level)?,
            None => greedy,
        };
        Ok(Search::Greedy(Box::new(greedy)))
    }

    /// The search that the arguments ask for, and the reader of its hypotheses.
    pub(crate) fn new(
        beams: usize,
        blank: Blank,
        level: Option<Level>,
        options: &Ctc,
        labels: Option<&Labels>,
        map: bool,
    ) -> Result<(Self, Option<Reader>), Failure> {
        if options.greedy {
            let reader = labels.map(|labels| Reader::Labels(labels.vocabulary().clone()));
            return Ok((Search::greedy(blank, level)?, reader));
        }
        let search = search(beams, blank, level)?;
        let search = search.with_pruning(pruning(options))?;
        let Some(labels) = labels else {
            return Ok((Search::Plain(Box::new(search)), None));
        };
        let scorers = Scorers::read(options, labels, map)?;
        scorers.say_what_is_lost(beams, labels.vocabulary().len(), options);
        let Scorers {
            tokens,
            words,
            phrases,
            lexicon,
            spellings,
        } = scorers;
        if let Some(spellings) = spellings {
            let reader = Reader::Words(Arc::clone(&spellings));
            if tokens.is_none() && phrases.is_none() {
                let search = Box::new(search.with_scorer(spellings));
                return Ok((Search::OfSpellingsAlone(search), Some(reader)));
            }
            let search = search.with_scorer((spellings, (tokens, phrases)));
            return Ok((Search::OfSpellings(Box::new(search)), Some(reader)));
        }
        let reader = Some(Reader::Labels(labels.vocabulary().clone()));
        if tokens.is_none() && words.is_none() && phrases.is_none() && lexicon.is_none() {
            return Ok((Search::Plain(Box::new(search)), reader));
        }
        let search = search.with_scorer(((tokens, words), (phrases, lexicon)));
        Ok((Search::OfText(Box::new(search)), reader))
    }

    pub(crate) fn bytes_needed(&self, scores: &ScoresView<'_>) -> usize {
        match self {
            Search::Greedy(greedy) => greedy.bytes_needed(scores),
            Search::Plain(search) => search.bytes_needed(scores),
            Search::OfText(search) => search.bytes_needed(scores),
            Search::OfSpellingsAlone(search) => search.bytes_needed(scores),
            Search::OfSpellings(search) => search.bytes_needed(scores),
        }
    }

    pub(crate) fn decode_into(
        &mut self,
        scores: &ScoresView<'_>,
        nbest: &mut CtcNBest,
    ) -> Result<(), Error> {
        match self {
            Search::Greedy(greedy) => greedy.decode_into(scores, nbest),
            Search::Plain(search) => search.decode_into(scores, nbest),
            Search::OfText(search) => search.decode_into(scores, nbest),
            Search::OfSpellingsAlone(search) => search.decode_into(scores, nbest),
            Search::OfSpellings(search) => search.decode_into(scores, nbest),
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
