//! Sizes beyond what there is: an error before memory is asked for.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::support::*;

/// A file of that header and as many zeros as it claims, none of which is on the
/// disk. `None` where the file system cannot.
fn sparse(folder: &Folder, header: &str, zeros: u64) -> Option<PathBuf> {
    let path = folder.write("sparse.npy", &npy_with_header(header, &[]));
    let file = fs::File::options().write(true).open(&path).unwrap();
    let length = file.metadata().unwrap().len() + zeros;
    if let Err(error) = file.set_len(length) {
        println!("skipped: no file of {length} bytes here: {error}");
        return None;
    }
    Some(path)
}

#[cfg(target_os = "linux")]
#[test]
fn files_larger_than_memory() {
    let folder = Folder::new();
    // 4 TiB, mapped; their copy in float32 has half of that.
    let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (1048576, 524288), }";
    let Some(path) = sparse(&folder, header, 1 << 42) else {
        return;
    };
    let arguments = "--scores logits --beams 2";
    decode(&path, arguments)
        .failed("sparse.npy: a copy of the array would take 2199023255552 bytes of memory, ");
    decode(&path, &format!("{arguments} --no-mmap"))
        .failed("sparse.npy: all of it would take 4398046511232 bytes of memory, ");
}

/// Every step has four tokens, so that sequences multiply and beams are full.
fn four_tokens(steps: u64) -> Vec<u8> {
    npy_f32(&[steps, 4], &vec![0.25; steps as usize * 4])
}

#[cfg(target_os = "linux")]
#[test]
fn beams_and_steps_that_need_more_than_memory() {
    let folder = Folder::new();
    for (steps, beams) in [(100, "2147483647"), (100_000, "1000000")] {
        let path = folder.write("a.npy", &four_tokens(steps));
        decode(&path, &format!("--scores probs --beams {beams}"))
            .failed("a.npy: item 0: the search would take ");
    }
    // So many beams are none too many where there are no such sequences.
    let path = folder.write("a.npy", &four_tokens(3));
    let all = decode(&path, "--scores probs --beams 2147483647 --format jsonl");
    assert_eq!(all.succeeded().stdout.matches("tokens").count(), 64);
}

/// Files as the kernel shows them in a container that may use 40 MiB: 8 of them are the
/// process's own, the rest is full of cached pages of files, which give way.
#[cfg(target_os = "linux")]
const CONTAINERS: [&[(&str, &str)]; 2] = [
    &[
        ("memory.max", "41943040"),
        ("memory.current", "41943040"),
        ("memory.stat", "anon 8388608\nfile 33554432"),
    ],
    &[
        ("memory/memory.limit_in_bytes", "41943040"),
        ("memory/memory.usage_in_bytes", "41943040"),
        ("memory/memory.stat", "cache 33554432\ntotal_rss 8388608"),
    ],
];

/// Runs the tool where `files` stand in the place of the control groups. `None` where
/// nothing can be mounted.
#[cfg(target_os = "linux")]
fn contained(files: &[(&str, &str)], arguments: &[&str]) -> Option<Run> {
    let mut script = "mount -t tmpfs none /sys/fs/cgroup || exit 77\n".to_owned();
    script += "mkdir /sys/fs/cgroup/memory\n";
    for (name, text) in files {
        script += &format!("mkdir -p \"$(dirname /sys/fs/cgroup/{name})\"\n");
        script += &format!("echo '{text}' > /sys/fs/cgroup/{name}\n");
    }
    script += "exec \"$0\" \"$@\"";
    let mut command = std::process::Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]);
    command.arg(tool().get_program()).args(arguments);
    let run = command.output().ok().map(Run::from);
    let run = run.filter(|run| matches!(run.code, Some(0..=2)) && !run.stderr.contains("unshare"));
    if run.is_none() {
        println!("skipped: nothing can be mounted here");
    }
    run
}

/// The files of the limit and of the state of the group of this process in version 1, or of one
/// above it. `None` where the process is in none.
#[cfg(target_os = "linux")]
fn nested(above: &str) -> Option<[String; 2]> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let path = own.lines().find_map(|line| line.split_once(":memory:/"))?.1;
    let is_root = |line: &str| line.contains(" / /sys/fs/cgroup/memory ");
    if path.is_empty() || !mounts.lines().any(is_root) {
        return None;
    }
    let file = |name| format!("memory/{path}/{above}/{name}");
    Some(["memory.limit_in_bytes", "memory.stat"].map(file))
}

