//! An item that holds an invalid score costs that item only.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use npyz::npz::NpzArchive;
use serde_json::Value;

use crate::support::*;

const ITEMS: usize = 4;
const SEARCHES: [&str; 2] = ["--search independent", "--search ctc --blank 0"];

/// Which items are bad: the first, the last, one between, several, all.
const CASES: [&[usize]; 5] = [&[0], &[ITEMS - 1], &[2], &[0, 2], &[0, 1, 2, 3]];

/// Items of three steps of five tokens, with an invalid score in some.
fn scores(folder: &Folder, name: &str, bad: &[usize]) -> PathBuf {
    let mut bytes = random_probs([ITEMS, 3, 5], 7);
    let values = bytes.len() - ITEMS * 15 * size_of::<f32>();
    for item in bad {
        // The number of the item tells the messages apart.
        let value = (10 + item) as f32;
        let at = values + (item * 15 + 5 + 2) * size_of::<f32>();
        bytes[at..at + size_of::<f32>()].copy_from_slice(&value.to_le_bytes());
    }
    folder.write(name, &bytes)
}

fn message(item: usize) -> String {
    format!(
        "item {item}, step 1, token 2: {} is not a valid probability (limits: 0 and 1.001)",
        10 + item
    )
}

/// What standard error says of the bad items of these inputs.
fn reports(inputs: &[(&Path, &[usize])]) -> String {
    let of_one = |&(path, bad): &(&Path, &[usize])| {
        let report = |&item| format!("widebeam: {}: {}\n", path.display(), message(item));
        bad.iter().map(report).collect::<String>()
    };
    inputs.iter().map(of_one).collect()
}

/// Runs the tool, which writes a file, and returns the file.
#[track_caller]
fn written(paths: &[&Path], arguments: &str, code: i32, said: &str) -> Vec<u8> {
    let out = Folder::new();
    let mut command = tool();
    command.arg("decode").args(paths);
    command.args("--scores probs --beams 3".split_whitespace());
    command.args(arguments.split_whitespace());
    command.arg("--output").arg(out.path("out"));
    let run = Run::from(command.output().unwrap());
    assert_eq!(run.code, Some(code), "{run:?}");
    assert_eq!((run.stderr.as_str(), run.stdout.as_str()), (said, ""));
    assert_eq!(out.names(), ["out"]);
    fs::read(out.path("out")).unwrap()
}

/// The lines of what [`written`] returns.
#[track_caller]
fn lines(paths: &[&Path], arguments: &str, code: i32, said: &str) -> Vec<String> {
    let bytes = written(paths, arguments, code, said);
    let text = String::from_utf8(bytes).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn in_jsonl_an_error_stands_in_the_place_of_the_item() {
    let folder = Folder::new();
    for search in SEARCHES {
        let arguments = format!("{search} --format jsonl");
        let path = scores(&folder, "a.npy", &[]);
        let right = lines(&[&path], &arguments, 0, "");
        for bad in CASES {
            let path = scores(&folder, "a.npy", bad);
            let found = lines(&[&path], &arguments, 2, &reports(&[(&path, bad)]));
            assert_eq!(found.len(), ITEMS);
            for (item, line) in found.iter().enumerate() {
                if !bad.contains(&item) {
                    assert_eq!(*line, right[item]);
                    continue;
                }
                let line: Value = serde_json::from_str(line).unwrap();
                let error = serde_json::json!({
                    "source": path.to_str().unwrap(),
                    "item": item,
                    "error": message(item),
                });
                assert_eq!(line, error);
            }
        }
    }
}

#[test]
fn in_the_table_an_error_stands_in_the_place_of_the_item() {
    let folder = Folder::new();
    for search in SEARCHES {
        for (ranked, more, per_item) in [(false, "", 1), (true, "--nbest 3", 3)] {
            let arguments = format!("{search} {more}");
            let path = scores(&folder, "a.npy", &[]);
            let right = lines(&[&path], &arguments, 0, "");
            for bad in CASES {
                let path = scores(&folder, "a.npy", bad);
                let found = lines(&[&path], &arguments, 2, &reports(&[(&path, bad)]));
                let mut found = found.iter();
                let columns = |line: &str| line.split_whitespace().map(str::to_owned).collect();
                let head: Vec<String> = columns(found.next().unwrap());
                assert_eq!(head, columns(&right[0]) as Vec<String>);
                for item in 0..ITEMS {
                    if bad.contains(&item) {
                        let line = found.next().unwrap();
                        let rank = if ranked { "     -" } else { "" };
                        // The score is right-aligned, as any.
                        let (before, error) = line.split_once("-  error: ").unwrap();
                        assert!(before.starts_with(&format!("   {item}{rank}")), "{line}");
                        assert_eq!(error, message(item));
                        continue;
                    }
                    for rank in 0..per_item {
                        let line: Vec<String> = columns(found.next().unwrap());
                        let expected: Vec<String> = columns(&right[1 + item * per_item + rank]);
                        assert_eq!(line, expected);
                    }
                }
                assert_eq!(found.next(), None);
            }
        }
    }
}

#[test]
fn in_npz_the_item_has_no_hypotheses() {
    let folder = Folder::new();
    for (search, names) in SEARCHES.into_iter().zip([3, 8]) {
        let arguments = format!("{search} --format npz");
        let path = scores(&folder, "a.npy", &[]);
        let right = written(&[&path], &arguments, 0, "");
        let right = arrays(right);
        for bad in CASES {
            let path = scores(&folder, "a.npy", bad);
            let found = written(&[&path], &arguments, 2, &reports(&[(&path, bad)]));
            let found = arrays(found);
            assert_eq!(found.names, right.names);
            assert_eq!(found.names.len(), names);
            if bad.len() == ITEMS {
                assert!(found.lengths.is_empty() && found.scores.is_empty());
                continue;
            }
            for item in 0..ITEMS {
                let slots = 3 * item..3 * (item + 1);
                if bad.contains(&item) {
                    assert_eq!(found.lengths[slots.clone()], [-1; 3]);
                    assert_eq!(found.scores[slots], [f64::NEG_INFINITY; 3]);
                } else {
                    assert_eq!(found.lengths[slots.clone()], right.lengths[slots.clone()]);
                    assert_eq!(found.scores[slots.clone()], right.scores[slots]);
                }
            }
        }
    }
}

struct Arrays {
    names: Vec<String>,
    lengths: Vec<i64>,
    scores: Vec<f64>,
}

fn arrays(file: Vec<u8>) -> Arrays {
    let mut archive = NpzArchive::new(Cursor::new(file)).unwrap();
    let mut names: Vec<_> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let lengths = archive.by_name("lengths").unwrap().unwrap();
    assert_eq!(lengths.shape()[0], ITEMS as u64);
    let lengths = lengths.into_vec().unwrap();
    let scores = archive.by_name("scores").unwrap().unwrap();
    Arrays {
        names,
        lengths,
        scores: scores.into_vec().unwrap(),
    }
}

/// Items are numbered through however they are grouped, and a group may have no other.
#[test]
fn in_several_groups() {
    // 64 MiB of scores are one group (cli/src/decoder.rs): these are groups of 4 and 1.
    let (batch, vocab) = (5, 1 << 22);
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({batch}, 1, {vocab}), }}");
    let mut values = vec![0.0f32; batch * vocab];
    for item in 0..batch {
        values[item * vocab + item + 1] = 1.0;
    }
    let folder = Folder::new();
    for bad in [&[3][..], &[4], &[0, 4]] {
        for item in bad {
            values[item * vocab + 77] = 7.0;
        }
        let bytes = npy_with_header(&header, bytemuck::cast_slice(&values));
        let path = folder.write("a.npy", &bytes);
        let message = |item: usize| {
            let score = "7 is not a valid probability (limits: 0 and 1.001)";
            format!("item {item}, step 0, token 77: {score}")
        };
        let report = |&item| format!("widebeam: {}: {}\n", path.display(), message(item));
        let said: String = bad.iter().map(report).collect();
        for search in SEARCHES {
            let found = lines(&[&path], &format!("{search} --format jsonl"), 2, &said);
            assert_eq!(found.len(), batch);
            for (item, line) in found.iter().enumerate() {
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["item"], item);
                if bad.contains(&item) {
                    assert_eq!(line["error"], message(item));
                } else {
                    assert_eq!(line["hypotheses"][0]["tokens"][0], item + 1);
                }
            }
        }
        for item in bad {
            values[item * vocab + 77] = 0.0;
        }
    }
}

