//! Whatever the user hands over, the answer is one clear error and exit code
//! 2, or the right answer where there is one.

use npyz::Order;

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

#[test]
fn files_that_are_not_there_or_not_files() {
    let folder = Folder::new();
    for name in ["gone.npy", "gone.npz", "gone.safetensors"] {
        decode(&folder.path(name), PROBS).refused(&format!("{name}: No such file"));
    }
    std::fs::create_dir(folder.path("folder.npy")).unwrap();
    std::fs::create_dir(folder.path("folder.npz")).unwrap();
    decode(&folder.path("folder.npy"), PROBS).refused("is a folder, not a file");
    decode(&folder.path("folder.npz"), PROBS).refused("is a folder, not a file");
    refused(
        "scores.bin",
        &good(),
        "which ends in .npy, .npz or .safetensors",
    );
}

#[test]
fn files_cut_short_anywhere() {
    let whole_npy = good();
    for cut in 0..whole_npy.len() {
        let folder = Folder::new();
        let path = folder.write("cut.npy", &whole_npy[..cut]);
        decode(&path, PROBS).refused("cut.npy: ");
    }
    let whole_npz = npz(&[("p", good())]);
    for cut in (0..whole_npz.len()).step_by(7) {
        let folder = Folder::new();
        let path = folder.write("cut.npz", &whole_npz[..cut]);
        decode(&path, PROBS).refused("cut.npz: corrupt .npz archive");
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
    let files = [
        ("a.npy", good()),
        ("a.npz", npz(&[("p", good())])),
        ("a.safetensors", tensor(&good()[good().len() - 24..])),
    ];
    let folder = Folder::new();
    for (name, whole) in files {
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x15;
            let run = decode(&folder.write(name, &bytes), PROBS);
            assert!(
                matches!(run.code, Some(0 | 2)),
                "byte {at} of {name}: {run:?}"
            );
            if run.code == Some(2) {
                run.one_error(name);
            }
        }
    }
}

#[test]
fn wrong_magic() {
    refused(
        "a.npy",
        b"PK\x03\x04 and more of it",
        "a.npy: not a .npy file",
    );
    refused("a.npz", &good(), "a.npz: corrupt .npz archive");
    refused(
        "a.safetensors",
        &good(),
        "a.safetensors: not a valid .safetensors file",
    );
    refused("empty.npy", b"", "empty.npy: not a .npy file");
    refused("empty.npz", b"", "empty.npz: corrupt");
    refused("empty.safetensors", b"", "empty.safetensors: not a valid");
}

#[test]
fn types_that_are_no_scores() {
    let ints = npy("<i4", Order::C, &[2, 3], &[1i32; 6]);
    refused(
        "a.npy",
        &ints,
        "scores of type int32; float16, bfloat16, float32 and float64",
    );
    refused(
        "a.npz",
        &npz(&[("x", ints)]),
        "no float array of rank 2 or 3; the file holds \"x\" (int32 [2, 3])",
    );
    refused("a.npz", &npz(&[]), "the file holds no array");
    let header = "{'descr': '<c8', 'fortran_order': False, 'shape': (2, 3), }";
    refused(
        "a.npy",
        &npy_with_header(header, &[0; 48]),
        "scores of type '<c8'",
    );
    let header = "{'descr': '|O', 'fortran_order': False, 'shape': (2, 3), }";
    refused(
        "a.npy",
        &npy_with_header(header, &[0; 48]),
        "scores of type '|O'",
    );
    let header = "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2, 3), }";
    refused(
        "a.npy",
        &npy_with_header(header, &[0; 24]),
        "scores of type [('a', '<f4'), ]",
    );
}

#[test]
fn ranks_other_than_2_and_3() {
    refused("a.npy", &npy_f32(&[3], &[0.1; 3]), "shape [3] has rank 1");
    refused("a.npy", &npy_f32(&[], &[0.1]), "shape [] has rank 0");
    refused(
        "a.npy",
        &npy_f32(&[1, 1, 2, 3], &[0.1; 6]),
        "shape [1, 1, 2, 3] has rank 4",
    );
    refused(
        "a.npz",
        &npz(&[("x", npy_f32(&[3], &[0.1; 3]))]),
        "no float array of rank 2 or 3",
    );
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
        assert_eq!(
            line["hypotheses"].to_string(),
            r#"[{"score":0.0,"tokens":[]}]"#
        );
    }
    assert_eq!(run.stdout.lines().count(), 2);
    let path = folder.write("no-tokens.npy", &npy_f32(&[2, 3, 0], &[]));
    decode(&path, jsonl).refused("no-tokens.npy: shape [2, 3, 0] has a vocabulary of 0 tokens");
}

