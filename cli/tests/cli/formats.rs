//! Every format and type gives the library's answer on the same numbers.

use std::path::PathBuf;

use half::{bf16, f16};
use npyz::Order;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use widebeam::{NBest, ScoresView, beam_search};

use crate::support::*;

const SHAPE: [usize; 3] = [3, 4, 5];
const AXES: [u64; 3] = [3, 4, 5];
const BEAMS: usize = 6;
const ARGUMENTS: &str = "--scores logits --beams 6 --format jsonl";

/// Logits that all types hold exactly, none like another in its row.
fn logits() -> Vec<f32> {
    let [batch, time, vocab] = SHAPE;
    (0..batch * time * vocab)
        .map(|i| ((i * 37) % 61) as f32 * 0.25 - 4.0)
        .collect()
}

/// The same in Fortran order.
fn fortran(values: &[f32]) -> Vec<f32> {
    let [batch, time, vocab] = SHAPE;
    let mut moved = vec![0.0; values.len()];
    for item in 0..batch {
        for step in 0..time {
            for token in 0..vocab {
                moved[item + batch * (step + time * token)] =
                    values[(item * time + step) * vocab + token];
            }
        }
    }
    moved
}

fn expected(lengths: Option<&[usize]>) -> NBest {
    let values = logits();
    let view = ScoresView::logits(&values, SHAPE).unwrap();
    let view = match lengths {
        Some(lengths) => view.with_lengths(lengths).unwrap(),
        None => view,
    };
    beam_search(&view, BEAMS).unwrap()
}

/// The lines say what the library says, to the last bit.
#[track_caller]
fn assert_answers(stdout: &str, source: &str, expected: &NBest) {
    let lines: Vec<serde_json::Value> = stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), expected.len());
    for (item, line) in lines.iter().enumerate() {
        assert!(line["source"].as_str().unwrap().ends_with(source));
        assert_eq!(line["item"], item);
        let hypotheses = line["hypotheses"].as_array().unwrap();
        let expected = expected.item(item).unwrap();
        assert_eq!(hypotheses.len(), expected.len());
        for (found, right) in hypotheses.iter().zip(expected) {
            let tokens: Vec<u32> = serde_json::from_value(found["tokens"].clone()).unwrap();
            assert_eq!(tokens, right.tokens);
            let score = found["score"].as_f64().unwrap();
            assert_eq!(score.to_bits(), right.score.to_bits());
        }
    }
}

#[track_caller]
fn assert_file(name: &str, bytes: &[u8]) {
    let folder = Folder::new();
    let path = folder.write(name, bytes);
    let run = decode(&path, ARGUMENTS).succeeded();
    assert_eq!(run.stderr, "");
    assert_answers(&run.stdout, name, &expected(None));
}

#[test]
fn npy_of_every_type_byte_order_and_axis_order() {
    let values = logits();
    let moved = fortran(&values);
    let half = |values: &[f32]| -> Vec<f16> { values.iter().map(|&v| f16::from_f32(v)).collect() };
    assert_file("c.npy", &npy("<f4", Order::C, &AXES, &values));
    assert_file("big.npy", &npy(">f4", Order::C, &AXES, &values));
    assert_file("fortran.npy", &npy("<f4", Order::Fortran, &AXES, &moved));
    assert_file("both.npy", &npy(">f4", Order::Fortran, &AXES, &moved));
    assert_file("half.npy", &npy("<f2", Order::C, &AXES, &half(&values)));
    assert_file("big-half.npy", &npy(">f2", Order::C, &AXES, &half(&values)));
    assert_file("CASE.NPY", &npy("<f4", Order::C, &AXES, &values));
}

#[test]
fn float64_is_rounded_and_a_note_says_so() {
    let folder = Folder::new();
    let wide = |values: Vec<f32>| -> Vec<f64> { values.into_iter().map(f64::from).collect() };
    let files = [
        npy("<f8", Order::C, &AXES, &wide(logits())),
        npy(">f8", Order::Fortran, &AXES, &wide(fortran(&logits()))),
    ];
    for bytes in files {
        let path = folder.write("wide.npy", &bytes);
        let run = decode(&path, ARGUMENTS).succeeded();
        assert_answers(&run.stdout, "wide.npy", &expected(None));
        assert!(
            run.stderr
                .contains("wide.npy: float64 scores are rounded to float32")
        );
        assert_eq!(run.stderr.lines().count(), 1);
    }
}

