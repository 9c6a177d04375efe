//! Runs the tool, and writes files for it to read.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::process::Child;
use std::process::{Command, Output, Stdio};
#[cfg(unix)]
use std::thread;
#[cfg(unix)]
use std::time::{Duration, Instant};

use npyz::WriterBuilder;
use npyz::npz::NpzWriter;

/// A folder of files that goes away with the test.
pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Names of what lies in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// The words of a hypothesis in jsonl, with their first and last frames.
pub(crate) fn word_frames(hypothesis: &serde_json::Value) -> Vec<(&str, u64, u64)> {
    let frame = |word: &serde_json::Value, name: &str| word[name].as_u64().unwrap();
    let words = hypothesis["words"].as_array().unwrap().iter();
    words
        .map(|word| {
            let text = word["word"].as_str().unwrap();
            (text, frame(word, "start"), frame(word, "end"))
        })
        .collect()
}

/// What a run of the tool did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Run {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// It refused the input: one line on standard error that holds `message`,
    /// nothing on standard output.
    #[track_caller]
    pub(crate) fn refused(self, message: &str) {
        assert_eq!(self.code, Some(2), "{self:?}");
        self.one_error(message);
    }

    /// It refused one item and wrote the rest: one line on standard error that holds
    /// `message`.
    #[track_caller]
    pub(crate) fn refused_an_item(self, message: &str) -> Self {
        assert_eq!(self.code, Some(2), "{self:?}");
        self.one_line(message);
        self
    }

    /// The machine failed: one line on standard error that holds `message`,
    /// nothing on standard output.
    #[track_caller]
    pub(crate) fn failed(self, message: &str) {
        assert_eq!(self.code, Some(1), "{self:?}");
        self.one_error(message);
    }

    #[track_caller]
    pub(crate) fn one_error(&self, message: &str) {
        self.one_line(message);
        assert_eq!(self.stdout, "", "{self:?}");
    }

    /// One line on standard error, which holds `message`.
    #[track_caller]
    fn one_line(&self, message: &str) {
        assert!(self.stderr.contains(message), "{self:?}");
        assert!(self.stderr.starts_with("widebeam: "), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
    }
}

pub(crate) fn tool() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_widebeam"));
    command.env_remove("WIDEBEAM_LEVEL");
    command
}

/// `widebeam decode PATH --search independent` with further arguments.
pub(crate) fn decode_command(path: &Path, arguments: &str) -> Command {
    let mut command = tool();
    command.arg("decode").arg(path);
    command.args(["--search", "independent"]);
    command.args(arguments.split_whitespace());
    command
}

pub(crate) fn decode(path: &Path, arguments: &str) -> Run {
    decode_command(path, arguments).output().unwrap().into()
}

/// Runs `command` with `bytes` on its standard input, through a pipe.
pub(crate) fn feed(command: &mut Command, bytes: &[u8]) -> Output {
    let (stdin, stdout, stderr) = (Stdio::piped(), Stdio::piped(), Stdio::piped());
    let command = command.stdin(stdin).stdout(stdout).stderr(stderr);
    let mut child = command.spawn().unwrap();
    // It may have enough before all is written.
    let _ = child.stdin.take().unwrap().write_all(bytes);
    child.wait_with_output().unwrap()
}

/// Sends a running tool a signal.
#[cfg(unix)]
pub(crate) fn send(signal: &str, child: &Child) {
    let mut kill = Command::new("kill");
    let sent = kill.arg(format!("-{signal}")).arg(child.id().to_string());
    assert!(sent.status().unwrap().success());
}

/// Waits until a running tool has worked for so long, counted from now: on Linux by
/// the time of its processors, so that it has done something however busy the machine is.
#[cfg(unix)]
#[track_caller]
pub(crate) fn wait_for_work(child: &mut Child, work: Duration) {
    let before = processor_time(child);
    let started = Instant::now();
    while before.is_some() && processor_time(child) < before.map(|before| before + work) {
        assert_eq!(child.try_wait().unwrap(), None, "it has ended");
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "it does nothing"
        );
        thread::sleep(Duration::from_millis(2));
    }
    if before.is_none() {
        thread::sleep(10 * work);
    }
}

/// The time that a process has had of all processors, in steps of 10 ms (proc(5)).
#[cfg(unix)]
fn processor_time(child: &Child) -> Option<Duration> {
    let status = fs::read_to_string(format!("/proc/{}/stat", child.id())).ok()?;
    let (_, fields) = status.rsplit_once(") ")?;
    let fields: Vec<_> = fields.split(' ').collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Duration::from_millis(10 * (ticks(11)? + ticks(12)?)))
}

/// Waits until a running tool answers an interrupt itself.
#[cfg(unix)]
pub(crate) fn wait_until_interruptible(child: &Child) {
    let status = format!("/proc/{}/status", child.id());
    let caught = || -> Option<bool> {
        let status = fs::read_to_string(&status).ok()?;
        let signals = status
            .lines()
            .find_map(|line| line.strip_prefix("SigCgt:"))?;
        Some(u64::from_str_radix(signals.trim(), 16).ok()? & (1 << 1) != 0)
    };
    let started = Instant::now();
    while caught() == Some(false) {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "no handler of Ctrl-C"
        );
        thread::sleep(Duration::from_millis(2));
    }
    if caught().is_none() {
        thread::sleep(Duration::from_millis(300));
    }
}

/// Probabilities of which no two rows are alike, as a `.npy` file.
pub(crate) fn random_probs(shape: [usize; 3], seed: u64) -> Vec<u8> {
    let [batch, time, vocab] = shape;
    let mut state = seed;
    let mut values = Vec::with_capacity(batch * time * vocab);
    for _row in 0..batch * time {
        let row: Vec<f32> = (0..vocab)
            .map(|_| {
                state = state
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                (state >> 40) as f32 + 1.0
            })
            .collect();
        let sum: f32 = row.iter().sum();
        values.extend(row.iter().map(|value| value / sum));
    }
    npy_f32(&shape.map(|axis| axis as u64), &values)
}

/// A `.npy` file: its values in the order they lie in.
pub(crate) fn npy<T: npyz::Serialize + Copy>(
    dtype: &str,
    order: npyz::Order,
    shape: &[u64],
    values: &[T],
) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::<T>::new()
        .dtype(npyz::DType::Plain(dtype.parse().unwrap()))
        .shape(shape)
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .unwrap();
    writer.extend(values.iter().copied()).unwrap();
    writer.finish().unwrap();
    bytes
}

/// A little-endian float32 `.npy` file in C order.
pub(crate) fn npy_f32(shape: &[u64], values: &[f32]) -> Vec<u8> {
    npy("<f4", npyz::Order::C, shape, values)
}

/// A `.npy` file whose header is `header`, padded as the format asks for.
pub(crate) fn npy_with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let mut text = header.to_owned();
    while !(10 + text.len() + 1).is_multiple_of(64) {
        text.push(' ');
    }
    text.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(text.len()).unwrap().to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

/// A `.npz` archive of `.npy` files.
pub(crate) fn npz(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = NpzWriter::new(std::io::Cursor::new(Vec::new()));
    let zip = archive.zip_writer();
    for (name, bytes) in files {
        zip.start_file(format!("{name}.npy"), Default::default())
            .unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
