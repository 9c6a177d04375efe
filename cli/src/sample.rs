//! The sample that is built in: twelve lines of text as an OCR model sees
//! them, its outputs decoded and set beside the truth (`cli/assets/NOTICE`).

use std::env;
use std::io::{self, BufWriter, Cursor, Write};

use half::f16;
use npyz::npz::NpzArchive;
use widebeam::ScoreKind;
use widebeam::ctc::Blank;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::printable;

use crate::answer::Answer;
use crate::args::Decode;
use crate::ctc;
use crate::decoder::Decoder;
use crate::labels::Labels;
use crate::load::Tensor;
use crate::marked::Marked;
use crate::transcript::Reader;

const EMISSIONS: &[u8] = include_bytes!("../assets/ocr_lines.npz");
const LABELS: &str = include_str!("../assets/ocr_labels.txt");
const TRUTH: &str = include_str!("../assets/ocr_truth.txt");

/// The label that stands for no character, which CTC puts between two equal
/// ones.
const BLANK: Blank = Blank(0);

/// Beam width unless another is asked for.
const BEAMS: usize = 64;

/// The one that is worth a try after that.
const WIDE: usize = 1000;

/// Decodes the sample and prints, line by line, the greedy answer beside the
/// beam's.
pub(crate) fn run(options: &Decode) -> Result<(), Failure> {
    let beams = options.beams().unwrap_or(BEAMS);
    let search = ctc::Search::plain(beams, BLANK, options.instructions.level)?;
    let reader = Reader::Labels(labels().vocabulary().clone());
    let mut decoder = Decoder::ctc(search, beams).with_reader(reader, false);
    let greedy = ctc::Search::greedy(BLANK, options.instructions.level)?;
    let reader = Reader::Labels(labels().vocabulary().clone());
    let mut greedy = Decoder::ctc(greedy, 1).with_reader(reader, false);
    let sample = Sample::unpack();
    let scores = sample
        .tensor
        .view(ScoreKind::Probabilities)?
        .with_lengths(&sample.lengths)?;
    let paths = greedy.decode(&scores, |_items| {})?;
    let answers = decoder.decode(&scores, |_items| {})?;

    // Colours are for terminals that want them.
    let mut out = BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
    report(&mut out, &sample, beams, &paths, &answers)
        .and_then(|()| out.flush())
        .map_err(|error| Failure::writing("standard output", &error))
}

struct Sample {
    tensor: Tensor,
    shape: [usize; 3],
    lengths: Vec<usize>,
}

impl Sample {
    /// Unpacks the emissions to a dense tensor, as a model puts them out.
    ///
    /// # Panics
    ///
    /// If the file built in is damaged, which a test rules out.
    fn unpack() -> Self {
        let mut archive = NpzArchive::new(Cursor::new(EMISSIONS)).expect("a valid archive");
        let mut integers = |name: &str| -> Vec<usize> {
            let array = archive.by_name(name).expect("valid").expect("there");
            match name {
                "shape" | "lengths" => to_usize(array.into_vec::<i64>().expect("int64")),
                _ => to_usize(array.into_vec::<u16>().expect("uint16")),
            }
        };
        let lengths = integers("lengths");
        let counts = integers("counts");
        let tokens = integers("tokens");
        let shape: [usize; 3] = integers("shape").try_into().expect("three axes");
        let probs = archive.by_name("probs").expect("valid").expect("there");
        let probs = probs.into_vec::<f16>().expect("float16");

        let [lines, frames, vocab] = shape;
        let mut dense = vec![f16::ZERO; lines * frames * vocab];
        let in_use = (0..lines).flat_map(|line| (0..lengths[line]).map(move |at| (line, at)));
        let mut next = 0;
        for ((line, frame), count) in in_use.zip(counts) {
            let row = &mut dense[(line * frames + frame) * vocab..][..vocab];
            for at in next..next + count {
                row[tokens[at]] = probs[at];
            }
            next += count;
        }
        Sample {
            tensor: Tensor::from_f16(dense, shape),
            shape,
            lengths,
        }
    }
}

fn labels() -> Labels {
    let labels: Vec<&str> = LABELS.lines().collect();
    Labels::new(&labels, None, "the sample".to_owned())
}

fn to_usize<T: TryInto<usize, Error: std::fmt::Debug>>(values: Vec<T>) -> Vec<usize> {
    let values = values.into_iter();
    values
        .map(|value| value.try_into().expect("counts"))
        .collect()
}

