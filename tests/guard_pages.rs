//! No kernel reads past a row: rows lie against memory that may not be touched,
//! behind them or before them, for every length, type of score and level. A read
//! beyond ends the process with SIGSEGV, and with it this test.

#![cfg(unix)]
// Pages that cannot be touched are made by a system call, here alone.
#![allow(unsafe_code)]

#[path = "support/from_f32.rs"]
mod from_f32;

use std::process::{Command, Stdio};

use from_f32::FromF32;
use half::{bf16, f16};
use memmap2::MmapMut;
use widebeam::autoregressive::{
    AutoregressiveSearch, MaximumLength, MinimumLength, RepetitionPenalty, Request,
};
use widebeam::ctc::Blank;
use widebeam::{CtcSearch, Element, IndependentSearch, Level, ScoreKind, ScoresView};

/// A multiple of every page size that there is.
const UNIT: usize = 64 << 10;
const DATA: usize = 4 * UNIT;

/// Memory between two guards.
struct Guarded(MmapMut);

impl Guarded {
    fn new() -> Self {
        let mut map = MmapMut::map_anon(UNIT + DATA + UNIT).expect("some memory");
        for guard in [0, UNIT + DATA] {
            let pages = map[guard..guard + UNIT].as_mut_ptr();
            // SAFETY: the pages belong to the mapping alone, and nothing refers
            // to them but the mapping, of which only `data` is lent out (and
            // the guards on purpose, to be ended by the signal).
            let failed = unsafe { libc::mprotect(pages.cast(), UNIT, libc::PROT_NONE) };
            assert_eq!(failed, 0);
        }
        Guarded(map)
    }

    fn data(&mut self) -> &mut [u8] {
        &mut self.0[UNIT..UNIT + DATA]
    }
}

/// A process that touches a guard is ended by a signal.
#[test]
fn guards_cannot_be_touched() {
    for guard in [UNIT - 1, UNIT + DATA] {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "--ignored", "touch_a_guard"])
            .env("GUARD", guard.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        // 101 is a panic. A sanitizer exits by itself instead of by the signal.
        assert!(!status.success() && status.code() != Some(101), "{status}");
    }
}

#[test]
#[ignore = "ends the process; `guards_cannot_be_touched` runs it"]
fn touch_a_guard() {
    let guard: usize = std::env::var("GUARD").unwrap().parse().unwrap();
    std::hint::black_box(Guarded::new().0[guard]);
}

/// A type of score that any memory may be read as.
trait Number: Element + FromF32 + bytemuck::Pod {}

impl<T: Element + FromF32 + bytemuck::Pod> Number for T {}

/// A valid score of any kind; some tie.
fn value<T: Number>(kind: ScoreKind, index: usize) -> T {
    let unit = (index * 7919 % 1021) as f32 / 1024.0;
    T::rounded(match kind {
        ScoreKind::Probabilities => unit,
        _ => -8.0 * unit,
    })
}

/// Every length past all the blocks of the kernels, then some around those of
/// long rows.
fn lengths() -> impl Iterator<Item = usize> {
    let long = [2048, 4096, 8192, 16_384].into_iter();
    (1..=1100).chain(long.flat_map(|length| [length - 1, length, length + 1]))
}

/// Calls `check` with the same scores against either guard, and in the open.
fn placed<T: Number, R: PartialEq + std::fmt::Debug>(
    guarded: &mut Guarded,
    kind: ScoreKind,
    count: usize,
    mut check: impl FnMut(&[T]) -> R,
) {
    let open: Vec<T> = (0..count).map(|index| value(kind, index)).collect();
    let expected = check(&open);
    let data: &mut [T] = bytemuck::cast_slice_mut(guarded.data());
    let end = data.len();
    for place in [0..count, end - count..end] {
        data[place.clone()].copy_from_slice(&open);
        assert_eq!(check(&data[place]), expected);
    }
}

