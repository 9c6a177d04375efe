//! widebeam's part of `perf/peers/words/run.py`: CTC with a language model of words, through a
//! lexicon of spellings or over letters, on one thread.
//!
//! ```sh
//! cargo run --release --features words --bin words -- FOLDER MODEL [WORDS]
//! ```
//!
//! FOLDER holds `emission.npz` (log_probs, f32, and lengths) and `labels.txt`, and may hold
//! `lexicon.txt`, lines of a word, a tab and labels; without it words are spelled by the labels.
//! MODEL is an ARPA file or KenLM's binary one. WORDS lists the words that are known. Then each
//! line of settings in JSON is answered by a line of texts and of seconds, one for each item.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use npyz::npz::NpzArchive;
use serde::{Deserialize, Serialize};
use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcNBest, CtcPruning, CtcSearch};
use widebeam::scorers::{Lookahead, NgramModel, Scorer, SpellingLexicon, Vocabulary, WordNgram};
use widebeam_peers::Result;

const BLANK: &str = "<blank>";
const BOUNDARY: &str = "<wb>";

#[derive(Deserialize)]
struct Settings {
    beams: usize,
    /// The weight of ln P.
    weight: f64,
    #[serde(default)]
    bonus: f64,
    #[serde(default)]
    unknown: f64,
    /// The best unigram that is spelled so stands for the word under way.
    #[serde(default)]
    lookahead: bool,
    #[serde(default)]
    readings: Option<usize>,
    /// Words may follow each other without the boundary between them.
    #[serde(default)]
    optional: bool,
    /// Prefixes are dropped whose score is so far below the best.
    #[serde(default)]
    threshold: Option<f64>,
    /// Tokens are tried that have at least this log-probability.
    #[serde(default)]
    least: Option<f64>,
    #[serde(default)]
    repeat: Option<usize>,
}

#[derive(Serialize)]
struct Ready {
    ready: usize,
}

#[derive(Serialize)]
struct Answer {
    texts: Vec<String>,
    seconds: Vec<f64>,
    /// The same by the clock of the thread, which other programs do not disturb as much.
    cpu: Vec<f64>,
}

/// The frames in use of one item.
struct Item {
    scores: Vec<f32>,
    shape: [usize; 3],
}

struct Task {
    items: Vec<Item>,
    labels: Vec<String>,
    blank: Blank,
    /// Words and their spellings, where there is a lexicon.
    spellings: Vec<(String, Vec<u32>)>,
    /// The words that are known, where there is a list.
    words: Vec<String>,
    model: Arc<NgramModel>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (folder, model, words) = match &arguments[..] {
        [folder, model] => (folder, model, None),
        [folder, model, words] => (folder, model, Some(words)),
        _ => return Err("the arguments are FOLDER MODEL [WORDS]".into()),
    };
    let task = Task::load(Path::new(folder), model, words)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    pool.install(|| task.serve())
}

impl Task {
    fn load(folder: &Path, model: &str, words: Option<&String>) -> Result<Self> {
        let labels = lines(&folder.join("labels.txt"))?;
        let number = |label: &str| -> Result<u32> {
            let at = labels.iter().position(|known| known == label);
            Ok(at.ok_or(format!("the label {label} is unknown"))? as u32)
        };
        let lexicon = folder.join("lexicon.txt");
        let entries = if lexicon.exists() {
            lines(&lexicon)?
        } else {
            Vec::new()
        };
        let entry = |line: &String| -> Result<(String, Vec<u32>)> {
            let (word, spelling) = line.split_once('\t').ok_or("a word has no spelling")?;
            let spelling = spelling.split_whitespace().map(number);
            Ok((word.to_owned(), spelling.collect::<Result<_>>()?))
        };
        Ok(Task {
            items: items(&folder.join("emission.npz"))?,
            spellings: entries.iter().map(entry).collect::<Result<_>>()?,
            words: words.map_or(Ok(Vec::new()), |path| lines(Path::new(path)))?,
            model: Arc::new(read_model(model)?),
            blank: Blank(number(BLANK)?),
            labels,
        })
    }

    fn serve(&self) -> Result<()> {
        let ready = self.items.len();
        say(&Ready { ready })?;
        for line in stdin().lock().lines() {
            let settings: Settings = serde_json::from_str(&line?)?;
            say(&self.answer(&settings)?)?;
        }
        Ok(())
    }

    fn answer(&self, settings: &Settings) -> Result<Answer> {
        if self.spellings.is_empty() {
            let vocabulary = Vocabulary::new(&self.labels, Some(self.blank));
            let text = |_: &_, tokens: &[u32]| Ok(vocabulary.text(tokens)?);
            self.decode(settings, self.letters(settings, &vocabulary)?, text)
        } else {
            let text = |lexicon: &SpellingLexicon<_>, tokens: &[u32]| {
                let words = lexicon.words(tokens)?.into_iter().map(|word| word.text);
                Ok(words.collect::<Vec<_>>().join(" "))
            };
            self.decode(settings, self.spelled(settings)?, text)
        }
    }

    fn letters(
        &self,
        settings: &Settings,
        vocabulary: &Vocabulary,
    ) -> Result<WordNgram<Arc<NgramModel>>> {
        let mut words = WordNgram::new(self.model.clone(), vocabulary)?
            .with_weight(settings.weight)?
            .with_word_bonus(settings.bonus)?
            .with_unknown_score(settings.unknown)?;
        if !self.words.is_empty() {
            words = words.with_words(&self.words)?;
        }
        if settings.lookahead {
            words = words.with_lookahead(Lookahead::Unigram)?;
        }
        Ok(words)
    }

