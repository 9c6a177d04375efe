//! What one request asks for, from the command line or from a line of JSON.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokenizers::Tokenizer;
use widebeam::autoregressive::{
    LengthPenalty, MaximumLength, NoRepeatNgram, Normaliser, RepetitionPenalty, Request,
    Requirement, Rules, Sampling, TokenTrie,
};

use crate::text;

/// The token that ends an answer, `<|im_end|>`.
pub const END: u32 = 2;

#[derive(Clone, Debug, clap::Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Hypotheses that are followed at a time
    #[arg(long, default_value_t = 4)]
    pub beams: usize,

    /// The most tokens of an answer, its end counted
    #[arg(long, default_value_t = 48)]
    pub max_tokens: usize,

    /// Log-probabilities are divided by length to this power
    #[arg(long, default_value_t = 1.0, value_name = "ALPHA")]
    pub length_penalty: f64,

    /// Answers that are shown, best first; all beams unless given
    #[arg(long)]
    pub nbest: Option<usize>,

    /// Groups of beams that keep apart (diverse beam search)
    #[arg(long, default_value_t = 1)]
    pub groups: usize,

    /// What a group pays for a token that another one has just taken
    #[arg(long, default_value_t = 1.0, value_name = "PENALTY")]
    pub diversity: f64,

    /// No run of N tokens may come twice
    #[arg(long, value_name = "N")]
    pub no_repeat_ngram: Option<usize>,

    /// Tokens seen before are made less likely by this factor
    #[arg(long, value_name = "FACTOR")]
    pub repetition_penalty: Option<f64>,

    /// The only answers there may be, one a line
    #[arg(long, value_name = "FILE")]
    pub permit: Option<PathBuf>,

    /// Text that ends an answer, and is not shown
    #[arg(long, value_name = "TEXT")]
    #[serde(default)]
    pub stop: Vec<String>,

    /// A word that every answer must have, or one of several: "cat|dog"
    #[arg(long, value_name = "WORD")]
    #[serde(default)]
    pub require: Vec<String>,

    /// Draw the answers from the model, all different (stochastic beams)
    #[arg(long, value_name = "SEED")]
    pub sample: Option<u64>,

    /// Log-probabilities are divided by it before answers are drawn
    #[arg(long, default_value_t = 1.0, value_name = "T", requires = "sample")]
    pub temperature: f64,

    /// Go on to the maximum length, whatever the model says
    #[arg(long)]
    pub no_end: bool,

    /// Continue the prompt itself, without the form of a question
    #[arg(long)]
    pub raw: bool,

    /// The step before which the request joins those that run
    #[arg(long, default_value_t = 0, value_name = "STEP")]
    pub at_step: usize,
}

impl Settings {
    /// The request for the answers to a prompt.
    pub fn request(&self, prompt: &str, tokenizer: &Tokenizer) -> Result<Request> {
        let prompt = match self.raw {
            true => text::tokens(tokenizer, prompt)?,
            false => text::tokens(tokenizer, &text::question(prompt))?,
        };
        ensure!(!prompt.is_empty(), "the prompt is empty");
        let length_penalty = LengthPenalty::Power {
            alpha: self.length_penalty,
        };
        let mut request = Request::new(self.beams, MaximumLength(self.max_tokens))
            .with_prompt(prompt)
            .with_rules(Rules::plain().with_length_penalty(length_penalty));
        if !self.no_end {
            request = request.with_end_tokens([END]);
        }
        if self.groups != 1 {
            request = request.with_diverse_groups(self.groups, self.diversity);
        }
        if let Some(n) = self.no_repeat_ngram {
            request = request.process_log_probabilities(NoRepeatNgram::new(n)?);
        }
        if let Some(factor) = self.repetition_penalty {
            let penalty = RepetitionPenalty::new(factor)?;
            request = request.process_log_probabilities(penalty);
        }
        if let Some(file) = &self.permit {
            let permitted = permitted(file, tokenizer)?;
            request = request.with_constraint(permitted, Normaliser::WholeRow);
        }
        if !self.stop.is_empty() {
            request = request.with_stop_sequences(spelled(tokenizer, &self.stop)?);
        }
        if !self.require.is_empty() {
            let all = self.require.iter();
            let all = all.map(|words| requirement(tokenizer, words));
            request = request.with_required_words(all.collect::<Result<Vec<_>>>()?);
        }
        if let Some(seed) = self.sample {
            let sampling = Sampling::stochastic_beams(seed);
            request = request.with_sampling(sampling.with_temperature(self.temperature)?);
        }
        Ok(request)
    }
}

