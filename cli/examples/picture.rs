//! Draws what a command prints on a terminal: text with colours comes from standard input, a
//! picture (SVG) goes to standard output. The argument is the line that stands above it.
//!
//! ```sh
//! CLICOLOR_FORCE=1 target/release/widebeam | head -24 |
//!     cargo run --release -p widebeam-cli --example picture -- '$ cargo run --release' > docs/ocr.svg
//! ```

use std::env;
use std::io::{self, Read, Write};

use anstyle_svg::Term;

fn main() -> io::Result<()> {
    let mut text: String = env::args().skip(1).map(|line| line + "\n").collect();
    io::stdin().read_to_string(&mut text)?;
    io::stdout().write_all(Term::new().render_svg(text.trim_end()).as_bytes())
}
