//! Files of scores and what comes with them.

use std::fs;

use npyz::Order;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use super::{PROBS, Table, good};
use crate::limits::zip64;
use crate::support::*;

pub(super) fn add(table: &mut Table) {
    names(table);
    npy_files(table);
    npz_files(table);
    safetensors_files(table);
    values(table);
    lengths(table);
    labels(table);
    models_and_words(table);
}

fn names(table: &mut Table) {
    table.section("Files");
    for name in ["gone.npy", "gone.npz", "gone.safetensors"] {
        table.case("no such file", vec![], format!("{name} {PROBS}"));
    }
    table.case("a folder", vec![], format!("/dev {PROBS}"));
    table.case("a device", vec![], format!("/dev/zero {PROBS}"));
    table.file("a name of another format", "scores.bin", good());
    table.file("a name of no format", "scores", good());
    table.case("nothing on standard input", vec![], format!("- {PROBS}"));
    table.case("standard input twice", vec![], format!("- - {PROBS}"));
}

/// A `.npy` file of that description, of 24 bytes.
fn described(descr: &str, shape: &str) -> Vec<u8> {
    let header = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}");
    npy_with_header(&header, &[0; 24])
}

fn npy_files(table: &mut Table) {
    table.section("`.npy`");
    let mut npy_file = |what, bytes| table.file(what, "a.npy", bytes);
    npy_file("empty", vec![]);
    npy_file("another format", b"PK\x03\x04 and more of it".to_vec());
    npy_file("cut in its magic", good()[..5].to_vec());
    npy_file("cut in its header", good()[..100].to_vec());
    npy_file("cut in its values", good()[..good().len() - 1].to_vec());
    npy_file("more than its values", [good(), vec![0]].concat());
    let mut version = good();
    version[6] = 9;
    npy_file("a version that is not known", version);
    // Version 2 counts its header in four bytes.
    let mut claims = good();
    claims[6] = 2;
    claims[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    npy_file("a header that claims 4 GiB", claims);
    let call = npy_with_header("os.system('true')", &[]);
    npy_file("a header that is code", call);
    let missing = npy_with_header("{'descr': '<f4', }", &[]);
    npy_file("a header without a shape", missing);
    let deep = format!("{{'shape': {}{}}}", "[".repeat(30), "]".repeat(30));
    npy_file("brackets thirty deep", npy_with_header(&deep, &[0; 24]));
    let open = "(".repeat(9000);
    npy_file("brackets never closed", npy_with_header(&open, &[0; 24]));
    npy_file("a negative axis", described("'<f4'", "(-2, 3)"));
    let axis = "(99999999999999999999999, 3)";
    npy_file("an axis beyond 64 bits", described("'<f4'", axis));
    let beyond = "(9223372036854775807, 9223372036854775807, 3)";
    npy_file("more values than 64 bits count", described("'<f4'", beyond));
    let hidden = "(0, 9223372036854775807, 9223372036854775807)";
    npy_file("the same behind an axis of 0", described("'<f4'", hidden));
    let terabytes = "(1000, 1000, 1000000)";
    npy_file("4 TB that are not there", described("'<f4'", terabytes));
    npy_file("8 TB that are not there", described("'<f8'", terabytes));
    let empty = npy::<f32>("<f4", Order::C, &[1 << 60, 0, 5], &[]);
    npy_file("more empty items than anyone has", empty);
    npy_file("no tokens", npy_f32(&[2, 3, 0], &[]));
    npy_file("rank 0", npy_f32(&[], &[0.1]));
    npy_file("rank 1", npy_f32(&[3], &[0.1; 3]));
    npy_file("rank 4", npy_f32(&[1, 1, 2, 3], &[0.1; 6]));
    let ints = npy("<i4", Order::C, &[2, 3], &[1i32; 6]);
    npy_file("integers", ints);
    npy_file("complex numbers", described("'<c8'", "(1, 3)"));
    npy_file("Python objects", described("'|O'", "(1, 3)"));
    npy_file("structures", described("[('a', '<f4')]", "(2, 3)"));
    npy_file(
        "a type of no size",
        described("'<f99999999999999999999'", "(2, 3)"),
    );
    npy_file("bool", described("'|b1'", "(4, 6)"));
}

fn npz_files(table: &mut Table) {
    table.section("`.npz`");
    let mut npz_file = |what, bytes| table.file(what, "a.npz", bytes);
    let whole = npz(&[("p", good())]);
    npz_file("empty", vec![]);
    npz_file("another format", good());
    npz_file("cut in an array", whole[..60].to_vec());
    npz_file("cut in its directory", whole[..whole.len() - 30].to_vec());
    npz_file("no array", npz(&[]));
    let vector = npy_f32(&[3], &[0.1; 3]);
    npz_file("no array of scores", npz(&[("x", vector)]));
    let two = npz(&[("a", good()), ("b", good())]);
    npz_file("two arrays of scores", two);
    let short = good()[..good().len() - 4].to_vec();
    npz_file("an array cut short", npz(&[("p", short)]));
    npz_file("an entry that is no array", npz(&[("p", b"text".to_vec())]));
    let deep = format!("{{'shape': {}{}}}", "[".repeat(30), "]".repeat(30));
    let deep = npy_with_header(&deep, &[0; 24]);
    npz_file("brackets thirty deep", npz(&[("x", deep)]));
    let bomb = npy_with_header(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        &vec![0; 1 << 20],
    );
    npz_file("a bomb: far more than its shape", npz(&[("p", bomb)]));
    let size = good().len() as u64;
    let mut flipped = zip64(&good(), size, 1, None);
    // In a value: before it are 35 bytes of the archive and the header.
    flipped[35 + good().len() - 3] ^= 1;
    npz_file("a flipped bit", flipped);
    npz_file(
        "less claimed than its header takes",
        zip64(&good(), 4, 1, None),
    );
    npz_file(
        "more claimed than there is",
        zip64(&good(), 1 << 40, 1, None),
    );
    npz_file("2^40 entries claimed", zip64(&good(), size, 1 << 40, None));
    npz_file(
        "a directory beyond its end",
        zip64(&good(), size, 1, Some(1 << 50)),
    );
    npz_file(
        "a directory that is elsewhere",
        zip64(&good(), size, 1, Some(3)),
    );
    let arguments = format!("a.npz {PROBS} --array q");
    table.case("no array of that name", vec![("a.npz", whole)], arguments);
}

/// A `.safetensors` file of that header and 24 bytes.
fn with_header(header: &str) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &[0; 24]].concat()
}

