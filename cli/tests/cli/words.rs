//! `--hotwords`, `--lexicon` and what belongs to them: phrases and words in whichever
//! labels spell them, and what the labels cannot spell.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use crate::support::*;

/// A folder with scores, labels and files of words.
struct Case {
    folder: Folder,
    scores: PathBuf,
}

impl Case {
    /// Frames of probabilities over these labels, of which the first is the blank.
    fn new(labels: &str, frames: &[&[(usize, f32)]]) -> Self {
        let folder = Folder::new();
        let vocab = labels.lines().count();
        let mut values = vec![0.0; frames.len() * vocab];
        for (row, frame) in values.chunks_mut(vocab).zip(frames) {
            for &(token, value) in *frame {
                row[token] = value;
            }
        }
        let shape = [frames.len() as u64, vocab as u64];
        let scores = folder.write("p.npy", &npy_f32(&shape, &values));
        folder.write("labels.txt", labels.as_bytes());
        Case { folder, scores }
    }

    fn command(&self, arguments: &str) -> Command {
        let mut command: Command = tool();
        command.arg("decode").arg(&self.scores);
        command.args("--search ctc --scores probs --blank 0 --beams 16".split(' '));
        command.args("--labels labels.txt --format jsonl --nbest 1".split(' '));
        command.args(arguments.split_whitespace());
        command.current_dir(self.folder.path(""));
        command
    }

    fn run(&self, arguments: &str) -> Run {
        self.command(arguments).output().unwrap().into()
    }

    /// The best text with these options, and what is said on standard error.
    #[track_caller]
    fn best(&self, arguments: &str) -> (String, String) {
        let run = self.run(arguments).succeeded();
        let line: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let text = line["hypotheses"][0]["text"].as_str().unwrap();
        (text.to_owned(), run.stderr)
    }

    #[track_caller]
    fn check(&self, arguments: &str, text: &str) {
        assert_eq!(self.best(arguments).0, text, "{arguments}");
    }
}

/// "jello" is a little more likely than "hello", which has two segmentations.
fn hello() -> Case {
    Case::new(
        "<b>\n\u{2581}he\n\u{2581}hel\nlo\nllo\n\u{2581}j\nello\n",
        &[
            &[(1, 0.25), (2, 0.25), (5, 0.5)],
            &[(0, 1.0)],
            &[(3, 0.25), (4, 0.25), (6, 0.5)],
            &[(0, 1.0)],
        ],
    )
}

#[test]
fn a_phrase_is_favoured_however_it_is_written_and_spelled() {
    let case = hello();
    case.check("", "jello");
    for phrase in ["hello\n", "\u{2581}he llo\n", "\u{feff}\r\nhello\r\n"] {
        case.folder.write("hot.txt", phrase.as_bytes());
        case.check("--hotwords hot.txt", "hello");
        case.check("--hotwords hot.txt --hotword-weight 0.1", "jello");
    }
    // A phrase may be within a word, unless it is to be whole words.
    case.folder.write("hot.txt", b"hel\n");
    case.check("--hotwords hot.txt", "helello");
    case.folder.write("hot.txt", b"ell\n");
    case.check("--hotwords hot.txt", "jello");
    case.run("--hotwords hot.txt --whole-words").refused(
        "hot.txt: 1 of 1 phrase cannot be spelled with the labels of labels.txt as whole words: \
         \"ell\" (line 1)",
    );
    case.folder.write("hot.txt", b"hello\n");
    case.check("--hotwords hot.txt --whole-words", "hello");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    gzip.write_all(b"hello :9\n").unwrap();
    case.folder.write("hot.txt.gz", &gzip.finish().unwrap());
    case.check("--hotwords hot.txt.gz", "hello");
}

#[test]
fn a_phrase_may_have_a_weight_of_its_own() {
    let case = hello();
    for (phrases, text) in [
        ("hello :10.0\n", "hello"),
        ("hello :0.1\n", "jello"),
        // Five characters of both; that with the greater boost wins.
        ("hello :12\njello\n", "hello"),
        ("hello :8\njello\n", "jello"),
    ] {
        case.folder.write("hot.txt", phrases.as_bytes());
        case.check("--hotwords hot.txt", text);
    }
}

