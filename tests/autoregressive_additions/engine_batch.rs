//! The engine's searches of several requests that come one after the other.

use widebeam::Level;
use widebeam::autoregressive::{AutoregressiveSearch, Outcome, RequestId};
use widebeam::reference::requests::{Extended, Model, StepRows};

/// Where and how a batch runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    pub(crate) level: Level,
    pub(crate) threads: usize,
    /// Whether rows are handed in as the tokens that are given. They must be if a request
    /// does not give all.
    pub(crate) sparse: bool,
}

/// Runs requests of one model, each from a step on, and shows what each has found.
pub(crate) fn run(
    model: &Model,
    requests: &[(Extended, usize)],
    setting: Setting,
    see: impl Fn(usize, Outcome<'_>) + Sync,
) {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(setting.threads);
    pool.build()
        .unwrap()
        .install(|| run_here(model, requests, setting, &see));
}

fn run_here(
    model: &Model,
    requests: &[(Extended, usize)],
    setting: Setting,
    see: &impl Fn(usize, Outcome<'_>),
) {
    let mut search = AutoregressiveSearch::new(model.vocab)
        .and_then(|search| search.with_level(setting.level))
        .unwrap();
    let mut ids: Vec<Option<RequestId>> = vec![None; requests.len()];
    let last = requests.iter().map(|&(_, step)| step).max().unwrap_or(0);
    let mut step = 0;
    while step <= last || !search.is_idle() {
        for (id, (request, _)) in (ids.iter_mut().zip(requests)).filter(|(_, r)| r.1 == step) {
            *id = Some(search.admit(request.engine()).unwrap());
        }
        step += 1;
        if search.is_idle() {
            continue;
        }
        let rows = StepRows::of(&mut search, model, setting.sparse, |id| {
            let number = ids.iter().position(|&known| known == Some(id)).unwrap();
            &requests[number].0
        });
        rows.advance(&mut search).unwrap();
        for &id in search.finished().to_vec().iter() {
            let number = ids.iter().position(|&known| known == Some(id)).unwrap();
            see(number, search.outcome(id).unwrap().unwrap());
            assert!(search.remove(id));
        }
    }
}