fn report(
    out: &mut dyn Write,
    sample: &Sample,
    beams: usize,
    paths: &[Answer],
    answers: &[Answer],
) -> io::Result<()> {
    let [lines, _, vocab] = sample.shape;
    writeln!(
        out,
        "{lines} lines of text, as an OCR model (PP-OCRv4) reads them off blurred images:\n\
         one distribution over {vocab} labels a frame, {} frames in all. Of each line,\n\
         \n  truth   what was written\
         \n  greedy  the best label of each frame, repeats and blanks removed\
         \n  beam    the text of the most probable alignments in sum, by a CTC prefix\
         \n          search, beam width {beams}\
         \n  next    the second of them\n",
        sample.lengths.iter().sum::<usize>(),
    )?;
    let mut errors = Errors::default();
    for (line, truth) in TRUTH.lines().enumerate() {
        // The sample's frames have possible tokens, so there is a best text.
        let greedy = texts(&paths[line])[0];
        let texts = texts(&answers[line]);
        let best = texts[0];
        let next = texts.get(1);

        writeln!(out, "{:>2}  truth   {truth}", line + 1)?;
        let marked = |text| Marked { truth, text };
        writeln!(out, "    greedy  {}", marked(greedy))?;
        writeln!(out, "    beam    {}", marked(best))?;
        match next {
            Some(next) => writeln!(out, "    next    {}", marked(next))?,
            None => writeln!(out, "    next    -")?,
        }
        errors.count(truth, greedy, &texts);
    }
    write_words(out, &answers[0])?;
    writeln!(
        out,
        "\nCharacter errors: greedy {}, beam {}, the closest in the beam {}.",
        errors.rate(errors.greedy),
        errors.rate(errors.best),
        errors.rate(errors.closest),
    )?;
    writeln!(
        out,
        "A better text is often further down the list of the beam, where a language model\n\
         (--lm, for files of your own) can find it.\n"
    )?;
    let widebeam = started_as();
    let wider = match beams {
        WIDE => String::new(),
        _ => format!("{widebeam} decode --beams {WIDE}\n      "),
    };
    writeln!(
        out,
        "Next: {wider}{widebeam} decode --help    for your own .npy, .npz and .safetensors files"
    )
}

/// The texts of an item, best first.
fn texts(answer: &Answer) -> Vec<&str> {
    let read = answer.hypotheses().iter();
    let read = read.filter_map(|found| found.transcript.as_ref());
    read.map(|read| &*read.text).collect()
}

/// Writes the words of an item's best text, with the frames in which they stand.
fn write_words(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let best = answer.hypotheses().first();
    let words = best.and_then(|best| best.transcript.as_ref()?.words.as_ref());
    writeln!(
        out,
        "\nThe words of line 1 and the frames, from 0, in which they stand:\n"
    )?;
    for word in words.into_iter().flatten() {
        let frames = format!("{}-{}", word.start, word.end);
        writeln!(out, "  {frames:>9}  {}", word.word)?;
    }
    Ok(())
}

/// What this program was started as: it need not be installed.
fn started_as() -> String {
    let name = env::args_os().next();
    name.map_or("widebeam".to_owned(), |name| printable::path(name.as_ref()))
}

/// Edits between what was written and what was read.
#[derive(Default)]
struct Errors {
    characters: usize,
    greedy: usize,
    best: usize,
    closest: usize,
}

impl Errors {
    fn count(&mut self, truth: &str, greedy: &str, beam: &[&str]) {
        let distance = |text: &str| strsim::levenshtein(truth, text);
        self.characters += truth.chars().count();
        self.greedy += distance(greedy);
        self.best += distance(beam[0]);
        self.closest += beam.iter().map(|text| distance(text)).min().unwrap_or(0);
    }

    fn rate(&self, errors: usize) -> String {
        format!("{:.1} %", 100.0 * errors as f64 / self.characters as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_whole() {
        let sample = Sample::unpack();
        let [lines, frames, vocab] = sample.shape;
        assert_eq!([lines, frames, vocab], [12, 125, 6625]);
        assert!(labels().require(vocab).is_ok());
        assert_eq!(TRUTH.lines().count(), lines);
        assert_eq!(sample.lengths.len(), lines);
        assert!(
            sample
                .lengths
                .iter()
                .all(|length| (1..=frames).contains(length))
        );
    }
}