    fn spelled(&self, settings: &Settings) -> Result<SpellingLexicon<Arc<NgramModel>>> {
        let boundary = self.labels.iter().position(|label| label == BOUNDARY);
        let boundary = boundary.ok_or("there is no boundary between words")? as u32;
        let mut lexicon = if settings.optional {
            // Each word with and without a boundary at either end, and words side by side.
            let around = |(word, spelling): &(String, Vec<u32>)| {
                [(false, false), (false, true), (true, false), (true, true)].map(
                    |(before, after)| {
                        let mut whole = Vec::with_capacity(spelling.len() + 2);
                        whole.extend(before.then_some(boundary));
                        whole.extend(spelling);
                        whole.extend(after.then_some(boundary));
                        (word.clone(), whole)
                    },
                )
            };
            let spellings: Vec<_> = self.spellings.iter().flat_map(around).collect();
            SpellingLexicon::new(&spellings, None)?
        } else {
            SpellingLexicon::new(&self.spellings, Some(boundary))?
        }
        .with_model(self.model.clone())?
        .with_weight(settings.weight)?
        .with_word_bonus(settings.bonus)?
        .with_unknown_score(settings.unknown)?;
        if settings.lookahead {
            lexicon = lexicon.with_lookahead(Lookahead::Unigram);
        }
        if let Some(readings) = settings.readings {
            lexicon = lexicon.with_readings(readings)?;
        }
        Ok(lexicon)
    }

    /// Decodes every item, each several times, and takes the median of the seconds. An item
    /// that no word fits has no text.
    fn decode<S: Scorer + Sync>(
        &self,
        settings: &Settings,
        scorer: S,
        text: impl Fn(&S, &[u32]) -> Result<String>,
    ) -> Result<Answer> {
        let mut search = CtcSearch::new(settings.beams, self.blank)?.with_scorer(scorer);
        let mut pruning = CtcPruning::none();
        if let Some(threshold) = settings.threshold {
            pruning = pruning.with_score_threshold(threshold);
        }
        if let Some(least) = settings.least {
            pruning = pruning.with_min_token_log_probability(least);
        }
        search = search.with_pruning(pruning)?;
        let mut found = CtcNBest::new();
        let (mut texts, mut seconds, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
        for item in &self.items {
            let scores = ScoresView::log_probabilities(&item.scores, item.shape)?;
            let (mut times, mut busy) = (Vec::new(), Vec::new());
            for _ in 0..settings.repeat.unwrap_or(1).max(1) {
                let (start, working) = (Instant::now(), thread_seconds());
                search.decode_into(&scores, &mut found)?;
                times.push(start.elapsed().as_secs_f64());
                busy.push(thread_seconds() - working);
            }
            seconds.push(median(times));
            cpu.push(median(busy));
            texts.push(match found.item(0)?.next() {
                Some(best) => text(search.scorer(), best.tokens)?,
                None => String::new(),
            });
        }
        Ok(Answer {
            texts,
            seconds,
            cpu,
        })
    }
}

/// Seconds that this thread has run.
fn thread_seconds() -> f64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes to `time` alone.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn lines(path: &Path) -> Result<Vec<String>> {
    Ok(std::fs::read_to_string(path)?
        .lines()
        .map(str::to_owned)
        .collect())
}

fn items(path: &Path) -> Result<Vec<Item>> {
    let mut archive = NpzArchive::open(path)?;
    let lengths: Vec<i64> = array(&mut archive, "lengths")?.1;
    let (shape, scores): (_, Vec<f32>) = array(&mut archive, "log_probs")?;
    let [count, frames, vocab] = shape[..] else {
        return Err("log_probs must have three axes".into());
    };
    if count != lengths.len() {
        return Err(format!("{count} items have {} lengths", lengths.len()).into());
    }
    let items = scores.chunks(frames * vocab).zip(lengths);
    let item = |(scores, length): (&[f32], i64)| -> Result<Item> {
        let length = usize::try_from(length)?;
        let scores = scores
            .get(..length * vocab)
            .ok_or("an item has too few frames")?;
        Ok(Item {
            scores: scores.to_vec(),
            shape: [1, length, vocab],
        })
    };
    items.map(item).collect()
}

/// The shape and the values of an array.
fn array<T: npyz::Deserialize>(
    archive: &mut NpzArchive<BufReader<File>>,
    name: &str,
) -> Result<(Vec<usize>, Vec<T>)> {
    let file = archive
        .by_name(name)?
        .ok_or(format!("there is no array {name}"))?;
    let shape = file.shape().iter().map(|&axis| axis as usize).collect();
    Ok((shape, file.into_vec()?))
}

fn read_model(path: &str) -> Result<NgramModel> {
    let file = File::open(path)?;
    let mut start = Vec::new();
    (&file).take(64).read_to_end(&mut start)?;
    if NgramModel::is_binary(&start) {
        // SAFETY: nobody writes to the file meanwhile.
        return Ok(NgramModel::from_binary(unsafe {
            memmap2::Mmap::map(&file)
        }?)?);
    }
    let whole = BufReader::with_capacity(1 << 16, std::io::Cursor::new(start).chain(file));
    Ok(NgramModel::read_arpa(whole)?)
}

fn say(line: &impl Serialize) -> Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(line)?)?;
    Ok(stdout.flush()?)
}