/// An input whose items are refused is not one that cannot be decoded, which ends the
/// run or, with --keep-going, is counted.
#[test]
fn among_several_inputs() {
    let folder = Folder::new();
    let first = scores(&folder, "first.npy", &[1]);
    let good = scores(&folder, "good.npy", &[]);
    let all = scores(&folder, "all.npy", &[0, 1, 2, 3]);
    let paths: [&Path; 3] = [&first, &good, &all];
    let said = reports(&[(&first, &[1]), (&all, &[0, 1, 2, 3])]);
    for more in ["", "--keep-going"] {
        let arguments = format!("--search independent --format jsonl {more}");
        let found = lines(&paths, &arguments, 2, &said);
        assert_eq!(found.len(), 3 * ITEMS);
        let errors = found.iter().filter(|line| line.contains("\"error\":"));
        assert_eq!(errors.count(), 5);
    }

    let gone = folder.path("gone.npy");
    let arguments = "--scores probs --beams 3 --format jsonl";
    let more = format!("{arguments} {}", gone.display());
    let ended = decode(&first, &more);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""));
    let kept = decode(&first, &format!("{more} --keep-going"));
    assert_eq!(kept.code, Some(2));
    let note = "widebeam: note: 1 of 2 inputs could not be decoded";
    assert_eq!(kept.stderr.lines().last(), Some(note));
    let alone = decode(&first, arguments).refused_an_item("first.npy: item 1, ");
    assert_eq!(kept.stdout, alone.stdout);
    assert_eq!(kept.stdout.lines().count(), ITEMS);
}

#[test]
fn in_a_folder_of_outputs() {
    let folder = Folder::new();
    let first = scores(&folder, "first.npy", &[1]);
    let good = scores(&folder, "good.npy", &[]);
    let out = Folder::new();
    let arguments = "--scores probs --beams 3 --format jsonl";
    let place = out.path("");
    let each = format!(
        "{arguments} {} --output-dir {}",
        good.display(),
        place.display()
    );
    decode(&first, &each).refused_an_item("first.npy: item 1, ");
    assert_eq!(out.names(), ["first.jsonl", "good.jsonl"]);
    for (path, name) in [(&first, "first.jsonl"), (&good, "good.jsonl")] {
        let alone = decode(path, arguments).stdout;
        assert_eq!(fs::read_to_string(out.path(name)).unwrap(), alone);
    }
}

#[test]
fn of_very_many_the_first_are_reported_and_the_rest_counted() {
    let folder = Folder::new();
    let values = vec![f32::NAN; 23 * 2];
    let path = folder.write("a.npy", &npy_f32(&[23, 1, 2], &values));
    let run = decode(&path, "--scores probs --beams 1 --format jsonl");
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 23);
    let said: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(said.len(), 21, "{said:?}");
    assert!(said[19].contains("item 19, step 0, token 0"), "{said:?}");
    assert!(said[20].ends_with("3 more items were refused"), "{said:?}");
}
