//! `--search ctc` and what belongs to it.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::*;

fn run(path: &Path, arguments: &str) -> Run {
    let mut command = tool();
    command.arg("decode").arg(path).args(["--search", "ctc"]);
    command.args(arguments.split_whitespace());
    command.output().unwrap().into()
}

/// Five frames of blank, a, b, c and a space; "a ?" with b a little better than
/// c, and less certain than the rest.
fn emissions(folder: &Folder) -> (PathBuf, String) {
    #[rustfmt::skip]
    let values = [
        0.10, 0.90, 0.00, 0.00, 0.00,
        0.10, 0.80, 0.05, 0.05, 0.00,
        0.10, 0.00, 0.00, 0.00, 0.90,
        0.05, 0.05, 0.50, 0.40, 0.00,
        1.00, 0.00, 0.00, 0.00, 0.00,
    ];
    let labels = folder.write("labels.txt", b"-\na\nb\nc\n \n");
    let path = folder.write("e.npy", &npy_f32(&[5, 5], &values));
    (
        path,
        format!(
            "--blank 0 --scores probs --beams 8 --labels {} ",
            labels.display()
        ),
    )
}

fn best(stdout: &str) -> String {
    let line: Value = serde_json::from_str(stdout.lines().next().unwrap()).unwrap();
    line["hypotheses"][0]["text"].as_str().unwrap().to_owned()
}

const ARPA: &str = "\\data\\\nngram 1=6\nngram 2=1\n\n\\1-grams:\n-1\t<unk>\n-1\ta\n-1\tb\n-1\tc\n\
                    -1\t</s>\n-1\t<space>\n\n\\2-grams:\n-0.1\t<space> c\n\n\\end\\\n";

/// The best token of each frame, where the sum over alignments says otherwise.
#[test]
fn greedy_decoding_takes_the_best_token_of_each_frame() {
    let folder = Folder::new();
    let path = folder.write("e.npy", &npy_f32(&[2, 3], &[0.6, 0.4, 0.0, 0.6, 0.4, 0.0]));
    let labels = folder.write("labels.txt", b"-\na\nb\n");
    let arguments = format!("--blank 0 --scores probs --labels {} ", labels.display());
    let found = run(&path, &(arguments.clone() + "--beams 2")).succeeded();
    assert!(found.stdout.ends_with("  a\n"), "{}", found.stdout);
    let found = run(&path, &(arguments + "--greedy --format jsonl")).succeeded();
    let line: Value = serde_json::from_str(&found.stdout).unwrap();
    let [path] = &line["hypotheses"].as_array().unwrap()[..] else {
        panic!("{line}")
    };
    assert_eq!(
        (&path["text"], &path["tokens"]),
        (&"".into(), &serde_json::json!([]))
    );
    let score = path["score"].as_f64().unwrap();
    assert!((score.exp() - 0.36).abs() < 1e-6);
    assert_eq!(path["alignment_score"], path["score"]);

    let (path, arguments) = emissions(&folder);
    let arguments = arguments.replace("--beams 8", "--greedy") + "--format jsonl";
    let found = run(&path, &arguments).succeeded();
    let line: Value = serde_json::from_str(&found.stdout).unwrap();
    let first = &line["hypotheses"][0];
    assert_eq!(first["frames"], serde_json::json!([0, 2, 3]));
    assert_eq!(first["last_frames"], serde_json::json!([1, 2, 3]));
    assert_eq!(word_frames(first), [("a", 0, 1), ("b", 3, 3)]);
}

#[test]
fn hypotheses_come_with_frames_and_the_score_of_their_best_alignment() {
    let folder = Folder::new();
    let (path, arguments) = emissions(&folder);
    let found = run(&path, &(arguments.clone() + "--format jsonl --nbest 2")).succeeded();
    let line: Value = serde_json::from_str(&found.stdout).unwrap();
    let first = &line["hypotheses"][0];
    assert_eq!(first["text"], "a b");
    assert_eq!(first["frames"], serde_json::json!([0, 2, 3]));
    assert_eq!(first["last_frames"], serde_json::json!([1, 2, 3]));
    assert_eq!(first["log_mass"], first["score"]);
    assert_eq!(first["scorer_score"], 0.0);
    assert_eq!(word_frames(first), [("a", 0, 1), ("b", 3, 3)]);
    let aligned = first["alignment_score"].as_f64().unwrap();
    assert!((aligned - (0.9f64 * 0.8 * 0.9 * 0.5).ln()).abs() < 1e-6);
    // a a, a blank and blank a.
    let score = first["score"].as_f64().unwrap();
    assert!((score - ((0.9f64 * 0.9 + 0.1 * 0.8) * 0.9 * 0.5).ln()).abs() < 1e-6);
    assert_eq!(line["hypotheses"][1]["text"], "a c");

    let table = run(&path, &arguments).succeeded().stdout;
    assert!(
        table.starts_with("item") && table.contains("a b"),
        "{table}"
    );

    let output = folder.path("n.npz");
    let npz = format!("{arguments} --format npz --output {}", output.display());
    run(&path, &npz).succeeded();
    let mut archive = npyz::npz::NpzArchive::open(output).unwrap();
    for (name, expected) in [("frames", [0, 2, 3]), ("last_frames", [1, 2, 3])] {
        let array = archive.by_name(name).unwrap().unwrap();
        assert_eq!(array.into_vec::<i64>().unwrap()[..3], expected, "{name}");
    }
    for (name, expected) in [
        ("alignment_scores", aligned),
        ("log_masses", score),
        ("scorer_scores", 0.0),
    ] {
        let array = archive.by_name(name).unwrap().unwrap();
        assert_eq!(array.into_vec::<f64>().unwrap()[0], expected, "{name}");
    }
}

