//! The measurements: every count of threads in turn, run after run.

use rayon::ThreadPool;

use super::args::Scaling;
use super::law::Law;
use super::series::{Point, Series};
use crate::clock::{Measured, Times};
use crate::console::failure::Failure;
use crate::console::progress::Progress;
use crate::console::threads::pool;
use crate::profile::Profiler;
use crate::workload::{Answer, Case, Checked, Search, Workload, compare, prepare, wrong};

pub(super) fn all(
    options: &Scaling,
    counts: &[usize],
    mut profiler: Option<&mut Profiler>,
) -> Result<Vec<Series>, Failure> {
    let mut pools = Vec::new();
    for &threads in counts {
        pools.push((threads, pool(threads)?));
    }
    let plans: Vec<_> = options
        .searches()
        .into_iter()
        .flat_map(|search| [Law::Strong, Law::Weak].map(|law| (law, case(options, search))))
        .collect();
    let scans = 2 * (1 + usize::from(options.runs.get()));
    let bytes = plans.iter().flat_map(|(law, strong)| {
        let most = counts.last().copied().unwrap_or(1);
        counts
            .iter()
            .map(move |&threads| law.case(*strong, threads, most).estimated_bytes())
    });
    let total = bytes.fold(0, usize::saturating_add);
    let progress = Progress::new("scaling", total.saturating_mul(scans));
    let mut series = Vec::new();
    for (law, case) in plans {
        let profiler = profiler.as_deref_mut();
        series.push(one(options, case, law, &pools, profiler, &progress)?);
    }
    Ok(series)
}

fn case(options: &Scaling, search: Search) -> Case {
    let (shape, beams) = options.input(search);
    let kind = options.scores.map(|scores| scores.kind());
    Case {
        search,
        shape,
        beams,
        kind: kind.unwrap_or(search.usual_kind()),
        dtype: options.dtype,
        level: options.instructions.level,
    }
}

/// One count of threads.
struct Subject<'a> {
    threads: usize,
    pool: &'a ThreadPool,
    case: Case,
    /// The place of its scores and search.
    workload: usize,
    roofline: Times,
    engine: Times,
}

fn one(
    options: &Scaling,
    strong: Case,
    law: Law,
    pools: &[(usize, ThreadPool)],
    profiler: Option<&mut Profiler>,
    progress: &Progress,
) -> Result<Series, Failure> {
    let most = pools.last().map_or(1, |&(threads, _)| threads);
    let mut workloads: Vec<Box<dyn Workload>> = Vec::new();
    let mut subjects: Vec<Subject<'_>> = Vec::new();
    for (threads, pool) in pools {
        let case = law.case(strong, *threads, most);
        if law == Law::Weak || workloads.is_empty() {
            workloads.push(prepare(case)?);
        }
        subjects.push(Subject {
            threads: *threads,
            pool,
            case,
            workload: workloads.len() - 1,
            roofline: Times::default(),
            engine: Times::default(),
        });
    }
    // The first run warms up, and shows that all agree.
    let mut answer: Option<Answer> = None;
    let mut checked = Vec::new();
    for subject in &mut subjects {
        let workload = &mut *workloads[subject.workload];
        subject.measure(workload)?;
        subject.roofline = Times::default();
        subject.engine = Times::default();
        let (found, of_it) = workload.found()?;
        checked.push(of_it);
        check(&subject.case, subject.threads, answer.as_ref(), &found)?;
        answer.get_or_insert(found);
        progress.advance(2 * workload.bytes());
    }
    for _ in 0..options.runs.get() {
        for subject in &mut subjects {
            let workload = &mut *workloads[subject.workload];
            subject.measure(workload)?;
            progress.advance(2 * workload.bytes());
        }
    }
    if let Some(profiler) = profiler {
        for subject in &subjects {
            let workload = &mut *workloads[subject.workload];
            let name = format!(
                "{}, {}, threads: {}",
                subject.case,
                law.name(),
                subject.threads
            );
            subject
                .pool
                .install(|| profiler.run(name, || workload.run()))?;
        }
    }
    let level = workloads[0].level().name();
    let first = &subjects[0];
    let reference = compare(&first.case, &mut *workloads[0], first.engine.median(), 1)?;
    let points = points(subjects, checked, &workloads);
    Ok(Series::new(strong, law, level, points, reference))
}

impl Subject<'_> {
    fn measure(&mut self, workload: &mut dyn Workload) -> Result<(), Failure> {
        let Subject {
            pool,
            roofline,
            engine,
            ..
        } = self;
        let bytes = workload.bytes();
        pool.install(|| {
            roofline.measure(bytes, || workload.read())?;
            engine.measure(bytes, || workload.run())
        })
    }
}

/// Items that two counts of threads both searched have the same hypotheses.
fn check(
    case: &Case,
    threads: usize,
    first: Option<&Answer>,
    found: &Answer,
) -> Result<(), Failure> {
    let mut pairs = first.into_iter().flatten().zip(found);
    // Rows of a step lie by item, so more items are other scores.
    let by_item = matches!(case.search, Search::Independent | Search::Ctc);
    let comparable = by_item || first.is_none_or(|first| first.len() == found.len());
    if comparable && pairs.any(|(first, found)| first != found) {
        return Err(wrong(format_args!(
            "{case}: {threads} threads find what one does not"
        )));
    }
    Ok(())
}

fn points(
    subjects: Vec<Subject<'_>>,
    checked: Vec<Checked>,
    workloads: &[Box<dyn Workload>],
) -> Vec<Point> {
    let rate = |times: &Times, workload: usize| workloads[workload].bytes() as f64 / times.median();
    let first = &subjects[0];
    let one = rate(&first.engine, first.workload);
    let one_reads = rate(&first.roofline, first.workload);
    let point = |(subject, checked): (Subject<'_>, Checked)| {
        let bytes = workloads[subject.workload].bytes();
        let speed_up = rate(&subject.engine, subject.workload) / one;
        let roofline_speed_up = rate(&subject.roofline, subject.workload) / one_reads;
        let threads = subject.threads as f64;
        Point {
            threads: subject.threads,
            case: subject.case,
            bytes,
            engine: Measured::new(subject.engine, bytes),
            roofline: Measured::new(subject.roofline, bytes),
            speed_up,
            efficiency: speed_up / threads,
            roofline_speed_up,
            roofline_efficiency: roofline_speed_up / threads,
            efficiency_ratio: speed_up / roofline_speed_up,
            checked,
        }
    };
    subjects.into_iter().zip(checked).map(point).collect()
}
