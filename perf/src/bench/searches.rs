//! `widebeam bench`: the searches.

use serde::Serialize;

use super::args::Searches;
use crate::clock::{Measured, Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::console::table::Table;
use crate::profile::Profiler;
use crate::record::{Entry, Session};
use crate::workload::{Case, Checked, Comparison, Shape, compare, kind_name, prepare};

/// The beam width of a shape of one's own, where none is given.
const BEAMS: usize = 16;

/// A spread above this says that something else ran.
const DISTURBED: f64 = 0.5;

/// What was measured of one case.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    #[serde(skip)]
    case: Case,
    search: &'static str,
    shape: Shape,
    beams: usize,
    scores: &'static str,
    dtype: &'static str,
    level: &'static str,
    bytes: usize,
    roofline: Measured,
    engine: Measured,
    greedy: Option<Measured>,
    roofline_fraction: f64,
    items_per_second: f64,
    tokens_per_second: f64,
    checked: Checked,
    reference: Option<Comparison>,
}

pub(super) fn run(
    options: &Searches,
    mut profiler: Option<&mut Profiler>,
) -> Result<Vec<Row>, Failure> {
    let cases = cases(options);
    let scans = 3 * (1 + usize::from(options.common.runs.get()));
    let bytes = cases.iter().map(Case::estimated_bytes);
    let total = bytes.fold(0, usize::saturating_add);
    let progress = Progress::new("bench", total.saturating_mul(scans));
    let mut rows = Vec::new();
    for case in cases {
        let profiler = profiler.as_deref_mut();
        rows.push(measure(options, case, profiler, &progress)?);
    }
    Ok(rows)
}

fn cases(options: &Searches) -> Vec<Case> {
    let mut cases = Vec::new();
    for search in options.selected() {
        let case = |(shape, beams)| Case {
            search,
            shape,
            beams,
            kind: options
                .scores
                .map_or(search.usual_kind(), |scores| scores.kind()),
            dtype: options.dtype,
            level: options.instructions.level,
        };
        match options.shape {
            Some(own) => cases.push(case((own, options.beams.unwrap_or(BEAMS)))),
            None => cases.extend(
                search
                    .standard()
                    .iter()
                    .map(|&(shape, beams)| case((Shape(shape), beams))),
            ),
        }
    }
    cases
}

fn measure(
    options: &Searches,
    case: Case,
    profiler: Option<&mut Profiler>,
    progress: &Progress,
) -> Result<Row, Failure> {
    let runs = usize::from(options.common.runs.get());
    progress.say(format!("bench {case}"));
    let mut workload = prepare(case)?;
    let bytes = workload.bytes();
    let mut has_greedy = false;
    warm_up(runs, || {
        workload.read()?;
        workload.run()?;
        has_greedy = workload.greedy().transpose()?.is_some();
        Ok::<_, Failure>(())
    })?;
    progress.advance(3 * bytes);
    let (mut roofline, mut engine) = (Times::default(), Times::default());
    let mut greedy = Times::default();
    for _ in 0..runs {
        roofline.measure(bytes, || workload.read())?;
        engine.measure(bytes, || workload.run())?;
        if has_greedy {
            greedy.measure(bytes, || workload.greedy().unwrap_or(Ok(())))?;
        }
        progress.advance(3 * bytes);
    }
    progress.say(format!("checking {case}"));
    let (_, checked) = workload.found()?;
    workload.check_greedy()?;
    if let Some(profiler) = profiler {
        profiler.run(case.to_string(), || workload.run())?;
    }
    let seconds = engine.median();
    let reference = match options.no_reference {
        true => None,
        false => Some(compare(&case, &mut *workload, seconds, runs)?),
    };
    let [batch, time, _] = case.shape.0;
    Ok(Row {
        case,
        search: case.search.name(),
        shape: case.shape,
        beams: case.beams,
        scores: kind_name(case.kind),
        dtype: case.dtype.name(),
        level: workload.level().name(),
        bytes,
        roofline_fraction: roofline.median() / seconds,
        items_per_second: batch as f64 / seconds,
        tokens_per_second: (batch * time) as f64 / seconds,
        roofline: Measured::new(roofline, bytes),
        engine: Measured::new(engine, bytes),
        greedy: has_greedy.then(|| Measured::new(greedy, bytes)),
        checked,
        reference,
    })
}

/// The rows as a record holds them.
pub(super) fn entries(rows: &[Row], session: &Session) -> Vec<Entry> {
    let mut entries = Vec::new();
    for row in rows {
        let entry = |program, times| {
            let entry = session.entry("bench", program, times);
            entry.of_case(&row.case, row.bytes)
        };
        entries.push(entry("roofline", &row.roofline.runs));
        entries.push(Entry {
            version: row.level.to_owned(),
            note: row.checked.left_out().unwrap_or_default(),
            ..entry("widebeam", &row.engine.runs)
        });
        if let Some(reference) = &row.reference {
            entries.push(Entry {
                threads: Some(1),
                seconds: Some(reference.seconds),
                note: match reference.share() {
                    share if share == "all" => String::new(),
                    share => format!("did {share}"),
                },
                ..entry("reference", &reference.runs)
            });
        }
    }
    entries
}

pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        6,
        &[
            "search",
            "shape",
            "beams",
            "scores",
            "dtype",
            "level",
            "ms",
            "spread",
            "items/s",
            "tokens/s",
            "GB/s",
            "read ms",
            "of read",
            "greedy ms",
            "x greedy",
            "naive ms",
            "slower",
            "naive did",
        ],
    )
    .with_spare(&[
        "naive did",
        "naive ms",
        "read ms",
        "greedy ms",
        "items/s",
        "spread",
        "dtype",
        "level",
        "GB/s",
    ]);
    if rows.iter().any(|row| row.engine.spread > DISTURBED) {
        table.note(
            "a spread above 50 %: other work disturbed the runs; more --runs, or a quiet machine"
                .to_owned(),
        );
    }
    for row in rows {
        let mut cells = vec![
            row.search.to_owned(),
            row.shape.to_string(),
            row.beams.to_string(),
            row.scores.to_owned(),
            row.dtype.to_owned(),
            row.level.to_owned(),
            format!("{:.3}", 1e3 * row.engine.seconds),
            format!("{:.1} %", 100.0 * row.engine.spread),
            format!("{:.0}", row.items_per_second),
            format!("{:.0}", row.tokens_per_second),
            format!("{:.2}", row.engine.gigabytes_per_second),
            format!("{:.3}", 1e3 * row.roofline.seconds),
            format!("{:.3}", row.roofline_fraction),
        ];
        cells.extend(match &row.greedy {
            Some(greedy) => [
                format!("{:.3}", 1e3 * greedy.seconds),
                format!("{:.1}", row.engine.seconds / greedy.seconds),
            ],
            None => [String::new(), String::new()],
        });
        if let Some(reference) = &row.reference {
            cells.extend([
                format!("{:.1}", 1e3 * reference.seconds),
                format!("{:.0}", reference.times_slower),
                reference.share(),
            ]);
        }
        table.push(cells);
        if let Some(left_out) = row.checked.left_out() {
            table.note(format!("{}: {left_out}", row.case));
        }
    }
    table
}
