//! What is written, and where.

use std::fs;
use std::io::Cursor;

use npyz::npz::NpzArchive;

use crate::support::*;

/// Two items of two steps of three tokens; the second has one sequence.
fn scores(folder: &Folder) -> std::path::PathBuf {
    let values = [
        0.5, 0.25, 0.25, 0.125, 0.125, 0.75, //
        0.0, 1.0, 0.0, 0.0, 0.0, 1.0,
    ];
    folder.write("a.npy", &npy_f32(&[2, 2, 3], &values))
}

#[test]
fn text_is_a_table() {
    let folder = Folder::new();
    let path = scores(&folder);
    let run = decode(&path, "--scores probs --beams 3").succeeded();
    assert_eq!(
        run.stdout,
        "item    score  tokens\n   0  -0.9808  0 2\n   1   0.0000  1 2\n"
    );
    let run = decode(&path, "--scores probs --beams 3 --nbest 2").succeeded();
    assert_eq!(
        run.stdout,
        "item  rank    score  tokens\n   0     1  -0.9808  0 2\n   0     2  -1.6740  1 2\n   1     1   0.0000  1 2\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn labels_become_text_and_keep_to_their_line() {
    let folder = Folder::new();
    let path = scores(&folder);
    let labels = folder.write("labels.txt", "a\n\u{1b}[2J\u{e9}\n c\n".as_bytes());
    let labelled = |arguments: &str| {
        let mut command = decode_command(&path, arguments);
        command.arg("--labels").arg(&labels);
        Run::from(command.output().unwrap()).succeeded().stdout
    };
    assert_eq!(
        labelled("--scores probs --beams 1"),
        "item    score  text\n   0  -0.9808  a c\n   1   0.0000  \\u{1b}[2J\u{e9} c\n"
    );
    let lines = labelled("--scores probs --beams 1 --format jsonl");
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(line["hypotheses"][0]["text"], "a c");
}

#[test]
fn several_inputs_come_in_order_and_say_which_they_are() {
    let folder = Folder::new();
    let first = scores(&folder);
    let second = folder.write("longer.npy", &npy_f32(&[1, 2], &[0.25, 0.75]));
    let arguments = format!("--scores probs --beams 1 {}", second.display());
    let table = decode(&first, &arguments).succeeded().stdout;
    let rows: Vec<Vec<_>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0], ["source", "item", "score", "tokens"]);
    assert_eq!(rows[1][0], first.to_str().unwrap());
    assert_eq!(rows[3], [second.to_str().unwrap(), "0", "-0.2877", "1"]);
    let lines = decode(&first, &format!("{arguments} --format jsonl"))
        .succeeded()
        .stdout;
    let sources: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["source"].clone())
        .collect();
    let [first, second] = [&first, &second].map(|path| path.to_str().unwrap());
    assert_eq!(sources, [first, first, second]);
}

#[test]
fn nbest_is_the_beam_width_unless_it_is_given() {
    let folder = Folder::new();
    let path = scores(&folder);
    for (arguments, count) in [("", 3), ("--nbest 2", 2)] {
        let arguments = format!("--scores probs --beams 3 --format jsonl {arguments}");
        let lines = decode(&path, &arguments).succeeded().stdout;
        let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(line["hypotheses"].as_array().unwrap().len(), count);
    }
}

