//! The settings of the search, from the dictionary that the package fills.

use pyo3::prelude::*;
use widebeam::transducer::{Blank, LengthNormalisation, Topology, TransducerSearch};

use crate::error;

/// The search itself.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct Settings {
    vocab: usize,
    blank: u32,
    beams: usize,
    topology: String,
    max_symbols: Option<usize>,
    durations: Option<Vec<u32>>,
    n_best: Option<usize>,
    per_token: bool,
    commit_delay: Option<usize>,
}

impl Settings {
    pub(super) fn blank(&self) -> Blank {
        Blank(self.blank)
    }

    pub(super) fn search(&self, py: Python<'_>) -> PyResult<TransducerSearch> {
        let topology = self.topology(py)?;
        let search = TransducerSearch::new(self.vocab, self.blank(), self.beams)
            .and_then(|search| search.with_topology(topology))
            .and_then(|search| search.with_commit_delay(self.commit_delay))
            .and_then(|search| match self.n_best {
                Some(count) => search.with_nbest(count),
                None => Ok(search),
            });
        let search = search.map_err(|error| error::exception(py, &error))?;
        Ok(search.with_length_normalisation(match self.per_token {
            true => LengthNormalisation::PerToken,
            false => LengthNormalisation::None,
        }))
    }

    fn topology(&self, py: Python<'_>) -> PyResult<Topology> {
        let refuse = |said: String| Err(error::refusal(py, said));
        let max_symbols = self.max_symbols.unwrap_or(10);
        match (&*self.topology, &self.durations) {
            ("tdt", Some(durations)) => Ok(Topology::Tdt {
                durations: durations.clone(),
                max_symbols,
            }),
            ("tdt", None) => refuse("topology=\"tdt\" needs durations".to_owned()),
            (_, Some(_)) => refuse("durations are for topology=\"tdt\"".to_owned()),
            ("standard", None) => Ok(Topology::Standard { max_symbols }),
            ("one-symbol", None) if self.max_symbols.is_none() => Ok(Topology::OneSymbol),
            ("one-symbol", None) => {
                refuse("max_symbols is not for topology=\"one-symbol\"".to_owned())
            }
            (topology, None) => refuse(format!(
                "topology={topology:?}: it must be \"standard\", \"one-symbol\" or \"tdt\""
            )),
        }
    }
}