#[cfg(target_os = "linux")]
#[test]
fn the_limit_of_a_container_is_seen() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &four_tokens(100));
    let path = path.to_str().unwrap();
    let search = "--search independent --scores probs --beams 300000";
    let decode: Vec<_> = ["decode", path]
        .into_iter()
        .chain(search.split(' '))
        .collect();
    for files in CONTAINERS {
        let Some(run) = contained(files, &decode) else {
            return;
        };
        assert!(run.stderr.contains("33554432 are available"), "{run:?}");
        run.failed("a.npy: item 0: the search would take ");
        let info = ["info", "--megabytes", "1", "--json"];
        let info = contained(files, &info).unwrap().succeeded();
        let info: serde_json::Value = serde_json::from_str(&info.stdout).unwrap();
        let memory = &info["memory"];
        assert_eq!(memory["limit"], 41_943_040, "{memory}");
        assert_eq!(memory["available"], 33_554_432, "{memory}");
        let info = contained(files, &["info", "--megabytes", "1"]).unwrap();
        let said = ", at most 0.0 GiB in this container, 0.0 GiB available";
        assert!(info.stdout.contains(said), "{info:?}");
        let bench = "bench independent --shape 1x1000x10000 --beams 2 --runs 1";
        let bench: Vec<_> = bench.split(' ').collect();
        let bench = contained(files, &bench).unwrap();
        bench.failed("a tensor of shape 1x1000x10000 would take 40000000 bytes of memory, ");
    }
    // The group of the process itself, or the one above it, where that is tighter.
    for (above, limit) in [(".", "33000000"), ("..", "34000000")] {
        let Some([own, stat]) = nested(above) else {
            println!("skipped: this process is in no group of version 1");
            continue;
        };
        let mut files = CONTAINERS[1].to_vec();
        files.extend([(&*own, limit), (&*stat, "total_rss 1000000")]);
        let info = contained(&files, &["info", "--megabytes", "1", "--json"]).unwrap();
        let info: serde_json::Value = serde_json::from_str(&info.succeeded().stdout).unwrap();
        let limit: u64 = limit.parse().unwrap();
        assert_eq!(info["memory"]["limit"], limit, "{info}");
        assert_eq!(info["memory"]["available"], limit - 1_000_000, "{info}");
    }
    // A group without a limit takes none of the machine's memory away.
    let unlimited = [
        ("memory.max", "max"),
        ("memory.current", "41943040"),
        ("memory.stat", "anon 41943040"),
    ];
    let info = contained(&unlimited, &["info", "--megabytes", "1", "--json"]).unwrap();
    let info: serde_json::Value = serde_json::from_str(&info.succeeded().stdout).unwrap();
    assert!(info["memory"]["limit"].is_null(), "{info}");
    assert!(
        info["memory"]["available"].as_u64() > Some(41_943_040),
        "{info}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn ctc_lists_that_need_more_than_memory() {
    let folder = Folder::new();
    let header = "{'descr': '<f2', 'fortran_order': False, 'shape': (1048576, 262144), }";
    let Some(path) = sparse(&folder, header, 1 << 39) else {
        return;
    };
    let mut command = tool();
    command.arg("decode").arg(path);
    // With fewer items than threads every row's list is made before the search.
    let arguments = "--search ctc --blank 0 --scores logits --beams 1000000 --threads 2";
    command.args(arguments.split(' '));
    Run::from(command.output().unwrap()).failed("item 0: the search would take ");
}

/// With every token as good as any other, the best pairs are those of the first
/// parent: ties are in order of the parent, then of the token.
#[test]
fn beams_times_vocabulary_past_32_bits() {
    let tokens = 70_000;
    let folder = Folder::new();
    let values = vec![1.0 / 70_000.0; 2 * tokens];
    let path = folder.write("a.npy", &npy_f32(&[2, tokens as u64], &values));
    let run = decode(
        &path,
        "--scores probs --beams 70000 --format text --nbest 70000",
    );
    let run = run.succeeded();
    let found: Vec<_> = run.stdout.lines().skip(1).collect();
    assert_eq!(found.len(), tokens);
    for (rank, line) in found.iter().enumerate() {
        assert!(line.ends_with(&format!("  0 {rank}")), "{line}");
    }
}

