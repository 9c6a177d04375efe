//! `widebeam trie`: the sequences that a request may generate, as a file to be mapped.

use std::io::{self, Write};
use std::path::PathBuf;

use clap::ValueHint;
use widebeam::autoregressive::TokenTrie;
use widebeam_perf::console::failure::Failure;
use widebeam_perf::console::memory::require;
use widebeam_perf::console::target::Target;

use crate::load::Sequences;

const EXAMPLES: &str = "\
Examples:
  widebeam trie items.npy --output items.trie
      an array of integers, [items, codes]: a sequence of token ids a row, up to the
      first number below 0
  widebeam trie names.txt --output names.trie
      lines of token ids, such as `17 4 1003`

A program maps the file: TokenTrie::from_bytes.";

/// Make a trie of token sequences, to constrain an autoregressive search
///
/// Sequences may come in any order, and repeatedly.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Trie {
    /// The sequences: .npy (integers, a sequence a row), or lines of token ids; - is standard
    /// input, as lines
    #[arg(value_name = "SEQUENCES", value_hint = ValueHint::FilePath)]
    sequences: PathBuf,

    /// The file to write
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: PathBuf,
}

/// Bytes that building takes for each sequence beside those for its tokens: its place in
/// memory, its rank and how much it shares with the one before.
const SEQUENCE_BYTES: usize = 24;

/// Bytes for each token, at most a node: its token twice, and bits.
const TOKEN_BYTES: usize = 16;

pub(crate) fn run(options: &Trie) -> Result<(), Failure> {
    let target = Target::file(&options.output)?;
    target.spare("the trie", [&options.sequences])?;
    let sequences = Sequences::open(&options.sequences)?;
    if sequences.count() == 0 {
        return Err(Failure::Input(format!(
            "{}: no sequence; a trie needs at least one",
            options.sequences.display()
        )));
    }
    let tokens: usize = sequences.iter().map(<[u32]>::len).sum();
    let bytes = sequences.count().saturating_mul(SEQUENCE_BYTES);
    let bytes = bytes.saturating_add(tokens.saturating_mul(TOKEN_BYTES));
    require(bytes, "the trie")?;
    if tokens >= u32::MAX as usize - 1 {
        return Err(Failure::Input(format!(
            "{tokens} tokens in all; a trie has less than 2^32 - 2"
        )));
    }
    let trie = TokenTrie::new(sequences.iter());
    target.write(|out| out.write_all(trie.as_bytes()))?;
    let (found, nodes, bytes) = (trie.sequences(), trie.nodes(), trie.as_bytes().len());
    let said = writeln!(
        io::stdout(),
        "{found} sequences, {nodes} nodes, {bytes} bytes"
    );
    said.map_err(|error| Failure::writing("standard output", &error))
}
