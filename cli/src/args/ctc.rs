//! The arguments of `--search ctc`.

use std::path::PathBuf;

use clap::{ArgGroup, ValueEnum, ValueHint};
use widebeam_perf::console::args::{number, whole};
use widebeam_perf::console::failure::Failure;

/// The arguments of CTC alone.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(
    next_help_heading = "Options of --search ctc",
    group = ArgGroup::new("word_files").args(["hotwords", "lexicon"]).multiple(true)
)]
pub(crate) struct Ctc {
    /// The token id of the blank
    #[arg(long, value_name = "TOKEN", requires = "source",
          allow_negative_numbers = true, value_parser = token)]
    pub(crate) blank: Option<i64>,

    /// Take the best token of each frame and search nothing: the best path
    #[arg(long, requires = "source", conflicts_with_all = [
        "beams", "lm", "hotwords", "lexicon", "merge_text", "top_tokens",
        "min_token_log_prob", "score_threshold", "blank_skip",
    ])]
    pub(crate) greedy: bool,

    /// An n-gram model of words, labels or characters to score with: ARPA, plain or gzip, or a KenLM binary
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "source")]
    pub(crate) lm: Option<PathBuf>,

    /// The unit that the model calls a word
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "UNIT",
        requires = "lm"
    )]
    pub(crate) lm_unit: LmUnit,

    /// Factor of the model's log-probability (natural logarithm)
    #[arg(
        long,
        value_name = "A",
        default_value_t = 0.5,
        requires = "lm",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) lm_weight: f64,

    /// Added to the score for each token; not for --lm-unit word
    #[arg(
        long,
        value_name = "B",
        default_value_t = 0.0,
        requires = "lm",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) token_bonus: f64,

    /// Added to the score for each word; this option and the next four are for --lm-unit word [default: 0]
    #[arg(long, value_name = "B", requires = "lm", allow_negative_numbers = true, value_parser = number)]
    pub(crate) word_bonus: Option<f64>,

    /// Added to the score for each word that the model does not know [default: -10]
    #[arg(long, value_name = "X", requires = "lm", allow_negative_numbers = true, value_parser = number)]
    pub(crate) unknown_score: Option<f64>,

    /// What the model says of a word while it is being spelled [default: unigram]
    #[arg(long, value_enum, value_name = "KIND", requires = "lm")]
    pub(crate) lm_lookahead: Option<LmLookahead>,

    /// Begin with no words before, not with the sentence mark <s>
    #[arg(long, requires = "lm")]
    pub(crate) no_bos: bool,

    /// End without the sentence mark </s>
    #[arg(long, requires = "lm")]
    pub(crate) no_eos: bool,

    /// Phrases to favour, one a line, in whichever labels spell them
    ///
    /// A line may end in a weight of its own, as `hello :10.0`: what the whole phrase adds to
    /// the score.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "source")]
    pub(crate) hotwords: Option<PathBuf>,

    /// Added to the score for each character of a favoured phrase that has no weight of its own
    #[arg(
        long,
        value_name = "W",
        default_value_t = 2.0,
        requires = "hotwords",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) hotword_weight: f64,

    /// Favour a phrase as whole words only, not within other words
    #[arg(long, requires = "hotwords")]
    pub(crate) whole_words: bool,

    /// The only words allowed, one a line; or with spellings: a word, a tab, its labels with spaces between them
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "source")]
    pub(crate) lexicon: Option<PathBuf>,

    /// Refuse words and phrases that the labels cannot spell [default: leave them out, with a note]
    #[arg(long, requires = "word_files")]
    pub(crate) strict: bool,

    /// Merge hypotheses that spell the same text: their probabilities add up
    #[arg(long, requires = "source")]
    pub(crate) merge_text: bool,

    /// Use only the N best tokens of each frame, beside the blank [default: all]
    ///
    /// If nothing bounds what --lm can add to a token, the default is the beams + 2 best
    /// tokens, counting the blank, and a note says so.
    #[arg(long, value_name = "N", requires = "source",
          allow_negative_numbers = true, value_parser = whole::<usize>)]
    pub(crate) top_tokens: Option<usize>,

    /// Use only tokens of at least this log-probability [default: all]
    #[arg(
        long,
        value_name = "X",
        requires = "source",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) min_token_log_prob: Option<f64>,

    /// Keep only prefixes that score at most this far below the best [default: all]
    #[arg(
        long,
        value_name = "D",
        requires = "source",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) score_threshold: Option<f64>,

    /// Use only the blank in frames where it has at least this log-probability [default: no frames]
    #[arg(
        long,
        value_name = "X",
        requires = "source",
        allow_negative_numbers = true,
        value_parser = number
    )]
    pub(crate) blank_skip: Option<f64>,
}

/// Reads a token id. One below 0 is read as well: what is said of it names the last token.
fn token(text: &str) -> Result<i64, String> {
    match text.parse() {
        Ok(below @ ..0) => Ok(below),
        _ => whole::<u32>(text).map(i64::from),
    }
}