#[test]
fn shapes_that_no_file_can_hold() {
    let huge = |descr: &str, shape: &str| {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        npy_with_header(&header, &[0; 24])
    };
    let terabytes = "(1000, 1000, 1000000)";
    refused(
        "a.npy",
        &huge("<f4", terabytes),
        "truncated: shape [1000, 1000, 1000000]",
    );
    refused("a.npy", &huge("<f8", terabytes), "truncated");
    refused("a.npz", &npz(&[("x", huge("<f4", terabytes))]), "truncated");
    let beyond = "(9223372036854775807, 9223372036854775807, 3)";
    refused(
        "a.npy",
        &huge("<f4", beyond),
        "more than memory can address",
    );
    refused(
        "a.npy",
        &huge("<f4", "(0, 9223372036854775807, 9223372036854775807)"),
        "a.npy: ",
    );
    refused(
        "a.npy",
        &huge("<f4", "(99999999999999999999999, 3)"),
        "corrupt .npy header",
    );
    refused("a.npy", &huge("<f4", "(-2, 3)"), "corrupt .npy header");
    refused(
        "a.npy",
        &huge("<f99999999999999999999", "(2, 3)"),
        "corrupt .npy header",
    );
}

#[test]
fn headers_that_are_no_headers() {
    // Version 2 counts its header in four bytes: this claims 4 GiB.
    let mut bytes = good();
    bytes[6] = 2;
    bytes[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(
        "a.npy",
        &bytes,
        "corrupt .npy header: it claims 4294967295 bytes",
    );
    let deep = format!("{}{}", "(".repeat(9000), ")".repeat(900));
    refused(
        "a.npy",
        &npy_with_header(&deep, &[0; 24]),
        "corrupt .npy header",
    );
    // The parser takes time exponential in this depth, and stack as well.
    for depth in [30, 4900] {
        let deep = format!("{{'shape': {}{}}}", "[".repeat(depth), "]".repeat(depth));
        let bytes = npy_with_header(&deep, &[0; 24]);
        refused("a.npy", &bytes, "nested more than 6 deep");
        refused("a.npz", &npz(&[("x", bytes)]), "nested more than 6 deep");
    }
    refused(
        "a.npy",
        &npy_with_header("{'descr': '<f4', }", &[]),
        "dict is missing key",
    );
    refused(
        "a.npy",
        &npy_with_header("os.system('true')", &[]),
        "corrupt .npy header",
    );
    let mut bytes = (1u64 << 60).to_le_bytes().to_vec();
    bytes.extend(b"{}");
    refused("a.safetensors", &bytes, "not a valid .safetensors file");
}

#[test]
fn values_that_are_no_scores() {
    let with = |value: f32| npy_f32(&[1, 2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, value]);
    for value in [f32::NAN, f32::INFINITY, -0.1, 1.5] {
        refused(
            "a.npy",
            &with(value),
            &format!("a.npy: item 0, step 1, token 2: {value} is not a valid probability"),
        );
    }
    let folder = Folder::new();
    let path = folder.write("a.npy", &with(f32::INFINITY));
    decode(&path, "--scores logits --beams 2").refused("inf is not a valid logit");
    decode(&path, "--scores log-probs --beams 2").refused("0.5 is not a valid log-probability");
    // Minus infinity and zero are valid: that token is impossible.
    let path = folder.write("b.npy", &npy_f32(&[1, 2], &[f32::NEG_INFINITY, 0.0]));
    let run = decode(&path, "--scores logits --beams 2 --format jsonl").succeeded();
    assert!(
        run.stdout
            .contains(r#""hypotheses":[{"score":0.0,"tokens":[1]}]"#),
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
fn lengths_that_do_not_fit() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    let run = |bytes: &[u8], message: &str| {
        let lengths = folder.write("l.npy", bytes);
        let mut command = decode_command(&path, PROBS);
        command.arg("--lengths").arg(lengths);
        Run::from(command.output().unwrap()).refused(message);
    };
    run(
        &npy("<i8", Order::C, &[1], &[3i64]),
        "a.npy: item 0: length 3 is above the 2 time steps",
    );
    run(
        &npy("<i8", Order::C, &[2], &[1i64, 1]),
        "a batch of 1 items needs 1 lengths, 2 were given",
    );
    run(
        &npy("<i8", Order::C, &[1], &[-1i64]),
        "l.npy: item 0: a length of -1",
    );
    run(
        &npy_f32(&[1], &[1.0]),
        "l.npy: lengths of type float32; integers are read",
    );
    run(
        &npy("<i8", Order::C, &[1, 1], &[1i64]),
        "l.npy: lengths of shape [1, 1]",
    );
    run(b"nothing", "l.npy: not a .npy file");
    let inside = npz(&[
        ("p", good()),
        ("lengths", npy("<i8", Order::C, &[1], &[9i64])),
    ]);
    refused(
        "a.npz",
        &inside,
        "a.npz: item 0: length 9 is above the 2 time steps",
    );
    let floats = npz(&[("p", good()), ("lengths", npy_f32(&[1], &[1.0]))]);
    refused(
        "a.npz",
        &floats,
        "a.npz: array \"lengths\": lengths of type float32",
    );
}

#[test]
fn labels_that_do_not_fit() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    let run = |bytes: &[u8], message: &str| {
        let labels = folder.write("labels.txt", bytes);
        let mut command = decode_command(&path, PROBS);
        command.arg("--labels").arg(labels);
        Run::from(command.output().unwrap()).refused(message);
    };
    run(
        b"a\nb\n",
        "a.npy: a vocabulary of 3 tokens needs 3 labels, the file of labels has 2",
    );
    run(b"a\nb\nc\nd\n", "the file of labels has 4");
    run(b"a\nb\n\xff\n", "labels.txt: byte 4 is not UTF-8");
    let mut command = decode_command(&path, PROBS);
    command.arg("--labels").arg(folder.path("gone.txt"));
    Run::from(command.output().unwrap()).refused("gone.txt: No such file");
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
fn arguments_that_are_missing_or_unknown() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &good());
    let usage = |arguments: &str, message: &str| {
        let run = decode(&path, arguments);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.stderr.contains(message), "{run:?}");
        assert_eq!(run.stdout, "");
    };
    usage("--beams 2", "--scores <KIND>");
    usage("--scores probs", "--beams <N>");
    usage("--scores guess --beams 2", "probs, log-probs, logits");
    usage("--scores probs --beams two", "invalid digit");
    usage("--scores probs --beams 2 --threads 0", "--threads");
    usage(
        "--scores probs --beams 2 --level sse9",
        "the levels are baseline, avx2 and avx512",
    );
    decode(&path, &format!("{PROBS} --array x")).refused("--array x has no meaning for it");
    let two = format!("{PROBS} {}", path.display());
    decode(&path, &format!("{two} --format npz"))
        .refused("is for one input, 2 are given; --output-dir makes a file for each");
    let lengths = folder.write("l.npy", &npy("<i8", Order::C, &[1], &[1i64]));
    decode(&path, &format!("{two} --lengths {}", lengths.display()))
        .refused("--lengths is for one input");
    // Without an input there is nothing for these to apply to.
    let run = Run::from(
        tool()
            .args(["decode", "--scores", "probs"])
            .output()
            .unwrap(),
    );
    assert_eq!(run.code, Some(2), "{run:?}");
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
    let bad = folder.write("b.npy", &npy_f32(&[1, 2], &[0.5, 7.0]));
    let output = folder.path("out.txt");
    let arguments = format!("{PROBS} {} --output {}", bad.display(), output.display());
    decode(&path, &arguments)
        .refused("b.npy: item 0, step 0, token 1: 7 is not a valid probability");
    assert_eq!(folder.names(), ["a.npy", "b.npy"]);
    decode(&path, &format!("{PROBS} {}", bad.display())).refused("b.npy: item 0");
}
