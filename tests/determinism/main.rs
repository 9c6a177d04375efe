//! The same bits at every level, for 1 to 8 threads, in any order of the batch
//! and any chunking: the results of fixed inputs are those of a golden file,
//! `tests/golden/results.json`.
//!
//! A change of the arithmetic that is meant changes the file:
//!
//! ```sh
//! cargo test --test determinism -- --ignored regenerate
//! ```
//!
//! It still refuses to write where two arrangements disagree. The inputs and the
//! rules use nothing of the platform's mathematical library, so the file should
//! hold on every machine.

mod additions;
mod arrangement;
mod autoregressive;
mod ctc;
mod draws;
#[path = "../support/transducer.rs"]
mod driver;
mod features;
mod independent;
mod inputs;
mod transducer;
#[path = "../support/word_scorers.rs"]
mod word_scorers;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// A hash of the results of each case, by the name of the case.
type Results = BTreeMap<String, String>;

fn path() -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "tests",
        "golden",
        "results.json",
    ]
    .iter()
    .collect()
}

fn golden() -> Results {
    let text = fs::read_to_string(path()).expect("the golden file is there");
    serde_json::from_str(&text).expect("it is a map of names to hashes")
}

/// Where two sets of results differ, a line a case.
fn differences(expected: &Results, found: &Results) -> Vec<String> {
    let names: std::collections::BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        match (expected.get(name), found.get(name)) {
            (Some(expected), Some(found)) if expected == found => {}
            (expected, found) => lines.push(format!("{name}: {expected:?} became {found:?}")),
        }
    }
    lines
}

/// The golden results of one search.
fn golden_of(search: &str) -> Results {
    let mut results = golden();
    results.retain(|name, _| name.split('/').next() == Some(search));
    assert!(!results.is_empty());
    results
}

#[track_caller]
fn check(search: &str, found: &Results) {
    let differences = differences(&golden_of(search), found);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn independent_results_are_golden() {
    check("independent", &independent::results());
}

#[test]
fn ctc_results_are_golden() {
    check("ctc", &ctc::results());
}

#[test]
fn autoregressive_results_are_golden() {
    let mut results = autoregressive::results();
    results.extend(additions::results());
    check("autoregressive", &results);
}

#[test]
fn draws_and_sparse_rows_are_golden() {
    check("draws", &draws::results());
}

#[test]
fn each_addition_is_golden() {
    check("features", &features::results());
}

#[test]
fn transducer_results_are_golden() {
    check("transducer", &transducer::results());
}

/// The check can fail: for a score whose last bit differs, for a result that is
/// not there, and for one too many.
#[test]
fn one_bit_of_one_score_is_noticed() {
    let good = independent::one_case(0);
    assert_eq!(good, independent::one_case(0));
    assert_ne!(good, independent::one_case(1));

    let golden = golden();
    assert_eq!(differences(&golden, &golden), [""; 0]);
    let (name, _) = golden.first_key_value().unwrap();
    let mut less = golden.clone();
    less.remove(name);
    let mut other = golden.clone();
    other.insert(name.clone(), good);
    for (expected, found) in [(&golden, &less), (&less, &golden), (&golden, &other)] {
        assert_eq!(differences(expected, found).len(), 1);
    }
}

/// Writes the golden file anew.
#[test]
#[ignore = "changes what the other tests expect"]
fn regenerate() {
    let mut results = independent::results();
    results.extend(ctc::results());
    results.extend(autoregressive::results());
    results.extend(additions::results());
    results.extend(draws::results());
    results.extend(features::results());
    results.extend(transducer::results());
    let text = serde_json::to_string_pretty(&results).unwrap();
    fs::create_dir_all(path().parent().unwrap()).unwrap();
    fs::write(path(), text + "\n").unwrap();
}