fn safetensors_files(table: &mut Table) {
    table.section("`.safetensors`");
    let mut file = |what, bytes| table.file(what, "a.safetensors", bytes);
    file("empty", vec![]);
    file("another format", good());
    let huge = [&(1u64 << 60).to_le_bytes()[..], b"{}"].concat();
    file("a header that claims an exabyte", huge);
    let large = [&(99u64 << 20).to_le_bytes()[..], b"{}"].concat();
    file("a header that claims 99 MiB", large);
    file("a header that is no JSON", with_header("{nothing}"));
    let nested = format!("{{\"p\":{}", "{\"p\":".repeat(10_000));
    file("a header nested 10,000 deep", with_header(&nested));
    file("no array", with_header("{}"));
    let tensor = |shape: &str, offsets: &str| {
        with_header(&format!(
            r#"{{"p":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#
        ))
    };
    file("offsets beyond its end", tensor("[2,3]", "[0,9999999]"));
    file(
        "offsets that end before they begin",
        tensor("[2,3]", "[24,0]"),
    );
    file("a shape beyond its offsets", tensor("[2,4]", "[0,24]"));
    let beyond = "[9223372036854775807,9223372036854775807,3]";
    file("more values than 64 bits count", tensor(beyond, "[0,24]"));
    file("a negative axis", tensor("[-2,3]", "[0,24]"));
    file("bytes of no array", tensor("[1,3]", "[0,12]"));
    let unknown = r#"{"p":{"dtype":"F99","shape":[2,3],"data_offsets":[0,24]}}"#;
    file("a type that is not known", with_header(unknown));
    let ints = TensorView::new(Dtype::I32, vec![2, 3], &[0; 24]).unwrap();
    let ints = safetensors::serialize([("p", ints)], None).unwrap();
    file("integers", ints.clone());
    let arguments = format!("a.safetensors {PROBS} --array p");
    table.case(
        "integers, by name",
        vec![("a.safetensors", ints)],
        arguments,
    );
}

