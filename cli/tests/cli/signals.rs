//! What a signal leaves behind when it ends a run: nothing unfinished.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::*;

/// A decode that takes much longer than a test: prefixes by the thousands.
fn long_decode(path: &Path, output: &Path, more: &[&str]) -> Child {
    let mut command = tool();
    command.arg("decode").arg(path).arg("--output").arg(output);
    command.args("--search ctc --blank 0 --scores probs --beams 20000".split(' '));
    command.args(more);
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Work of a decode that has come to its search: a run of little scores takes 5 ms in all.
const WELL_BEGUN: Duration = Duration::from_millis(60);

#[test]
fn a_long_decode_ends_at_once_with_the_code_of_its_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = Folder::new();
        let path = folder.write("a.npy", &random_probs([8, 400, 100], 1));
        let mut child = long_decode(&path, &folder.path("out.jsonl"), &["--format", "jsonl"]);
        wait_for_work(&mut child, WELL_BEGUN);
        send(signal, &child);
        let sent = Instant::now();
        let run = Run::from(child.wait_with_output().unwrap());
        assert!(sent.elapsed() < Duration::from_secs(5));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        assert_eq!(folder.names(), ["a.npy"]);
    }
}

/// While a file is copied into its place it has a name of its own.
#[test]
fn output_on_its_way_to_its_place_is_removed() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &random_probs([4, 100, 300], 2));
    let out = Folder::new();
    let output = out.write("out.jsonl", b"old");
    let mut command = decode_command(&path, "--scores probs --beams 30000 --format jsonl");
    command.arg("--output").arg(&output).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let started = Instant::now();
    // The trial at the start is there for a moment too; either is a good time.
    while out.names().len() == 1 && std::fs::read(&output).unwrap() == b"old" {
        assert!(started.elapsed() < Duration::from_secs(120));
    }
    send("INT", &child);
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(out.names(), ["out.jsonl"], "{run:?}");
    let kept = std::fs::read(&output).unwrap();
    match run.code {
        Some(130) if kept == b"old" => {}
        // The signal came late.
        Some(0 | 130) => assert_eq!(kept.iter().filter(|&&byte| byte == b'\n').count(), 4),
        _ => panic!("{run:?}"),
    }
}

/// It is said in the README that this ends the program, and that `--no-mmap`
/// helps.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_shrinks_while_it_is_read() {
    use std::os::unix::process::ExitStatusExt;
    const SIGBUS: i32 = 7;
    let shrink = |folder: &Folder, more: &[&str]| {
        let path = folder.write("a.npy", &random_probs([8, 400, 100], 3));
        let mut child = long_decode(&path, &folder.path("out.txt"), more);
        wait_for_work(&mut child, WELL_BEGUN);
        let file = std::fs::File::options().write(true).open(&path);
        file.unwrap().set_len(128).unwrap();
        child
    };
    let folder = Folder::new();
    let mapped = shrink(&folder, &[]).wait_with_output().unwrap();
    assert_eq!(mapped.status.signal(), Some(SIGBUS), "{mapped:?}");
    assert_eq!(folder.names(), ["a.npy"]);

    let folder = Folder::new();
    let mut read = shrink(&folder, &["--no-mmap"]);
    // It goes on.
    wait_for_work(&mut read, 2 * WELL_BEGUN);
    send("INT", &read);
    assert_eq!(read.wait().unwrap().code(), Some(130));
}
