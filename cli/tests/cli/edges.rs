//! What is at the edge of what can be decoded. What is beyond it, and the error
//! each case gets, is in `bad_input.md`.

use crate::support::*;

const PROBS: &str = "--scores probs --beams 2";

/// Two steps of three tokens.
fn good() -> Vec<u8> {
    npy_f32(&[2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, 0.8])
}

#[track_caller]
fn refused(name: &str, bytes: &[u8], message: &str) {
    let folder = Folder::new();
    let path = folder.write(name, bytes);
    let output = folder.path("out.jsonl");
    let arguments = format!("{PROBS} --format jsonl --output {}", output.display());
    decode(&path, &arguments).refused(message);
    // Nothing half-written, nothing left behind.
    assert_eq!(folder.names(), [name]);
}

/// What one run says of each of these files, in order: an error, or nothing where it
/// has an answer. Each of them has one of the two, and is at fault itself, not the
/// machine.
#[track_caller]
fn errors_of_each(files: &[(String, Vec<u8>)]) -> Vec<Option<String>> {
    let folder = Folder::new();
    let mut command = tool();
    command.arg("decode").current_dir(folder.path(""));
    for (name, bytes) in files {
        folder.write(name, bytes);
        command.arg(name);
    }
    command.args("--search independent --keep-going --format jsonl".split(' '));
    let run = Run::from(command.args(PROBS.split(' ')).output().unwrap());
    assert!(matches!(run.code, Some(0 | 2)), "{run:?}");
    let lines = run.stderr.lines();
    let mut errors = lines.filter(|line| !line.starts_with("widebeam: note: "));
    let mut answered: Vec<String> = run.stdout.lines().map(source).collect();
    answered.dedup();
    let mut answered = answered.iter().peekable();
    let said = files.iter().map(|(name, _)| {
        if answered.next_if_eq(&name).is_some() {
            return None;
        }
        let error = errors.next().unwrap_or_else(|| panic!("nothing of {name}"));
        let message = error.strip_prefix(&format!("widebeam: {name}: "));
        let message = message.unwrap_or_else(|| panic!("of {name}: {error}"));
        assert!(!message.contains(" memory"), "{error}");
        Some(message.to_owned())
    });
    let said = said.collect();
    assert_eq!((answered.next(), errors.next()), (None, None), "{run:?}");
    said
}

/// The input that a line of JSON is about.
fn source(line: &str) -> String {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    line["source"].as_str().unwrap().to_owned()
}

#[test]
fn files_cut_short_anywhere() {
    let whole_npy = good();
    let cuts = |whole: &[u8], extension: &str| -> Vec<_> {
        let cut = |at| (format!("{at}.{extension}"), whole[..at].to_vec());
        (0..whole.len()).map(cut).collect()
    };
    let errors = errors_of_each(&cuts(&whole_npy, "npy"));
    assert!(errors.iter().all(Option::is_some), "{errors:?}");
    let errors = errors_of_each(&cuts(&npz(&[("p", good())]), "npz"));
    for (at, error) in errors.iter().enumerate() {
        let error = error.as_deref().unwrap_or_default();
        assert!(error.starts_with("corrupt .npz archive"), "{at}: {error}");
    }
    refused(
        "cut.npy",
        &whole_npy[..whole_npy.len() - 1],
        "truncated: shape [2, 3] of float32 needs 24 bytes, the file has 23 after its header",
    );
    let mut long = whole_npy;
    long.push(0);
    refused(
        "long.npy",
        &long,
        "corrupt: shape [2, 3] of float32 needs 24 bytes",
    );
}

#[test]
fn a_flipped_byte_is_an_error_or_other_numbers_but_never_a_crash() {
    let tensor = |bytes: &[u8]| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 3], bytes);
        safetensors::serialize([("p", view.unwrap())], None).unwrap()
    };
    for (extension, whole) in [
        ("npy", good()),
        ("npz", npz(&[("p", good())])),
        ("safetensors", tensor(&good()[good().len() - 24..])),
    ] {
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x15;
            (format!("{at}.{extension}"), bytes)
        };
        let files: Vec<_> = (0..whole.len()).map(flipped).collect();
        let errors = errors_of_each(&files);
        // Some of each kind: a wrong header, and a number that is still a score.
        assert!(errors.iter().any(Option::is_some), "{extension}");
        let answered = errors.iter().any(Option::is_none);
        assert!(answered, "{extension}");
    }
}

