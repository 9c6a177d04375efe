//! What others do to the files of a run while it is at work: they are slow, write
//! what is read, replace it, and write to the same place.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::signals::{wait_for, wait_until_mapped};
use crate::support::*;

fn start(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Whether the main thread of a process waits for something (proc(5)).
fn is_asleep(process: &Path) -> io::Result<bool> {
    let stat = fs::read_to_string(process.join("stat"))?;
    Ok(stat.rsplit_once(") ").unwrap().1.starts_with('S'))
}

#[test]
fn pipes_that_say_nothing_can_be_interrupted() {
    let folder = Folder::new();
    let pipe = folder.path("pipe.npy");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let good = npy_f32(&[1, 2], &[0.25, 0.75]);
    // No writer has opened the pipe, or the writer stops in the middle.
    for begun in [false, true] {
        let command = decode_command(&pipe, "--scores probs --beams 2");
        let mut child = start(command);
        let held = begun.then(|| {
            let mut held = File::options().write(true).open(&pipe).unwrap();
            held.write_all(&good[..good.len() - 3]).unwrap();
            held
        });
        wait_until_interruptible(&child);
        wait_for(&mut child, is_asleep);
        assert_eq!(child.try_wait().unwrap(), None, "it waits for the rest");
        send("INT", &child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        drop(held);
    }
}

/// Sets a flag when it is dropped, also after a failed assertion: a thread that waits
/// for the flag would hide the failure.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The numbers of a mapped file may change at any moment: between the two looks
/// that a search takes at a row as well. It ends with an answer or an error.
#[test]
fn scores_that_change_while_they_are_read() {
    let folder = Folder::new();
    let (a, b) = (random_probs([2, 60, 700], 1), random_probs([2, 60, 700], 2));
    let path = folder.write("a.npy", &a);
    let header = a.len() - 4 * 2 * 60 * 700;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let _done = SetOnDrop(&done);
        scope.spawn(|| {
            let mut file = File::options().write(true).open(&path).unwrap();
            let mut at = header;
            while !done.load(Ordering::Relaxed) {
                // This length is not that of a block or a row.
                let end = (at + 4 * 1009).min(a.len());
                for values in [&b, &a] {
                    file.seek(SeekFrom::Start(at as u64)).unwrap();
                    file.write_all(&values[at..end]).unwrap();
                }
                at = if end == a.len() { header } else { end };
            }
        });
        for round in 0..10 {
            for search in [
                "independent --beams 1",
                "independent --beams 100",
                "ctc --blank 0 --beams 8",
            ] {
                let kind = ["probs", "logits"][round % 2];
                let mut command = tool();
                command.arg("decode").arg(&path).arg("--search");
                command.args(search.split(' ')).args(["--scores", kind]);
                let run = Run::from(command.output().unwrap());
                assert!(matches!(run.code, Some(0 | 2)), "{run:?}");
            }
        }
    });
}

/// A run that has opened a file reads it to its end although another replaces it.
#[test]
fn an_input_that_is_replaced_while_it_is_read() {
    let folder = Folder::new();
    let command = |path: &Path| {
        let mut command = tool();
        command.arg("decode").arg(path);
        command.args("--search ctc --blank 0 --scores probs --beams 300".split(' '));
        command
    };
    let old = folder.write("old.npy", &random_probs([4, 100, 50], 1));
    let expected = Run::from(command(&old).output().unwrap())
        .succeeded()
        .stdout;
    let mut child = start(command(&old));
    wait_until_mapped(&mut child, &old);
    let new = folder.write("new.npy", b"not a .npy file");
    fs::rename(new, &old).unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    if cfg!(target_os = "linux") || run.code == Some(0) {
        assert_eq!(run.succeeded().stdout, expected);
    } else {
        // It may not have been open yet.
        run.refused("the magic number is missing");
    }
}

#[test]
fn two_runs_with_one_output() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &random_probs([2, 20, 300], 1));
    let out = Folder::new();
    let output = out.path("out.jsonl");
    let answers = |beams| format!("--scores probs --format jsonl --beams {beams}");
    let expected = [500, 600].map(|beams| decode(&path, &answers(beams)).succeeded().stdout);
    for _ in 0..5 {
        let runs = [500, 600, 500, 600].map(|beams| {
            let mut command = decode_command(&path, &answers(beams));
            command.arg("--output").arg(&output);
            start(command)
        });
        for run in runs {
            Run::from(run.wait_with_output().unwrap()).succeeded();
        }
        // The output is that of one run, whole.
        assert!(expected.contains(&fs::read_to_string(&output).unwrap()));
        assert_eq!(out.names(), ["out.jsonl"]);
    }
}