#[test]
fn an_npy_file_whose_values_are_not_aligned() {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4, 5), }";
    let values = logits();
    let data: &[u8] = bytemuck::cast_slice(&values);
    let aligned = npy_with_header(header, data);
    // One space less: the values start at an odd offset.
    let mut odd = aligned.clone();
    let length = u16::from_le_bytes([odd[8], odd[9]]);
    odd.remove(10 + header.len());
    odd[8..10].copy_from_slice(&(length - 1).to_le_bytes());
    assert_eq!((odd.len() - data.len()) % 2, 1);
    assert_file("aligned.npy", &aligned);
    assert_file("odd.npy", &odd);
}

#[test]
fn rank_2_is_a_batch_of_one() {
    let folder = Folder::new();
    let values = &logits()[..20];
    let path = folder.write("one.npy", &npy_f32(&[4, 5], values));
    let run = decode(&path, ARGUMENTS).succeeded();
    let view = ScoresView::logits(values, [4, 5]).unwrap();
    assert_answers(&run.stdout, "one.npy", &beam_search(&view, BEAMS).unwrap());

    let moved: Vec<f32> = (0..20).map(|at| values[(at % 4) * 5 + at / 4]).collect();
    let path = folder.write("one.npy", &npy("<f4", Order::Fortran, &[4, 5], &moved));
    assert_eq!(decode(&path, ARGUMENTS).succeeded().stdout, run.stdout);
}

#[test]
fn npz_with_its_own_lengths() {
    let folder = Folder::new();
    let scores = npy_f32(&AXES, &logits());
    let lengths: [usize; 3] = [4, 0, 2];
    let right = expected(Some(&lengths));
    let arrays = [
        npy("<i8", Order::C, &[3], &[4i64, 0, 2]),
        npy(">i4", Order::C, &[3], &[4i32, 0, 2]),
        npy("<u2", Order::C, &[3], &[4u16, 0, 2]),
        npy("|u1", Order::C, &[3], &[4u8, 0, 2]),
    ];
    for lengths in arrays {
        let bytes = npz(&[("emissions", scores.clone()), ("lengths", lengths)]);
        let path = folder.write("a.npz", &bytes);
        assert_answers(
            &decode(&path, ARGUMENTS).succeeded().stdout,
            "a.npz",
            &right,
        );
    }
}

/// Lengths under another name are found, and a note says so; they are not decoded as
/// padding.
#[test]
fn lengths_under_another_name() {
    let folder = Folder::new();
    let scores = npy_f32(&AXES, &logits());
    let lengths = || npy("<i8", Order::C, &[3], &[4i64, 0, 2]);
    let right = expected(Some(&[4, 0, 2]));
    let bytes = npz(&[("logits", scores.clone()), ("logit_lengths", lengths())]);
    let path = folder.write("a.npz", &bytes);
    let run = decode(&path, ARGUMENTS).succeeded();
    assert_answers(&run.stdout, "a.npz", &right);
    let note = "a.npz: the steps in use are those of array \"logit_lengths\"\n";
    assert!(
        run.stderr.ends_with(note) && run.stderr.lines().count() == 1,
        "{run:?}"
    );

    let texts = npy("<i8", Order::C, &[3], &[1i64, 1, 1]);
    let arrays = [
        ("logits", scores),
        ("x", lengths()),
        ("x_lens", lengths()),
        ("y_lens", texts),
    ];
    let path = folder.write("b.npz", &npz(&arrays));
    decode(&path, ARGUMENTS).refused(
        "b.npz: the steps in use could be those of any of the arrays \"x_lens\", \"y_lens\": \
         choose one with --lengths-array",
    );
    for name in ["x", "x_lens"] {
        let run = decode(&path, &format!("{ARGUMENTS} --lengths-array {name}")).succeeded();
        assert_answers(&run.stdout, "b.npz", &right);
        assert_eq!(run.stderr, "");
    }
    // Those of a file need no choice.
    let file = folder.write("l.npy", &lengths());
    let mut command = decode_command(&path, ARGUMENTS);
    let run = Run::from(command.arg("--lengths").arg(file).output().unwrap()).succeeded();
    assert_answers(&run.stdout, "b.npz", &right);
    assert_eq!(run.stderr, "");
}