/// An archive of one array with a zip64 directory, which claims what it is told
/// to: the size of the array unpacked, the number of entries, and where the
/// directory's end is.
pub(crate) fn zip64(array: &[u8], claimed: u64, entries: u64, record_at: Option<u64>) -> Vec<u8> {
    let name = b"p.npy";
    let (u16, u32) = (u16::to_le_bytes, u32::to_le_bytes);
    let stored = u32(array.len() as u32);
    let mut checksum = flate2::Crc::new();
    checksum.update(array);
    let checksum = u32(checksum.sum());
    let mut zip = b"PK\x03\x04".to_vec();
    // Version, flags, method, time and date; checksum, sizes; lengths of names.
    zip.extend([45u16, 0, 0, 0, 0].map(u16).concat());
    zip.extend([checksum, stored, stored].concat());
    zip.extend([name.len() as u16, 0].map(u16).concat());
    zip.extend(name);
    zip.extend(array);
    let directory = zip.len();
    zip.extend(b"PK\x01\x02");
    zip.extend([45u16, 45, 0, 0, 0, 0].map(u16).concat());
    zip.extend([checksum, stored, u32(u32::MAX)].concat());
    // Lengths of name, extra field and comment; disk; attributes; place.
    zip.extend([name.len() as u16, 12, 0, 0, 0].map(u16).concat());
    zip.extend([0u32, 0].map(u32).concat());
    zip.extend(name);
    zip.extend([1u16, 8].map(u16).concat());
    zip.extend(claimed.to_le_bytes());
    let record = zip.len();
    zip.extend(b"PK\x06\x06");
    zip.extend(44u64.to_le_bytes());
    zip.extend([45u16, 45].map(u16).concat());
    zip.extend([0u32, 0].map(u32).concat());
    let size = (record - directory) as u64;
    zip.extend(
        [entries, entries, size, directory as u64]
            .map(u64::to_le_bytes)
            .concat(),
    );
    zip.extend(b"PK\x06\x07");
    zip.extend(u32(0));
    zip.extend(record_at.unwrap_or(record as u64).to_le_bytes());
    zip.extend(u32(1));
    zip.extend(b"PK\x05\x06");
    zip.extend([0u16, 0, u16::MAX, u16::MAX].map(u16).concat());
    zip.extend([u32::MAX, u32::MAX].map(u32).concat());
    zip.extend(u16(0));
    zip
}

#[cfg(target_os = "linux")]
#[test]
fn an_archive_that_claims_to_unpack_to_more_than_memory() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (1048576, 1048576), }";
    // More than is looked at for the header.
    let array = npy_with_header(header, &[0; 16 << 10]);
    let claimed = npy_with_header(header, &[]).len() as u64 + (1 << 42);
    let folder = Folder::new();
    let path = folder.write("a.npz", &zip64(&array, claimed, 1, None));
    decode(&path, "--scores logits --beams 2")
        .failed("a.npz: array \"p\": unpacked, it would take 4398046511232 bytes of memory, ");
}

#[test]
fn an_archive_of_more_entries_than_it_has_room_for() {
    let good = npy_f32(&[2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, 0.8]);
    let size = good.len() as u64;
    let folder = Folder::new();
    let run = |bytes: &[u8]| decode(&folder.write("a.npz", bytes), "--scores probs --beams 2");
    run(&zip64(&good, size, 1 << 40, None))
        .refused("corrupt .npz archive: it claims 1099511627776 entries, its ");
    run(&zip64(&good, size, 1, Some(1 << 50)))
        .refused("corrupt .npz archive: its zip64 record lies beyond its end");
    run(&zip64(&good, size, 1, Some(3)))
        .refused("corrupt .npz archive: its zip64 record is not where it says");
    // Else it is a good one.
    run(&zip64(&good, size, 1, None)).succeeded();
}

/// A thousandth of its size packed, and not what its header says.
#[test]
fn a_bomb_is_not_unpacked() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
    let bomb = npz(&[("p", npy_with_header(header, &vec![0; 64 << 20]))]);
    assert!(bomb.len() < 1 << 20);
    let folder = Folder::new();
    let mut command = std::process::Command::new("sh");
    // 64 MiB of memory more than it takes to start would not be granted.
    command.args(["-c", "ulimit -v 200000 && exec \"$0\" \"$@\""]);
    command.arg(tool().get_program()).arg("decode");
    command.arg(folder.write("a.npz", &bomb));
    let arguments = "--search independent --scores probs --beams 2 --threads 1";
    command.args(arguments.split(' '));
    Run::from(command.output().unwrap()).refused(
        "a.npz: array \"p\": corrupt: shape [2, 3] of float32 needs 24 bytes, the file has 67108864",
    );
}

