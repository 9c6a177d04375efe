//! Words with their first and last frame, from phones: a lexicon of spellings tells which
//! words the phones can be, an n-gram model which of the words that sound alike.
//!
//! ```sh
//! cargo run --release --example words
//! ```

use widebeam::ScoresView;
use widebeam::ctc::{Blank, CtcSearch};
use widebeam::scorers::{Lookahead, NgramModel, SpellingLexicon};

/// The blank, what stands between words, and phones.
const LABELS: [&str; 11] = [
    "<blank>", "|", "T", "UW", "AY", "S", "AO", "SH", "IH", "P", "Z",
];

/// "two", "too" and "to" are homophones, and so are "I" and "eye"; "to" has two spellings.
const LEXICON: [(&str, &str); 8] = [
    ("I", "AY"),
    ("eye", "AY"),
    ("saw", "S AO"),
    ("to", "T UW"),
    ("to", "T IH"),
    ("too", "T UW"),
    ("two", "T UW"),
    ("ships", "SH IH P S"),
];

const ARPA: &str = "\\data\\\nngram 1=10\nngram 2=5\n\n\\1-grams:\n\
    -1 <s> -0.5\n-1 </s>\n-3 <unk>\n-1 I -0.5\n-2 eye -0.5\n-1.5 saw -0.5\n\
    -0.7 to -0.5\n-1.5 too -0.5\n-1.5 two -0.5\n-1.5 ships -0.5\n\n\\2-grams:\n\
    -0.3 <s> I\n-0.5 I saw\n-0.6 saw two\n-0.3 two ships\n-0.3 ships too\n\n\\end\\\n";

fn main() -> Result<(), widebeam::Error> {
    let spelled = LEXICON.map(|(word, labels)| {
        let tokens: Vec<u32> = labels.split(' ').map(token).collect();
        (word, tokens)
    });
    let lexicon = SpellingLexicon::new(&spelled, Some(token("|")))?
        .with_model(NgramModel::read_arpa(ARPA.as_bytes())?)?
        .with_weight(0.8)?
        .with_word_bonus(0.5)?
        .with_lookahead(Lookahead::Unigram);

    // The last sound of "ships" is more like Z than S, but no word is spelled so.
    let heard = "AY AY | S AO AO | T UW | <blank> SH IH P Z/S | T UW UW";
    let mut emissions = Vec::new();
    for labels in heard.split(' ') {
        let mut row = [0.01; LABELS.len()];
        for (label, height) in labels.split('/').zip([0.5, 0.4]) {
            row[token(label) as usize] = height;
        }
        emissions.extend(row);
    }
    let frames = emissions.len() / LABELS.len();
    let scores = ScoresView::probabilities(&emissions, [frames, LABELS.len()])?;

    let mut search = CtcSearch::new(16, Blank(0))?.with_scorer(&lexicon);
    let nbest = search.decode(&scores)?;
    let best = nbest.best(0)?;
    let mut found = Vec::new();
    for word in lexicon.words(best.tokens)? {
        let frames = best.word_frames(&word).expect("the word has tokens");
        println!("{:>5} {:>2} {:>2}", word.text, frames.start(), frames.end());
        found.push((word.text, frames));
    }
    println!(
        "score {:.3} = log mass {:.3} + scorer {:.3}",
        best.score, best.log_mass, best.scorer_score
    );

    let expected = [
        ("I", 0..=1),
        ("saw", 3..=5),
        ("two", 7..=8),
        ("ships", 11..=14),
        ("too", 16..=18),
    ];
    assert_eq!(
        found,
        expected.map(|(word, frames)| (word.to_owned(), frames))
    );
    Ok(())
}

fn token(label: &str) -> u32 {
    let place = LABELS.iter().position(|&other| other == label);
    place.expect("it is a label") as u32
}
