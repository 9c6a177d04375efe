//! `widebeam bench kernels`.

use widebeam::measure::{TopTokens, read_all};
use widebeam::{Level, ScoreKind, ScoresView, reference};

use super::args::Kernels;
use super::grid::{self, Aim, Case};
use super::heap;
use super::log_add;
use super::public;
use super::row::{MeasuredCase, Row, read};
use crate::clock::{Times, warm_up};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::console::table::Table;
use crate::record::{Entry, Session};
use crate::workload::{Dtype, Shape, Values, kind_name, wrong};

/// Runs the grid on a machine of so many `processors`: the aims are for all.
pub(super) fn run(options: &Kernels, processors: usize) -> Result<Vec<Row>, Failure> {
    let bytes = (options.megabytes.get() as usize).saturating_mul(1 << 20);
    let (runs, filter) = (
        usize::from(options.common.runs.get()),
        options.filter.as_deref(),
    );
    let selected = |group: &Vec<Case>| {
        let named = |case: &Case| filter.is_none_or(|text| case.name().contains(text));
        group.iter().any(named)
    };
    let groups: Vec<_> = grid::groups().into_iter().filter(selected).collect();
    let named = |name: &str| filter.is_none_or(|text| name.contains(text));
    let log_add = named(log_add::NAME);
    let public = public::NAMES.into_iter().filter(|name| named(name)).count();
    let heaps = heap::names().filter(|name| named(name)).count();
    if groups.is_empty() && !log_add && public + heaps == 0 {
        return Err(Failure::Input(format!(
            "--filter {:?} is in no row's name; they read as {}",
            filter.unwrap_or_default(),
            grid::groups().concat()[0].name()
        )));
    }
    let levels = Level::available().count();
    let cases = groups.iter().flatten().count() + usize::from(log_add);
    let scans =
        (cases * (1 + levels) * (1 + runs)) + public * (1 + levels) * runs + heaps * 2 * runs;
    let progress = Progress::new("bench kernels", scans.saturating_mul(bytes));
    let mut rows = Vec::new();
    for group in &groups {
        rows.extend(measure_group(group, bytes, runs, processors, &progress)?);
    }
    if log_add {
        rows.extend(log_add::measure(bytes, runs, &progress)?);
    }
    if public > 0 {
        rows.extend(public::measure(bytes, runs, named, &progress)?);
    }
    rows.extend(heap::measure(bytes, runs, named, &progress)?);
    Ok(rows)
}

/// A case and its tensor.
struct Subject {
    case: Case,
    shape: Shape,
    values: Values,
    /// Rows whose top k was compared with the naive one.
    checked_rows: usize,
    roofline: Times,
    levels: Vec<(Level, Times)>,
}

impl Subject {
    fn new(case: Case, bytes: usize) -> Result<Self, Failure> {
        let rows = (bytes / (case.vocab * case.dtype.bytes())).max(1);
        let shape = Shape([1, rows, case.vocab]);
        Ok(Subject {
            values: Values::new(case.dtype, shape, |index| case.score(index))?,
            case,
            shape,
            checked_rows: 0,
            roofline: Times::default(),
            levels: Level::available()
                .map(|level| (level, Times::default()))
                .collect(),
        })
    }

    fn scores(&self) -> Result<ScoresView<'_>, Failure> {
        self.values.view(self.case.kind, 0, self.shape)
    }
}

fn measure_group(
    group: &[Case],
    bytes: usize,
    runs: usize,
    processors: usize,
    progress: &Progress,
) -> Result<Vec<Row>, Failure> {
    let mut subjects = Vec::new();
    for &case in group {
        subjects.push(Subject::new(case, bytes)?);
    }
    let mut top = TopTokens::default();
    for subject in &mut subjects {
        subject.checked_rows = check(subject, &mut top)?;
        progress.advance((1 + subject.levels.len()) * bytes);
    }
    // That was one thread's work: the others were idle.
    if let Some(subject) = subjects.first() {
        let scores = subject.scores()?;
        warm_up(runs, || read(&scores))?;
    }
    for _ in 0..runs {
        for subject in &mut subjects {
            measure(subject, &mut top)?;
            progress.advance((1 + subject.levels.len()) * bytes);
        }
    }
    let mut rows = Vec::new();
    for subject in &subjects {
        rows.extend(report(subject, &subjects, processors)?);
    }
    Ok(rows)
}

