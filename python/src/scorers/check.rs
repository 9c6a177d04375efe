//! Settings that would have no effect.

use pyo3::prelude::*;

use super::settings::{LanguageModel, MergeText, Text, Words};
use crate::error;

/// # Errors
///
/// If a setting needs another one that is not there, or does not go with it.
pub(super) fn check(
    py: Python<'_>,
    text: &Text,
    model: &LanguageModel,
    words: &Words,
) -> PyResult<()> {
    let refuse = |said: String| Err(error::refusal(py, said));
    let of_text = [
        ("lm", model.lm.is_some()),
        ("lexicon", words.lexicon.is_some()),
        ("hotwords", words.hotwords.is_some()),
        ("word_delimiter", text.word_delimiter.is_some()),
        (
            "merge_text",
            !matches!(text.merge_text, MergeText::Whether(false)),
        ),
    ];
    if text.labels.is_none()
        && let Some((name, _)) = of_text.iter().find(|(_, given)| *given)
    {
        return refuse(format!("{name} needs labels, which spell the text"));
    }
    let is_word = match &*model.lm_unit {
        "word" => true,
        "token" | "character" => false,
        unit => {
            return refuse(format!(
                "lm_unit={unit:?}: it must be \"word\", \"token\" or \"character\""
            ));
        }
    };
    let of_models = [
        ("lm_unit", !is_word),
        ("lm_weight", model.lm_weight.is_some()),
        ("bos", !model.bos),
        ("eos", !model.eos),
    ];
    let of_words = [
        ("word_bonus", model.word_bonus.is_some()),
        ("unknown_score", model.unknown_score.is_some()),
        ("lm_lookahead", model.lm_lookahead.is_some()),
    ];
    let of_tokens = [("token_bonus", model.token_bonus.is_some())];
    let mut of_any_model = of_models.iter().chain(&of_words).chain(&of_tokens);
    if model.lm.is_none()
        && let Some((name, _)) = of_any_model.find(|(_, given)| *given)
    {
        return refuse(format!("{name} needs lm, a language model"));
    }
    if let Some((name, _)) = of_words.iter().find(|(_, given)| *given && !is_word) {
        return refuse(format!("{name} is for lm_unit=\"word\""));
    }
    if let Some((name, _)) = of_tokens.iter().find(|(_, given)| *given && is_word) {
        return refuse(format!("{name} is for lm_unit=\"token\" or \"character\""));
    }
    let of_phrases = [
        ("hotword_weight", words.hotword_weight.is_some()),
        ("whole_words", words.whole_words),
    ];
    if words.hotwords.is_none()
        && let Some((name, _)) = of_phrases.iter().find(|(_, given)| *given)
    {
        return refuse(format!("{name} needs hotwords"));
    }
    if words.strict && words.hotwords.is_none() && words.lexicon.is_none() {
        return refuse("strict needs a lexicon or hotwords".to_owned());
    }
    Ok(())
}
