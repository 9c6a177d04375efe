//! Models of every type that KenLM's `build_binary` built (`perf/peers/kenlm/fixtures.py`), against its
//! scores; and what is left of them when they are cut or altered.

use std::collections::BTreeMap;
use std::path::Path;

use widebeam::Error;
use widebeam::scorers::NgramModel;

/// The files in `fixtures/` that end so, by name.
fn fixtures(end: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/kenlm");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    named
        .filter(|(name, _)| name.ends_with(end))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

fn read(name: &str, bytes: Vec<u8>) -> Result<NgramModel, Error> {
    match name.ends_with(".arpa") {
        true => NgramModel::read_arpa(&bytes[..]),
        false => NgramModel::from_binary(bytes),
    }
}

#[test]
fn scores_are_those_of_kenlm_to_the_bit() {
    let mut models = BTreeMap::new();
    for end in [".arpa", ".bin"] {
        for (name, bytes) in fixtures(end) {
            let model = read(&name, bytes).unwrap();
            models.insert(name, model);
        }
    }
    let scores = String::from_utf8(fixtures("scores.txt").pop_first().unwrap().1).unwrap();
    let mut asked = BTreeMap::new();
    // It holds what it was before: words of another model, or more words.
    let mut written = models.values().next().unwrap().empty_state();
    for line in scores.lines() {
        let (sentence, bits) = line.split_once('|').unwrap();
        let mut words = sentence.split_ascii_whitespace();
        let name = words.next().unwrap();
        let model = &models[name];
        let mut state = model.start_state();
        for (word, bits) in words.chain(["</s>"]).zip(bits.split_ascii_whitespace()) {
            let word = model.word(word);
            let expected = u32::from_str_radix(bits, 16).unwrap();
            let (score, next) = model.score_and_advance(&state, word);
            assert_eq!(score.to_bits(), expected, "{line}");
            let score = model.score_into(&state, word, &mut written);
            assert_eq!((score.to_bits(), written), (expected, next), "{line}");
            assert_eq!(model.score(&state, word).to_bits(), expected, "{line}");
            assert_eq!(model.advance(&state, word), next, "{line}");
            state = next;
            *asked.entry(name).or_insert(0) += 1;
        }
    }
    assert_eq!(asked.len(), models.len());
    assert!(asked.values().all(|&asked| asked > 50), "{asked:?}");
}

#[test]
fn a_state_of_another_model_gets_an_answer() {
    let mut models = Vec::new();
    for end in [".arpa", ".bin"] {
        models.extend(
            fixtures(end)
                .into_iter()
                .map(|(name, bytes)| read(&name, bytes).unwrap()),
        );
    }
    let mut more = String::from("\\data\\\nngram 1=900\n\\1-grams:\n-1 w0 -1\n");
    more.extend((1..900).map(|word| format!("-2 v{word} -1\n")));
    models.push(NgramModel::read_arpa(format!("{more}\\end\\").as_bytes()).unwrap());
    let mut states = Vec::new();
    for model in &models {
        let mut state = model.start_state();
        for word in [1, 5, 3, 2, 800, 1, 7, 7, 2, 4, 1].map(Some) {
            state = model.advance(&state, word);
            states.push(state);
        }
    }
    for model in &models {
        for state in &states {
            for word in [None, Some(1), Some(4), Some(16), Some(900)] {
                let (score, next) = model.score_and_advance(state, word);
                assert_eq!(model.score(state, word).to_bits(), score.to_bits());
                assert_eq!(model.advance(state, word), next);
                assert!(!score.is_nan());
            }
        }
    }
}

#[test]
fn a_model_says_what_it_holds() {
    for end in [".arpa", ".bin"] {
        for (name, bytes) in fixtures(end) {
            let model = read(&name, bytes).unwrap();
            let order: usize = name["order".len()..][..1].parse().unwrap();
            assert_eq!(model.order(), order, "{name}");
            // 12 words, 3 odd ones, <s> and the unknown one.
            assert_eq!(model.vocab(), 17, "{name}");
            assert_eq!(model.has_words(), !name.contains("-v."), "{name}");
            for word in ["w0", "w11", "ä", "\u{2581}x", "<s>", "</s>"] {
                let id = model.word(word).unwrap();
                assert!((1..17).contains(&id), "{name}: {word}");
            }
            assert_eq!(model.word("w12"), None);
            assert_eq!(model.word(""), None);
            // An id that is no word is an unknown word.
            let start = model.start_state();
            for id in [17, u32::MAX] {
                assert_eq!(model.score(&start, Some(id)), model.score(&start, None));
            }
            if !model.has_words() {
                let error = model.words().err().unwrap().to_string();
                assert!(error.contains("it has no words"), "{error}");
                continue;
            }
            let words: Vec<_> = model.words().unwrap().collect();
            assert_eq!(words.len(), 17, "{name}");
            assert_eq!(words[0].0, "<unk>");
            for (id, (word, probability)) in words.iter().enumerate().skip(1) {
                assert_eq!(model.word(word), Some(id as u32), "{name}: {word}");
                let score = model.score(&model.empty_state(), Some(id as u32));
                assert_eq!(score.to_bits(), probability.to_bits());
            }
        }
    }
}

/// Asks a model for scores of all words after all pairs of some words; whether all are as
/// before.
fn ask(model: &NgramModel) -> Vec<u32> {
    let mut scores = Vec::new();
    let words: Vec<_> = ["w1", "w2", "</s>", "ä", "x"]
        .map(|word| model.word(word))
        .into();
    let mut state = model.start_state();
    for first in 0..3 {
        for second in 0..words.len() {
            for word in [
                words[first],
                words[second],
                Some(second as u32),
                Some(u32::MAX),
            ] {
                let (score, next) = model.score_and_advance(&state, word);
                scores.push(score.to_bits());
                state = next;
            }
        }
    }
    if let Ok(words) = model.words() {
        scores.extend(words.map(|(word, probability)| probability.to_bits() ^ word.len() as u32));
    }
    scores
}

#[test]
fn a_binary_file_cut_anywhere_is_refused_or_lacks_words_alone() {
    for (name, bytes) in fixtures(".bin") {
        let model = read(&name, bytes.clone()).unwrap();
        let whole = ask(&model);
        for length in 0..bytes.len() {
            let Ok(cut) = read(&name, bytes[..length].to_vec()) else {
                continue;
            };
            // Only the words are at the end, and nobody looks at them before they are wanted.
            assert!(
                bytes[..length].windows(6).any(|part| part == b"<unk>\0"),
                "{name}: {length}"
            );
            assert!(cut.words().is_err(), "{name}: {length}");
            let scores = ask(&cut);
            assert_eq!(scores[..], whole[..scores.len()], "{name}: {length}");
        }
    }
}

#[test]
fn a_binary_file_with_any_byte_altered_is_refused_or_answers() {
    for (name, bytes) in fixtures(".bin") {
        let mut refused = 0;
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                match read(&name, bytes) {
                    Ok(model) => drop(ask(&model)),
                    Err(error) => {
                        let error = error.to_string();
                        assert!(error.starts_with("KenLM file, byte "), "{error}");
                        refused += 1;
                    }
                }
            }
        }
        // The test values are compared, and all counts matter.
        assert!(refused > 4 * 88 + 8, "{name}: {refused}");
    }
}