fn independent<T: Number>() {
    let mut guarded = Guarded::new();
    for level in Level::available() {
        let beams = [1, 5, 40, 200];
        let search = |beams| {
            IndependentSearch::new(beams)
                .unwrap()
                .with_level(level)
                .unwrap()
        };
        let mut searches = beams.map(search);
        for vocab in lengths() {
            for kind in KINDS {
                let time = 1 + vocab % 3;
                let search = &mut searches[vocab % beams.len()];
                placed(&mut guarded, kind, time * vocab, |scores: &[T]| {
                    let view = ScoresView::new(kind, scores, [time, vocab]).unwrap();
                    let nbest = search.decode(&view).unwrap();
                    assert_eq!(nbest.failures().len(), 0);
                    nbest
                });
            }
        }
    }
}

const KINDS: [ScoreKind; 3] = [
    ScoreKind::Probabilities,
    ScoreKind::LogProbabilities,
    ScoreKind::Logits,
];

#[test]
fn independent_search_of_f32() {
    independent::<f32>();
}

#[test]
fn independent_search_of_f16() {
    independent::<f16>();
}

#[test]
fn independent_search_of_bf16() {
    independent::<bf16>();
}

fn ctc<T: Number>() {
    let mut guarded = Guarded::new();
    for level in Level::available() {
        let mut search = CtcSearch::new(6, Blank(0))
            .unwrap()
            .with_level(level)
            .unwrap();
        for vocab in (1..200).chain(lengths().skip(200).step_by(41)) {
            for kind in KINDS {
                placed(&mut guarded, kind, 3 * vocab, |scores: &[T]| {
                    let view = ScoresView::new(kind, scores, [3, vocab]).unwrap();
                    let nbest = search.decode(&view).unwrap();
                    let plain = |h: widebeam::ctc::CtcHypothesis<'_>| {
                        (h.tokens.to_vec(), h.score.to_bits())
                    };
                    nbest.item(0).unwrap().map(plain).collect::<Vec<_>>()
                });
            }
        }
    }
}

#[test]
fn ctc_search() {
    ctc::<f32>();
    ctc::<f16>();
    ctc::<bf16>();
}

/// The rows of a step are read by the kernels, and the changed ones again.
fn autoregressive<T: Number>() {
    let mut guarded = Guarded::new();
    for level in Level::available() {
        for vocab in (1..200).chain(lengths().skip(200).step_by(41)) {
            let request = || {
                Request::new(4, MaximumLength(3))
                    .with_prompt([0, 0])
                    .with_end_tokens([vocab as u32 - 1])
                    .process_logits(RepetitionPenalty::new(1.5).unwrap())
                    .process_log_probabilities(MinimumLength(usize::from(vocab > 1)))
            };
            let kind = ScoreKind::Logits;
            placed(&mut guarded, kind, 8 * vocab, |scores: &[T]| {
                let search = AutoregressiveSearch::new(vocab).unwrap();
                let mut search = search.with_level(level).unwrap();
                let ids = [
                    search.admit(request()).unwrap(),
                    search.admit(request()).unwrap(),
                ];
                while !search.is_idle() {
                    let rows = search.feed().rows();
                    // The last rows, so that they too lie against the guard.
                    let scores = &scores[(8 - rows) * vocab..];
                    let view = ScoresView::new(kind, scores, [rows, vocab]).unwrap();
                    search.advance(&view).unwrap();
                }
                let found = ids.map(|id| {
                    let outcome = search.outcome(id).unwrap().unwrap();
                    let plain = outcome
                        .hypotheses()
                        .map(|h| (h.tokens.to_vec(), h.score.to_bits()));
                    plain.collect::<Vec<_>>()
                });
                found.to_vec()
            });
        }
    }
}

#[test]
fn autoregressive_search() {
    autoregressive::<f32>();
    autoregressive::<f16>();
    autoregressive::<bf16>();
}