#[test]
fn what_cannot_be_spelled_is_left_out_with_one_note_or_refused() {
    let case = hello();
    case.folder
        .write("hot.txt", "hello\nhell\u{f6}\n\nyes\n".as_bytes());
    let (text, said) = case.best("--hotwords hot.txt");
    assert_eq!(text, "hello");
    let named = "\"hell\u{f6}\" (line 2), \"yes\" (line 4)";
    let these = "hot.txt: 2 of 3 phrases cannot be spelled with the labels of labels.txt";
    assert_eq!(
        said,
        format!("widebeam: note: {these} and are left out: {named}\n")
    );
    case.run("--hotwords hot.txt --strict")
        .refused(&format!("{these}: {named}"));
    let nothing = case.run("--hotwords hot.txt --strict --output out");
    nothing.refused("hot.txt");
    assert!(!case.folder.names().contains(&"out".to_owned()));

    case.folder.write("words.txt", b"hello\nbye\n");
    let (text, said) = case.best("--lexicon words.txt");
    assert_eq!(text, "hello");
    let these = "words.txt: 1 of 2 words cannot be spelled with the labels of labels.txt";
    let note = format!("widebeam: note: {these} and is left out: \"bye\" (line 2)\n");
    assert_eq!(said, note);
    case.run("--lexicon words.txt --strict")
        .refused(&format!("{these}: \"bye\" (line 2)"));

    case.folder.write("words.txt", b"bye\n");
    case.run("--lexicon words.txt").refused(
        "words.txt: 1 of 1 word cannot be spelled with the labels of labels.txt: \"bye\" (line 1)",
    );
}

/// "to|ot" a little less likely than "toxot"; x may stand between words too.
fn letters(delimiter: &str) -> Case {
    Case::new(
        &format!("-\nt\no\nx\n{delimiter}\n"),
        &[
            &[(1, 1.0)],
            &[(2, 1.0)],
            &[(3, 0.6), (4, 0.4)],
            &[(2, 1.0)],
            &[(1, 1.0)],
        ],
    )
}

#[test]
fn a_lexicon_allows_several_words_whatever_parts_them() {
    for delimiter in ["|", " ", "<space>"] {
        let case = letters(delimiter);
        case.folder.write("words.txt", b"to\not\n");
        let (text, said) = case.best("--lexicon words.txt");
        assert_eq!(text, "to ot");
        let note =
            format!("widebeam: note: labels.txt: the label {delimiter:?} stands between words\n");
        assert_eq!(said, note);
    }
}

#[test]
fn the_label_between_words_can_be_named() {
    let case = letters("/");
    case.check("", "toxot");
    case.check("--word-delimiter /", "toxot");
    case.check("--word-delimiter x", "to ot");
    case.folder.write("words.txt", b"to\not\n");
    let (text, said) = case.best("--lexicon words.txt --word-delimiter /");
    assert_eq!((&*text, &*said), ("to ot", ""));
    let said = case.run("--lexicon words.txt").succeeded().stderr;
    assert_eq!(
        said,
        "widebeam: note: labels.txt: no label stands between words, so that a text is one word \
         (--word-delimiter names the label)\n"
    );
    case.run("--word-delimiter |")
        .refused("labels.txt: no label is the --word-delimiter \"|\"");
}

/// A model of words over letters: it knows two of the letters as words.
const WORDS: &str = "\\data\\\nngram 1=8\nngram 2=2\n\n\\1-grams:\n\
    -99 <s> -0.3\n-1.2 </s>\n-3 <unk>\n-1 a -0.3\n-1 i -0.3\n-1.5 se -0.3\n-1.5 sa -0.3\n-3 saw\n\n\
    \\2-grams:\n-0.1 i se\n-0.2 a sa\n\n\\end\\\n";

/// "i sa", and "i se" that is a little less likely.
fn see() -> Case {
    let frames: [&[(usize, f32)]; 4] = [
        &[(0, 0.1), (1, 0.9)],
        &[(5, 1.0)],
        &[(2, 1.0)],
        &[(4, 0.6), (3, 0.4)],
    ];
    let case = Case::new("-\ni\ns\ne\na\n|\nq\nr\n", &frames);
    case.folder.write("w.arpa", WORDS.as_bytes());
    case
}

