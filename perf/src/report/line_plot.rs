//! Curves as a picture: panels side by side, in each a line for a program.

use plotters::coord::Shift;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use super::picture;
use crate::scaling::plot_text;

/// One pair of axes and its curves.
#[derive(Debug, PartialEq)]
pub(super) struct Panel {
    pub(super) title: String,
    /// What the axes are called, with their units. The horizontal one is logarithmic.
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    pub(super) y_axis: YAxis,
    pub(super) legend: Legend,
    pub(super) curves: Vec<Curve>,
}

impl Panel {
    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.curves.iter().flat_map(|curve| &curve.points)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum YAxis {
    Logarithmic,
    /// From 0.
    Linear,
}

/// Where the names of the curves stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Legend {
    /// On the left, where the curves leave room.
    Left,
    /// Above the curves, for which the axis is longer.
    Above,
}

/// Points of rising x, and what they are called.
#[derive(Debug, PartialEq)]
pub(super) struct Curve {
    pub(super) label: String,
    pub(super) colour: RGBColor,
    pub(super) points: Vec<(f64, f64)>,
}

/// Colours that people with any eyes tell apart (Okabe and Ito), ours first.
pub(super) const WIDEBEAM: RGBColor = RGBColor(213, 94, 0);
pub(super) const ORANGE: RGBColor = RGBColor(230, 159, 0);
pub(super) const BLUE: RGBColor = RGBColor(0, 114, 178);
pub(super) const GREEN: RGBColor = RGBColor(0, 158, 115);
pub(super) const PURPLE: RGBColor = RGBColor(204, 121, 167);
pub(super) const GREY: RGBColor = RGBColor(110, 110, 110);

/// Pixels of a panel.
const PANEL: (u32, u32) = (440, 340);

/// Curves of as many points have dots; others are lines alone.
const DOTS: std::ops::RangeInclusive<usize> = 3..=16;

/// The panels as a picture, so many side by side.
pub(super) fn svg(panels: &[Panel], columns: usize) -> Result<String, String> {
    let rows = panels.len().div_ceil(columns).max(1);
    let columns = panels.len().clamp(1, columns);
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    picture::svg(size, |area| {
        let areas = area.split_evenly((rows, columns));
        areas
            .iter()
            .zip(panels)
            .try_for_each(|(area, panel)| draw(area, panel))
    })
}

/// The least of some numbers that are not negative, and the largest.
pub(super) fn extremes(numbers: impl Iterator<Item = f64>) -> (f64, f64) {
    numbers.fold((f64::INFINITY, 0.0), |(least, most), number| {
        (number.min(least), number.max(most))
    })
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let (least, most) = extremes(panel.points().map(|point| point.1));
    let room = match panel.legend {
        Legend::Above => 0.6,
        Legend::Left => 0.0,
    };
    match panel.y_axis {
        YAxis::Logarithmic => {
            let top = 1.3 * most * (most / least).powf(room);
            draw_on(area, panel, (0.8 * least..top).log_scale())
        }
        YAxis::Linear => draw_on(area, panel, 0.0..1.1 * most * (1.0 + room)),
    }
}

fn draw_on<B: DrawingBackend, Y: AsRangedCoord<Value = f64>>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
    y: Y,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>>
where
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let (least, most) = extremes(panel.points().map(|point| point.0));
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(&panel.title, plot_text::font(19))
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d((least..1.05 * most.max(least + 1.0)).log_scale(), y)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .x_desc(panel.x)
        .y_desc(panel.y)
        .axis_desc_style(plot_text::font(15))
        .label_style(plot_text::font(13))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for Curve {
        label,
        colour,
        points,
    } in &panel.curves
    {
        let style = colour.stroke_width(2);
        chart
            .draw_series(LineSeries::new(points.iter().copied(), style))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
        if DOTS.contains(&points.len()) {
            let dots = points
                .iter()
                .map(|&point| Circle::new(point, 3, colour.filled()));
            chart.draw_series(dots)?;
        }
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(8)
        .legend_area_size(30)
        .label_font(plot_text::font(13))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
}
