//! Many inputs in one run, from files and pipes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::*;

const JSONL: &str = "--scores probs --beams 2 --format jsonl";

fn one(first: f32) -> Vec<u8> {
    npy_f32(&[1, 2], &[first, 1.0 - first])
}

/// The field of each line.
fn fields(lines: &str, field: &str) -> Vec<String> {
    let parse = |line| serde_json::from_str::<Value>(line).unwrap()[field].clone();
    let lines = lines.lines().map(parse);
    lines.map(|value| value.to_string()).collect()
}

/// `widebeam decode` of all `paths`, with at most 40 files open at a time.
fn decode_all(paths: &[PathBuf], arguments: &str) -> Run {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\""]);
    command.arg(tool().get_program()).arg("decode").args(paths);
    command.args(["--search", "independent"]);
    command.args(arguments.split_whitespace());
    command.output().unwrap().into()
}

#[test]
fn a_thousand_inputs_of_which_one_is_bad() {
    let folder = Folder::new();
    let mut paths: Vec<_> = (0..1000)
        .map(|at| folder.write(&format!("{at}.npy"), &one((at % 100) as f32 / 100.0)))
        .collect();
    let all = decode_all(&paths, JSONL).succeeded();
    assert_eq!(all.stderr, "");
    let sources = fields(&all.stdout, "source");
    assert_eq!(sources.len(), paths.len());
    for (source, path) in sources.iter().zip(&paths) {
        assert_eq!(*source, format!("{:?}", path.to_str().unwrap()));
    }

    fs::write(&paths[600], npy_f32(&[2], &[0.5, 0.5])).unwrap();
    let message = "600.npy: shape [2] has rank 1";
    decode_all(&paths, JSONL).refused(message);

    let kept = decode_all(&paths, &format!("{JSONL} --keep-going"));
    assert_eq!(kept.code, Some(2));
    let errors: Vec<_> = kept.stderr.lines().collect();
    assert!(errors[0].contains(message), "{errors:?}");
    let note = "widebeam: note: 1 of 1000 inputs could not be decoded";
    assert_eq!(errors[1..], [note]);
    paths.remove(600);
    assert_eq!(kept.stdout, decode_all(&paths, JSONL).succeeded().stdout);
}

#[test]
fn a_run_that_keeps_going_writes_what_it_can() {
    let folder = Folder::new();
    let good = folder.write("good.npy", &one(0.25));
    let gone = folder.path("gone.npy");
    let out = Folder::new();
    let arguments = |output: &str| {
        let output = out.path(output);
        format!("{JSONL} --keep-going --output {}", output.display())
    };
    let run = decode_all(&[gone.clone(), good.clone()], &arguments("some.jsonl"));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    let alone = decode(&good, JSONL).succeeded().stdout;
    assert_eq!(fs::read_to_string(out.path("some.jsonl")).unwrap(), alone);

    // Where nothing could be decoded there is nothing to write.
    let run = decode_all(&[gone.clone(), gone], &arguments("none.jsonl"));
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.stderr.contains("2 of 2 inputs"), "{run:?}");
    assert_eq!(out.names(), ["some.jsonl"]);
}

#[test]
fn a_folder_of_outputs() {
    let folder = Folder::new();
    let paths = ["a.npy", "b.c.npy", "bad.npy"].map(|name| folder.path(name));
    fs::write(&paths[0], one(0.25)).unwrap();
    fs::write(&paths[1], one(0.5)).unwrap();
    fs::write(&paths[2], npy_f32(&[2], &[0.5, 0.5])).unwrap();
    for (format, extension) in [("text", "txt"), ("jsonl", "jsonl"), ("npz", "npz")] {
        let out = Folder::new();
        let arguments = format!("--scores probs --beams 2 --format {format}");
        let each = format!("{arguments} --output-dir {}", out.path("").display());
        // A bad input ends the run; what was complete before stays.
        decode_all(&paths[1..], &each).refused("bad.npy: shape [2] has rank 1");
        assert_eq!(out.names(), [format!("b.c.{extension}")]);
        let run = decode_all(&paths, &format!("{each} --keep-going"));
        assert_eq!(run.code, Some(2), "{run:?}");
        assert_eq!(
            out.names(),
            [format!("a.{extension}"), format!("b.c.{extension}")]
        );
        let mut alone = decode_command(&paths[0], &arguments);
        let alone = alone.output().unwrap().stdout;
        assert_eq!(fs::read(out.path(&out.names()[0])).unwrap(), alone);
    }
}

#[test]
fn folders_of_outputs_that_cannot_be() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &one(0.25));
    let packed = folder.write("a.npz", &npz(&[("p", one(0.25))]));
    let into = |folder: &Path| format!("{JSONL} --output-dir {}", folder.display());
    let here = into(&folder.path(""));
    decode(&path, &into(&folder.path("gone")))
        .refused("gone does not exist; --create-dirs makes it");
    decode(&path, &into(&path)).refused("a.npy: is a file, not a folder");
    decode(&path, &format!("{here} {}", packed.display())).refused("would both be written to");
    let npz = here.replace("jsonl", "npz");
    decode(&packed, &npz).refused("a.npz would be written in the place of ");
    decode("-".as_ref(), &here).refused("standard input has no name");
    assert_eq!(folder.names(), ["a.npy", "a.npz"]);
}

