//! The commands of the tool, and the dispatch to them.

use std::path::Path;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use widebeam_perf::bench::{self, Bench};
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::threads::on_threads;
use widebeam_perf::info::{self, Info};
use widebeam_perf::report::{self, Report};
use widebeam_perf::scaling::{self, Scaling};

use crate::args::{Decode, how_to_decode};
use crate::completions::{self, Completions};
use crate::man::{self, Manual};
use crate::trie::{self, Trie};
use crate::{decode, sample};

/// Beam search over the scores of a model, from file to answer.
///
/// Without a command it decodes a small real sample that is built in.
#[derive(Debug, Parser)]
#[command(name = "widebeam", version, about, long_about)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
enum Command {
    Decode(Box<Decode>),
    Trie(Trie),
    Bench(Box<Bench>),
    Scaling(Scaling),
    Info(Info),
    Report(Report),
    Completions(Completions),
    #[command(name = "man")]
    Manual(Manual),
}

impl Args {
    /// The arguments of the command line.
    ///
    /// # Errors
    ///
    /// If they make no sense: what would. Or what `--help` and `--version` ask for.
    pub fn from_command_line() -> Result<Self, clap::Error> {
        let error = match Args::try_parse() {
            Ok(args) => match args.missing() {
                None => return Ok(args),
                Some(missing) => usage_error(ErrorKind::MissingRequiredArgument, &missing),
            },
            Err(mut error) => match file_for_a_command(&error) {
                None => {
                    // Nobody means an unknown option as a value after `--`.
                    error.remove(ContextKind::Suggested);
                    error
                }
                Some(file) => usage_error(error.kind(), &how_to_decode(Path::new(file))),
            },
        };
        Err(error)
    }

    /// Whether it writes to standard output.
    pub fn prints(&self) -> bool {
        match &self.command {
            Some(Command::Decode(options)) => !options.writes_files(),
            Some(Command::Manual(options)) => !options.writes_files(),
            _ => true,
        }
    }