fn values(table: &mut Table) {
    table.section("Values");
    table.writes = true;
    let with = |value: f32| npy_f32(&[1, 2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, value]);
    for (what, value) in [
        ("NaN among probabilities", f32::NAN),
        ("infinity among probabilities", f32::INFINITY),
        ("a negative probability", -0.1),
        ("a probability above 1", 1.5),
    ] {
        table.file(what, "a.npy", with(value));
    }
    for (what, kind, value) in [
        ("NaN among log-probabilities", "log-probs", f32::NAN),
        ("a positive log-probability", "log-probs", 0.5),
        ("NaN among logits", "logits", f32::NAN),
        ("infinity among logits", "logits", f32::INFINITY),
    ] {
        let value = npy_f32(&[1, 3], &[-1.0, -1.0, value]);
        let arguments = format!("a.npy --search independent --scores {kind} --beams 2");
        table.case(what, vec![("a.npy", value)], arguments);
    }
    let arguments = "a.npy --search ctc --blank 0 --scores probs --beams 2";
    table.case(
        "NaN in a CTC frame",
        vec![("a.npy", with(f32::NAN))],
        arguments,
    );
    let bad = with(7.0);
    let arguments = format!("a.npy b.npy {PROBS}");
    let files = vec![("a.npy", good()), ("b.npy", bad)];
    table.case("in the second of two files", files, arguments);
    table.writes = false;
}

fn lengths(table: &mut Table) {
    table.section("Lengths");
    let mut file = |what, lengths| {
        let files = vec![("a.npy", good()), ("l.npy", lengths)];
        table.case(what, files, format!("a.npy {PROBS} --lengths l.npy"));
    };
    file(
        "longer than the scores",
        npy("<i8", Order::C, &[1], &[3i64]),
    );
    file("one too many", npy("<i8", Order::C, &[2], &[1i64, 1]));
    file("none", npy::<i64>("<i8", Order::C, &[0], &[]));
    file("negative", npy("<i8", Order::C, &[1], &[-1i64]));
    file("beyond 63 bits", npy("<u8", Order::C, &[1], &[u64::MAX]));
    file("no integers", npy_f32(&[1], &[1.0]));
    file("two axes", npy("<i8", Order::C, &[1, 1], &[1i64]));
    file("another format", b"nothing".to_vec());
    table.case(
        "no such file",
        vec![("a.npy", good())],
        format!("a.npy {PROBS} --lengths gone.npy"),
    );
    let inside = |lengths| npz(&[("p", good()), ("lengths", lengths)]);
    let long = inside(npy("<i8", Order::C, &[1], &[9i64]));
    table.file("longer than the scores, in the archive", "a.npz", long);
    let floats = inside(npy_f32(&[1], &[1.0]));
    table.file("no integers, in the archive", "a.npz", floats);
    let step = || npy("<i8", Order::C, &[1], &[1i64]);
    let two = npz(&[("p", good()), ("x_lens", step()), ("y_lengths", step())]);
    table.file("two arrays of them in the archive", "a.npz", two.clone());
    for (what, name) in [
        ("no array of that name", "z"),
        ("the array of the scores", "p"),
    ] {
        let arguments = format!("a.npz {PROBS} --lengths-array {name}");
        table.case(what, vec![("a.npz", two.clone())], arguments);
    }
}