/// A line of text is repeated in the error, but not all of a long one.
#[test]
fn lines_of_megabytes() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &npy_f32(&[1, 3], &[0.5, 0.3, 0.2]));
    folder.write("labels.txt", b"-\na\nb\n");
    let long = "x".repeat(4 << 20);
    folder.write(
        "m.arpa",
        format!("\\data\\\nngram 1=1\n\\{long}\n").as_bytes(),
    );
    folder.write("words.txt", format!("a\n{long}\n").as_bytes());
    folder.write("long.txt", format!("{long}\n{long}\n").as_bytes());
    folder.write("long.npz", &npz(&[(&long[..60_000], b"no array".to_vec())]));
    let ctc = "--search ctc --scores probs --blank 0 --beams 2";
    for (arguments, message) in [
        (
            "a.npy --labels labels.txt --lm m.arpa",
            "m.arpa: ARPA file, line 3: ",
        ),
        (
            "a.npy --labels labels.txt --strict --lexicon words.txt",
            "words.txt: 1 of 2 words cannot be spelled with the labels of labels.txt: \"xxx",
        ),
        (
            "a.npy --labels labels.txt --strict --hotwords words.txt",
            "words.txt: 1 of 2 phrases cannot be spelled with the labels of labels.txt: \"xxx",
        ),
        (
            "a.npy --labels long.txt",
            "a.npy: a vocabulary of 3 tokens needs 3 labels",
        ),
        ("long.npz", "not a .npy file: the magic number is missing"),
    ] {
        let mut command = tool();
        command
            .arg("decode")
            .args(arguments.split(' '))
            .args(ctc.split(' '));
        let run = Run::from(
            command
                .current_dir(path.parent().unwrap())
                .output()
                .unwrap(),
        );
        assert!(run.stderr.len() < 1000, "{}", run.stderr.len());
        run.refused(message);
    }
}

#[cfg(unix)]
#[test]
fn files_without_an_end() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &four_tokens(2));
    let arguments = "--scores probs --beams 2";
    let device = "/dev/zero: is a device; files and pipes are read";
    decode("/dev/zero".as_ref(), arguments).refused(device);
    decode(&path, &format!("{arguments} --lengths /dev/zero")).refused(device);
    decode(&path, &format!("{arguments} --labels /dev/zero")).refused(device);
    let mut command = decode_command("-".as_ref(), arguments);
    let zeros = fs::File::open("/dev/zero").unwrap();
    let run = Run::from(command.stdin(zeros).output().unwrap());
    run.refused("-: it begins like no .npy, .npz or .safetensors file");
}

/// One limit, whoever says how many.
#[test]
fn threads_beyond_all_reason() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &four_tokens(2));
    let run = |arguments: &str, variable: &str| {
        let mut command = decode_command(&path, "--scores probs --beams 2");
        command.args(arguments.split_whitespace());
        Run::from(command.env("RAYON_NUM_THREADS", variable).output().unwrap())
    };
    let limit = "65535 threads are above the limit of ";
    run("--threads 65535", "2").refused(limit);
    let variable = format!("environment variable RAYON_NUM_THREADS: {limit}");
    run("", "65535").refused(&variable);
    let info = tool()
        .arg("info")
        .env("RAYON_NUM_THREADS", "65535")
        .output();
    Run::from(info.unwrap()).refused(&variable);
    run("--threads 2", "65535").succeeded();
    // To rayon these say nothing.
    for variable in ["0", "", "many"] {
        run("", variable).succeeded();
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// A model packed a thousand times smaller than it is: of one line without end, of
/// no more than ends of lines, of one number.
#[test]
fn a_bomb_of_a_language_model() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &npy_f32(&[1, 3], &[0.5, 0.3, 0.2]));
    folder.write("labels.txt", b"-\na\nb\n");
    let start = b"\\data\\\nngram 1=3\n\n\\1-grams:\n";
    for (end, message) in [
        (
            b'x',
            "m.arpa.gz: ARPA file, line 5: it is longer than 1048576 bytes",
        ),
        (
            b'1',
            "m.arpa.gz: ARPA file, line 5: it is longer than 1048576 bytes",
        ),
        (
            b'\n',
            "m.arpa.gz: ARPA file, line 67108868: the header promises 3 1-grams, 0 are there",
        ),
    ] {
        // Files of gzip one after the other are the file of what they hold.
        let packed = [gzip(start), gzip(&vec![end; 1 << 20]).repeat(64)].concat();
        assert!(packed.len() < 1 << 17);
        folder.write("m.arpa.gz", &packed);
        let mut command = std::process::Command::new("sh");
        // Not 64 MiB more than it takes to start.
        command.args(["-c", "ulimit -v 200000 && exec \"$0\" \"$@\""]);
        command.arg(tool().get_program()).arg("decode").arg(&path);
        let arguments = "--search ctc --scores probs --blank 0 --beams 2 --threads 1 \
            --labels labels.txt --lm m.arpa.gz";
        command.args(arguments.split_whitespace());
        let run = command.current_dir(folder.path("")).output().unwrap();
        Run::from(run).refused(message);
    }
}

