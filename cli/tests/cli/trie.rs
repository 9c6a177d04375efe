//! `widebeam trie`: files of sequences in, a trie out.

use widebeam::autoregressive::TokenTrie;

use crate::support::*;

fn make(sequences: &std::path::Path, output: &std::path::Path) -> Run {
    let mut command = tool();
    command
        .arg("trie")
        .arg(sequences)
        .arg("--output")
        .arg(output);
    command.output().unwrap().into()
}

#[test]
fn rows_and_lines_make_the_same_trie() {
    let folder = Folder::new();
    let rows = [3i32, 1, 4, 3, 1, -1, 2, 70_000, -1, 3, 1, -1];
    let array = folder.write("items.npy", &npy("<i4", npyz::Order::C, &[4, 3], &rows));
    let lines = folder.write("items.txt", b"2 70000\n3 1 4\n\n3,1\n3 1\n");
    for input in [array, lines] {
        let output = folder.path("items.trie");
        let said = make(&input, &output).succeeded().stdout;
        let bytes = std::fs::read(&output).unwrap();
        let expected = format!("3 sequences, 6 nodes, {} bytes\n", bytes.len());
        assert_eq!(said, expected);
        let trie = TokenTrie::from_bytes(bytes).unwrap();
        assert!(trie.next(&[]).eq([2, 3]) && trie.next(&[3, 1]).eq([4]));
        assert!(trie.contains(&[3, 1]) && trie.contains(&[2, 70_000]));
        std::fs::remove_file(output).unwrap();
    }
}

#[test]
fn what_is_no_file_of_sequences_is_refused() {
    let folder = Folder::new();
    let output = folder.path("items.trie");
    for (name, content, message) in [
        (
            "words.txt",
            &b"1 2\n3 four\n"[..],
            "line 2: four is no token id; they are below 4294967295",
        ),
        (
            "scores.npy",
            &npy_f32(&[1, 2], &[0.5, 0.5]),
            "numbers of type float32; token ids are integers",
        ),
        ("noise.txt", &[0xff, 0xfe, 0x00], "is no text"),
    ] {
        let input = folder.write(name, content);
        let message = format!("{}: {message}", input.display());
        make(&input, &output).refused(&message);
        assert!(!output.exists());
    }
    let input = folder.write("same.txt", b"1 2\n");
    let place = input.canonicalize().unwrap();
    let message = format!(
        "the trie would be written in the place of {}, which is read",
        place.display()
    );
    make(&place, &input).refused(&message);
}
