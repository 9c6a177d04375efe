//! The scorers that the command line asks for.

use std::path::Path;
use std::sync::Arc;

use widebeam::scorers::{
    Lexicon, Lookahead, NgramFit, NgramModel, NgramScorer, Phrases, Scorer, SpellingLexicon,
    WordNgram,
};
use widebeam::{Error, ErrorKind};
use widebeam_perf::console::failure::{Failure, note};
use widebeam_perf::console::printable;

use crate::args::{Ctc, LmLookahead, LmUnit};
use crate::labels::Labels;
use crate::model;
use crate::words::{self, read_phrases};

/// What is scored, each if it is asked for.
pub(crate) struct Scorers {
    pub(crate) tokens: Option<NgramScorer<NgramModel>>,
    pub(crate) words: Option<WordNgram<NgramModel>>,
    pub(crate) phrases: Option<Phrases>,
    pub(crate) lexicon: Option<Lexicon>,
    /// With the model of words in it.
    pub(crate) spellings: Option<Arc<SpellingLexicon>>,
}

impl Scorers {
    /// Reads the files of the options.
    pub(crate) fn read(options: &Ctc, labels: &Labels, map: bool) -> Result<Self, Failure> {
        let mut scorers = Scorers {
            tokens: None,
            words: None,
            phrases: None,
            lexicon: None,
            spellings: None,
        };
        if let Some(path) = options.lexicon.as_deref() {
            scorers.read_lexicon(path, options, labels)?;
        }
        if let Some(path) = options.lm.as_deref() {
            let model = model::read(path, map)?;
            scorers.add_model(model, path, options, labels)?;
        }
        if let Some(path) = options.hotwords.as_deref() {
            let (weight, whole) = (options.hotword_weight, options.whole_words);
            let phrases = read_phrases(path, labels, weight, whole)?.take(options.strict)?;
            let phrases = Phrases::from_text(&phrases, labels.vocabulary(), whole);
            scorers.phrases = Some(phrases.map_err(|error| about(path, error))?);
        }
        Ok(scorers)
    }

    fn read_lexicon(&mut self, path: &Path, options: &Ctc, labels: &Labels) -> Result<(), Failure> {
        match words::Lexicon::read(path, labels)? {
            words::Lexicon::Words(words) => {
                let words = words.take(options.strict)?;
                let lexicon = Lexicon::new(&words, labels.vocabulary());
                self.lexicon = Some(lexicon.map_err(|error| about(path, error))?);
            }
            words::Lexicon::Spellings(words) => {
                let words = words.take(options.strict)?;
                let lexicon = SpellingLexicon::new(&words, labels.delimiter());
                self.spellings = Some(Arc::new(lexicon.map_err(|error| about(path, error))?));
            }
        }
        Ok(())
    }

    fn add_model(
        &mut self,
        model: NgramModel,
        path: &Path,
        options: &Ctc,
        labels: &Labels,
    ) -> Result<(), Failure> {
        let vocabulary = labels.vocabulary();
        let (bos, eos) = (!options.no_bos, !options.no_eos);
        match options.lm_unit {
            LmUnit::Token | LmUnit::Character => {
                let scorer = match options.lm_unit {
                    LmUnit::Character => NgramScorer::of_characters(model, vocabulary),
                    _ => NgramScorer::of_tokens(model, vocabulary),
                };
                let scorer = scorer
                    .map_err(|error| other_units(path, error, options.lm_unit))?
                    .with_weight(options.lm_weight)?
                    .with_token_bonus(options.token_bonus)?;
                say_doubts(path, scorer.fit());
                self.tokens = Some(scorer.with_bos(bos).with_eos(eos));
            }
            LmUnit::Word => {
                let (bonus, unknown) = (options.word_bonus(), options.unknown_score());
                // Without strings nothing is known of a word before it is complete.
                let by_default = options.lm_lookahead.is_none();
                let has_strings = model.has_words() || self.spellings.is_some();
                if by_default && !has_strings {
                    note(format_args!(
                        "{}: the model has no strings of its words, so there is no look-ahead",
                        printable::path(path)
                    ));
                }
                let lookahead = match options.lookahead() {
                    LmLookahead::Unigram if has_strings || !by_default => Lookahead::Unigram,
                    _ => Lookahead::None,
                };
                if let Some(lexicon) = self.spellings.take() {
                    let lexicon = Arc::unwrap_or_clone(lexicon)
                        .with_model(model)
                        .map_err(|error| about(path, error))?
                        .with_weight(options.lm_weight)?
                        .with_word_bonus(bonus)?
                        .with_unknown_score(unknown)?
                        .with_lookahead(lookahead)
                        .with_bos(bos)
                        .with_eos(eos);
                    say_unknown_words(path, &lexicon);
                    self.spellings = Some(Arc::new(lexicon));
                    return Ok(());
                }
                let scorer = WordNgram::new(model, vocabulary)
                    .map_err(|error| other_units(path, error, options.lm_unit))?
                    .with_weight(options.lm_weight)?
                    .with_word_bonus(bonus)?
                    .with_unknown_score(unknown)?
                    .with_lookahead(lookahead)
                    .map_err(|error| about(path, error))?;
                say_doubts(path, scorer.fit());
                self.words = Some(scorer.with_bos(bos).with_eos(eos));
            }
        }
        Ok(())
    }

    /// Notes if the search can lose what a scorer lifts.
    pub(crate) fn say_what_is_lost(&self, beams: usize, vocab: usize, options: &Ctc) {
        let has_bound = is_bounded(&self.tokens) && is_bounded(&self.words);
        if !has_bound && options.top_tokens.is_none() && vocab > beams + 2 {
            note(format_args!(
                "with this model only the {} best tokens of each frame are tried, because \
                 nothing bounds what it can add to another; more --beams, or --top-tokens, \
                 try more",
                beams + 2
            ));
        }
    }
}

/// Whether a scorer bounds what it adds for a token.
fn is_bounded(scorer: &impl Scorer) -> bool {
    scorer.max_score(&scorer.start()) < f64::INFINITY
}

fn about(path: &Path, error: Error) -> Failure {
    Failure::from(error).about(printable::path(path))
}

/// An error about a model, with what to try if it is one of other units.
fn other_units(path: &Path, error: Error, unit: LmUnit) -> Failure {
    // Nothing else is set yet that could be refused.
    if error.kind() != ErrorKind::InvalidSetting {
        return about(path, error);
    }
    let others = match unit {
        LmUnit::Token => "--lm-unit word or character",
        LmUnit::Character => "--lm-unit word or token",
        LmUnit::Word => "--lm-unit token or character",
    };
    Failure::Input(format!("{error} ({others}?)")).about(printable::path(path))
}

fn say_doubts(path: &Path, fit: NgramFit) {
    if fit.is_doubtful() {
        let path = printable::path(path);
        note(format_args!(
            "{path}: the model may be meant for other units: {fit}"
        ));
    }
}

fn say_unknown_words(path: &Path, lexicon: &SpellingLexicon) {
    let (known, all) = (lexicon.known_words().unwrap_or(0), lexicon.len());
    if 2 * known < all {
        let path = printable::path(path);
        note(format_args!(
            "{path}: the model knows {known} of {all} entries of the lexicon"
        ));
    }
}
