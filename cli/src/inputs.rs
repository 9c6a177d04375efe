//! The inputs of a run, one after the other: what is open and in memory is one
//! of them, however many there are.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use widebeam::Error;
use widebeam_perf::console::failure::{self, Failure, note};
use widebeam_perf::console::printable;
use widebeam_perf::console::progress::Progress;

/// How many refused items of an input are reported one by one.
const MOST_REPORTED: usize = 20;

/// Where a run is in its inputs.
pub(crate) struct Inputs<'a> {
    paths: &'a [PathBuf],
    keep_going: bool,
    /// Whether the answers of each input are in their place once they are there.
    written_one_by_one: bool,
    begun: usize,
    failed: Vec<&'a Path>,
    /// Whether an item of an input was refused whose other items were decoded.
    refused: bool,
    /// What was noted, and of how many inputs after the first.
    said: Vec<(String, usize)>,
    progress: Progress,
    /// How far the bar goes for the input at hand, and how far it has gone.
    share: usize,
    gone: Cell<usize>,
}

impl<'a> Inputs<'a> {
    /// With `keep_going`, an input that cannot be decoded does not end the run.
    pub(crate) fn new(paths: &'a [PathBuf], keep_going: bool, written_one_by_one: bool) -> Self {
        let shares = paths.iter().map(|path| share(path));
        let total = shares.fold(0, usize::saturating_add);
        Inputs {
            paths,
            keep_going,
            written_one_by_one,
            begun: 0,
            failed: Vec::new(),
            refused: false,
            said: Vec::new(),
            progress: Progress::new("", total),
            share: 0,
            gone: Cell::new(0),
        }
    }

