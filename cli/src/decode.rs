//! `widebeam decode`: files of scores in, n-best lists out.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use widebeam::ctc::Blank;
use widebeam_perf::console::failure::{Failure, note};
use widebeam_perf::console::printable;

use crate::args::{Decode, Search, Task};
use crate::ctc;
use crate::decoder::Decoder;
use crate::doubts;
use crate::format::Format;
use crate::inputs::Inputs;
use crate::labels::Labels;
use crate::list;
use crate::load::{self, Input, Reading, STDIN};
use crate::output::Output;
use crate::summary::Summary;
use crate::transcript::Reader;

/// Does a task. Nothing is in its place before it is complete, so that an error
/// leaves nothing half-written. An item that is refused is part of what is complete:
/// an error stands in the place of its hypotheses.
pub(crate) fn run(task: &Task<'_>, options: &Decode) -> Result<ExitCode, Failure> {
    let inputs = listed(task)?;
    let task = &Task {
        inputs: &inputs,
        ..task.clone()
    };
    check(task)?;
    let reading = Reading {
        array: task.array,
        lengths: task.lengths_from,
        axes: task.axes,
        map: task.map,
    };
    let blank = match task.search {
        Search::Ctc => Some(blank(task, reading)?),
        Search::Independent => None,
    };
    let labels = task.labels.map(|path| {
        let labels = Labels::open(path, blank)?;
        match task.word_delimiter {
            Some(label) => labels.with_word_delimiter(label),
            None => Ok(labels),
        }
    });
    let labels = labels.transpose()?;
    let mut output = Output::prepare(task)?;
    let mut summary = Summary::prepare(task.summary, task.sources())?;
    let is_output = |file| output.writes(file, task.inputs);
    if summary.place().is_some_and(is_output) {
        return Err(Failure::input(
            "--summary names a file that answers are written to",
        ));
    }
    let (beams, level) = (task.beams, options.instructions.level);
    let mut decoder = match blank {
        None => {
            let decoder = Decoder::independent(beams, task.nbest, level)?;
            match &labels {
                Some(labels) => {
                    decoder.with_reader(Reader::Labels(labels.vocabulary().clone()), false)
                }
                None => decoder,
            }
        }
        Some(blank) => {
            let (search, reader) =
                ctc::Search::new(beams, blank, level, task.ctc, labels.as_ref(), task.map)?;
            let decoder = Decoder::ctc(search, task.nbest);
            match reader {
                Some(reader) => decoder.with_reader(reader, task.ctc.merge_text),
                None => decoder,
            }
        }
    }
    // One path alone says nothing of others.
    .with_confidence(task.format.says_confidence() && !task.ctc.greedy);
    let lengths = task.lengths.map(|path| load::lengths(path)).transpose()?;
    if let Some(doubt) = labels.as_ref().and_then(Labels::doubt_of_blank) {
        note(doubt);
    }
    if let Some(labels) = labels.as_ref().filter(|_| task.ctc.has_words()) {
        labels.say_where_words_part(task.ctc.must_part_words());
    }

    task.ctc.doubts().iter().for_each(note);
    let shared = shared(task);
    let left = left(&shared, task, &output);
    summary.begin(shared.len(), shared.len() - left.len());
    let mut inputs = Inputs::new(&left, task.keep_going, task.output_dir.is_some());
    while let Some(path) = inputs.begin_next() {
        let mut decode = || {
            let input = Input::open(path, reading)?;
            if input.rounded {
                inputs.note(path, "float64 scores are rounded to float32");
            }
            if let Some(name) = &input.guessed_lengths {
                let steps = format!("the steps in use are those of array {name:?}");
                inputs.note(path, steps);
            }
            let kind = doubts::about_kind(&input.tensor, task.kind);
            let axes = match task.search {
                Search::Ctc => doubts::about_axes(&input.tensor),
                Search::Independent => None,
            };
            for doubt in [kind, axes].into_iter().flatten() {
                inputs.note(path, doubt);
            }
            let about = |failure: Failure| failure.about(printable::path(path));
            let view = input.tensor.view(task.kind);
            let scores = match lengths.as_ref().or(input.lengths.as_ref()) {
                Some(lengths) => view.and_then(|view| view.with_lengths(lengths)),
                None => view,
            };
            let scores = scores.map_err(|error| about(error.into()))?;
            if let Some(labels) = &labels {
                let [_, time, vocab] = input.tensor.shape();
                let is_long = time > vocab;
                let fits = labels
                    .require(vocab)
                    .map_err(|failure| match labels.require(time) {
                        Ok(()) if is_long => failure.with(format_args!(
                            "its axis of {time} is time, as it is read: is the array [vocab, time]?"
                        )),
                        _ => failure,
                    });
                fits.map_err(about)?;
            }
            let answers = decoder.decode(&scores, |done| inputs.advance(done, scores.batch()));
            let answers = answers.map_err(about)?;
            summary.add(&scores, &answers);
            let refused = answers
                .iter()
                .filter_map(|answer| answer.outcome.as_ref().err());
            if let Some(meant) = doubts::about_refusals(&input.tensor, task.kind, refused) {
                inputs.note(path, meant);
            }
            Ok(answers)
        };
        let decoded = decode();
        if let Some(answers) = inputs.take(decoded)? {
            let refused: Vec<_> = answers
                .iter()
                .filter_map(|answer| answer.outcome.as_ref().err())
                .collect();
            inputs.refuse_items(path, refused.into_iter());
            output.add(path, &answers)?;
        }
    }
    let failed = inputs.failed().iter().map(|path| printable::path(path));
    let failed = failed.collect();
    inputs.finish(|| output.finish(), || summary.finish(failed))
}

