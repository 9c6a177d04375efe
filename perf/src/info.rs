//! `widebeam info`: what the tool makes of this machine.

use std::hint::black_box;
use std::io::{self, Write};
use std::num::{NonZeroU16, NonZeroU32};

use serde::Serialize;
use widebeam::measure::read_all;
use widebeam::{Level, ScoreKind};

use crate::clock::Times;
use crate::console::args::whole;
use crate::console::failure::Failure;
use crate::console::memory::Memory;
use crate::console::printable::count;
use crate::console::threads::pool;
use crate::record::{Cache, Session};
use crate::synthetic::random_score;
use crate::workload::{Dtype, Shape, Values};

/// Say what this machine has: instruction sets, cores, caches, memory's speed
#[derive(Debug, clap::Args)]
pub struct Info {
    /// Size of the tensor that is read to measure memory, in MiB
    #[arg(long, value_name = "N", default_value = "256",
          allow_negative_numbers = true, value_parser = whole::<NonZeroU32>)]
    megabytes: NonZeroU32,

    /// Threads to use [default: RAYON_NUM_THREADS, else one per processor]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = whole::<NonZeroU16>)]
    pub threads: Option<NonZeroU16>,

    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    version: &'static str,
    commit: String,
    compiler: String,
    /// The folder of this machine's records.
    machine: String,
    cpu: String,
    family: Option<u8>,
    model: Option<u8>,
    stepping: Option<u8>,
    best_level: &'static str,
    processors: usize,
    cores: Option<usize>,
    caches: String,
    cache_list: Vec<Cache>,
    memory: Option<Memory>,
    /// What searches run at, which the environment may have lowered.
    level: &'static str,
    level_why: &'static str,
    levels: Vec<Availability>,
    threads: usize,
    bandwidth: Vec<Bandwidth>,
}

#[derive(Serialize)]
struct Availability {
    level: &'static str,
    available: bool,
}

#[derive(Serialize)]
struct Bandwidth {
    threads: usize,
    gigabytes_per_second: f64,
    spread: f64,
}

/// Carries out the command in the current pool of threads.
///
/// # Errors
///
/// If the input or the machine is at fault.
pub fn run(options: &Info) -> Result<(), Failure> {
    let session = Session::begin();
    let machine = session.machine();
    let forced = std::env::var_os(Level::VARIABLE).is_some_and(|name| !name.is_empty());
    let available = |&level: &Level| Availability {
        level: level.name(),
        available: level.is_available(),
    };
    let document = Document {
        version: env!("CARGO_PKG_VERSION"),
        commit: session.commit().to_owned(),
        compiler: session.compiler().to_owned(),
        machine: machine.folder(),
        cpu: machine.cpu.clone(),
        family: machine.family,
        model: machine.model,
        stepping: machine.stepping,
        best_level: machine.best_level,
        processors: machine.processors,
        cores: machine.cores,
        caches: machine.caches(),
        cache_list: machine.caches.clone(),
        memory: machine.memory,
        level: Level::from_environment()?.name(),
        level_why: match forced {
            true => "environment",
            false => "the best of the processor",
        },
        levels: Level::ALL.iter().map(available).collect(),
        threads: rayon::current_num_threads(),
        bandwidth: bandwidth(options.megabytes.get() as usize)?,
    };
    let mut out = io::stdout().lock();
    let written = if options.json {
        serde_json::to_writer_pretty(&mut out, &document)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out))
    } else {
        write(&mut out, &document, &session.processor(), options.megabytes)
    };
    written.map_err(|error| Failure::writing("standard output", &error))
}

const RUNS: usize = 5;

/// How fast scores are read by one thread and by all of the current pool,
/// measured in turn.
fn bandwidth(megabytes: usize) -> Result<Vec<Bandwidth>, Failure> {
    let row = 1 << 18;
    let shape = Shape([1, megabytes.saturating_mul(1 << 20) / (4 * row), row]);
    let kind = ScoreKind::Logits;
    let values = Values::new(Dtype::F32, shape, |index| {
        random_score(kind, row, index as u64)
    })?;
    let scores = values.view(kind, 0, shape)?;
    let all = rayon::current_num_threads();
    let counts = if all == 1 { vec![1] } else { vec![1, all] };
    let mut pools = Vec::new();
    for &threads in &counts {
        pools.push((threads, pool(threads)?, Times::default()));
    }
    for run in 0..=RUNS {
        for (_, pool, times) in &mut pools {
            if run == 1 {
                *times = Times::default();
            }
            pool.install(|| {
                times.measure(scores.bytes(), || {
                    read_all(&scores, Level::best()).map(|largest| _ = black_box(largest))
                })
            })?;
        }
    }
    let measured = |(threads, _, times): (usize, _, Times)| Bandwidth {
        threads,
        gigabytes_per_second: scores.bytes() as f64 / times.median() / 1e9,
        spread: times.spread(),
    };
    Ok(pools.into_iter().map(measured).collect())
}

fn write(
    out: &mut dyn Write,
    document: &Document,
    processor: &str,
    megabytes: NonZeroU32,
) -> io::Result<()> {
    let unknown = |text: &str| match text.is_empty() {
        true => "unknown".to_owned(),
        false => text.to_owned(),
    };
    let levels = document.levels.iter().map(|level| {
        let not = if level.available { "" } else { "not " };
        format!("{} ({not}available)", level.level)
    });
    let levels: Vec<_> = levels.collect();
    let cores = document
        .cores
        .map_or("unknown".to_owned(), |n| n.to_string());
    let caches = document.cache_list.iter().map(|cache| {
        let shared = match cache.shared_by {
            0 | 1 => String::new(),
            n => format!(" (shared by {n})"),
        };
        format!("{} {} KiB{shared}", cache.name, cache.kilobytes)
    });
    let caches: Vec<_> = caches.collect();
    let built = format!("{}, {}", document.version, document.compiler);
    let lines = [
        ("widebeam", built),
        (
            "level",
            format!("{}: {}", document.level, document.level_why),
        ),
        ("levels", levels.join(", ")),
        ("processor", processor.to_owned()),
        ("processors", document.processors.to_string()),
        ("cores", cores),
        ("caches", unknown(&caches.join(", "))),
        (
            "memory",
            document.memory.map_or("unknown".to_owned(), memory),
        ),
        ("pool", count(document.threads, "thread")),
        ("records", format!("perf/record/{}", document.machine)),
    ];
    for (name, value) in lines {
        writeln!(out, "{name:<12}{value}")?;
    }
    for read in &document.bandwidth {
        writeln!(
            out,
            "{:<12}{:.1} GB/s on {} (spread {:.1} %, {megabytes} MiB)",
            "reads",
            read.gigabytes_per_second,
            count(read.threads, "thread"),
            100.0 * read.spread
        )?;
    }
    out.flush()
}

/// As in `23.5 GiB, at most 1.0 GiB in this container, 0.9 GiB available`.
fn memory(memory: Memory) -> String {
    let gigabytes = |bytes: usize| format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64);
    let limit = memory.limit.map_or(String::new(), |limit| {
        format!(", at most {} in this container", gigabytes(limit))
    });
    let (total, available) = (gigabytes(memory.total), gigabytes(memory.available));
    format!("{total}{limit}, {available} available")
}