#[test]
fn a_language_model_plain_or_compressed_changes_the_answer() {
    let folder = Folder::new();
    let (path, arguments) = emissions(&folder);
    let arguments = arguments + "--format jsonl ";
    let plain = folder.write("c.arpa", ARPA.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    gzip.write_all(ARPA.as_bytes()).unwrap();
    let compressed = folder.write("c.arpa.gz", &gzip.finish().unwrap());
    let with = |lm: &Path, more: &str| {
        let arguments = format!("{arguments} --lm {} {more}", lm.display());
        run(&path, &arguments).succeeded().stdout
    };
    assert_eq!(best(&with(&plain, "")), "a c");
    assert_eq!(with(&plain, ""), with(&compressed, ""));
    assert_eq!(with(&plain, ""), with(&plain, "--lm-unit character"));
    assert_eq!(best(&with(&plain, "--lm-weight 0")), "a b");
    assert_eq!(best(&with(&plain, "--lm-weight 0 --token-bonus -20")), "");
}

/// It would answer as if there were no model, but for the number of tokens.
#[test]
fn a_model_that_knows_no_label_is_refused() {
    let folder = Folder::new();
    let (path, arguments) = emissions(&folder);
    let words = ARPA
        .replace("\ta\n", "\tan\n")
        .replace("\tb\n", "\tbe\n")
        .replace("\tc\n", "\tcan\n")
        .replace("<space> c", "an can")
        .replace("<space>", "the");
    let lm = folder.write("words.arpa", words.as_bytes());
    for (unit, parts, others) in [
        ("token", "labels", "--lm-unit word or character"),
        ("character", "characters", "--lm-unit word or token"),
    ] {
        let arguments = format!("{arguments} --lm {} --lm-unit {unit}", lm.display());
        let run = run(&path, &arguments);
        assert!(
            run.stderr.trim_end().ends_with(&format!("({others}?)")),
            "{run:?}"
        );
        run.refused(&format!(
            "{}: the n-gram model is not one of {parts}: it knows 0 of",
            lm.display(),
        ));
    }
    let most = ARPA.replace("\ta\n", "\tan\n");
    let lm = folder.write("most.arpa", most.as_bytes());
    run(&path, &format!("{arguments} --lm {}", lm.display())).succeeded();
}

#[test]
fn hotwords_and_a_lexicon_change_the_answer() {
    let folder = Folder::new();
    let (path, arguments) = emissions(&folder);
    let arguments = arguments + "--format jsonl ";
    let hotwords = folder.write("hot.txt", b"a c\n\n");
    let with = format!("{arguments} --hotwords {}", hotwords.display());
    assert_eq!(best(&run(&path, &with).succeeded().stdout), "a c");
    let with = format!("{with} --hotword-weight 0");
    assert_eq!(best(&run(&path, &with).succeeded().stdout), "a b");
    let lexicon = folder.write("words.txt", b"a\nc\nbb\n");
    let with = format!("{arguments} --lexicon {}", lexicon.display());
    assert_eq!(best(&run(&path, &with).succeeded().stdout), "a c");
    for (pruning, expected) in [
        ("--top-tokens 1", "a b"),
        ("--min-token-log-prob -0.3", "a "),
        ("--score-threshold 0", "a b"),
        ("--blank-skip -0.1", "a b"),
        ("--blank-skip -9", ""),
    ] {
        let found = run(&path, &format!("{arguments} {pruning}")).succeeded();
        assert_eq!(best(&found.stdout), expected, "{pruning}");
    }
}

#[test]
fn what_is_wrong_with_the_files_beside_the_scores_is_said() {
    let folder = Folder::new();
    let (path, arguments) = emissions(&folder);
    let refused = |file: &Path, option: &str, message: &str| {
        let with = format!("{arguments} {option} {}", file.display());
        run(&path, &with).refused(message);
    };
    let cut = folder.write("cut.arpa", &ARPA.as_bytes()[..ARPA.len() - 6]);
    refused(&cut, "--lm", "should stand here");
    let space = folder.write("space.txt", b"a bb\n");
    refused(
        &space,
        "--lexicon",
        "space.txt, line 1: \"a bb\" is more than one word",
    );
    refused(&folder.path("none"), "--lm", "none");
    let weight = folder.write("c.arpa", ARPA.as_bytes());
    refused(&weight, "--lm-weight NaN --lm", "the weight is NaN");

    let found = run(&path, "--scores probs --beams 3");
    assert_eq!(found.code, Some(2));
    assert!(found.stderr.contains("--blank"), "{found:?}");
    for (pruning, message) in [
        (
            "--top-tokens 0",
            "the number of top tokens is 0; it must be 1 or more",
        ),
        ("--threads 0", "the least is 1"),
        (
            "--min-token-log-prob 3",
            "--min-token-log-prob 3 is above every log-probability, and no token would be used",
        ),
    ] {
        let found = run(&path, &format!("{arguments} {pruning}"));
        assert_eq!(found.code, Some(2), "{found:?}");
        assert!(found.stderr.contains(message), "{found:?}");
    }
    run(&path, "--scores probs --beams 3 --blank 5")
        .refused("the blank is token 5, beyond a vocabulary of 5 tokens");
    let found = decode(&path, "--scores probs --beams 3 --blank 0");
    assert_eq!(found.code, Some(2));
    assert!(
        found
            .stderr
            .starts_with("error: --blank is for --search ctc\n")
    );
}