/// The answers of a batch do not depend on the order of its axes.
#[test]
fn time_before_batch() {
    let [batch, time, vocab] = SHAPE;
    let values = logits();
    let mut moved = vec![0.0; values.len()];
    for (row, scores) in values.chunks(vocab).enumerate() {
        let (item, step) = (row / time, row % time);
        moved[(step * batch + item) * vocab..][..vocab].copy_from_slice(scores);
    }
    let axes = [AXES[1], AXES[0], AXES[2]];
    let folder = Folder::new();
    let scores = npy_f32(&axes, &moved);
    let lengths = npy("<i8", Order::C, &[3], &[4i64, 0, 2]);
    let plain = folder.write("t.npy", &scores);
    let own = folder.write("t.npz", &npz(&[("logits", scores), ("x_lens", lengths)]));
    let arguments = format!("{ARGUMENTS} --layout tbv");
    let run = decode(&plain, &arguments).succeeded();
    assert_answers(&run.stdout, "t.npy", &expected(None));
    let run = decode(&own, &arguments).succeeded();
    assert_answers(&run.stdout, "t.npz", &expected(Some(&[4, 0, 2])));
    // One item has no axis of its own.
    let one = folder.write("one.npy", &npy_f32(&[4, 5], &values[..20]));
    let run = decode(&one, &arguments).succeeded();
    assert_eq!(run.stdout, decode(&one, ARGUMENTS).succeeded().stdout);
}

#[test]
fn lengths_from_a_file_go_before_those_of_the_archive() {
    let folder = Folder::new();
    let own = npy("<i8", Order::C, &[3], &[1i64, 1, 1]);
    let bytes = npz(&[("x", npy_f32(&AXES, &logits())), ("lengths", own)]);
    let path = folder.write("a.npz", &bytes);
    let other = folder.write("l.npy", &npy("<i8", Order::C, &[3], &[4i64, 0, 2]));
    let mut command = decode_command(&path, ARGUMENTS);
    let run = Run::from(command.arg("--lengths").arg(other).output().unwrap()).succeeded();
    assert_answers(&run.stdout, "a.npz", &expected(Some(&[4, 0, 2])));
}

#[test]
fn an_array_is_chosen_by_name_where_there_are_several() {
    let folder = Folder::new();
    let right = npy_f32(&AXES, &logits());
    let other = npy_f32(&[1, 2], &[0.5, 0.5]);
    let path = folder.write("a.npz", &npz(&[("b", right), ("a", other)]));
    decode(&path, ARGUMENTS).refused(
        "choose one with --array; the file holds \"a\" (float32 [1, 2]), \"b\" (float32 [3, 4, 5])",
    );
    let run = decode(&path, &format!("{ARGUMENTS} --array b")).succeeded();
    assert_answers(&run.stdout, "a.npz", &expected(None));
    decode(&path, &format!("{ARGUMENTS} --array c")).refused("no array \"c\"");
}

#[test]
fn safetensors_of_every_type() {
    let values = logits();
    let f32s: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let f16s: Vec<u8> = values
        .iter()
        .flat_map(|&v| f16::from_f32(v).to_le_bytes())
        .collect();
    let bf16s: Vec<u8> = values
        .iter()
        .flat_map(|&v| bf16::from_f32(v).to_le_bytes())
        .collect();
    let f64s: Vec<u8> = values
        .iter()
        .flat_map(|&v| f64::from(v).to_le_bytes())
        .collect();
    let file = |dtype, bytes: &[u8]| {
        // A byte more in front: the values are not where they are aligned.
        let pad = TensorView::new(Dtype::U8, vec![1], &[7]).unwrap();
        let scores = TensorView::new(dtype, SHAPE.to_vec(), bytes).unwrap();
        safetensors::serialize([("scores", scores), ("pad", pad)], None).unwrap()
    };
    assert_file("a.safetensors", &file(Dtype::F32, &f32s));
    assert_file("b.safetensors", &file(Dtype::F16, &f16s));
    assert_file("c.safetensors", &file(Dtype::BF16, &bf16s));

    let folder = Folder::new();
    let path = folder.write("d.safetensors", &file(Dtype::F64, &f64s));
    let run = decode(&path, ARGUMENTS).succeeded();
    assert_answers(&run.stdout, "d.safetensors", &expected(None));
    assert!(run.stderr.contains("rounded"));
}

