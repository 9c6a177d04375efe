//! Held-out utterances: features and what was said.

use std::error::Error;
use std::path::Path;

use crate::archive::Archive;
use crate::network::MELS;

pub(crate) struct Utterance {
    pub(crate) text: String,
    /// Log energies, `[frames, MELS]`.
    pub(crate) features: Vec<u8>,
}

pub(crate) fn load(path: &Path) -> Result<Vec<Utterance>, Box<dyn Error>> {
    let mut archive = Archive::open(path)?;
    let (features, _) = archive.array::<u8>("features")?;
    let (frames, _) = archive.array::<u32>("frames")?;
    let texts = String::from_utf8(archive.array::<u8>("texts")?.0)?;
    let values: usize = frames.iter().map(|&frames| frames as usize * MELS).sum();
    if texts.lines().count() != frames.len() || features.len() != values {
        return Err("the utterances have other numbers of frames or texts".into());
    }
    let mut rest = features.as_slice();
    let utterances = texts.lines().zip(&frames).map(|(text, &frames)| {
        let (own, after) = rest.split_at(frames as usize * MELS);
        rest = after;
        Utterance {
            text: text.to_owned(),
            features: own.to_vec(),
        }
    });
    Ok(utterances.collect())
}
