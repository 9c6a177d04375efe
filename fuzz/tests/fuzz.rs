//! The fuzz targets as properties, on any toolchain: mutated seeds for what
//! reads files, random bytes for what makes its own cases of them. `libfuzzer/` runs
//! the same targets under libFuzzer.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use widebeam_fuzz as targets;
use widebeam_toy::seeded;

/// The seeds of a target.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seeds");
    let entries = fs::read_dir(folder.join(target)).expect("the seeds are there");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    assert!(!seeds.is_empty());
    seeds
}

/// A change of some bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, Index),
    Copy(Index, Index, Index),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let at = any::<Index>;
    let byte = prop_oneof![
        any::<u8>(),
        prop::sample::select(b"\0\n ,()'0129-\xff".to_vec())
    ];
    let edit = prop_oneof![
        (at(), byte).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (at(), 0u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        (at(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(at, more)| Edit::Insert(at, more)),
        (at(), at()).prop_map(|(start, end)| Edit::Remove(start, end)),
        (at(), at(), at()).prop_map(|(start, end, to)| Edit::Copy(start, end, to)),
    ];
    // None at all now and then, so that the seeds themselves are tried.
    prop::collection::vec(edit, 0..6)
}

fn apply(mut bytes: Vec<u8>, edits: Vec<Edit>) -> Vec<u8> {
    for edit in edits {
        let places = bytes.len() + 1;
        match edit {
            Edit::Insert(at, more) => {
                let at = at.index(places);
                bytes.splice(at..at, more);
            }
            Edit::Remove(a, b) => {
                let (a, b) = (a.index(places), b.index(places));
                bytes.drain(a.min(b)..a.max(b));
            }
            Edit::Copy(a, b, to) => {
                let (a, b, to) = (a.index(places), b.index(places), to.index(places));
                let copied = bytes[a.min(b)..a.max(b)].to_vec();
                bytes.splice(to..to, copied);
            }
            Edit::Set(at, byte) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            Edit::Flip(at, bit) if !bytes.is_empty() => {
                let at = at.index(bytes.len());
                bytes[at] ^= 1 << bit;
            }
            Edit::Set(..) | Edit::Flip(..) => {}
        }
    }
    bytes
}

fn mutated(target: &str) -> impl Strategy<Value = Vec<u8>> + use<> {
    (prop::sample::select(seeds(target)), edits()).prop_map(|(seed, edits)| apply(seed, edits))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        prop::collection::vec(any::<u8>(), 0..600),
    ]
}

type Target = fn(&[u8]);

/// Each seed as it is. An input that ever failed is kept as one.
#[test]
fn every_seed() {
    let targets: [(&str, Target); 14] = [
        ("admission", targets::admission::run),
        ("arpa", targets::arpa::run),
        ("autoregressive", targets::autoregressive::run),
        ("ctc", targets::ctc::run),
        ("independent", targets::independent::run),
        ("kenlm", targets::kenlm::run),
        ("labels", targets::labels::run),
        ("lexicon", targets::lexicon::run),
        ("npy", targets::npy::run),
        ("npz", targets::npz::run),
        ("phrases", targets::phrases::run),
        ("safetensors", targets::safetensors::run),
        ("stream", targets::stream::run),
        ("transducer", targets::transducer::run),
    ];
    for (name, run) in targets {
        seeds(name).iter().for_each(|seed| run(seed));
    }
}

proptest! {
    #![proptest_config(seeded::cases(2000))]

    #[test]
    fn npy(data in mutated("npy")) {
        targets::npy::run(&data);
    }

    #[test]
    fn npz(data in mutated("npz")) {
        targets::npz::run(&data);
    }

    #[test]
    fn safetensors(data in mutated("safetensors")) {
        targets::safetensors::run(&data);
    }

    #[test]
    fn kenlm(data in mutated("kenlm")) {
        targets::kenlm::run(&data);
    }

    #[test]
    fn arpa(data in mutated("arpa")) {
        targets::arpa::run(&data);
    }

    #[test]
    fn labels(data in mutated("labels")) {
        targets::labels::run(&data);
    }

    #[test]
    fn lexicon(data in mutated("lexicon")) {
        targets::lexicon::run(&data);
    }

    #[test]
    fn phrases(data in mutated("phrases")) {
        targets::phrases::run(&data);
    }
}

proptest! {
    #![proptest_config(seeded::cases(500))]

    #[test]
    fn independent(data in bytes()) {
        targets::independent::run(&data);
    }

    #[test]
    fn ctc(data in bytes()) {
        targets::ctc::run(&data);
    }

    #[test]
    fn autoregressive(data in bytes()) {
        targets::autoregressive::run(&data);
    }

    #[test]
    fn stream(data in bytes()) {
        targets::stream::run(&data);
    }

    #[test]
    fn admission(data in bytes()) {
        targets::admission::run(&data);
    }

    #[test]
    fn transducer(data in bytes()) {
        targets::transducer::run(&data);
    }
}
