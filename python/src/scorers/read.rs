//! The scorers that the settings ask for.

use std::sync::Arc;

use pyo3::prelude::*;
use widebeam::scorers::{
    Lexicon, Lookahead, NgramModel, NgramScorer, Phrases, SpellingLexicon, WordNgram,
};
use widebeam_cli::labels::Labels;
use widebeam_cli::words;

use super::TakesScorer;
use super::reader::Reader;
use super::settings::{self, LanguageModel, Words};
use super::spelled::spelled;
use crate::ngram_model;
use crate::{error, failure, warning};

/// What scores, each if it is asked for.
#[derive(Default)]
pub(super) struct Scorers {
    tokens: Option<NgramScorer<NgramModel>>,
    words: Option<WordNgram<NgramModel>>,
    phrases: Option<Phrases>,
    lexicon: Option<Lexicon>,
    /// With the model of words in it.
    spellings: Option<SpellingLexicon>,
}

impl Scorers {
    /// Reads the files of the settings, and warns of what is left out or doubtful.
    pub(super) fn read(
        py: Python<'_>,
        model: &LanguageModel,
        words: &Words,
        labels: &Labels,
    ) -> PyResult<Self> {
        let mut scorers = Scorers::default();
        if let Some(lexicon) = &words.lexicon {
            scorers.read_lexicon(py, lexicon, words.strict, labels)?;
        }
        if let Some(lm) = &model.lm {
            scorers.add_model(py, lm, model, labels)?;
        }
        if let Some(hotwords) = &words.hotwords {
            scorers.read_phrases(py, hotwords, words, labels)?;
        }
        Ok(scorers)
    }

    fn read_lexicon(
        &mut self,
        py: Python<'_>,
        lexicon: &settings::Lexicon,
        strict: bool,
        labels: &Labels,
    ) -> PyResult<()> {
        let refused = |error: widebeam::Error| error::exception(py, &error);
        let words = match lexicon {
            settings::Lexicon::Words(words) => {
                let entries = words.iter().map(|word| (word, ()));
                let (words, left_out) = spelled(py, "lexicon", entries, true, strict, labels)?;
                (words.into_iter().map(|(word, ())| word).collect(), left_out)
            }
            settings::Lexicon::File(path) => {
                let read = py.detach(|| words::Lexicon::read(path, labels));
                match read.map_err(|failed| failure::exception(py, failed))? {
                    words::Lexicon::Words(words) => words
                        .parts(strict)
                        .map_err(|failed| failure::exception(py, failed))?,
                    words::Lexicon::Spellings(words) => {
                        let (words, left_out) = words
                            .parts(strict)
                            .map_err(|failed| failure::exception(py, failed))?;
                        say(py, left_out)?;
                        let lexicon = SpellingLexicon::new(&words, labels.delimiter());
                        self.spellings = Some(lexicon.map_err(refused)?);
                        return Ok(());
                    }
                }
            }
        };
        let (words, left_out) = words;
        say(py, left_out)?;
        let lexicon = Lexicon::new(&words, labels.vocabulary());
        self.lexicon = Some(lexicon.map_err(refused)?);
        Ok(())
    }

    fn read_phrases(
        &mut self,
        py: Python<'_>,
        hotwords: &settings::Hotwords,
        words: &Words,
        labels: &Labels,
    ) -> PyResult<()> {
        let Words {
            whole_words: whole,
            strict,
            ..
        } = *words;
        let weight = words.hotword_weight.unwrap_or(2.0);
        let (phrases, left_out) = match hotwords {
            settings::Hotwords::Listed(phrases) if phrases.is_empty() => return Ok(()),
            settings::Hotwords::Listed(phrases) => {
                let boost = |phrase: &str| weight * Phrases::text(phrase).chars().count() as f64;
                let phrases = phrases
                    .iter()
                    .map(|(phrase, own)| (phrase, own.unwrap_or_else(|| boost(phrase))));
                spelled(py, "hotwords", phrases, whole, strict, labels)?
            }
            settings::Hotwords::File(path) => {
                let read = py.detach(|| words::read_phrases(path, labels, weight, whole));
                let phrases = read.and_then(|phrases| phrases.parts(strict));
                phrases.map_err(|failed| failure::exception(py, failed))?
            }
        };
        say(py, left_out)?;
        let phrases = Phrases::from_text(&phrases, labels.vocabulary(), whole);
        self.phrases = Some(phrases.map_err(|error| error::exception(py, &error))?);
        Ok(())
    }