fn labels(table: &mut Table) {
    table.section("Labels");
    let mut file = |what, labels: &[u8]| {
        let files = vec![("a.npy", good()), ("labels.txt", labels.to_vec())];
        table.case(what, files, format!("a.npy {PROBS} --labels labels.txt"));
    };
    file("one too few", b"a\nb\n");
    file("one too many", b"a\nb\nc\nd\n");
    file("none", b"");
    file("not UTF-8", b"a\nb\n\xff\n");
    file("gzip that is cut", b"\x1f\x8b\x08\0\0\0\0\0\0\x03");
    let files = vec![("a.npy", good()), ("labels.txt", b"a\nb\nc\n".to_vec())];
    let arguments = format!("a.npy {PROBS} --labels labels.txt --output labels.txt");
    table.case("output in their place", files, arguments);
    let mut named = |what, name: &'static str, labels: &str| {
        let files = vec![("a.npy", good()), (name, labels.as_bytes().to_vec())];
        table.case(what, files, format!("a.npy {PROBS} --labels {name}"));
    };
    named("an id twice", "tokens.txt", "a 0\nb 1\nc 1\n");
    named("a gap in the ids", "tokens.txt", "a 0\nb 1\nc 3\n");
    named(
        "JSON, an id twice",
        "l.json",
        "{\"a\": 0, \"b\": 1, \"c\": 1}",
    );
    named(
        "JSON, a gap in the ids",
        "l.json",
        "{\"a\": 0, \"b\": 1, \"c\": 9}",
    );
    named(
        "JSON, an id below 0",
        "l.json",
        "{\"a\": 0, \"b\": 1, \"c\": -1}",
    );
    named("JSON of something else", "l.json", "{\"a\": [1]}");
    named("JSON, a number among labels", "l.json", "[\"a\", 7, \"c\"]");
    named("JSON that is cut", "l.json", "[\"a\", \"b\"");
    named("no JSON", "l.json", "a\nb\nc\n");
    let nested = "[".repeat(100_000);
    named("JSON nested 100,000 deep", "l.json", &nested);
    let nested = format!("{{\"a\": {}", "{\"a\": ".repeat(100_000));
    named("JSON maps nested 100,000 deep", "l.json", &nested);
    for (what, name) in [("no such file", "gone.txt"), ("a device", "/dev/zero")] {
        let arguments = format!("a.npy {PROBS} --labels {name}");
        table.case(what, vec![("a.npy", good())], arguments);
    }
}

/// A model of the tokens a and b.
const ARPA: &str = "\\data\\\nngram 1=3\nngram 2=1\n\n\\1-grams:\n-1\t<unk>\n-1\ta\t-0.5\n-1\tb\n\n\
                    \\2-grams:\n-0.1\ta b\n\n\\end\\\n";