#[test]
fn a_table_of_several_inputs_keeps_its_columns() {
    let folder = Folder::new();
    let mut paths = Vec::new();
    for (name, first) in [("short.npy", 0.25), ("much-longer.npy", 0.0001)] {
        paths.push(folder.write(name, &one(first)));
    }
    let table = decode_all(&paths, "--scores probs --beams 2 --nbest 2");
    let table = table.succeeded().stdout;
    let ends: Vec<_> = table
        .lines()
        .map(|line| line.rfind("  ").unwrap())
        .collect();
    assert_eq!(ends.len(), 1 + 4);
    assert!(ends.iter().all(|&end| end == ends[0]), "{table}");
}

#[cfg(unix)]
#[test]
fn names_that_are_not_utf_8() {
    use std::os::unix::ffi::OsStrExt;
    let folder = Folder::new();
    let name = |bytes| folder.path("").join(std::ffi::OsStr::from_bytes(bytes));
    let (good, bad) = (name(b"caf\xe9.npy"), name(b"caf\xff.npy"));
    if fs::write(&good, one(0.25)).is_err() {
        println!("skipped: this file system takes no such names");
        return;
    }
    let run = decode(&good, JSONL).succeeded();
    assert!(fields(&run.stdout, "source")[0].ends_with("caf\\\\xe9.npy\""));
    decode(&bad, JSONL).refused("caf\\xff.npy: No such file");

    let out = name(b"out\xfe.txt");
    let mut command = decode_command(&good, "--scores probs --beams 1");
    command.arg("--output").arg(&out).arg("--no-mmap");
    Run::from(command.output().unwrap()).succeeded();
    assert!(fs::read_to_string(&out).unwrap().starts_with("item"));
}

#[test]
fn standard_input_and_pipes_of_every_format() {
    let tensor = [0.25f32, 0.75].map(f32::to_le_bytes).concat();
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1, 2], &tensor);
    let files = [
        ("a.npy", one(0.25)),
        ("a.npz", npz(&[("p", one(0.25))])),
        (
            "a.safetensors",
            safetensors::serialize([("p", view.unwrap())], None).unwrap(),
        ),
    ];
    let folder = Folder::new();
    let text = "--scores probs --beams 2";
    for (name, bytes) in files {
        let path = folder.write(name, &bytes);
        let file = decode(&path, text).succeeded().stdout;
        let piped = feed(&mut decode_command("-".as_ref(), text), &bytes);
        assert_eq!(Run::from(piped).succeeded().stdout, file);
        let mut command = decode_command("-".as_ref(), text);
        let redirected = command.stdin(fs::File::open(&path).unwrap()).output();
        assert_eq!(Run::from(redirected.unwrap()).succeeded().stdout, file);
        #[cfg(unix)]
        {
            let named = decode_command("/dev/stdin".as_ref(), text);
            let run = Run::from(feed(&mut { named }, &bytes));
            assert_eq!(run.succeeded().stdout, file);
        }
    }
    // A file of that name has a longer one.
    assert_eq!(fs::write(folder.path("-"), one(0.5)).ok(), Some(()));
    let mut command = decode_command("./-".as_ref(), text);
    let run = Run::from(command.current_dir(folder.path("")).output().unwrap());
    run.refused("./-: the format of a file is told by its name");
}

#[test]
fn standard_input_among_other_inputs() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &one(0.25));
    let arguments = format!("{JSONL} - {}", path.display());
    let run = Run::from(feed(&mut decode_command(&path, &arguments), &one(0.5)));
    let sources = fields(&run.succeeded().stdout, "source");
    assert_eq!(sources.len(), 3);
    assert_eq!(sources[1], "\"-\"");
}

/// The same bytes whatever the level and the threads, read as a file or a pipe,
/// mapped or not.
#[test]
fn the_same_bytes_however_it_is_run() {
    let folder = Folder::new();
    let scores = random_probs([3, 30, 40], 4);
    let path = folder.write("a.npy", &scores);
    let searches = ["--search independent", "--search ctc --blank 0"];
    let formats = ["text --nbest 5", "jsonl", "npz"];
    for search in searches {
        for format in formats {
            let run = |path: &Path, more: &str| {
                let mut command = tool();
                command.arg("decode").arg(path);
                let arguments =
                    format!("{search} --scores probs --beams 20 --format {format} {more}");
                command.args(arguments.split_whitespace());
                let output = feed(&mut command, &scores);
                assert!(output.status.success(), "{output:?}");
                output.stdout
            };
            let right = run(&path, "");
            assert!(!right.is_empty());
            for threads in 1..=8 {
                assert_eq!(run(&path, &format!("--threads {threads}")), right);
            }
            for level in widebeam::Level::available() {
                assert_eq!(run(&path, &format!("--level {level}")), right);
            }
            assert_eq!(run(&path, "--no-mmap"), right);
            if format != "jsonl" {
                assert_eq!(run("-".as_ref(), ""), right);
            }
        }
    }
}

