//! One process of a comparison: it reads a case, says what its programs find,
//! and then times one program for each line that it reads. `perf/peers/worker.py`
//! is the same in Python, and `perf/peers/turns.py` speaks with both.

use std::error::Error;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::{Duration, Instant};

use serde::Serialize;

pub use scores::Scores;

mod scores;

/// The smallest probability that peers are given which want its logarithm.
const TINY: f32 = 1e-30;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What is to be done, from the command line.
pub struct Case {
    /// `independent`, `step`, `ctc` or `transducer`.
    pub task: String,
    /// `probs`, `log-probs` or `logits`.
    pub kind: String,
    pub beams: usize,
    pub threads: usize,
    pub shape: Vec<usize>,
    pub scores: Scores,
}

impl Case {
    /// TASK FILE KIND BEAMS THREADS, where FILE is an .npy file of f32.
    pub fn from_arguments() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let [task, file, kind, beams, threads] = &arguments[..] else {
            return Err("the arguments are TASK FILE KIND BEAMS THREADS".into());
        };
        let file = npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(file)?))?;
        let shape: Vec<_> = file.shape().iter().map(|&axis| axis as usize).collect();
        let scores = Scores::collect(shape.iter().product(), file.data()?)?;
        Ok(Case {
            task: task.clone(),
            kind: kind.clone(),
            beams: beams.parse()?,
            threads: threads.parse()?,
            shape,
            scores,
        })
    }

    pub fn shape<const N: usize>(&self) -> Result<[usize; N]> {
        let shape = self.shape[..].try_into();
        shape.map_err(|_| format!("{} axes are not {N}", self.shape.len()).into())
    }

    /// The scores as a crate wants them that takes no other kind: their natural
    /// logarithms, never below that of [`TINY`].
    pub fn log_probs(&self) -> Vec<f32> {
        match &self.kind[..] {
            "probs" => self.scores.iter().map(|x| x.max(TINY).ln()).collect(),
            _ => self.scores.to_vec(),
        }
    }
}

/// Tokens and the natural logarithm of their probability, where a program says
/// it. A step's tokens are a row and the token that continues it.
#[derive(Serialize)]
pub struct Hypothesis(pub Vec<u32>, pub Option<f64>);

/// A search that is timed.
pub trait Program {
    fn name(&self) -> String;

    /// What says more than the package's version.
    fn version(&self) -> Option<&'static str> {
        None
    }

    /// How it differs from exact search with as many beams.
    fn differs(&self) -> &'static str {
        ""
    }

    /// Whether it must find what exact search finds, up to rounding, all the same.
    fn exact(&self) -> bool {
        true
    }

    /// Why it is not run, if so.
    fn skipped(&self) -> Option<String> {
        None
    }

    /// What is timed.
    fn search(&mut self) -> Result<()>;

    /// What the last search found: of each item its hypotheses, best first.
    fn answers(&self) -> Result<Vec<Vec<Hypothesis>>>;
}

#[derive(Serialize)]
struct Announcement {
    name: String,
    version: Option<&'static str>,
    differs: &'static str,
    exact: bool,
    skipped: Option<String>,
    seconds: f64,
    answers: Vec<Vec<Hypothesis>>,
}

/// Runs each program once, prints one line of JSON about all, and then, for each
/// line that holds a program's number, the seconds of one search.
pub fn serve(mut programs: Vec<Box<dyn Program + '_>>) -> Result<()> {
    let mut announced = Vec::new();
    for program in &mut programs {
        let skipped = program.skipped();
        let start = Instant::now();
        if skipped.is_none() {
            program.search()?;
        }
        announced.push(Announcement {
            name: program.name(),
            version: program.version(),
            differs: program.differs(),
            exact: program.exact(),
            seconds: start.elapsed().as_secs_f64(),
            answers: if skipped.is_none() {
                program.answers()?
            } else {
                Vec::new()
            },
            skipped,
        });
    }
    say(serde_json::to_string(&announced)?)?;
    for line in stdin().lock().lines() {
        let number: usize = line?.trim().parse()?;
        let program = programs.get_mut(number).ok_or("no such program")?;
        say(turn(|| program.search())?)?;
    }
    Ok(())
}

fn say(line: impl std::fmt::Display) -> Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

/// Seconds of one search; a short one is repeated.
fn turn(mut search: impl FnMut() -> Result<()>) -> Result<f64> {
    const AT_LEAST: Duration = Duration::from_millis(20);
    let (start, mut done) = (Instant::now(), 0);
    while done == 0 || start.elapsed() < AT_LEAST {
        search()?;
        done += 1;
    }
    Ok(start.elapsed().as_secs_f64() / f64::from(done))
}