#[test]
fn a_binary_file_of_ones_or_zeros_after_its_header_answers_or_is_refused() {
    for (name, bytes) in fixtures(".bin") {
        let order = bytes[88] as usize;
        let header = 112 + 8 * order;
        for start in (header..bytes.len()).step_by(13) {
            for fill in [0, 0xff, 0x7f, 0x01] {
                for length in [8, 64, usize::MAX] {
                    let mut bytes = bytes.clone();
                    let end = start.saturating_add(length).min(bytes.len());
                    bytes[start..end].fill(fill);
                    if let Ok(model) = read(&name, bytes) {
                        ask(&model);
                    }
                }
            }
        }
    }
}

#[test]
fn header_fields_out_of_range_are_named_with_their_place() {
    let all = fixtures(".bin");
    let whole = &all["order3.quant-array.bin"];
    for (at, value, part) in [
        (88, &[0][..], "an order of 0 is not from 2 to 10"),
        (88, &[1], "an order of 1 is not from 2 to 10"),
        (88, &[11], "an order of 11 is not from 2 to 10"),
        (
            92,
            &0.5f32.to_le_bytes(),
            "a probing multiplier of 0.5 is not 1 or more",
        ),
        (92, &f32::NAN.to_le_bytes(), "a probing multiplier of NaN"),
        (96, &[6], "a model of type 6"),
        (100, &[2], "not by 2"),
        (104, &[2], "in version 2"),
        (108, &[0xff; 8], "above the limit of 4294967294"),
        (116, &[0xff; 8], "above the limit of 144115188075855872"),
        (
            116,
            &[0xff, 0xff, 0xff, 0xff, 0xff],
            "the file is cut short, or its header is wrong",
        ),
    ] {
        let mut bytes = whole.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        let error = read("", bytes).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(part), "{error}");
        if !part.contains("cut short") {
            assert!(error.contains(&format!("byte {at}:")), "{error}");
        }
    }
}

#[test]
fn an_arpa_file_cut_anywhere_is_refused() {
    for (name, bytes) in fixtures(".arpa") {
        let end = bytes.len() - "\n".len();
        for length in (0..end).filter(|length| length % 3 == 0 || end - length < 40) {
            let error = read(&name, bytes[..length].to_vec()).unwrap_err();
            assert!(error.to_string().starts_with("ARPA file, line "), "{error}");
        }
        assert!(read(&name, bytes[..end].to_vec()).is_ok());
    }
}

#[test]
fn a_full_table_ends_the_search() {
    let mut bytes = fixtures(".bin").remove("order3.probing.bin").unwrap();
    // Every key of the vocabulary and of what follows it is taken.
    let start = 112 + 8 * 3 + 8;
    bytes[start..].fill(0xa5);
    bytes[100] = 0;
    let model = NgramModel::from_binary(bytes).unwrap();
    assert_eq!(model.word("w1"), None);
    ask(&model);
}
