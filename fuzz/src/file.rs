//! Files made of the input, for loaders that open what they read.

use std::io::Write;
use std::path::Path;

use widebeam::{IndependentSearch, NBest, ScoreKind, ScoresView, reference};
use widebeam_cli::load::{Input, Reading};
use widebeam_perf::console::failure::Failure;
use widebeam_toy::any_tensor;

/// Calls `read` with a file that holds `bytes` and ends in `extension`.
pub(crate) fn with<R>(extension: &str, bytes: &[u8], read: impl FnOnce(&Path) -> R) -> R {
    let mut file = tempfile::Builder::new()
        .suffix(extension)
        .tempfile()
        .expect("a temporary file");
    file.write_all(bytes).expect("room for a few bytes");
    read(file.path())
}

/// A file is refused in words. It is the machine's failure only where the file
/// claims to unpack to more than memory holds.
pub(crate) fn refused(failure: &Failure) {
    match failure {
        Failure::Input(message) => assert!(!message.is_empty()),
        Failure::Machine(message) => assert!(message.contains("bytes of memory"), "{message}"),
        Failure::ClosedPipe => panic!("nothing is written"),
    }
}

/// Scores above which a file is not decoded: what is looked for is in the
/// loading.
const MOST_BYTES: usize = 4096;

/// Two inputs in one, parted by the first byte of 0xff.
pub(crate) fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    let end = data.iter().position(|&byte| byte == 0xff);
    let end = end.unwrap_or(data.len());
    (&data[..end], data.get(end + 1..).unwrap_or_default())
}

/// Loads scores. What loads is decoded, and every item whose scores are valid
/// has the hypotheses that the reference finds.
pub(crate) fn scores(extension: &str, bytes: &[u8]) {
    let open = |map| {
        let reading = Reading {
            map,
            ..Reading::default()
        };
        with(extension, bytes, |path| Input::open(path, reading))
    };
    let (mapped, read) = (open(true), open(false));
    assert_eq!(mapped.is_ok(), read.is_ok());
    let input = match mapped {
        Ok(input) => input,
        Err(failure) => return refused(&failure),
    };
    for kind in [
        ScoreKind::Probabilities,
        ScoreKind::LogProbabilities,
        ScoreKind::Logits,
    ] {
        let view = input.tensor.view(kind);
        let view = view.and_then(|view| match &input.lengths {
            Some(lengths) => view.with_lengths(lengths),
            None => Ok(view),
        });
        match view {
            Ok(view) if view.bytes() <= MOST_BYTES && view.batch() <= MOST_BYTES => decode(&view),
            Ok(_) => {}
            Err(error) => assert!(!error.is_out_of_memory(), "{error}"),
        }
    }
}

fn decode(view: &ScoresView<'_>) {
    let mut search = IndependentSearch::new(2).expect("two beams");
    let mut nbest = NBest::new();
    search.decode_into(view, &mut nbest).expect("enough memory");
    for (item, found) in any_tensor::decoded(view, &nbest) {
        let expected = &reference::independent(&view.items(item..item + 1), 2)[0];
        let found = found.map(|h| (h.tokens.to_vec(), h.score));
        assert!(found.eq(expected.iter().cloned()));
    }
}