    /// Goes on to the next input.
    pub(crate) fn begin_next(&mut self) -> Option<&'a Path> {
        let path = self.paths.get(self.begun)?;
        self.begun += 1;
        self.progress.advance(self.share - self.gone.take());
        self.share = share(path);
        self.progress.say(self.doing(path, None));
        Some(path)
    }

    /// Says that so many items of the input at hand are done.
    pub(crate) fn advance(&self, done: usize, items: usize) {
        let gone = (self.share as u128 * done as u128 / items.max(1) as u128) as usize;
        self.progress.advance(gone - self.gone.replace(gone));
        let path = &self.paths[self.begun - 1];
        self.progress.say(self.doing(path, Some((done, items))));
    }

    /// Tells the user of something that is no error. Of several inputs, what is the same is
    /// said of the first, and at the end of how many others.
    pub(crate) fn note(&mut self, path: &Path, message: impl Into<String>) {
        let message = message.into();
        if let Some((_, others)) = self.said.iter_mut().find(|(said, _)| *said == message) {
            *others += 1;
            return;
        }
        let path = printable::path(path);
        self.progress
            .aside(|| note(format_args!("{path}: {message}")));
        self.said.push((message, 0));
    }

    /// Says of how many other inputs each note is true.
    fn count_notes(&self) {
        for (message, others) in &self.said {
            match others {
                0 => {}
                1 => note(format_args!("one more input: {message}")),
                _ => note(format_args!("{others} more inputs: {message}")),
            }
        }
    }

    /// Reports the items of an input that were refused, of many the first. They cost the
    /// run nothing but its exit code.
    pub(crate) fn refuse_items<'e>(
        &mut self,
        path: &Path,
        errors: impl ExactSizeIterator<Item = &'e Error>,
    ) {
        let all = errors.len();
        self.refused |= all > 0;
        for error in errors.take(MOST_REPORTED) {
            let failure = Failure::input(error).about(printable::path(path));
            self.progress.aside(|| failure.report());
        }
        if all > MOST_REPORTED {
            let more = all - MOST_REPORTED;
            let path = printable::path(path);
            self.progress
                .aside(|| note(format_args!("{path}: {more} more items were refused")));
        }
    }

    /// What an input gave, or `None` where it failed and the run goes on.
    pub(crate) fn take<T>(&mut self, result: Result<T, Failure>) -> Result<Option<T>, Failure> {
        match result {
            Ok(given) => Ok(Some(given)),
            Err(failure) if self.keep_going => {
                self.failed.push(&self.paths[self.begun - 1]);
                self.progress.aside(|| failure.report());
                Ok(None)
            }
            Err(failure) if self.paths.len() > 1 => {
                let (done, all) = (self.begun - 1, self.paths.len());
                let advice = match self.written_one_by_one {
                    true => format!(
                        "the run ends here, with the answers of {done} of {all} inputs written; \
                         --keep-going passes over what cannot be decoded, --resume leaves alone \
                         what is written"
                    ),
                    false => "the run ends here, and nothing is written; --keep-going passes over \
                              what cannot be decoded"
                        .to_owned(),
                };
                Err(failure.with(advice))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The inputs that could not be decoded.
    pub(crate) fn failed(&self) -> &[&'a Path] {
        &self.failed
    }

    /// Ends the run: calls `put`, which puts the output in its place, unless all inputs failed,
    /// and then `say`, which writes the summary.
    pub(crate) fn finish(
        self,
        put: impl FnOnce() -> Result<(), Failure>,
        say: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<ExitCode, Failure> {
        let (failed, refused, all) = (self.failed.len(), self.refused, self.paths.len());
        self.progress.aside(|| self.count_notes());
        drop(self);
        if failed < all || all == 0 {
            put()?;
        }
        say()?;
        if failed > 0 {
            note(format_args!(
                "{failed} of {all} inputs could not be decoded"
            ));
        }
        Ok(match failed > 0 || refused {
            true => ExitCode::from(failure::INPUT),
            false => ExitCode::SUCCESS,
        })
    }

    /// What the bar says is being done.
    fn doing(&self, path: &Path, items: Option<(usize, usize)>) -> String {
        let name = path.file_name().map(Path::new).unwrap_or(path);
        let name = printable::path(name);
        let mut doing = printable::printable(&name).into_owned();
        if self.paths.len() > 1 {
            doing = format!("{}/{} {doing}", self.begun, self.paths.len());
        }
        match items {
            Some((done, items)) => format!("{doing}, item {done}/{items}"),
            None => doing,
        }
    }
}

/// What an input is to the bar: its bytes, where it has a size.
fn share(path: &Path) -> usize {
    fs::metadata(path).map_or(0, |found| found.len().max(1) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use widebeam::{ScoresView, beam_search};

    /// Files of so many bytes.
    fn files(lengths: &[usize]) -> (tempfile::TempDir, Vec<PathBuf>) {
        let folder = tempfile::tempdir().unwrap();
        let file = |(at, &length): (usize, &usize)| {
            let path = folder.path().join(format!("{at}.npy"));
            fs::File::create(&path)
                .unwrap()
                .write_all(&vec![0; length])
                .unwrap();
            path
        };
        let paths = lengths.iter().enumerate().map(file).collect();
        (folder, paths)
    }

    #[test]
    fn the_bar_goes_as_far_as_the_bytes_of_the_inputs() {
        let (_folder, mut paths) = files(&[100, 0, 50]);
        paths.push("gone.npy".into());
        let shares: Vec<usize> = paths.iter().map(|path| share(path)).collect();
        // A file of nothing is an input, too.
        assert_eq!(shares, [100, 1, 50, 0]);
        let mut inputs = Inputs::new(&paths, false, false);
        assert_eq!(inputs.begin_next(), Some(&*paths[0]));
        for (done, gone) in [(1, 25), (3, 75), (4, 100)] {
            inputs.advance(done, 4);
            assert_eq!(inputs.progress.position(), gone);
        }
        inputs.begin_next().unwrap();
        assert_eq!(inputs.progress.position(), 100);
        // An input that failed is gone as if it were done.
        inputs.begin_next().unwrap();
        assert_eq!(inputs.progress.position(), 101);
        inputs.advance(1, 3);
        assert_eq!(inputs.progress.position(), 101 + 16);
        inputs.begin_next().unwrap();
        assert_eq!(inputs.progress.position(), 151);
        inputs.advance(0, 0);
        assert_eq!(inputs.begin_next(), None);
    }

    #[test]
    fn the_bar_says_what_is_being_done() {
        let one = ["folder/a\u{1b}b.npy".into()];
        let mut inputs = Inputs::new(&one, false, false);
        inputs.begin_next().unwrap();
        assert_eq!(inputs.doing(&one[0], None), "a\\u{1b}b.npy");
        assert_eq!(
            inputs.doing(&one[0], Some((2, 7))),
            "a\\u{1b}b.npy, item 2/7"
        );
        let two = ["a.npy".into(), "b.npy".into()];
        let mut inputs = Inputs::new(&two, false, false);
        inputs.begin_next().unwrap();
        assert_eq!(inputs.doing(&two[0], None), "1/2 a.npy");
        inputs.begin_next().unwrap();
        assert_eq!(inputs.doing(&two[1], Some((0, 3))), "2/2 b.npy, item 0/3");
    }

    #[test]
    fn a_run_goes_on_past_a_failure_only_if_it_was_told_to() {
        let (_folder, paths) = files(&[1, 1]);
        let failure = || Err::<(), _>(Failure::input("odd"));
        let mut inputs = Inputs::new(&paths, false, false);
        inputs.begin_next().unwrap();
        let said = |inputs: &mut Inputs<'_>| match inputs.take(failure()) {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        };
        assert!(said(&mut inputs).contains("nothing is written"));
        let mut written = Inputs::new(&paths, false, true);
        written.begin_next().unwrap();
        written.begin_next().unwrap();
        assert!(said(&mut written).contains("answers of 1 of 2 inputs written"));
        assert_eq!(inputs.take(Ok(7)).unwrap(), Some(7));

        // The output is put in its place unless nothing came of any input.
        let codes = [ExitCode::SUCCESS, ExitCode::from(2), ExitCode::from(2)];
        for (failures, code) in codes.into_iter().enumerate() {
            let mut inputs = Inputs::new(&paths, true, false);
            for _ in 0..failures {
                inputs.begin_next().unwrap();
                assert_eq!(inputs.take(failure()).unwrap(), None);
            }
            let mut put = false;
            let ended = inputs.finish(
                || {
                    put = true;
                    Ok(())
                },
                || Ok(()),
            );
            assert_eq!(format!("{:?}", ended.unwrap()), format!("{code:?}"));
            assert_eq!(put, failures < 2);
        }
        // A refused item is not a failed input.
        let mut inputs = Inputs::new(&paths, false, false);
        let scores = ScoresView::logits(&[f32::NAN], [1, 1]).unwrap();
        let refused = beam_search(&scores, 1).unwrap().best(0).unwrap_err();
        inputs.refuse_items(&paths[0], [&refused].into_iter());
        let mut put = false;
        let ended = inputs.finish(
            || {
                put = true;
                Ok(())
            },
            || Ok(()),
        );
        assert_eq!(format!("{:?}", ended.unwrap()), format!("{:?}", codes[1]));
        assert!(put);

        let inputs = Inputs::new(&paths, true, false);
        assert!(
            inputs
                .finish(|| Err(Failure::input("no")), || Ok(()))
                .is_err()
        );
    }
}
