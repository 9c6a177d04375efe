//! `--labels`: every way to write labels down, and what they spell.

use crate::support::*;

/// Frames that are nearly sure of these tokens, with a blank (0) after each.
fn emissions(folder: &Folder, vocab: usize, tokens: &[usize]) -> std::path::PathBuf {
    let frames = tokens.iter().flat_map(|&token| [token, 0]);
    let value = |frame: usize| (0..vocab).map(move |t| if t == frame { 0.9 } else { 0.001 });
    let values: Vec<f32> = frames.flat_map(value).collect();
    let shape = [2 * tokens.len() as u64, vocab as u64];
    folder.write("p.npy", &npy_f32(&shape, &values))
}

#[track_caller]
fn check(vocab: usize, tokens: &[usize], name: &str, labels: &str, text: &str) {
    let folder = Folder::new();
    let path = emissions(&folder, vocab, tokens);
    let labels = folder.write(name, labels.as_bytes());
    let mut command = tool();
    command.arg("decode").arg(path).arg("--labels").arg(labels);
    command.args(["--search", "ctc", "--scores", "probs", "--blank", "0"]);
    command.args(["--beams", "4", "--format", "jsonl", "--nbest", "1"]);
    let found: Run = command.output().unwrap().into();
    let found = found.succeeded().stdout;
    let line: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert_eq!(line["hypotheses"][0]["text"], text, "{name}");
}

/// Every form has the same labels, one of which is no text.
#[test]
fn lines_ids_scores_lists_and_maps_have_the_same_labels() {
    for (name, labels) in [
        ("l.txt", "<blk>\n\u{2581}he\nllo\n\u{2581}you\n<unk>\n"),
        (
            "tokens.txt",
            "\u{2581}you 3\n<blk> 0\n\u{2581}he 1\nllo 2\n<unk> 4\n",
        ),
        (
            "units.txt",
            "<blk>\t0\n\u{2581}he\t1\nllo\t2\n\u{2581}you\t3\n<unk>\t4\n",
        ),
        (
            "b.vocab",
            "<blk>\t0\n\u{2581}he\t-1.5\nllo\t-2\n\u{2581}you\t-3\n<unk>\t-4\n",
        ),
        (
            "l.json",
            "[\"<blk>\", \"\u{2581}he\", \"llo\", \"\\u2581you\", \"<unk>\"]",
        ),
        (
            "vocab.JSON",
            "{\"<unk>\": 4, \"\u{2581}you\": 3, \"<blk>\": 0, \"\u{2581}he\": 1, \"llo\": 2}",
        ),
    ] {
        check(5, &[1, 2, 3, 4], name, labels, "hello you");
    }
}

#[test]
fn words_part_as_the_labels_say() {
    let letters = "-\nT\nO\n|\n";
    check(4, &[1, 2, 3, 2], "l.txt", letters, "TO O");
    check(
        4,
        &[1, 2, 3, 2],
        "l.txt",
        &letters.replace('|', "<space>"),
        "TO O",
    );
    check(
        4,
        &[1, 2, 3, 2],
        "l.txt",
        &letters.replace('|', " "),
        "TO O",
    );
    let wordpiece = "[PAD]\nun\n##aff\n##able\nyou\n";
    check(5, &[1, 2, 3, 4], "l.txt", wordpiece, "unaffable you");
    let subwords = "-\nun@@\naff@@\nable\nyou\n";
    check(5, &[1, 2, 3, 4], "l.txt", subwords, "unaffable you");
}

#[test]
fn bytes_join_to_characters() {
    let labels = "<blk>\ngr\n<0xC3>\n<0xBC>\nn\n";
    check(5, &[1, 2, 3, 4], "l.txt", labels, "gr\u{fc}n");
}