    /// What is missing to carry out the command; `None` where nothing is.
    fn missing(&self) -> Option<String> {
        match &self.command {
            Some(Command::Decode(options)) => options.missing(),
            _ => None,
        }
    }

    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Whatever ends it early.
    pub fn run(self) -> Result<ExitCode, Failure> {
        let command = self.command;
        match command.unwrap_or_else(|| Command::Decode(Box::default())) {
            Command::Decode(options) => {
                return on_threads(options.threads, || match options.task() {
                    None => sample::run(&options).map(|()| ExitCode::SUCCESS),
                    Some(task) => decode::run(&task, &options),
                });
            }
            Command::Trie(options) => trie::run(&options)?,
            Command::Bench(options) => on_threads(options.threads(), || bench::run(&options))?,
            Command::Scaling(options) => scaling::run(&options)?,
            Command::Info(options) => on_threads(options.threads, || info::run(&options))?,
            Command::Report(options) => report::run(&options)?,
            Command::Completions(options) => completions::run(&options, Args::command())?,
            Command::Manual(options) => man::run(&options, Args::command())?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The name of a file, where that is what should be a command.
fn file_for_a_command(error: &clap::Error) -> Option<&str> {
    match error.get(ContextKind::InvalidSubcommand)? {
        ContextValue::String(name) if Path::new(name).is_file() => Some(name),
        _ => None,
    }
}

/// An error about the arguments of `widebeam decode`, as the parser words its own.
fn usage_error(kind: ErrorKind, message: &str) -> clap::Error {
    let mut command = Args::command();
    command.build();
    match command.find_subcommand_mut("decode") {
        Some(decode) => decode.error(kind, message),
        None => command.error(kind, message),
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;
    use widebeam::ScoreKind;
    use widebeam_perf::console::args::Scores;

    use super::*;
    use crate::args::{LmLookahead, LmUnit, Search};
    use crate::format::Format;
    use crate::load::{Axes, LengthsFrom};

    #[test]
    fn the_definition_of_the_arguments_is_sound() {
        super::Args::command().debug_assert();
    }

    fn parsed(arguments: &str) -> Args {
        let arguments = ["widebeam"].into_iter().chain(arguments.split_whitespace());
        Args::try_parse_from(arguments).unwrap()
    }

    fn decode(arguments: &str) -> Decode {
        match parsed(&format!("decode {arguments}")).command {
            Some(Command::Decode(decode)) => *decode,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn as_many_hypotheses_are_written_as_the_format_has_room_for() {
        assert!(parsed("").command.is_none());
        assert!(decode("").task().is_none());
        assert_eq!(decode("--beams 7").beams(), Some(7));
        for (more, nbest) in [
            ("", 1),
            ("--format text", 1),
            ("--format jsonl", 9),
            ("--format npz", 9),
            ("--format npz --nbest 4", 4),
            ("--nbest 4", 4),
        ] {
            let options = "a.npy --search independent --scores probs --beams 9";
            let decode = decode(&format!("{options} {more}"));
            let task = decode.task().unwrap();
            assert_eq!((task.beams, task.nbest), (9, nbest), "{more}");
        }
    }

    #[test]
    fn options_of_words_have_their_defaults() {
        let options = "a.npy --search ctc --scores probs --beams 9 --blank 0 --labels l --lm m";
        let plain = decode(options);
        let ctc = plain.task().unwrap().ctc;
        assert_eq!((ctc.word_bonus(), ctc.unknown_score()), (0.0, -10.0));
        assert_eq!(
            (ctc.lm_unit, ctc.lookahead()),
            (LmUnit::Token, LmLookahead::Unigram)
        );
        assert!(!(ctc.no_bos || ctc.no_eos || ctc.whole_words || ctc.strict || ctc.merge_text));
        assert!(!ctc.has_words());
        let all = decode(&format!(
            "{options} --lm-unit word --word-bonus -1 --unknown-score -3 --lm-lookahead none \
             --no-bos --no-eos --hotwords h --whole-words --strict --merge-text \
             --word-delimiter |"
        ));
        let task = all.task().unwrap();
        assert_eq!(task.word_delimiter, Some("|"));
        let ctc = task.ctc;
        assert_eq!((ctc.word_bonus(), ctc.unknown_score()), (-1.0, -3.0));
        assert_eq!(
            (ctc.lm_unit, ctc.lookahead()),
            (LmUnit::Word, LmLookahead::None)
        );
        assert!(ctc.no_bos && ctc.no_eos && ctc.whole_words && ctc.strict && ctc.merge_text);
        for (more, has_words, must_part) in [
            ("--lm-unit word", true, true),
            ("--hotwords h", true, false),
            ("--hotwords h --whole-words", true, true),
            ("--lexicon x", true, true),
        ] {
            let options = decode(&format!("{options} {more}"));
            let ctc = options.task().unwrap().ctc;
            let found = (ctc.has_words(), ctc.must_part_words());
            assert_eq!(found, (has_words, must_part), "{more}");
        }
    }

    #[test]
    fn a_task_is_what_was_asked_for() {
        let options = "a.npy b.npz --search ctc --scores log-probs --beams 9 --blank 3";
        let plain = decode(options);
        let task = plain.task().unwrap();
        assert_eq!(
            (task.search, task.kind),
            (Search::Ctc, ScoreKind::LogProbabilities)
        );
        assert!(task.map && !task.keep_going && task.format == Format::Text);
        assert_eq!(task.sources().count(), 2);
        assert!(matches!(task.lengths_from, LengthsFrom::Own) && task.axes == Axes::default());
        let named = decode(&format!("{options} --lengths-array n --layout tbv"));
        let task = named.task().unwrap();
        assert!(matches!(task.lengths_from, LengthsFrom::Array("n")));
        assert_eq!(task.axes, Axes::TimeBatchVocab);
        let all = decode(&format!(
            "{options} --lengths l --labels t --lm m --hotwords h --lexicon x --array q \
             --output-dir d --keep-going --no-mmap --format npz"
        ));
        let task = all.task().unwrap();
        let sources: Vec<_> = task.sources().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(sources, ["a.npy", "b.npz", "l", "t", "m", "h", "x"]);
        assert!(!task.map && task.keep_going && task.format == Format::Npz);
        assert_eq!(task.array, Some("q"));
        assert!(matches!(task.lengths_from, LengthsFrom::Elsewhere));
        assert!(task.output.is_none() && task.output_dir.is_some());
        for (name, kind) in [
            ("probs", ScoreKind::Probabilities),
            ("log-probs", ScoreKind::LogProbabilities),
            ("logits", ScoreKind::Logits),
        ] {
            assert_eq!(Scores::from_str(name, false).unwrap().kind(), kind);
        }
    }
}