#[test]
fn probabilities_and_log_probabilities() {
    let folder = Folder::new();
    let values = [0.5f32, 0.25, 0.25, 0.0, 0.125, 0.875];
    let path = folder.write("p.npy", &npy_f32(&[2, 3], &values));
    let run = decode(&path, "--scores probs --beams 9 --format jsonl").succeeded();
    let view = ScoresView::probabilities(&values, [2, 3]).unwrap();
    assert_answers(&run.stdout, "p.npy", &beam_search(&view, 9).unwrap());

    let logs = values.map(f32::ln);
    let path = folder.write("l.npy", &npy_f32(&[2, 3], &logs));
    let run = decode(&path, "--scores log-probs --beams 9 --format jsonl").succeeded();
    let view = ScoresView::log_probabilities(&logs, [2, 3]).unwrap();
    assert_answers(&run.stdout, "l.npy", &beam_search(&view, 9).unwrap());
}

#[test]
fn threads_and_levels_change_nothing() {
    let folder = Folder::new();
    let path = folder.write("a.npy", &npy_f32(&AXES, &logits()));
    for threads in [1, 2, 3, 8] {
        let run = decode(&path, &format!("{ARGUMENTS} --threads {threads}")).succeeded();
        assert_answers(&run.stdout, "a.npy", &expected(None));
    }
    for level in widebeam::Level::available() {
        let run = decode(&path, &format!("{ARGUMENTS} --level {level}")).succeeded();
        assert_answers(&run.stdout, "a.npy", &expected(None));
    }
}

#[test]
fn a_batch_of_many_groups_is_one_batch() {
    // 64 MiB of scores are one group (cli/src/decoder.rs): this is one
    // and a bit.
    let [batch, time, vocab] = [10, 2, 1 << 20];
    let folder = Folder::new();
    let mut values = vec![0.0f32; batch * time * vocab];
    for item in 0..batch {
        values[item * time * vocab + item] = 5.0;
    }
    let write = |values: &[f32]| {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (10, 2, 1048576), }";
        let bytes = npy_with_header(header, bytemuck::cast_slice(values));
        folder.write("big.npy", &bytes)
    };
    let run = |path: PathBuf| decode(&path, "--scores logits --beams 2 --format jsonl");
    let view = ScoresView::logits(&values, [batch, time, vocab]).unwrap();
    let right = beam_search(&view, 2).unwrap();
    let all = run(write(&values)).succeeded().stdout;
    assert_answers(&all, "big.npy", &right);

    // Errors in both groups name the items as the file counts them, and cost no
    // other item its answer.
    values[(3 * time + 1) * vocab + 5] = f32::NAN;
    values[(8 * time + 1) * vocab + 77] = f32::NAN;
    let run = run(write(&values));
    assert_eq!(run.code, Some(2), "{run:?}");
    let errors: Vec<_> = run.stderr.lines().collect();
    assert_eq!(errors.len(), 2, "{run:?}");
    let messages = [
        (3, "item 3, step 1, token 5: NaN is not a valid logit"),
        (8, "item 8, step 1, token 77: NaN is not a valid logit"),
    ];
    let lines: Vec<_> = run.stdout.lines().collect();
    for (said, (item, message)) in errors.iter().zip(messages) {
        assert!(said.contains(&format!("big.npy: {message}")), "{said}");
        let line: serde_json::Value = serde_json::from_str(lines[item]).unwrap();
        assert_eq!(line["item"], item);
        assert!(line["error"].as_str().unwrap().starts_with(message));
        assert!(line["hypotheses"].is_null());
    }
    for (item, (line, before)) in lines.iter().zip(all.lines()).enumerate() {
        assert!(line == &before || item == 3 || item == 8, "{line}");
    }
    assert_eq!(lines.len(), batch);
}