/// The unit that an n-gram model calls a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LmUnit {
    /// A word of the text
    Word,
    /// A token's label
    #[default]
    Token,
    /// A character of it
    Character,
}

/// What a model of words says of one that is being spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum LmLookahead {
    /// Nothing
    None,
    /// The best unigram of the words that begin so
    #[default]
    Unigram,
}

impl Ctc {
    /// Added for each word.
    pub(crate) fn word_bonus(&self) -> f64 {
        self.word_bonus.unwrap_or(0.0)
    }

    /// Added for each unknown word.
    pub(crate) fn unknown_score(&self) -> f64 {
        self.unknown_score.unwrap_or(-10.0)
    }

    /// What a model of words says of one that is being spelled.
    pub(crate) fn lookahead(&self) -> LmLookahead {
        self.lm_lookahead.unwrap_or_default()
    }

    /// Whether words matter.
    pub(crate) fn has_words(&self) -> bool {
        self.must_part_words() || self.hotwords.is_some()
    }

    /// Whether a text of several words must be parted to be found.
    pub(crate) fn must_part_words(&self) -> bool {
        let model = self.lm.is_some() && self.lm_unit == LmUnit::Word;
        model || self.whole_words || self.lexicon.is_some()
    }

    /// The first option that is given of those that need no other.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let options = [
            ("--greedy", self.greedy),
            ("--lm", self.lm.is_some()),
            ("--hotwords", self.hotwords.is_some()),
            ("--lexicon", self.lexicon.is_some()),
            ("--merge-text", self.merge_text),
            ("--blank", self.blank.is_some()),
            ("--top-tokens", self.top_tokens.is_some()),
            ("--min-token-log-prob", self.min_token_log_prob.is_some()),
            ("--score-threshold", self.score_threshold.is_some()),
            ("--blank-skip", self.blank_skip.is_some()),
        ];
        let given = options.into_iter().find(|(_, given)| *given);
        given.map(|(option, _)| option)
    }

    /// What the parser of the arguments cannot check. `labels` says whether there are any.
    ///
    /// # Errors
    ///
    /// If an option is given that has no effect, or that needs labels.
    pub(crate) fn check(&self, labels: bool) -> Result<(), Failure> {
        let of_text = [
            ("--lm", self.lm.is_some()),
            ("--hotwords", self.hotwords.is_some()),
            ("--lexicon", self.lexicon.is_some()),
            ("--merge-text", self.merge_text),
        ];
        if let Some((option, _)) = of_text.iter().find(|(_, given)| *given && !labels) {
            return Err(Failure::Input(format!(
                "{option} needs --labels FILE: the text of each token, one a line"
            )));
        }
        let is_word = self.lm_unit == LmUnit::Word;
        let of_words = [
            ("--word-bonus", self.word_bonus.is_some()),
            ("--unknown-score", self.unknown_score.is_some()),
            ("--lm-lookahead", self.lm_lookahead.is_some()),
        ];
        if let Some((option, _)) = of_words.iter().find(|(_, given)| *given && !is_word) {
            return Err(Failure::Input(format!("{option} is for --lm-unit word")));
        }
        self.check_log_probabilities()?;
        if is_word && self.token_bonus != 0.0 {
            return Err(Failure::input(
                "--token-bonus is for --lm-unit token or character; --word-bonus is for words",
            ));
        }
        Ok(())
    }

    /// What is unusual about weights.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let weights = [
            (
                self.lm.is_some() && self.lm_weight < 0.0,
                format!(
                    "--lm-weight {} is below 0: what the model finds unlikely is favoured",
                    self.lm_weight
                ),
            ),
            (
                self.hotwords.is_some() && self.hotword_weight < 0.0,
                format!(
                    "--hotword-weight {} is below 0: the phrases are avoided",
                    self.hotword_weight
                ),
            ),
        ];
        let doubtful = weights.into_iter().filter(|(doubtful, _)| *doubtful);
        doubtful.map(|(_, doubt)| doubt).collect()
    }

    /// # Errors
    ///
    /// If a log-probability is one that no token has, or that every token has.
    fn check_log_probabilities(&self) -> Result<(), Failure> {
        for (option, value, effect) in [
            ("--blank-skip", self.blank_skip, "no frame would be skipped"),
            (
                "--min-token-log-prob",
                self.min_token_log_prob,
                "no token would be used",
            ),
        ] {
            let Some(value) = value.filter(|&value| value > 0.0) else {
                continue;
            };
            // The user may have given a probability: this is its logarithm.
            let meant = match value <= 1.0 {
                true => format!("; of the probability {value} that is {:.4}", value.ln()),
                false => String::new(),
            };
            return Err(Failure::Input(format!(
                "{option} {value} is above every log-probability, and {effect}: it takes a \
                 natural logarithm, at most 0{meant}"
            )));
        }
        Ok(())
    }
}
