//! The cost of the best k of a row over k, as a picture: a panel for each length of a row.

use std::collections::BTreeMap;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::record::Entry;
use crate::scaling::plot_text;

/// Microseconds a row, by k.
type Curve = Vec<(f64, f64)>;

/// The curves of rows of one length, by program.
#[derive(Debug, Default)]
pub(super) struct Panel {
    curves: BTreeMap<String, Curve>,
}

/// Pixels of a panel.
const PANEL: (u32, u32) = (440, 340);
const COLUMNS: usize = 3;

const COLOURS: [(&str, &str, RGBColor); 3] = [
    ("widebeam", "widebeam", RGBColor(213, 94, 0)),
    ("heap", "heap of the design", RGBColor(0, 114, 178)),
    ("sort", "sort of the row", RGBColor(110, 110, 110)),
];

/// What a sweep measured, by the tokens of a row.
pub(super) fn panels(entries: &[Entry]) -> BTreeMap<usize, Panel> {
    let mut panels: BTreeMap<usize, Panel> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.suite == "sweep") {
        let mut sizes = entry.shape.split('x').skip(1).map(str::parse::<usize>);
        let (Some(Ok(rows)), Some(Ok(tokens))) = (sizes.next(), sizes.next()) else {
            continue;
        };
        let (Some(k), Some(seconds)) = (entry.beams, entry.seconds) else {
            continue;
        };
        let curves = &mut panels.entry(tokens).or_default().curves;
        let curve = curves.entry(entry.program.clone()).or_default();
        curve.push((k as f64, 1e6 * seconds / rows as f64));
    }
    panels
}

pub(super) fn svg(panels: &BTreeMap<usize, Panel>) -> Result<String, String> {
    plot_text::register();
    let rows = panels.len().div_ceil(COLUMNS).max(1);
    let columns = panels.len().clamp(1, COLUMNS);
    let mut text = String::new();
    let size = (PANEL.0 * columns as u32, PANEL.1 * rows as u32);
    let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
    draw(&area, panels, (rows, columns)).map_err(|error| error.to_string())?;
    drop(area);
    Ok(text)
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panels: &BTreeMap<usize, Panel>,
    grid: (usize, usize),
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    area.fill(&WHITE)?;
    for (area, (tokens, panel)) in area.split_evenly(grid).iter().zip(panels) {
        draw_panel(area, *tokens, panel)?;
    }
    area.present()
}

fn draw_panel<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    tokens: usize,
    panel: &Panel,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let points = || panel.curves.values().flatten();
    let least_k = points().map(|point| point.0).fold(f64::INFINITY, f64::min);
    let most_k = points().map(|point| point.0).fold(0.0, f64::max);
    let least = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let most = points().map(|point| point.1).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(format!("rows of {tokens} tokens"), plot_text::font(19))
        .x_label_area_size(42)
        .y_label_area_size(58)
        .build_cartesian_2d(
            (least_k..1.05 * most_k.max(least_k + 1.0)).log_scale(),
            (0.8 * least..1.3 * most).log_scale(),
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .x_desc("k")
        .y_desc("microseconds a row")
        .axis_desc_style(plot_text::font(15))
        .label_style(plot_text::font(13))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y}"))
        .draw()?;
    for (program, label, colour) in COLOURS {
        let Some(curve) = panel.curves.get(program) else {
            continue;
        };
        let points = match curve[..] {
            // A sort costs the same for every k.
            [(_, cost)] => vec![(least_k, cost), (most_k, cost)],
            _ => curve.clone(),
        };
        chart
            .draw_series(LineSeries::new(points, colour.stroke_width(2)))?
            .label(label)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], colour.stroke_width(2)));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_for_each_length_of_a_row() {
        let entry = |tokens: usize, program: &str, k: usize| Entry {
            suite: "sweep".to_owned(),
            shape: format!("1x4x{tokens}"),
            program: program.to_owned(),
            beams: Some(k),
            seconds: Some(1e-6 * k as f64),
            ..Entry::default()
        };
        let entries = [
            entry(512, "widebeam", 8),
            entry(512, "widebeam", 64),
            entry(512, "sort", 512),
            entry(1024, "widebeam", 8),
        ];
        let panels = panels(&entries);
        assert_eq!(panels[&512].curves["widebeam"], [(8.0, 2.0), (64.0, 16.0)]);
        let text = svg(&panels).unwrap();
        for name in [
            "rows of 512 tokens",
            "rows of 1024 tokens",
            "sort of the row",
        ] {
            assert!(text.contains(name), "{name}");
        }
    }
}