#[test]
fn a_model_of_words_chooses_among_words_and_says_where_they_are() {
    let case = see();
    case.check("", "i sa");
    let run = case
        .run("--lm w.arpa --lm-unit word --lm-weight 1")
        .succeeded();
    let line: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let best = &line["hypotheses"][0];
    assert_eq!(best["text"], "i se");
    let scored = (-0.3 - 1.0 - 0.1 - 0.3 - 1.2) * std::f64::consts::LN_10;
    let part = best["scorer_score"].as_f64().unwrap();
    assert!((part - scored).abs() < 1e-6, "{part} {scored}");
    let sum = best["log_mass"].as_f64().unwrap() + part;
    assert!((best["score"].as_f64().unwrap() - sum).abs() < 1e-12);
    assert_eq!(best["words"][0]["word"], "i");
    assert_eq!(best["words"][1]["word"], "se");
    assert_eq!(best["words"][1]["start"], 2);
    assert_eq!(best["words"][1]["end"], 3);
}

#[test]
fn a_model_of_words_is_no_model_of_letters_or_characters() {
    let case = see();
    for (unit, message) in [
        (
            "token",
            "not one of labels: it knows 2 of 7 labels, and 2 of 5 of its words are labels (--lm-unit word or character?)",
        ),
        ("character", "not one of characters: it knows 2 of 7 labels"),
    ] {
        let run = case.run(&format!("--lm w.arpa --lm-unit {unit}"));
        run.refused(&format!("w.arpa: the n-gram model is {message}"));
    }
}

#[test]
fn words_of_one_spelling_are_told_apart_by_the_model() {
    let frames: [&[(usize, f32)]; 4] = [&[(1, 1.0)], &[(3, 1.0)], &[(2, 1.0)], &[(0, 1.0)]];
    let case = Case::new("-\nI\nS\n|\n", &frames);
    case.folder.write("w.arpa", WORDS.as_bytes());
    case.folder.write("l.txt", b"a\tI\ni\tI\nsa\tS\nse\tS |\n");
    case.check("--lexicon l.txt", "a sa");
    let model = "--lexicon l.txt --lm w.arpa --lm-unit word";
    case.check(model, "i se");
    let run = case.run(model).succeeded();
    let line: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let words = word_frames(&line["hypotheses"][0]);
    assert_eq!(words, [("i", 0, 0), ("se", 2, 2)]);
}

#[test]
fn hypotheses_of_one_text_are_one_if_asked() {
    let frames: [&[(usize, f32)]; 4] = [
        &[(1, 0.3), (2, 0.3), (5, 0.4)],
        &[(0, 1.0)],
        &[(3, 0.3), (4, 0.3), (6, 0.4)],
        &[(0, 1.0)],
    ];
    let labels = "<b>\n\u{2581}he\n\u{2581}hel\nlo\nllo\n\u{2581}j\nello\n";
    let case = Case::new(labels, &frames);
    case.check("", "jello");
    let merged = case.run("--merge-text").succeeded();
    let line: serde_json::Value = serde_json::from_str(&merged.stdout).unwrap();
    assert_eq!(line["hypotheses"][0]["text"], "hello");
    let mass = line["hypotheses"][0]["log_mass"].as_f64().unwrap();
    assert!((mass - 0.18f64.ln()).abs() < 1e-6, "{mass}");
}

#[test]
fn a_binary_model_is_read_from_a_file_from_gzip_and_from_a_pipe() {
    let case = Case::new(
        "-\n \nw\n1\n2\n3\n",
        &[
            &[(2, 1.0)],
            &[(3, 0.4), (4, 0.35), (5, 0.25)],
            &[(1, 1.0)],
            &[(2, 1.0)],
            &[(3, 0.3), (4, 0.35), (5, 0.35)],
        ],
    );
    let model = include_bytes!("../../../tests/fixtures/kenlm/order3.trie.bin");
    case.folder.write("m.bin", model);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    gzip.write_all(model).unwrap();
    case.folder.write("m.bin.gz", &gzip.finish().unwrap());
    let run = |lm: &str| {
        case.run(&format!("--lm-unit word --lm {lm}"))
            .succeeded()
            .stdout
    };
    let expected = run("m.bin");
    assert!(expected.contains("scorer_score"), "{expected}");
    assert_eq!(run("m.bin --no-mmap"), expected);
    assert_eq!(run("m.bin.gz"), expected);
    #[cfg(unix)]
    {
        let mut command = case.command("--lm-unit word --lm /dev/stdin");
        let run: Run = feed(&mut command, model).into();
        assert_eq!(run.succeeded().stdout, expected);
    }
}
