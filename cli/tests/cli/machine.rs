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

/// What would be written is refused; what writes files alone goes on.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
#[test]
fn a_standard_output_that_is_closed() {
    let folder = Folder::new();
    let path = good(&folder);
    let closed = |arguments: &[&str]| {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" >&-"]);
        Run::from(
            command
                .arg(tool().get_program())
                .args(arguments)
                .output()
                .unwrap(),
        )
    };
    let search = format!("--search independent {ARGUMENTS}");
    let decode: Vec<&str> = ["decode", path.to_str().unwrap()]
        .into_iter()
        .chain(search.split(' '))
        .collect();
    for arguments in [
        &decode[..],
        &[],
        &["info"],
        &["man"],
        &["--help"],
        &["--version"],
    ] {
        closed(arguments).refused("standard output is closed");
    }
    let output = folder.path("out.txt");
    let to_file = ["--output", output.to_str().unwrap()];
    closed(&[&decode[..], &to_file[..]].concat()).succeeded();
    assert!(std::fs::read_to_string(&output).unwrap().contains(' '));
    // What is thrown away is not closed.
    for null in [">/dev/null", "1<>/dev/null"] {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("exec \"$0\" --version {null}")]);
        let run = Run::from(command.arg(tool().get_program()).output().unwrap());
        run.succeeded();
    }
}

/// Runs `script` with the tool as `$0` and the rest of the arguments as they are.
#[cfg(unix)]
fn shell(script: &str, path: &std::path::Path, output: &std::path::Path) -> Run {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", script]).arg(tool().get_program());
    command.arg("decode").arg(path).arg("--output").arg(output);
    command.args("--search independent --scores probs --beams 3000 --format jsonl".split(' '));
    command.output().unwrap().into()
}

/// Some 300 KB of answers.
#[cfg(unix)]
fn much(folder: &Folder) -> std::path::PathBuf {
    folder.write("much.npy", &random_probs([1, 10, 20], 5))
}

#[cfg(unix)]
#[test]
fn folders_that_nobody_may_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let path = much(&folder);
    let shut = Folder::new();
    std::fs::set_permissions(shut.path(""), PermissionsExt::from_mode(0o555)).unwrap();
    let mut folders = vec![shut.path("")];
    if std::fs::write(shut.path("trial"), b"").is_ok() {
        println!("skipped: this user may write where nobody may");
        folders.clear();
    }
    // Where not even root may.
    folders.extend(
        [std::path::PathBuf::from("/sys")]
            .into_iter()
            .filter(|sys| sys.exists()),
    );
    for folder in folders {
        let run = shell("exec \"$0\" \"$@\"", &path, &folder.join("out.jsonl"));
        run.failed("out.jsonl: ");
    }
}

/// A disk that is full in the middle: after some of the output was written.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up() {
    let folder = Folder::new();
    let path = much(&folder);
    let disk = Folder::new();
    let script = "unshare -rm sh -c 'mount -t tmpfs -o size=64k none \"$1\" || exit 77
        shift; \"$0\" \"$@\"; code=$?; ls -A \"${4%/*}\"; exit $code' \"$0\" \"${4%/*}\" \"$@\"";
    let run = shell(script, &path, &disk.path("out.jsonl"));
    if !matches!(run.code, Some(0..=2)) {
        println!("skipped: no disk of this size can be made here: {run:?}");
        return;
    }
    // `ls` found nothing.
    run.failed("out.jsonl: No space left on device");
}

#[cfg(unix)]
#[test]
fn a_limit_on_the_size_of_files() {
    let folder = Folder::new();
    let path = much(&folder);
    let out = Folder::new();
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
    shell(script, &path, &out.path("out.jsonl")).failed("out.jsonl: File too large");
    assert!(out.names().is_empty());
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

/// The limit counts what the process has open before it opens its input.
#[cfg(target_os = "linux")]
#[test]
fn too_many_open_files() {
    let folder = Folder::new();
    let path = good(&folder);
    let run = |limit: usize| {
        let mut command = std::process::Command::new("sh");
        command.arg("-c");
        command.arg(format!("ulimit -n {limit}; exec \"$0\" \"$@\""));
        command.arg(tool().get_program()).arg("decode").arg(&path);
        command.args("--search independent --scores probs --beams 2".split(' '));
        Run::from(command.output().unwrap())
    };
    let blamed = |run: &Run| run.stderr.contains("a.npy: Too many open files");
    let run = (3..40).map(run).find(blamed);
    run.unwrap().failed("a.npy: Too many open files");
}
