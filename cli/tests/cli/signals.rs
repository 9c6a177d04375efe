//! What a signal leaves behind when it ends a run: nothing unfinished.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

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

/// Waits until a sign is seen in the folder of a running tool in `/proc`, or the tool
/// has ended. Where there is no `/proc`, it waits for as long as most signs take.
pub(crate) fn wait_for(child: &mut Child, sign: impl Fn(&Path) -> io::Result<bool>) {
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    if !process.exists() {
        return thread::sleep(Duration::from_millis(300));
    }
    let started = Instant::now();
    while !sign(&process).unwrap_or(false) && child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(120), "no sign");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a running tool has mapped a file.
pub(crate) fn wait_until_mapped(child: &mut Child, path: &Path) {
    let path = path.canonicalize().unwrap();
    let path = path.to_str().unwrap();
    wait_for(child, |process| {
        let maps = fs::read_to_string(process.join("maps"))?;
        Ok(maps.lines().any(|line| line.ends_with(path)))
    });
}

/// Waits until a running tool has read a file to its end and closed it.
#[cfg(target_os = "linux")]
fn wait_until_read(child: &mut Child, path: &Path) {
    let length = fs::metadata(path).unwrap().len();
    let path = path.canonicalize().unwrap();
    wait_for(child, |process| {
        let io = fs::read_to_string(process.join("io"))?;
        let read = io.lines().find_map(|line| line.strip_prefix("rchar: "));
        let read: u64 = read.unwrap().parse().unwrap();
        let mut open = fs::read_dir(process.join("fd"))?;
        let is_path = |entry: io::Result<fs::DirEntry>| {
            entry.is_ok_and(|entry| fs::read_link(entry.path()).is_ok_and(|link| link == path))
        };
        Ok(read >= length && !open.any(is_path))
    });
}

/// Work that is done in a search: all that comes between the opening of a file and its
/// search takes less than a tick of 10 ms, in which work is counted.
const SOME_SEARCH: Duration = Duration::from_millis(20);

#[test]
fn a_long_decode_ends_at_once_with_the_code_of_its_signal() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let folder = Folder::new();
        let path = folder.write("a.npy", &random_probs([8, 400, 100], 1));
        let mut child = long_decode(&path, &folder.path("out.jsonl"), &["--format", "jsonl"]);
        wait_until_mapped(&mut child, &path);
        wait_for_work(&mut child, SOME_SEARCH);
        send(signal, &child);
        let sent = Instant::now();
        let run = Run::from(child.wait_with_output().unwrap());
        assert!(sent.elapsed() < Duration::from_secs(5));
        assert_eq!(run.code, Some(code), "{run:?}");
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
        assert_eq!(folder.names(), ["a.npy"]);
    }
}

/// While output is copied into its place it has a name of its own.
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
    // The trial file at the start has such a name too; either moment will do.
    while out.names().len() == 1 && fs::read(&output).unwrap() == b"old" {
        assert!(started.elapsed() < Duration::from_secs(120));
    }
    send("INT", &child);
    let run = Run::from(child.wait_with_output().unwrap());
    assert_eq!(out.names(), ["out.jsonl"], "{run:?}");
    let kept = fs::read(&output).unwrap();
    match run.code {
        Some(130) if kept == b"old" => {}
        // The signal came late.
        Some(0 | 130) => assert_eq!(kept.iter().filter(|&&byte| byte == b'\n').count(), 4),
        _ => panic!("{run:?}"),
    }
}

/// The README says that this ends the program, and that `--no-mmap` helps.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_shrinks_while_it_is_read() {
    use std::os::unix::process::ExitStatusExt;
    const SIGBUS: i32 = 7;
    let shrink = |folder: &Folder, more: &[&str], wait: fn(&mut Child, &Path)| {
        let path = folder.write("a.npy", &random_probs([8, 400, 100], 3));
        let mut child = long_decode(&path, &folder.path("out.txt"), more);
        wait(&mut child, &path);
        let file = fs::File::options().write(true).open(&path);
        file.unwrap().set_len(128).unwrap();
        child
    };
    let folder = Folder::new();
    let mapped = shrink(&folder, &[], wait_until_mapped);
    let mapped = mapped.wait_with_output().unwrap();
    assert_eq!(mapped.status.signal(), Some(SIGBUS), "{mapped:?}");
    assert_eq!(folder.names(), ["a.npy"]);

    let folder = Folder::new();
    let mut read = shrink(&folder, &["--no-mmap"], wait_until_read);
    // The run goes on.
    wait_for_work(&mut read, 5 * SOME_SEARCH);
    send("INT", &read);
    assert_eq!(read.wait().unwrap().code(), Some(130));
}
