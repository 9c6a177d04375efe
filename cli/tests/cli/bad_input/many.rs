//! Lists of inputs and shards that cannot be.

use super::{PROBS, Table, good};

pub(super) fn add(table: &mut Table) {
    table.section("Many inputs");
    for (what, list, arguments) in [
        ("a list that is not there", "", "--inputs-from gone"),
        ("a list that is a folder", "", "--inputs-from ."),
        ("a list of nothing", "\n\r\n", "--inputs-from list"),
        (
            "standard input in a list",
            "a.npy\n-\n",
            "--inputs-from list",
        ),
        ("a list that is an array", "a\0b", "--inputs-from list"),
        (
            "an input of a list that is not there",
            "gone.npy\n",
            "--inputs-from list --output-dir .",
        ),
        (
            "a list of two that go to one file",
            "a.npy\n./a.npy\n",
            "--inputs-from list --output-dir .",
        ),
        (
            "a list and an input from standard input",
            "",
            "- --inputs-from -",
        ),
        ("a shard without a number of shards", "", "a.npy --shard 3"),
        ("the shard 0", "", "a.npy --shard 0/3"),
        ("a shard beyond the last", "", "a.npy --shard 4/3"),
        ("no shards", "", "a.npy --shard 1/0"),
        ("a shard that is a word", "", "a.npy --shard one/3"),
        ("a shard of nothing", "", "--shard 1/3"),
        ("resuming without a folder of outputs", "", "a.npy --resume"),
        ("a summary in no folder", "", "a.npy --summary gone/s.json"),
        ("a summary that is a folder", "", "a.npy --summary ."),
        (
            "a summary in the place of an input",
            "",
            "a.npy --summary a.npy",
        ),
        (
            "a summary in the place of the list",
            "a.npy\n",
            "--inputs-from list --summary list",
        ),
        (
            "a summary in the place of the answers",
            "",
            "a.npy --output o --summary o",
        ),
    ] {
        // Files that are named are there.
        let mut files = vec![("a.npy", good())];
        if !list.is_empty() {
            files.push(("list", list.into()));
        }
        table.case(what, files, format!("{arguments} {PROBS}"));
    }
    table.case(
        "a list without the rest",
        vec![("list", b"a.npy\n".to_vec())],
        "--inputs-from list",
    );
}