/// One run of the roofline and of the kernel at each level.
fn measure(subject: &mut Subject, top: &mut TopTokens) -> Result<(), Failure> {
    let Subject { case, .. } = *subject;
    let scores = subject.values.view(case.kind, 0, subject.shape)?;
    let bytes = scores.bytes();
    subject.roofline.measure(bytes, || read(&scores))?;
    for (level, times) in &mut subject.levels {
        times.measure(bytes, || top.fill(&scores, case.k, *level))?;
    }
    Ok(())
}

/// How many values are sorted to check a case: in at least two rows, and in at most 64.
const CHECKED_VALUES: usize = 1 << 20;

/// Compares the roofline with the largest value, and the kernel at each level
/// with a naive sort of rows from all over the tensor. Returns the number of those rows.
fn check(subject: &Subject, top: &mut TopTokens) -> Result<usize, Failure> {
    let (case, scores) = (&subject.case, subject.scores()?);
    let [_, rows, _] = subject.shape.0;
    let largest = (0..rows)
        .flat_map(|row| reference::values(&scores, 0, row))
        .fold(f32::NEG_INFINITY, f32::max);
    for (level, _) in &subject.levels {
        let found = read_all(&scores, *level)?;
        if found != largest {
            let name = case.name();
            return Err(wrong(format_args!(
                "{name}, roofline at {level}: {found} is not the largest, {largest} is"
            )));
        }
    }

    let count = (CHECKED_VALUES / case.vocab).clamp(2, 64).min(rows);
    let sampled = (0..count).map(|i| i * (rows - 1) / (count - 1).max(1));
    let expected: Vec<_> = sampled
        .map(|row| (row, naive(&scores, row, case.k)))
        .collect();
    for (level, _) in &subject.levels {
        top.fill(&scores, case.k, *level)?;
        for (row, (tokens, logs, normaliser)) in &expected {
            let same = top.get(0, *row).is_some_and(|found| {
                let bits =
                    |logs: &[f64]| -> Vec<u64> { logs.iter().map(|x| x.to_bits()).collect() };
                found.0 == tokens
                    && bits(found.1) == bits(logs)
                    && bits(&[found.2]) == bits(&[*normaliser])
            });
            if !same {
                let name = case.name();
                return Err(wrong(format_args!("{name} at {level}, row {row}")));
            }
        }
    }
    Ok(expected.len())
}

/// The `k` best tokens of a row that are possible, their log-probabilities, and
/// the row's log-sum-exp if it holds logits.
fn naive(scores: &ScoresView<'_>, row: usize, k: usize) -> (Vec<u32>, Vec<f64>, f64) {
    let values = reference::values(scores, 0, row);
    let logs = reference::log_probability_row(scores, 0, row);
    let ranks = reference::row_ranks(&values);
    let mut tokens: Vec<u32> = (0..logs.len() as u32).collect();
    tokens.sort_by_key(|&token| ranks[token as usize]);
    tokens.truncate(k);
    tokens.retain(|&token| logs[token as usize] > f64::NEG_INFINITY);
    let logs = tokens.iter().map(|&token| logs[token as usize]).collect();
    let normaliser = match scores.kind() {
        ScoreKind::Logits => reference::log_sum_exp(&values),
        ScoreKind::Probabilities | ScoreKind::LogProbabilities => 0.0,
    };
    (tokens, logs, normaliser)
}

