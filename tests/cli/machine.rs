//! Where the machine fails and not the input: exit code 1, but 0 for a reader
//! that has gone away.

use std::process::Stdio;

use crate::support::*;

const ARGUMENTS: &str = "--scores probs --beams 2";

fn good(folder: &Folder) -> std::path::PathBuf {
    folder.write("a.npy", &npy_f32(&[2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, 0.8]))
}

#[test]
fn folders_that_output_cannot_go_to() {
    let folder = Folder::new();
    let path = good(&folder);
    let output = folder.path("gone/out.txt");
    decode(&path, &format!("{ARGUMENTS} --output {}", output.display())).refused("does not exist");
    let itself = folder.path("");
    decode(&path, &format!("{ARGUMENTS} --output {}", itself.display()))
        .refused("is a folder, not a file to write");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk() {
    let folder = Folder::new();
    let path = good(&folder);
    for format in ["text", "jsonl", "npz"] {
        let arguments = format!("{ARGUMENTS} --format {format}");
        let full = || {
            std::fs::File::options()
                .write(true)
                .open("/dev/full")
                .unwrap()
        };
        let mut command = decode_command(&path, &arguments);
        let run = Run::from(command.stdout(full()).output().unwrap());
        assert_eq!(run.code, Some(1), "{run:?}");
        run.one_error("standard output: No space left on device");

        let run = decode(&path, &format!("{arguments} --output /dev/full"));
        assert_eq!(run.code, Some(1), "{run:?}");
        run.one_error("/dev/full: No space left on device");
    }
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let run = Run::from(tool().stdout(full).output().unwrap());
    assert_eq!(run.code, Some(1), "{run:?}");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = Folder::new();
    let path = good(&folder);
    let sample = tool();
    for mut command in [decode_command(&path, ARGUMENTS), sample] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        command.stdout(Stdio::from(writer));
        let run = Run::from(command.output().unwrap());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn errors_nobody_can_read_keep_their_code() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut command = decode_command("gone.npy".as_ref(), ARGUMENTS);
    let status = command.stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