/// The shares of .375, .1875 and .1875, and of the one sequence of the second item.
#[test]
fn columns_for_a_spreadsheet() {
    let folder = Folder::new();
    let path = scores(&folder);
    let bad = folder.write("bad.npy", &npy_f32(&[1, 2], &[0.5, 7.0]));
    let none = folder.write("none.npy", &npy_f32(&[1, 2], &[0.0, 0.0]));
    for (format, separator) in [("csv", b','), ("tsv", b'\t')] {
        let arguments = format!(
            "--scores probs --beams 3 --nbest 2 --format {format} {} {}",
            bad.display(),
            none.display()
        );
        let run = decode(&path, &arguments);
        assert_eq!(run.code, Some(2));
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(separator)
            .from_reader(run.stdout.as_bytes());
        let header = reader.headers().unwrap().clone();
        assert_eq!(header.iter().next_back(), Some("error"));
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        let column = |name: &str| header.iter().position(|other| other == name).unwrap();
        let texts = |name| rows.iter().map(move |row| row[column(name)].to_owned());
        assert!(texts("item").eq(["0", "0", "1", "0", "0"]));
        assert!(texts("rank").eq(["1", "2", "1", "", ""]));
        assert!(texts("tokens").eq(["0 2", "1 2", "1 2", "", ""]));
        let sources = [&path, &path, &path, &bad, &none].map(|path| path.to_str().unwrap());
        assert!(texts("source").eq(sources));
        let errors: Vec<_> = texts("error").collect();
        assert!(errors[..3].iter().all(String::is_empty));
        assert!(
            errors[3].contains("7 is not a valid probability"),
            "{errors:?}"
        );
        assert_eq!(errors[4], "no sequence is possible");
        for (name, expected) in [
            ("score", [0.375f64.ln(), 0.1875f64.ln(), 0.0]),
            ("confidence", [0.5, 0.25, 1.0]),
            ("probability", [0.375, 0.1875, 1.0]),
        ] {
            for (text, expected) in texts(name).zip(expected) {
                let found: f64 = text.parse().unwrap();
                assert!((found - expected).abs() < 1e-12, "{name}: {found}");
            }
        }
    }
}

#[test]
fn jsonl_says_how_sure_it_is_whatever_is_written() {
    let folder = Folder::new();
    let path = scores(&folder);
    let arguments = "--scores probs --beams 3 --nbest 1 --format jsonl";
    let lines = decode(&path, arguments).succeeded().stdout;
    let line: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let found = &line["hypotheses"][0];
    let near = |value: &serde_json::Value, expected: f64| {
        assert!(
            (value.as_f64().unwrap() - expected).abs() < 1e-12,
            "{found}"
        );
    };
    near(&found["confidence"], 0.5);
    near(&found["probability"], 0.375);
    near(&found["token_confidences"][0], 0.5);
    near(&found["token_confidences"][1], 1.0);
}

#[test]
fn the_name_of_the_output_says_the_format() {
    let folder = Folder::new();
    let path = scores(&folder);
    for (name, begins) in [
        ("o.jsonl", "{\"source\""),
        ("o.CSV", "source,item"),
        ("o.tsv", "source\titem"),
        ("o.txt", "item"),
        ("o", "item"),
        ("o.npz", "PK"),
    ] {
        let output = folder.path(name);
        let arguments = format!("--scores probs --beams 2 --output {}", output.display());
        decode(&path, &arguments).succeeded();
        let written = fs::read(&output).unwrap();
        assert!(written.starts_with(begins.as_bytes()), "{name}");
    }
    let output = folder.path("o.csv");
    let arguments = format!("--scores probs --beams 2 --output {}", output.display());
    decode(&path, &format!("{arguments} --format tsv")).refused("--format tsv is not what");
    assert!(!output.exists() || fs::read(&output).unwrap().starts_with(b"source,"));
}

#[test]
fn npz_holds_padded_arrays() {
    let folder = Folder::new();
    let path = scores(&folder);
    let lengths = folder.write("l.npy", &npy("<i8", npyz::Order::C, &[2], &[1i64, 2]));
    let bytes = |output: Option<&std::path::Path>| {
        let mut command = decode_command(&path, "--scores probs --beams 3 --nbest 2 --format npz");
        command.arg("--lengths").arg(&lengths);
        match output {
            Some(output) => {
                assert!(
                    command
                        .arg("--output")
                        .arg(output)
                        .status()
                        .unwrap()
                        .success()
                );
                fs::read(output).unwrap()
            }
            None => command.output().unwrap().stdout,
        }
    };
    let file = bytes(Some(&folder.path("out.npz")));
    assert_eq!(file, bytes(None), "a pipe is given what a file is");

    let mut archive = NpzArchive::new(Cursor::new(file)).unwrap();
    let tokens = archive.by_name("tokens").unwrap().unwrap();
    assert_eq!(tokens.shape(), [2, 2, 2]);
    assert_eq!(
        tokens.into_vec::<i32>().unwrap(),
        [0, -1, 1, -1, 1, 2, -1, -1]
    );
    let lengths = archive.by_name("lengths").unwrap().unwrap();
    assert_eq!(lengths.shape(), [2, 2]);
    assert_eq!(lengths.into_vec::<i64>().unwrap(), [1, 1, 2, -1]);
    let scores = archive.by_name("scores").unwrap().unwrap();
    assert_eq!(scores.shape(), [2, 2]);
    let scores = scores.into_vec::<f64>().unwrap();
    assert_eq!(scores, [0.5f64.ln(), 0.25f64.ln(), 0.0, f64::NEG_INFINITY]);
}