    fn add_model(
        &mut self,
        py: Python<'_>,
        lm: &Py<ngram_model::NgramModel>,
        settings: &LanguageModel,
        labels: &Labels,
    ) -> PyResult<()> {
        let (source, vocabulary) = (lm.get(), labels.vocabulary());
        let refused = |error: widebeam::Error| {
            let said = format!("{}: {error}", source.path().display());
            match error.is_out_of_memory() {
                true => error::exception(py, &error),
                false => error::refusal(py, said),
            }
        };
        let model = source.model().clone();
        let weight = settings.lm_weight.unwrap_or(0.5);
        let fit = match &*settings.lm_unit {
            "word" => {
                let lookahead = self.lookahead(py, settings, &model)?;
                let bonus = settings.word_bonus.unwrap_or(0.0);
                let unknown = settings.unknown_score.unwrap_or(-10.0);
                if let Some(lexicon) = self.spellings.take() {
                    let lexicon = lexicon
                        .with_model(model)
                        .and_then(|lexicon| lexicon.with_weight(weight))
                        .and_then(|lexicon| lexicon.with_word_bonus(bonus))
                        .and_then(|lexicon| lexicon.with_unknown_score(unknown))
                        .map_err(refused)?;
                    let lexicon = lexicon.with_lookahead(lookahead);
                    self.spellings = Some(lexicon.with_bos(settings.bos).with_eos(settings.eos));
                    return Ok(());
                }
                let scorer = WordNgram::new(model, vocabulary)
                    .and_then(|scorer| scorer.with_weight(weight))
                    .and_then(|scorer| scorer.with_word_bonus(bonus))
                    .and_then(|scorer| scorer.with_unknown_score(unknown))
                    .and_then(|scorer| scorer.with_lookahead(lookahead))
                    .map_err(refused)?;
                let fit = scorer.fit();
                self.words = Some(scorer.with_bos(settings.bos).with_eos(settings.eos));
                fit
            }
            unit => {
                let scorer = match unit {
                    "character" => NgramScorer::of_characters(model, vocabulary),
                    _ => NgramScorer::of_tokens(model, vocabulary),
                };
                let scorer = scorer
                    .and_then(|scorer| scorer.with_weight(weight))
                    .and_then(|scorer| scorer.with_token_bonus(settings.token_bonus.unwrap_or(0.0)))
                    .map_err(refused)?;
                let fit = scorer.fit();
                self.tokens = Some(scorer.with_bos(settings.bos).with_eos(settings.eos));
                fit
            }
        };
        if fit.is_doubtful() {
            let path = source.path().display();
            let said = format!("{path}: the model may be meant for other units: {fit}");
            warning::say(py, &said)?;
        }
        Ok(())
    }

    /// By default by unigrams, if the model has the strings of its words.
    fn lookahead(
        &self,
        py: Python<'_>,
        settings: &LanguageModel,
        model: &NgramModel,
    ) -> PyResult<Lookahead> {
        match settings.lm_lookahead.as_deref() {
            Some("unigram") => Ok(Lookahead::Unigram),
            Some("none") => Ok(Lookahead::None),
            None if model.has_words() || self.spellings.is_some() => Ok(Lookahead::Unigram),
            None => Ok(Lookahead::None),
            Some(kind) => {
                let said = format!("lm_lookahead={kind:?}: it must be \"unigram\" or \"none\"");
                Err(error::refusal(py, said))
            }
        }
    }

    /// The search with these scorers, and the reader of its hypotheses. What is not there costs
    /// nothing: the types are those of the tool's searches.
    pub(super) fn take_part<T: TakesScorer>(
        self,
        search: T,
        labels: &Labels,
    ) -> (T::Search, Reader) {
        let Scorers {
            tokens,
            words,
            phrases,
            lexicon,
            spellings,
        } = self;
        if let Some(spellings) = spellings.map(Arc::new) {
            let reader = Reader::Words(Arc::clone(&spellings));
            if tokens.is_none() && phrases.is_none() {
                return (search.with_scorer(spellings), reader);
            }
            let scorer = (spellings, (tokens, phrases));
            return (search.with_scorer(scorer), reader);
        }
        let reader = Reader::Labels(labels.vocabulary().clone());
        if tokens.is_none() && words.is_none() && phrases.is_none() && lexicon.is_none() {
            return (search.without_scorer(), reader);
        }
        let scorer = ((tokens, words), (phrases, lexicon));
        (search.with_scorer(scorer), reader)
    }
}

fn say(py: Python<'_>, said: Option<String>) -> PyResult<()> {
    said.map_or(Ok(()), |said| warning::say(py, &said))
}