fn report(subject: &Subject, group: &[Subject], processors: usize) -> Result<Vec<Row>, Failure> {
    let Subject { case, shape, .. } = subject;
    let measured = MeasuredCase {
        kernel: "top k",
        name: case.name(),
        pattern: case.pattern.name(),
        scores: kind_name(case.kind),
        dtype: case.dtype.name(),
        vocab: case.vocab,
        k: case.k,
        rows: shape.0[1],
        bytes: subject.scores()?.bytes(),
        roofline: subject.roofline.clone(),
    };
    let wide = group.iter().find(|other| {
        other.case.dtype == Dtype::F32 && case.dtype != Dtype::F32 && other.case.kind == case.kind
    });
    let row = |level: Level, times: &Times| {
        let row = measured.row(level.name(), subject.checked_rows, times);
        let f32_time_fraction = wide.and_then(|wide| {
            let (_, times) = wide.levels.iter().find(|(of, _)| *of == level)?;
            let of_f32 = 1e9 * times.median() / wide.shape.0[1] as f64;
            Some(row.nanoseconds_per_row / of_f32)
        });
        let threads = rayon::current_num_threads();
        let aim = Some(case.aim).filter(|aim| {
            let threads_asked = match aim {
                Aim::RowNanoseconds(_) => 1,
                Aim::RooflineFraction(_) | Aim::F32TimeFraction(_) => processors,
            };
            level == Level::best() && threads == threads_asked
        });
        let aim_met = aim.and_then(|aim| match aim {
            Aim::RooflineFraction(least) => Some(row.roofline_fraction >= least),
            Aim::RowNanoseconds(most) => Some(row.nanoseconds_per_row <= most),
            Aim::F32TimeFraction(most) => Some(f32_time_fraction? <= most),
        });
        Row {
            f32_time_fraction,
            aim,
            aim_met,
            ..row
        }
    };
    let mut rows = vec![measured.roofline()];
    rows.extend(
        subject
            .levels
            .iter()
            .rev()
            .map(|(level, times)| row(*level, times)),
    );
    Ok(rows)
}

/// The rows as a record holds them.
pub(super) fn entries(rows: &[Row], session: &Session) -> Vec<Entry> {
    let entry = |row: &Row| {
        let program = match row.level {
            "roofline" => "roofline",
            _ => "widebeam",
        };
        Entry {
            search: row.kernel.to_owned(),
            input: row.pattern.to_owned(),
            shape: Shape([1, row.rows, row.vocab]).to_string(),
            beams: Some(row.k),
            scores: row.scores.to_owned(),
            dtype: row.dtype.to_owned(),
            version: match program {
                "roofline" => String::new(),
                _ => row.level.to_owned(),
            },
            bytes: Some(row.bytes),
            ..session.entry("kernels", program, &row.runs)
        }
    };
    rows.iter().map(entry).collect()
}

pub(super) fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(
        2,
        &[
            "input-dtype-vocab-k",
            "level",
            "GB/s",
            "ns/row",
            "of roofline",
            "of f32 time",
            "spread",
            "aim",
            "",
        ],
    )
    .with_spare(&["spread", "GB/s", "of f32 time", "aim"]);
    let mut last = "";
    for row in rows {
        let name = if row.name == last { "" } else { &row.name };
        last = &row.name;
        let aim = match row.aim {
            None => String::new(),
            Some(Aim::RooflineFraction(least)) => format!(">= {least:.2} of read"),
            Some(Aim::RowNanoseconds(most)) => format!("<= {most} ns/row"),
            Some(Aim::F32TimeFraction(most)) => format!("<= {most:.2} of f32"),
        };
        let met = match row.aim_met {
            None => "",
            Some(true) => "met",
            Some(false) => "missed",
        };
        table.push(vec![
            name.to_owned(),
            row.level.to_owned(),
            format!("{:.2}", row.gigabytes_per_second),
            format!("{:.1}", row.nanoseconds_per_row),
            format!("{:.3}", row.roofline_fraction),
            row.f32_time_fraction
                .map_or(String::new(), |fraction| format!("{fraction:.2}")),
            format!("{:.1} %", 100.0 * row.spread),
            aim,
            met.to_owned(),
        ]);
    }
    let sampled = rows.iter().filter(|row| row.checked_rows < row.rows);
    let sampled = sampled.map(|row| row.checked_rows);
    if let Some((least, most)) = sampled.clone().min().zip(sampled.max()) {
        let sample = match least == most {
            true => most.to_string(),
            false => format!("{least} to {most}"),
        };
        table.note(format!(
            "checked: the top k of {sample} rows of each input, by a naive sort; the other rows \
             are over the budget"
        ));
    }
    table
}