fn models_and_words(table: &mut Table) {
    table.section("Language models, hotwords and lexicons");
    let ctc = "a.npy --search ctc --blank 0 --scores probs --beams 2 --labels labels.txt";
    let files = |name, bytes: &[u8]| {
        let labels = b"-\na\nb\n".to_vec();
        vec![
            ("a.npy", good()),
            ("labels.txt", labels),
            (name, bytes.to_vec()),
        ]
    };
    let mut model = |what, text: &str| {
        let files = files("m.arpa", text.as_bytes());
        table.case(what, files, format!("{ctc} --lm m.arpa"));
    };
    model("an empty model", "");
    model("a model that is something else", "hello\n");
    model("a model cut short", &ARPA[..ARPA.len() - 6]);
    model(
        "2^60 n-grams claimed",
        &ARPA.replace("1=3", "1=1152921504606846976"),
    );
    model("more n-grams than there are", &ARPA.replace("1=3", "1=4"));
    model("fewer n-grams than there are", &ARPA.replace("1=3", "1=2"));
    model("a count that is no number", &ARPA.replace("1=3", "1=x"));
    model("an order left out", &ARPA.replace("ngram 2", "ngram 3"));
    model("a log-probability above 0", &ARPA.replace("-0.1", "0.1"));
    model(
        "a log-probability that is no number",
        &ARPA.replace("-0.1", "x"),
    );
    model(
        "a log-probability that is NaN",
        &ARPA.replace("-0.1", "NaN"),
    );
    model("a word of no 1-gram", &ARPA.replace("a b", "a c"));
    model("too few words", &ARPA.replace("a b", "a"));
    model("an n-gram twice", &ARPA.replace("-1\tb", "-1\ta"));
    model(
        "a model of words",
        &ARPA.replace("\ta", "\tan").replace("b", "be"),
    );
    let cut = b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice();
    let arguments = format!("{ctc} --lm m.arpa.gz");
    table.case("gzip that is cut", files("m.arpa.gz", cut), arguments);
    let trie = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/fixtures/kenlm/order3.trie.bin"
    ));
    let trie = trie.unwrap();
    let altered = |at: usize, bytes: &[u8]| {
        let mut trie = trie.clone();
        trie[at..at + bytes.len()].copy_from_slice(bytes);
        trie
    };
    let mut binary = |what, bytes: &[u8]| {
        table.case(what, files("m.bin", bytes), format!("{ctc} --lm m.bin"));
    };
    binary("a KenLM file cut in its header", &trie[..90]);
    binary("a KenLM file cut in its tables", &trie[..200]);
    let version = trie.iter().position(|byte| byte.is_ascii_digit()).unwrap();
    binary("a KenLM file of another version", &altered(version, b"4"));
    binary("a KenLM file of order 11", &altered(88, &[11]));
    binary("a KenLM file of no type", &altered(96, &[9]));
    binary("2^56 n-grams claimed in a KenLM file", &altered(123, &[1]));
    binary("a KenLM file of other words", &trie);
    for (what, more) in [
        ("a weight that is NaN", "--lm-weight NaN"),
        ("an infinite weight", "--lm-weight inf"),
        ("a bonus that is NaN", "--token-bonus NaN"),
    ] {
        let files = files("m.arpa", ARPA.as_bytes());
        table.case(what, files, format!("{ctc} --lm m.arpa {more}"));
    }
    for (what, name) in [("no such model", "gone.arpa"), ("a device", "/dev/zero")] {
        let arguments = format!("{ctc} --lm {name}");
        table.case(what, files("m.arpa", b""), arguments);
    }
    let mut words = |what, text: &[u8], options: &str| {
        let arguments = format!("{ctc} {options} words.txt");
        table.case(what, files("words.txt", text), arguments);
    };
    for option in ["--hotwords", "--lexicon"] {
        let strict = format!("--strict {option}");
        let some = b"a\nax\nb\n\nx\n";
        words("some that no labels spell, under --strict", some, &strict);
        words("all that no labels spell", b"ax\n\nx\n", option);
        words("words that are not UTF-8", b"a\n\xff\n", option);
    }
    words("an empty phrase", b"a\n:3\n", "--hotwords");
    words(
        "a phrase of a mark",
        "\u{2581} :3\n".as_bytes(),
        "--hotwords",
    );
    words("an infinite weight", b"a\n\nb :inf\n", "--hotwords");
    words("a lexicon of nothing", b"\r\n\n", "--lexicon");
    words("a line of two words", b"a\nb bb\n", "--lexicon");
    words("a line without a spelling", b"b\tb\n\nab\n", "--lexicon");
    words("a tab and no spelling", b"ab\t \n", "--lexicon");
    words("a spelling without a word", b"b\tb\n \ta b\n", "--lexicon");
    let spellings = b"b\tb\nab\ta x y\nc\t-\n";
    words(
        "spellings of labels nobody knows, under --strict",
        spellings,
        "--strict --lexicon",
    );
    words("no spelling of known labels", b"ab\ta x\n", "--lexicon");
    let arguments = format!("{ctc} --hotwords words.txt --hotword-weight NaN");
    table.case(
        "a weight that is NaN",
        files("words.txt", b"a\n"),
        arguments,
    );
    let arguments = format!("{ctc} --lexicon gone.txt");
    table.case("no such lexicon", files("words.txt", b"a\n"), arguments);
    let delimiter = format!("{ctc} --word-delimiter");
    let mut delimited = |what, label: &str| {
        let arguments = format!("{delimiter} {label}");
        table.case(what, files("words.txt", b"a\n"), arguments);
    };
    delimited("no label to stand between words", "/");
    delimited("the blank between words", "-");
}