/// One of some words, which `|` separates.
pub fn requirement(tokenizer: &Tokenizer, words: &str) -> Result<Requirement> {
    let words: Vec<&str> = words.split('|').collect();
    Ok(Requirement::any_of(spelled(tokenizer, &words)?)?)
}

/// The tokens of texts, at the beginning of a line and behind a space.
fn spelled(tokenizer: &Tokenizer, texts: &[impl AsRef<str>]) -> Result<Vec<Vec<u32>>> {
    let texts = texts.iter().map(AsRef::as_ref);
    let ways = texts.flat_map(|text| [text.to_owned(), format!(" {text}")]);
    ways.map(|text| text::tokens(tokenizer, &text)).collect()
}

fn permitted(file: &Path, tokenizer: &Tokenizer) -> Result<TokenTrie> {
    let read = std::fs::read_to_string(file);
    let read = read.with_context(|| format!("cannot read {}", file.display()))?;
    let lines = read.lines().filter(|line| !line.is_empty());
    let lines = lines.map(|line| text::tokens(tokenizer, line));
    Ok(TokenTrie::new(lines.collect::<Result<Vec<_>>>()?))
}

/// Prompts with settings of their own: lines of JSON such as
/// `{"prompt": "...", "beams": 8}`. What a line does not say is as in `defaults`.
pub fn read_requests(file: &Path, defaults: &Settings) -> Result<Vec<(String, Settings)>> {
    let read = std::fs::read_to_string(file);
    let read = read.with_context(|| format!("cannot read {}", file.display()))?;
    let lines = (1..).zip(read.lines()).filter(|(_, line)| !line.is_empty());
    let requests = lines.map(|(number, line)| {
        let request = read_request(line, defaults);
        request.with_context(|| format!("{}, line {number}", file.display()))
    });
    requests.collect()
}

fn read_request(line: &str, defaults: &Settings) -> Result<(String, Settings)> {
    let mut said: serde_json::Map<String, Value> = serde_json::from_str(line)?;
    let prompt = match said.remove("prompt") {
        Some(Value::String(prompt)) => prompt,
        _ => anyhow::bail!("\"prompt\" is missing or no text"),
    };
    let mut settings = serde_json::to_value(defaults)?;
    if let Value::Object(settings) = &mut settings {
        settings.extend(said);
    }
    Ok((prompt, serde_json::from_value(settings)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: Settings,
    }

    #[test]
    fn a_line_overrides_the_command_line_and_unknown_names_are_refused() {
        let defaults = Line::parse_from(["", "--beams", "3", "--no-end"]).settings;
        let line = r#"{"prompt": "Hi", "beams": 8, "at_step": 2}"#;
        let (prompt, settings) = read_request(line, &defaults).unwrap();
        assert_eq!((prompt.as_str(), settings.beams), ("Hi", 8));
        assert_eq!((settings.at_step, settings.no_end), (2, true));

        let unknown = read_request(r#"{"prompt": "Hi", "beam": 8}"#, &defaults).unwrap_err();
        assert!(
            unknown.to_string().contains("unknown field `beam`"),
            "{unknown}"
        );
        assert!(read_request(r#"{"beams": 8}"#, &defaults).is_err());
    }
}