#[test]
fn axes_of_length_zero() {
    let folder = Folder::new();
    let jsonl = "--scores probs --beams 2 --format jsonl";
    let path = folder.write("no-items.npy", &npy_f32(&[0, 2, 3], &[]));
    assert_eq!(decode(&path, jsonl).succeeded().stdout, "");
    let path = folder.write("no-steps.npy", &npy_f32(&[2, 0, 3], &[]));
    let run = decode(&path, jsonl).succeeded();
    for (item, line) in run.stdout.lines().enumerate() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["item"], item);
        let found = &line["hypotheses"][0];
        assert_eq!(line["hypotheses"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&found["score"], &found["confidence"]),
            (&0.0.into(), &1.0.into())
        );
        assert_eq!(found["tokens"], serde_json::json!([]));
    }
    assert_eq!(run.stdout.lines().count(), 2);
    let path = folder.write("no-tokens.npy", &npy_f32(&[2, 3, 0], &[]));
    decode(&path, jsonl).refused("no-tokens.npy: shape [2, 3, 0] has a vocabulary of 0 tokens");
}

#[test]
fn values_that_are_no_scores() {
    let with = |value: f32| npy_f32(&[1, 2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, value]);
    let folder = Folder::new();
    for value in [f32::NAN, f32::INFINITY, -0.1, 1.5] {
        let path = folder.write("a.npy", &with(value));
        decode(&path, PROBS).refused_an_item(&format!(
            "a.npy: item 0, step 1, token 2: {value} is not a valid probability"
        ));
    }
    let path = folder.write("a.npy", &with(f32::INFINITY));
    for (kind, message) in [
        ("logits", "inf is not a valid logit"),
        ("log-probs", "0.5 is not a valid log-probability"),
    ] {
        decode(&path, &format!("--scores {kind} --beams 2")).refused_an_item(message);
    }
    // Minus infinity and zero are valid: that token is impossible.
    let path = folder.write("b.npy", &npy_f32(&[1, 2], &[f32::NEG_INFINITY, 0.0]));
    let run = decode(&path, "--scores logits --beams 2 --format jsonl").succeeded();
    let line: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(line["hypotheses"].as_array().unwrap().len(), 1, "{run:?}");
    assert_eq!(line["hypotheses"][0]["score"], 0.0, "{run:?}");
    assert_eq!(
        line["hypotheses"][0]["tokens"],
        serde_json::json!([1]),
        "{run:?}"
    );
    let path = folder.write("c.npy", &npy_f32(&[1, 2], &[0.0, 0.0]));
    let run = decode(&path, "--scores probs --beams 2 --format jsonl").succeeded();
    assert!(run.stdout.contains(r#""hypotheses":[]"#), "{run:?}");
    assert!(
        decode(&path, PROBS)
            .succeeded()
            .stdout
            .contains("(no sequence is possible)")
    );
}

#[test]
fn beams_from_none_to_more_than_there_are_sequences() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    decode(&path, "--scores probs --beams 0").refused("a beam width of 0 finds nothing");
    decode(&path, "--scores probs --beams 18446744073709551615")
        .refused("a beam width of 18446744073709551615 is above the limit");
    let run = decode(&path, "--scores probs --beams 1000 --nbest 1000").succeeded();
    assert_eq!(run.stdout.lines().count(), 1 + 9, "{run:?}");
    decode(&path, "--scores probs --beams 2 --nbest 3")
        .refused("--nbest 3 is more than the --beams 2");
    decode(&path, "--scores probs --beams 2 --nbest 0").refused("--nbest 0 writes nothing");
}

#[test]
fn a_level_that_does_not_exist() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    let mut command = decode_command(&path, PROBS);
    command.env("WIDEBEAM_LEVEL", "turbo");
    Run::from(command.output().unwrap()).refused("\"turbo\" is not an instruction-set level");
}

#[test]
fn an_error_in_a_later_file_leaves_nothing_of_an_earlier_one() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    let bad = folder.write("b.npy", &npy_f32(&[2], &[0.5, 0.5]));
    let output = folder.path("out.txt");
    let arguments = format!("{PROBS} {} --output {}", bad.display(), output.display());
    decode(&path, &arguments).refused("b.npy: shape [2] has rank 1");
    assert_eq!(folder.names(), ["a.npy", "b.npy"]);
    decode(&path, &format!("{PROBS} {}", bad.display())).refused("b.npy: shape [2] has rank 1");
}