#[test]
fn a_file_is_replaced_when_the_new_one_is_complete() {
    let folder = Folder::new();
    let path = scores(&folder);
    let output = folder.write("out.txt", b"old");
    let arguments = format!("--scores probs --beams 1 --output {}", output.display());
    let run = decode(&path, &arguments).succeeded();
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let table = decode(&path, "--scores probs --beams 1").succeeded().stdout;
    assert_eq!(fs::read_to_string(&output).unwrap(), table);
    // An error keeps the old one.
    let bad = folder.write("bad.npy", &npy_f32(&[2], &[0.5, 0.5]));
    decode(&bad, &arguments).refused("bad.npy: shape [2] has rank 1");
    assert_eq!(fs::read_to_string(&output).unwrap(), table);
    assert_eq!(folder.names(), ["a.npy", "bad.npy", "out.txt"]);
}

#[cfg(unix)]
#[test]
fn a_link_keeps_pointing_and_modes_are_those_of_any_file() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = Folder::new();
    let path = scores(&folder);
    let real = folder.write("real.txt", b"old");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    let link = folder.path("link.txt");
    symlink(&real, &link).unwrap();
    decode(
        &path,
        &format!("--scores probs --beams 1 --output {}", link.display()),
    )
    .succeeded();
    assert!(link.is_symlink());
    assert!(fs::read_to_string(&real).unwrap().starts_with("item"));
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o640
    );

    let new = folder.path("new.txt");
    decode(
        &path,
        &format!("--scores probs --beams 1 --output {}", new.display()),
    )
    .succeeded();
    let plain = folder.write("plain.txt", b"");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&new), mode(&plain));
}

/// Not replaced by a file, as if it were none.
#[cfg(unix)]
#[test]
fn links_that_lead_nowhere() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let path = scores(&folder);
    for (name, leads_to) in [
        ("dangling", "gone"),
        ("far", "gone/out"),
        ("itself", "itself"),
    ] {
        let link = folder.path(name);
        symlink(leads_to, &link).unwrap();
        let arguments = format!("--scores probs --beams 1 --output {}", link.display());
        decode(&path, &arguments).refused(&format!("{name}: is a link that leads nowhere"));
        assert_eq!(fs::read_link(&link).unwrap().to_str(), Some(leads_to));
    }
    assert_eq!(folder.names(), ["a.npy", "dangling", "far", "itself"]);
}

#[test]
fn the_sample_is_read_and_says_what_to_try_next() {
    let plain = Run::from(tool().output().unwrap()).succeeded();
    assert_eq!(plain.stderr, "");
    // As it was started, so that it can be tried before it is installed.
    let next = format!(
        "Next: {} decode --beams 1000",
        env!("CARGO_BIN_EXE_widebeam")
    );
    for line in [
        " 1  truth   As unknown, and yet well known; as dying, and, behold, we",
        "    greedy  As unknowm, and yet well known: as dying. and. bohold, we",
        "Character errors: greedy 7.4 %, beam 6.2 %, the closest in the beam 4.0 %.",
        &next,
    ] {
        assert!(
            plain.stdout.lines().any(|other| other == line),
            "{}",
            plain.stdout
        );
    }
    assert_eq!(plain.stdout.matches("\n    beam    ").count(), 12);
    // Colours are for terminals, and for who asks for them.
    let coloured = Run::from(tool().env("CLICOLOR_FORCE", "1").output().unwrap()).succeeded();
    assert!(!plain.stdout.contains('\x1b') && coloured.stdout.contains("b\x1b"));
    let mut without = tool();
    without.env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert_eq!(Run::from(without.output().unwrap()).stdout, plain.stdout);
    let named = Run::from(tool().arg("decode").output().unwrap()).succeeded();
    assert_eq!(named.stdout, plain.stdout);
    let wide = tool().args(["decode", "--beams", "1000"]).output();
    let wide = Run::from(wide.unwrap()).succeeded().stdout;
    assert!(
        wide.contains("\nNext: ") && !wide.contains("--beams"),
        "{wide}"
    );
}
