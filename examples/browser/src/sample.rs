//! The sample of the command line tool: twelve lines of text as an OCR model sees them
//! (`cli/assets/NOTICE`).

use std::io::Cursor;

use half::f16;
use npyz::npz::NpzArchive;

const EMISSIONS: &[u8] = include_bytes!("../../../cli/assets/ocr_lines.npz");
const LABELS: &str = include_str!("../../../cli/assets/ocr_labels.txt");
const TRUTH: &str = include_str!("../../../cli/assets/ocr_truth.txt");

/// The label that stands for no character, which CTC puts between two equal ones.
pub(crate) const BLANK: u32 = 0;

/// The lines of the sample.
pub(crate) struct Sample {
    /// Probabilities, [line, frame, label].
    pub(crate) probs: Vec<f16>,
    pub(crate) shape: [usize; 3],
    /// The frames of each line.
    pub(crate) lengths: Vec<usize>,
    /// The text of each label.
    pub(crate) labels: Vec<&'static str>,
    /// What was written in each line.
    pub(crate) truth: Vec<&'static str>,
}

impl Sample {
    /// Unpacks the emissions to a dense tensor, as a model puts them out. In the file each
    /// frame has only its few probable labels.
    ///
    /// # Panics
    ///
    /// If the file built in is damaged, which the test of the page rules out.
    pub(crate) fn unpack() -> Self {
        let mut archive = NpzArchive::new(Cursor::new(EMISSIONS)).expect("a valid archive");
        let shape = integers::<i64>(&mut archive, "shape");
        let lengths = integers::<i64>(&mut archive, "lengths");
        let counts = integers::<u16>(&mut archive, "counts");
        let labels = integers::<u16>(&mut archive, "tokens");
        let sparse = archive.by_name("probs").expect("valid").expect("there");
        let sparse = sparse.into_vec::<f16>().expect("float16");

        let shape: [usize; 3] = shape.try_into().expect("three axes");
        let [lines, frames, vocab] = shape;
        let mut probs = vec![f16::ZERO; lines * frames * vocab];
        let mut entries = labels.into_iter().zip(sparse);
        let in_use = (0..lines).flat_map(|line| (0..lengths[line]).map(move |at| (line, at)));
        for ((line, frame), count) in in_use.zip(counts) {
            let row = &mut probs[(line * frames + frame) * vocab..][..vocab];
            for (label, probability) in entries.by_ref().take(count) {
                row[label] = probability;
            }
        }
        Sample {
            probs,
            shape,
            lengths,
            labels: LABELS.lines().collect(),
            truth: TRUTH.lines().collect(),
        }
    }

    /// The text of some labels.
    pub(crate) fn text(&self, tokens: &[u32]) -> String {
        let labels = tokens.iter().map(|&token| self.labels[token as usize]);
        labels.collect()
    }
}

fn integers<T>(archive: &mut NpzArchive<Cursor<&[u8]>>, name: &str) -> Vec<usize>
where
    T: npyz::Deserialize + TryInto<usize, Error: std::fmt::Debug>,
{
    let array = archive.by_name(name).expect("valid").expect("there");
    let values: Vec<T> = array.into_vec().expect("integers");
    let values = values.into_iter();
    values
        .map(|value| value.try_into().expect("counts"))
        .collect()
}
