//! Speed-ups from the rows of a record.

use super::law::Law;
use super::plot::{Curve, Panel};
use crate::record::Entry;

/// The curves of rows of a record: a panel for each search and law.
pub(crate) fn panels(entries: &[Entry]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for law in [Law::Strong, Law::Weak] {
        for entry in entries {
            let title = format!("{}, {}", entry.search, law.name());
            if entry.suite != law.name() || panels.iter().any(|panel| panel.title == title) {
                continue;
            }
            let curve = |program: &str| {
                let rows = entries.iter().filter(|row| {
                    row.suite == entry.suite && row.search == entry.search && row.program == program
                });
                let rows: Vec<_> = rows
                    .filter_map(|row| Some((row.threads?, row.bytes?, row.seconds?)))
                    .collect();
                speed_ups(&rows)
            };
            panels.push(Panel {
                memory: curve("roofline"),
                engine: curve("widebeam"),
                title,
            });
        }
    }
    panels
}

/// Of threads, work and seconds: how much more work is done in the same time
/// than one thread does.
pub(crate) fn speed_ups(rows: &[(usize, usize, f64)]) -> Curve {
    let rate = |&(_, work, seconds): &(usize, usize, f64)| work as f64 / seconds;
    let Some(one) = rows.iter().find(|row| row.0 == 1).map(rate) else {
        return Vec::new();
    };
    rows.iter().map(|row| (row.0, rate(row) / one)).collect()
}
