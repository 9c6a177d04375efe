//! Random sequences of calls of a CTC stream, against a list of the frames that
//! it took.

use arbitrary::{Result, Unstructured};
use widebeam::ctc::{Blank, CtcPruning, CtcSearch, CtcStream};
use widebeam::reference::toy::{Anything, mix};
use widebeam::reference::{ctc as reference, scorers::PrefixScorer};
use widebeam::scorers::{Scorer, Unscored};
use widebeam::{ErrorKind, ScoresView};

use crate::ctc::{ANYTHING, plain, pruning};
use crate::effort::Effort;

/// Calls made of one input.
const MOST_CALLS: usize = 20;
/// Frames after which no more are fed: the reference copies whole paths.
const MOST_FRAMES: usize = 14;

/// Tries one input.
pub fn run(data: &[u8]) {
    let (effort, data) = Effort::of(data);
    if effort.is_unscored() {
        let _ = attempt(&mut Unstructured::new(data), Unscored);
    }
    if effort.is_scored() {
        let _ = attempt(&mut Unstructured::new(data), ANYTHING);
    }
}

/// `Err` only where the input is too short to make a case of.
fn attempt<S: Judge>(u: &mut Unstructured<'_>, scorer: S) -> Result<()> {
    let vocab = u.int_in_range(2..=6usize)?;
    let mut checked = Checked::new(u, vocab, scorer)?;
    for _ in 0..MOST_CALLS {
        if u.is_empty() {
            break;
        }
        match u.int_in_range(0..=9u8)? {
            0..=3 => {
                let count = u.int_in_range(0..=4usize)?;
                checked.push(count, u.arbitrary()?);
            }
            4 => checked.push_what_is_refused(u)?,
            5 => checked.look_at_the_best(),
            6 => checked.look_at_all(),
            7 => checked.take_stable(),
            8 => checked.finish(),
            _ => checked.reset(),
        }
    }
    checked.finish();
    Ok(())
}

/// A scorer, and the same one where the input goes on.
pub(crate) trait Judge: Scorer + PrefixScorer + Copy + Sync {
    fn goes_on(self) -> Self;
}

impl Judge for Unscored {
    fn goes_on(self) -> Self {
        self
    }
}

impl Judge for Anything {
    fn goes_on(self) -> Self {
        Anything {
            ends: false,
            ..self
        }
    }
}

/// A stream, and what it must know.
struct Checked<S: Judge> {
    scorer: S,
    stream: CtcStream<S>,
    search: CtcSearch<S>,
    pruning: CtcPruning,
    vocab: usize,
    /// The frames taken since the last reset, one after the other.
    frames: Vec<f32>,
    /// Tokens and frames that were taken out of the stream.
    taken: (Vec<u32>, Vec<u32>),
    finished: bool,
}

impl<S: Judge> Checked<S> {
    fn new(u: &mut Unstructured<'_>, vocab: usize, scorer: S) -> Result<Self> {
        let beams = u.int_in_range(1..=5usize)?;
        let blank = u.int_in_range(0..=vocab as u32 - 1)?;
        let pruning = pruning(u)?;
        let search = CtcSearch::new(beams, Blank(blank)).expect("some beams");
        let search = search.with_pruning(pruning.clone()).expect("numbers");
        let search = search.with_scorer(scorer);
        Ok(Checked {
            scorer,
            stream: search.stream(),
            search,
            pruning,
            vocab,
            frames: Vec::new(),
            taken: (Vec::new(), Vec::new()),
            finished: false,
        })
    }

