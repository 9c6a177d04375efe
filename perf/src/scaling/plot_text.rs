//! The letters of pictures.

use std::sync::Once;

use plotters::prelude::*;
use plotters::style::{FontStyle, TextStyle, register_font};

const COLOUR: RGBColor = RGBColor(40, 40, 40);

/// Makes the font known, once.
pub(crate) fn register() {
    static FONT: Once = Once::new();
    FONT.call_once(|| {
        // A font that is not one would show as an error of the first text.
        let _ = register_font("sans-serif", FontStyle::Normal, dejavu::sans::regular());
    });
}

/// Letters of so many pixels.
pub(crate) fn font(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&COLOUR)
}