#[test]
fn the_order_of_inputs_is_that_of_the_outputs_and_nothing_more() {
    let folder = Folder::new();
    let paths: Vec<_> = (0..4)
        .map(|at| folder.write(&format!("{at}.npy"), &random_probs([2, 9, 30], at)))
        .collect();
    let alone: Vec<_> = paths
        .iter()
        .map(|path| decode(path, JSONL).succeeded().stdout)
        .collect();
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]] {
        let run = decode_all(&order.map(|at| paths[at].clone()), JSONL);
        assert_eq!(
            run.succeeded().stdout,
            order.map(|at| alone[at].as_str()).concat()
        );
    }
}

#[test]
fn a_missing_folder_of_outputs_is_made_if_that_is_asked_for() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &one(0.25));
    let gone = folder.path("one/two");
    let arguments = format!("{JSONL} --create-dirs --output-dir {}", gone.display());
    decode(&path, &arguments).succeeded();
    assert!(gone.join("a.jsonl").is_file());
    let output = folder.path("three/b.jsonl");
    let arguments = format!("{JSONL} --output {}", output.display());
    decode(&path, &arguments).refused("three does not exist; --create-dirs makes it");
    decode(&path, &format!("{arguments} --create-dirs")).succeeded();
    assert!(output.is_file());
}

#[test]
fn a_folder_as_an_input_is_refused_with_the_names_of_its_files() {
    let folder = Folder::new();
    decode(&folder.path(""), JSONL)
        .refused("is a folder, and no .npy, .npz or .safetensors file is in it");
    for name in ["a.npy", "b.npy", "c.txt"] {
        folder.write(name, &one(0.25));
    }
    folder.write("d.npz", &npz(&[("p", one(0.25))]));
    decode(&folder.path(""), JSONL).refused("is a folder; it holds 2 .npy files: ");
}

#[test]
fn what_is_noted_of_many_inputs_is_said_once() {
    let folder = Folder::new();
    let file = npy("<f8", npyz::Order::C, &[1, 2], &[0.25f64, 0.75]);
    let paths = ["a.npy", "b.npy", "c.npy"].map(|name| folder.write(name, &file));
    let more = format!("{JSONL} {} {}", paths[1].display(), paths[2].display());
    let run = decode(&paths[0], &more).succeeded();
    let notes: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].ends_with("a.npy: float64 scores are rounded to float32"));
    let run = decode(&paths[0], &format!("{JSONL} {}", paths[1].display())).succeeded();
    let last = run.stderr.lines().nth(1).unwrap();
    assert_eq!(
        last,
        "widebeam: note: one more input: float64 scores are rounded to float32"
    );
    assert_eq!(
        notes[1],
        "widebeam: note: 2 more inputs: float64 scores are rounded to float32"
    );
}

#[test]
fn pages_and_completions_are_written() {
    let folder = Folder::new();
    let run = |arguments: &[&str]| Run::from(tool().args(arguments).output().unwrap()).succeeded();
    assert!(run(&["man"]).stdout.contains(".TH widebeam 1"));
    run(&["man", &folder.path("").display().to_string()]);
    let pages = [
        "",
        "-bench",
        "-completions",
        "-decode",
        "-info",
        "-man",
        "-report",
        "-scaling",
        "-trie",
    ];
    let pages = pages.map(|command| format!("widebeam{command}.1"));
    let mut names = folder.names();
    names.sort();
    let mut expected = pages.to_vec();
    expected.sort();
    assert_eq!(names, expected);
    for shell in ["bash", "zsh", "fish"] {
        // In fish an option has no dashes.
        let script = run(&["completions", shell]).stdout;
        assert!(script.contains("keep-going"), "{shell}");
    }
}

#[test]
fn a_summary_does_not_take_the_place_of_answers() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &one(0.25));
    let here = folder.path("");
    let here = here.display();
    for (answers, summary) in [
        (
            format!("--output {here}/o.jsonl"),
            format!("{here}/./o.jsonl"),
        ),
        (format!("--output-dir {here}"), format!("{here}/a.jsonl")),
    ] {
        decode(&path, &format!("{JSONL} {answers} --summary {summary}"))
            .refused("--summary names a file that answers are written to");
    }
    assert_eq!(folder.names(), ["a.npy"]);
    let npz = "--scores probs --beams 2 --format npz --shard 2/2 --output o.npz";
    decode(&path, npz).refused("--shard with --format npz needs --output-dir");
}

#[test]
fn a_run_that_a_file_ends_says_how_to_pass_over_it() {
    let folder = Folder::new();
    let (path, gone) = (folder.write("a.npy", &one(0.25)), folder.path("gone.npy"));
    let advice = "--keep-going passes over what cannot be decoded";
    decode(&path, &format!("{JSONL} {}", gone.display())).refused(advice);
    assert!(!decode(&gone, JSONL).stderr.contains(advice));
}