/// Those that are named and those of the list.
fn listed<'a>(task: &Task<'a>) -> Result<Cow<'a, [PathBuf]>, Failure> {
    let Some(list) = task.inputs_from else {
        return Ok(Cow::Borrowed(task.inputs));
    };
    let stdin = Path::new(STDIN);
    if list == stdin && task.inputs.iter().any(|input| input == stdin) {
        return Err(Failure::input(
            "standard input (-) can be read once, and --inputs-from reads it",
        ));
    }
    let mut all = task.inputs.to_vec();
    all.extend(list::read(list)?);
    Ok(Cow::Owned(all))
}

/// The inputs of this shard.
fn shared<'a>(task: &Task<'a>) -> Cow<'a, [PathBuf]> {
    let Some(shard) = task.shard else {
        return Cow::Borrowed(task.inputs);
    };
    let places = task.inputs.iter().enumerate();
    let mine = places.filter(|(place, _)| shard.has(*place));
    mine.map(|(_, input)| input.clone()).collect()
}

/// Those of the inputs that are not to be left alone.
fn left<'a>(inputs: &'a [PathBuf], task: &Task<'_>, output: &Output) -> Cow<'a, [PathBuf]> {
    if !task.resume {
        return Cow::Borrowed(inputs);
    }
    let left = inputs.iter().filter(|input| !output.has(input));
    left.cloned().collect()
}

/// The token of the blank.
fn blank(task: &Task<'_>, reading: Reading<'_>) -> Result<Blank, Failure> {
    let Some(token) = task.ctc.blank else {
        return Err(Failure::input("--search ctc needs --blank"));
    };
    if let Ok(token) = u32::try_from(token) {
        return Ok(Blank(token));
    }
    // Who counts from the end wants to know where that is.
    let last = task.inputs.first().map(|path| {
        let input = Input::open(path, reading)?;
        let vocab = input.tensor.view(task.kind).map(|view| view.vocab())?;
        Ok::<_, Failure>(format!(", the last is {}", vocab.saturating_sub(1)))
    });
    Err(Failure::Input(format!(
        "--blank {token}: tokens count from 0{}",
        last.transpose()?.unwrap_or_default()
    )))
}

/// The endings of files that scores are read from.
const SCORES: [&str; 2] = ["npy", "safetensors"];

/// What the name of an output ends in, if no answers are written to such a file: those of
/// scores, and any that says nothing where `--format` does not either.
fn foreign_ending(path: &Path, format_is_named: bool) -> Option<String> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    let is_known = Format::of_name(path).is_some() || format_is_named;
    (SCORES.contains(&&*ending) || !is_known).then_some(ending)
}

/// What the parser of the arguments cannot check.
fn check(task: &Task<'_>) -> Result<(), Failure> {
    let (nbest, beams) = (task.nbest, task.beams);
    // A beam of nothing is for the search to refuse.
    if nbest > 1 && task.ctc.greedy {
        return Err(Failure::Input(format!(
            "--nbest {nbest} with --greedy: there is one best path; --beams finds more texts"
        )));
    }
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
    if let Some(path) = task.output
        && let Some(ending) = foreign_ending(path, task.format_is_named)
    {
        return Err(Failure::Input(format!(
            "{}: answers are not written as .{ending}; the names of their files end in .jsonl, \
             .csv, .tsv, .npz or .txt{}",
            printable::path(path),
            match SCORES.contains(&&*ending) {
                true => "",
                false => ", or --format says what to write",
            }
        )));
    }
    if let Some(path) = task.output
        && let Some(named) = Format::of_name(path)
        && named != task.format
    {
        return Err(Failure::Input(format!(
            "--format {} is not what {} promises by its name; one of them must go",
            task.format.name(),
            printable::path(path)
        )));
    }
    if task.shard.is_some() && !task.format.holds_several_inputs() && task.output_dir.is_none() {
        return Err(Failure::Input(format!(
            "--shard with --format {} needs --output-dir: a shard may have several inputs, or none",
            task.format.name()
        )));
    }
    if task.resume && task.output_dir.is_none() {
        return Err(Failure::input(
            "--resume needs --output-dir: only there each input has answers of its own",
        ));
    }
    let inputs = task.inputs.len();
    task.ctc.check(task.labels.is_some())?;
    if inputs > 1 && !task.format.holds_several_inputs() && task.output_dir.is_none() {
        return Err(Failure::Input(format!(
            "--format {} to one output is for one input, {inputs} are given; \
             --output-dir makes a file for each, and jsonl says where each item is from",
            task.format.extension()
        )));
    }
    let stdin = task.inputs.iter().filter(|&path| path == Path::new(STDIN));
    if stdin.count() > 1 {
        return Err(Failure::input(
            "standard input (-) can be read once, and is named more than once",
        ));
    }
    if inputs > 1 && task.lengths.is_some() {
        return Err(Failure::Input(format!(
            "--lengths is for one input, {inputs} are given; a .npz file can hold its own"
        )));
    }
    Ok(())
}
