//! Files that `widebeam trie` cannot make a trie of.

use npyz::Order;

use super::Table;
use crate::support::*;

pub(super) fn add(table: &mut Table) {
    table.command = "trie";
    table.section("Sequences of a trie");
    let mut lines = |what, bytes: &[u8]| {
        table.case(what, vec![("items.txt", bytes.to_vec())], "items.txt");
    };
    lines("an empty file", b"");
    lines("blank lines alone", b"\n \n\r\n");
    lines("a word", b"1 2\n3 four\n");
    lines("a number below 0", b"1 2\n\n3 -1 4\n");
    lines("a fraction", b"1 2.5\n");
    lines("the token 2^32 - 1", b"4294967294\n1 4294967295\n");
    lines("a token beyond 64 bits", b"1\n2 18446744073709551616\n");
    lines("bytes that are no UTF-8", b"1 2\n\xff\xfe 3\n");
    lines("zeros in text", b"1 2\n3\0 4\n");
    lines(
        "a trie",
        widebeam::autoregressive::TokenTrie::new([[1, 2]]).as_bytes(),
    );

    let good = npy("<i4", Order::C, &[2, 2], &[1i32, 2, 3, 4]);
    let mut array = |what, bytes: Vec<u8>| {
        table.case(what, vec![("items.npy", bytes)], "items.npy");
    };
    array("an empty .npy", Vec::new());
    array("a .npy that is text", b"1 2\n".to_vec());
    array("a .npy cut in its header", good[..30].to_vec());
    array("a .npy cut in its numbers", good[..good.len() - 3].to_vec());
    array(
        "a .npy with more than its numbers",
        [&good[..], &[0]].concat(),
    );
    let mut version = good.clone();
    version[6] = 9;
    array("a .npy of version 9", version);
    array("no sequence", npy::<i32>("<i4", Order::C, &[0, 4], &[]));
    array("one axis", npy("<i4", Order::C, &[4], &[1i32, 2, 3, 4]));
    array(
        "three axes",
        npy("<i4", Order::C, &[1, 2, 2], &[1i32, 2, 3, 4]),
    );
    array("scores", npy_f32(&[1, 2], &[0.5, 0.5]));
    let largest = [1i64, u32::MAX.into(), 2, 3];
    array(
        "a row with the token 2^32 - 1",
        npy("<i8", Order::C, &[2, 2], &largest),
    );

    let items = || vec![("items.txt", b"1 2\n".to_vec())];
    for (what, arguments) in [
        ("no such file", "gone.txt"),
        ("a folder", "."),
        ("no input", "--output out"),
        ("two inputs", "items.txt items.txt"),
        (
            "a trie in the place of its input",
            "items.txt --output items.txt",
        ),
        (
            "a trie in a folder that is not there",
            "items.txt --output gone/out",
        ),
        ("a trie in the place of a folder", "items.txt --output ."),
        ("an option of another command", "items.txt --beams 3"),
    ] {
        table.case(what, items(), arguments);
    }
}
