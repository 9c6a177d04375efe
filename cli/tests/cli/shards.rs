//! Many inputs shared by several jobs, and jobs that are run again.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::*;

const SEARCH: &str = "--search independent --scores probs --beams 4";

/// So many files of probabilities, of which every seventh holds an item that is refused.
fn inputs(folder: &Folder, count: usize, shape: [usize; 3]) -> Vec<PathBuf> {
    let write = |at: usize| {
        let mut bytes = random_probs(shape, at as u64);
        if at % 7 == 3 {
            let last = bytes.len() - 4;
            bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
        }
        folder.write(&format!("{at:03}.npy"), &bytes)
    };
    (0..count).map(write).collect()
}

/// A job over the inputs of a list.
fn job(list: &Path, output: &Folder, more: &str) -> Command {
    let mut command = tool();
    command.args(["decode", "--inputs-from"]).arg(list);
    command.args(SEARCH.split_whitespace());
    command.args(["--format", "jsonl"]);
    command.arg("--output-dir").arg(output.path(""));
    command.args(more.split_whitespace());
    command
}

fn run(mut command: Command) -> Run {
    command.output().unwrap().into()
}

fn list_of(folder: &Folder, paths: &[PathBuf]) -> PathBuf {
    let lines: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
    folder.write("list.txt", lines.join("\n").as_bytes())
}

/// The answers of a folder, without what killed jobs leave behind.
fn answers(folder: &Folder) -> Vec<(String, Vec<u8>)> {
    let names = folder.names().into_iter();
    let answers = names.filter(|name| name.ends_with(".jsonl"));
    let read = |name: String| {
        let bytes = fs::read(folder.path(&name)).unwrap();
        (name, bytes)
    };
    answers.map(read).collect()
}

fn summary(path: &Path) -> Value {
    let mut summary: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    assert!(summary["seconds"].take().as_f64().unwrap() > 0.0);
    summary
}

#[test]
fn shards_have_each_input_once_and_sums_agree() {
    let (here, whole, parts) = (Folder::new(), Folder::new(), Folder::new());
    let paths = inputs(&here, 20, [2, 3, 5]);
    let list = list_of(&here, &paths);
    let counted = |path: &Path| format!("--summary {}", path.display());
    let all = run(job(&list, &whole, &counted(&here.path("all.json"))));
    assert_eq!(all.code, Some(2));
    let counts = |inputs: usize, items: usize, failures: usize| {
        json!({
            "inputs": inputs, "left_alone": 0, "failed_inputs": 0, "failed": [], "items": items,
            "failures": failures, "frames": 3 * items, "seconds": null,
        })
    };
    assert_eq!(summary(&here.path("all.json")), counts(20, 40, 3));

    let mut reported = 0;
    for (shard, inputs, failures) in [("1/3", 7, 1), ("2/3", 7, 1), ("3/3", 6, 1)] {
        let file = here.path("part.json");
        let more = format!("--shard {shard} {}", counted(&file));
        let done = run(job(&list, &parts, &more));
        reported += done.stderr.lines().count();
        assert_eq!(summary(&file), counts(inputs, 2 * inputs, failures));
    }
    assert_eq!(answers(&parts), answers(&whole));
    // Every refused item is said once.
    assert_eq!((reported, all.stderr.lines().count()), (3, 3));
}

#[test]
fn a_shard_without_inputs_does_nothing_and_succeeds() {
    let (here, out) = (Folder::new(), Folder::new());
    let list = list_of(&here, &inputs(&here, 2, [1, 2, 3]));
    let file = here.path("none.json");
    let more = format!("--shard 3/3 --summary {}", file.display());
    run(job(&list, &out, &more)).succeeded();
    assert_eq!(summary(&file)["inputs"], 0);
    assert!(out.names().is_empty());
    // In one file there are no answers either; a table has its header.
    for (format, begins) in [
        ("jsonl", ""),
        ("csv", "source,item,rank,"),
        ("tsv", "source\titem\trank\t"),
    ] {
        let mut command = tool();
        command.args(["decode", "--inputs-from"]).arg(&list);
        command.args(SEARCH.split_whitespace());
        command.args(["--format", format, "--shard", "3/3", "--output"]);
        let file = here.path("none");
        command.arg(&file);
        run(command).succeeded();
        let written = fs::read_to_string(&file).unwrap();
        assert!(written.starts_with(begins), "{format}: {written:?}");
        assert_eq!(written.lines().count(), usize::from(!begins.is_empty()));
    }
}

#[test]
fn what_is_there_is_left_alone() {
    let (here, out) = (Folder::new(), Folder::new());
    let mut paths = inputs(&here, 3, [1, 2, 3]);
    paths.push(here.path("gone.npy"));
    let list = list_of(&here, &paths);
    out.write("001.jsonl", b"by another job");
    let file = here.path("s.json");
    let more = format!("--resume --keep-going --summary {}", file.display());
    for (left, failed) in [(1, 1), (3, 1)] {
        let done = run(job(&list, &out, &more));
        assert_eq!(done.code, Some(2));
        assert!(done.stderr.contains("gone.npy"), "{done:?}");
        let said = summary(&file);
        assert_eq!(
            (&said["inputs"], &said["items"]),
            (&json!(4), &json!(3 - left))
        );
        assert_eq!(
            (&said["left_alone"], &said["failed_inputs"]),
            (&json!(left), &json!(failed))
        );
    }
    assert_eq!(fs::read(out.path("001.jsonl")).unwrap(), b"by another job");
    // What failed is tried again.
    fs::write(&paths[3], random_probs([1, 2, 3], 9)).unwrap();
    run(job(&list, &out, &more)).succeeded();
    assert!(out.path("gone.jsonl").is_file());
    run(job(&list, &out, &more)).succeeded();
    assert_eq!(summary(&file)["left_alone"], 4);
}

#[cfg(unix)]
#[test]
fn jobs_that_are_killed_and_run_again_give_the_same() {
    let (here, whole, parts) = (Folder::new(), Folder::new(), Folder::new());
    let list = list_of(&here, &inputs(&here, 24, [4, 40, 4000]));
    run(job(&list, &whole, "--keep-going"));
    for shard in ["1/2", "2/2"] {
        let more = format!("--shard {shard} --resume --threads 1");
        for signal in ["KILL", "TERM", "KILL"] {
            let before = answers(&parts).len();
            let mut child = job(&list, &parts, &more).spawn().unwrap();
            // Until something is there that was not.
            while child.try_wait().unwrap().is_none() && answers(&parts).len() == before {
                std::thread::sleep(std::time::Duration::from_millis(1));
            }
            // It may have come to its end.
            let _ = Command::new("kill")
                .arg(format!("-{signal}"))
                .arg(child.id().to_string())
                .output();
            child.wait().unwrap();
        }
        run(job(&list, &parts, &more));
    }
    assert_eq!(answers(&parts), answers(&whole));
}

#[test]
fn a_list_may_come_through_a_pipe_and_stand_beside_inputs() {
    let (here, out) = (Folder::new(), Folder::new());
    let paths = inputs(&here, 3, [1, 2, 3]);
    let mut command = job(Path::new("-"), &out, "");
    command.arg(&paths[0]);
    let lines = format!("{}\r\n\n{}", paths[1].display(), paths[2].display());
    let done = Run::from(feed(&mut command, lines.as_bytes()));
    done.succeeded();
    assert_eq!(out.names(), ["000.jsonl", "001.jsonl", "002.jsonl"]);
}
