//! Random sequences of calls of a transducer search, at every moment of a step: utterances
//! and streams that come, go, end and fail, steps that are shown again, given up or refused,
//! against each utterance's own reference.

mod checked;
mod model;
mod visit;

use arbitrary::{Result, Unstructured};
use widebeam::reference::transducer::{Settings, Topology};
use widebeam::scorers::Unscored;

use crate::ctc::ANYTHING;
use crate::effort::Effort;
use crate::stream::Judge;
use checked::Checked;
use model::Model;

/// Calls made of one input.
const MOST_CALLS: usize = 40;

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
    let mut settings = settings(u)?;
    let model = Model::new(u, &settings)?;
    settings.blank = u.int_in_range(0..=model.vocab as u32 - 1)?;
    let mut checked = Checked::new(u, settings, model, scorer)?;
    for _ in 0..MOST_CALLS {
        if u.is_empty() {
            break;
        }
        match u.int_in_range(0..=23u8)? {
            0 | 1 => checked.admit(Some(u.int_in_range(0..=8)?), u.arbitrary()?),
            2 => checked.admit(None, u.arbitrary()?),
            3 | 4 => checked.add_frames(u)?,
            5 => checked.end(u)?,
            6 => checked.finish(u)?,
            7 => checked.remove(u)?,
            8 => checked.poison(u)?,
            9 => checked.advance_what_is_refused(u.arbitrary()?),
            10 => checked.abandon(),
            11 | 19 => checked.look_at_current(u)?,
            12 | 20 => checked.take_stable(u)?,
            13 => checked.admit_what_is_refused(),
            14 => checked.clone_is_empty_and_works(u.arbitrary()?),
            15 | 16 => checked.feed(),
            17 | 18 => (0..9).for_each(|_| checked.advance()),
            _ => checked.advance(),
        }
        checked.look();
    }
    checked.end_all();
    checked.compare();
    Ok(())
}

fn settings(u: &mut Unstructured<'_>) -> Result<Settings> {
    let max_symbols = u.int_in_range(1..=3)?;
    let durations: &[u32] = u.choose(&[&[0u32, 1, 2][..], &[1, 2, 4], &[0, 2], &[0, 3], &[1]])?;
    let topology = match u.int_in_range(0..=2u8)? {
        0 => Topology::Standard { max_symbols },
        1 => Topology::OneSymbol,
        _ => Topology::Tdt {
            durations: durations.to_vec(),
            max_symbols,
        },
    };
    Ok(Settings {
        beams: u.int_in_range(1..=5)?,
        blank: 0,
        topology,
        commit_delay: *u.choose(&[None, Some(1), Some(2), Some(4)])?,
        divide_by_length: u.arbitrary()?,
        nbest: *u.choose(&[1, 2, 9])?,
    })
}
