//! Files whose headers claim what is not so.

use npyz::Order;

use crate::support::*;

const PROBS: &str = "--scores probs --beams 2";

/// Two steps of three tokens.
fn good() -> Vec<u8> {
    npy_f32(&[2, 3], &[0.5, 0.3, 0.2, 0.1, 0.1, 0.8])
}

/// An archive of one array that claims to unpack to `claimed` bytes.
fn claiming(array: Vec<u8>, claimed: u32) -> Vec<u8> {
    let size = u32::try_from(array.len()).unwrap();
    let mut bytes = npz(&[("p", array)]);
    // Where the size stands in the header before the array, and in the
    // directory at the end of the archive.
    for (magic, offset) in [(b"PK\x03\x04", 22), (b"PK\x01\x02", 24)] {
        let at = bytes.windows(4).position(|bytes| bytes == magic).unwrap() + offset;
        assert_eq!(bytes[at..at + 4], size.to_le_bytes());
        bytes[at..at + 4].copy_from_slice(&claimed.to_le_bytes());
    }
    bytes
}

#[track_caller]
fn refused(name: &str, bytes: &[u8], message: &str) {
    let folder = Folder::new();
    decode(&folder.write(name, bytes), PROBS).refused(message);
}

#[test]
fn an_array_that_claims_to_be_shorter_than_its_header() {
    refused(
        "a.npz",
        &claiming(good(), 4),
        "array \"p\": corrupt: 4 bytes in all, of which the header takes 128",
    );
}

#[test]
fn an_array_that_unpacks_to_more_than_it_claims() {
    // The shape agrees with the claim, so that only unpacking can tell.
    let mut long = good();
    long.extend([0; 8]);
    refused(
        "a.npz",
        &claiming(long, 152),
        "array \"p\": corrupt: it unpacks to more than the 152 bytes it claims",
    );
}

#[test]
fn an_archive_whose_checksum_does_not_agree() {
    let mut bytes = npz(&[("p", good())]);
    let at = bytes
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .unwrap()
        + 16;
    bytes[at] ^= 1;
    refused(
        "a.npz",
        &bytes,
        "array \"p\": corrupt .npz archive: Invalid checksum",
    );
}

/// Nothing is as long as what a file claims of what it does not hold: not the
/// way through the axes of Fortran order, and not the list of answers.
#[test]
fn more_items_without_a_step_than_anyone_has() {
    for order in [Order::C, Order::Fortran] {
        let bytes = npy::<f32>("<f4", order, &[1 << 60, 0, 5], &[]);
        refused(
            "a.npy",
            &bytes,
            "has 1152921504606846976 items of no steps; the limit is 1048576",
        );
    }
    // Few of them are answered.
    let folder = Folder::new();
    let bytes = npy::<f32>("<f4", Order::Fortran, &[3, 0, 5], &[]);
    let run = decode(&folder.write("a.npy", &bytes), PROBS).succeeded();
    assert!(!run.stdout.is_empty());
}

/// Only in Fortran order is every axis gone through.
#[test]
fn a_long_axis_beside_an_empty_one_takes_no_time() {
    let folder = Folder::new();
    let bytes = npy::<f32>("<f4", Order::Fortran, &[0, 1 << 40, 5], &[]);
    decode(&folder.write("a.npy", &bytes), PROBS).succeeded();
    let bytes = npy::<f32>("<f4", Order::Fortran, &[1 << 40, 0], &[]);
    refused("b.npy", &bytes, "vocabulary of 0 tokens");
}

/// The name of an array is no path, whatever it spells, and nothing that a
/// terminal obeys.
#[test]
fn names_that_spell_paths_and_commands() {
    let name = "../a\u{1b}[2J\nb/../../c";
    let folder = Folder::new();
    let path = folder.write("a.npz", &npz(&[(name, good())]));
    let run = decode(
        &path,
        &format!("{PROBS} --output-dir {}", path.parent().unwrap().display()),
    );
    assert_eq!(run.succeeded().stderr, "");
    assert_eq!(folder.names(), ["a.npz", "a.txt"]);
    let two = npz(&[(name, good()), ("b", good())]);
    let run = decode(&folder.write("b.npz", &two), PROBS);
    assert!(!run.stderr.trim_end().contains(char::is_control), "{run:?}");
    run.refused("more than one float array of rank 2 or 3");
}