    fn view<'a>(&self, frames: &'a [f32]) -> ScoresView<'a> {
        let shape = [frames.len() / self.vocab, self.vocab];
        ScoresView::probabilities(frames, shape).expect("whole frames")
    }

    fn push(&mut self, count: usize, seed: u64) {
        if self.frames.len() / self.vocab + count > MOST_FRAMES {
            return;
        }
        // Few values, so that there are ties and impossible tokens.
        let value =
            |i: usize| [0.0, 0.125, 0.25, 0.25, 0.5, 1.0][mix(seed ^ i as u64) as usize % 6];
        let chunk: Vec<f32> = (0..count * self.vocab).map(value).collect();
        let view = self.view(&chunk);
        let pushed = self.stream.push(&view);
        assert_eq!(pushed.is_err(), self.finished);
        if pushed.is_ok() {
            self.frames.extend(chunk);
        }
        self.count_frames();
    }

    /// Feeds what no stream takes; it must be as it was before.
    fn push_what_is_refused(&mut self, u: &mut Unstructured<'_>) -> Result<()> {
        let vocab = self.vocab;
        let mut chunk = vec![0.25f32; 3 * vocab];
        let invalid = *u.choose(&[f32::NAN, f32::INFINITY, -0.5, 2.0])?;
        let (shape, message) = match u.int_in_range(0..=2u8)? {
            0 => {
                let at = u.int_in_range(0..=3 * vocab - 1)?;
                chunk[at] = invalid;
                (
                    [1, 3, vocab],
                    format!("item 0, step {}, token {}: ", at / vocab, at % vocab),
                )
            }
            1 => ([3, 1, vocab], "a batch of 3 was given".to_owned()),
            _ if self.frames.is_empty() => return Ok(()),
            _ => ([1, 1, 3 * vocab], format!("began with {vocab}")),
        };
        let view = ScoresView::probabilities(&chunk, shape).expect("it fits");
        let error = self
            .stream
            .push(&view)
            .expect_err("it is wrong")
            .to_string();
        assert!(self.finished || error.contains(&message), "{error}");
        self.count_frames();
        Ok(())
    }

    fn count_frames(&self) {
        assert_eq!(self.stream.frames(), self.frames.len() / self.vocab);
    }

    /// The hypotheses of one call on all frames, once the input has ended.
    fn whole(&mut self) -> Vec<reference::Hypothesis> {
        let frames = std::mem::take(&mut self.frames);
        let view = self.view(&frames);
        let whole = self.search.decode(&view).expect("a blank");
        let whole = whole.item(0).expect("valid frames");
        let whole: Vec<_> = whole.map(plain).collect();
        let (beams, Blank(blank)) = (self.search.beams(), self.search.blank());
        let expected = reference::search(&view, 0, beams, blank, &self.pruning, &self.scorer);
        assert_eq!(whole, expected);
        self.frames = frames;
        whole
    }

    /// The hypotheses of all frames, should more follow.
    fn open(&self) -> Vec<reference::Hypothesis> {
        let view = self.view(&self.frames);
        let (beams, Blank(blank)) = (self.search.beams(), self.search.blank());
        let scorer = self.scorer.goes_on();
        reference::search(&view, 0, beams, blank, &self.pruning, &scorer)
    }

    /// A hypothesis of all frames without what was taken out of the stream.
    fn left(&self, whole: reference::Hypothesis) -> reference::Hypothesis {
        let (tokens, frames) = &self.taken;
        let left = |whole: &[u32], taken: &[u32]| {
            let left = whole.strip_prefix(taken);
            left.expect("what was taken is final").to_vec()
        };
        reference::Hypothesis {
            tokens: left(&whole.tokens, tokens),
            frames: left(&whole.frames, frames),
            last_frames: whole.last_frames[tokens.len()..].to_vec(),
            ..whole
        }
    }

    /// What the stream must show of the hypotheses of all frames.
    fn all_left(&self, whole: Vec<reference::Hypothesis>) -> Vec<reference::Hypothesis> {
        whole.into_iter().map(|whole| self.left(whole)).collect()
    }

    fn look_at_all(&mut self) {
        let current: Vec<_> = self.stream.current().unwrap().map(plain).collect();
        assert_eq!(current, self.all_left(self.open()));
    }

    fn look_at_the_best(&mut self) {
        let best = self.stream.current_best().map(plain);
        match (best, self.open().into_iter().next()) {
            (Ok(best), Some(open)) => assert_eq!(best, self.left(open)),
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::NoHypothesis),
            (best, open) => panic!("{best:?}, not {open:?}"),
        }
    }

    fn take_stable(&mut self) {
        let stable = self.stream.stable();
        let stable = (stable.0.to_vec(), stable.1.to_vec());
        let (tokens, frames) = &mut self.taken;
        let before = tokens.len();
        self.stream.take_stable(tokens, frames).unwrap();
        assert_eq!(
            (&tokens[before..], &frames[before..]),
            (&stable.0[..], &stable.1[..])
        );
        assert!(self.stream.stable().0.is_empty());
    }

    fn finish(&mut self) {
        let whole = self.whole();
        let finished = self.stream.finish();
        match finished.map(|found| found.map(plain).collect::<Vec<_>>()) {
            Ok(found) => {
                assert!(!self.finished);
                assert_eq!(found, self.all_left(whole));
            }
            Err(error) => {
                assert!(self.finished);
                assert_eq!(error.kind(), ErrorKind::OutOfOrder);
            }
        }
        self.finished = true;
    }

    fn reset(&mut self) {
        self.stream.reset();
        self.frames.clear();
        self.taken = (Vec::new(), Vec::new());
        self.finished = false;
        self.count_frames();
    }
}