/// Whoever reads JSON by calling itself runs out of stack here.
#[test]
fn headers_nested_a_million_deep() {
    let folder = Folder::new();
    let deep = |open: &str, close: &str| open.repeat(1 << 20) + &close.repeat(1 << 20);
    for value in [deep("[", "]"), deep("{\"a\":", "0}")] {
        for header in [
            format!("{{\"a\":{value}}}"),
            format!("{{\"__metadata__\":{{\"a\":{value}}}}}"),
            format!(
                "{{\"a\":{{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4],\"b\":{value}}}}}"
            ),
            format!("{{\"a\":{{\"shape\":{value}}}}}"),
        ] {
            let mut file = (header.len() as u64).to_le_bytes().to_vec();
            file.extend(header.as_bytes());
            file.extend(1f32.to_le_bytes());
            let path = folder.write("a.safetensors", &file);
            let run = decode(&path, "--scores probs --beams 2");
            run.refused("a.safetensors: not a valid .safetensors file: ");
        }
    }
}

/// Word lists packed a thousand times smaller than they are take no more than 256 MiB.
#[test]
fn a_bomb_of_words() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &npy_f32(&[1, 3], &[0.5, 0.3, 0.2]));
    folder.write("labels.txt", b"-\na\nb\n");
    let packed = gzip(&vec![b'a'; 1 << 20]).repeat(300);
    assert!(packed.len() < 1 << 19);
    folder.write("bomb.gz", &packed);
    for arguments in [
        "--labels bomb.gz",
        "--labels labels.txt --hotwords bomb.gz",
        "--labels labels.txt --lexicon bomb.gz",
    ] {
        let mut command = std::process::Command::new("sh");
        command.args(["-c", "ulimit -v 800000 && exec \"$0\" \"$@\""]);
        command.arg(tool().get_program()).arg("decode").arg(&path);
        let search = "--search ctc --scores probs --blank 0 --beams 2 --threads 1";
        command.args(search.split(' ')).args(arguments.split(' '));
        let run = command.current_dir(path.parent().unwrap()).output();
        let run = Run::from(run.unwrap());
        run.refused("bomb.gz: it unpacks to more than 268435456 bytes: no text is packed so well");
    }
}

/// Words and labels that repeat themselves, which once took the product of their lengths.
#[test]
fn long_words_of_long_labels() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &npy_f32(&[1, 4], &[0.5, 0.3, 0.1, 0.1]));
    let long = "a".repeat(1 << 18);
    folder.write("labels.txt", format!("-\na\n{long}b\naa\n").as_bytes());
    folder.write("words.txt", format!("{long}c\na\n{long}a\n").as_bytes());
    for option in ["--hotwords", "--lexicon"] {
        let mut command = tool();
        command.arg("decode").arg(&path);
        command.args("--search ctc --scores probs --blank 0 --beams 2".split(' '));
        command.args(["--labels", "labels.txt", option, "words.txt"]);
        let started = std::time::Instant::now();
        let run = Run::from(command.current_dir(folder.path("")).output().unwrap());
        assert!(started.elapsed().as_secs() < 60, "{option}");
        run.succeeded();
    }
}
