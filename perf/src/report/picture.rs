//! A drawing as the text of an SVG.

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::scaling::plot_text;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn<'a> = Result<(), DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>>;

/// What `draw` draws on white, so many pixels wide and high.
pub(super) fn svg(
    size: (u32, u32),
    draw: impl for<'a> FnOnce(&Area<'a>) -> Drawn<'a>,
) -> Result<String, String> {
    plot_text::register();
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    let drawn = area.fill(&WHITE).and_then(|()| draw(&area));
    let drawn = drawn.and_then(|()| area.present());
    drawn.map_err(|error| error.to_string())?;
    drop(area);
    Ok(text)
}
