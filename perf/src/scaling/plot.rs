//! Speed-up against threads, as a picture.

use std::path::Path;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;

use super::plot_text::{self, font};
use crate::console::failure::Failure;
use crate::console::printable;
use crate::console::target::Target;

/// Threads and speed-up, by threads.
pub(crate) type Curve = Vec<(usize, f64)>;

/// The curves of one search.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    pub title: String,
    pub engine: Curve,
    /// Of bare reading.
    pub memory: Curve,
}

/// Where a picture goes and what it is.
#[derive(Debug)]
pub(crate) struct Picture {
    target: Target,
    format: Format,
}

#[derive(Clone, Copy, Debug)]
enum Format {
    Svg,
    Png,
}

/// Pixels of a panel.
const PANEL: (u32, u32) = (440, 380);
const COLUMNS: usize = 3;
/// Pixels that a number on an axis needs.
const LABEL: f64 = 30.0;

const IDEAL: RGBColor = RGBColor(150, 150, 150);
const MEMORY: RGBColor = RGBColor(0, 114, 178);
const ENGINE: RGBColor = RGBColor(213, 94, 0);
const TEXT: RGBColor = RGBColor(40, 40, 40);

impl Picture {
    /// A picture to be written to `path`, which ends in `.svg` or `.png`.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let format = match path.extension().and_then(|ending| ending.to_str()) {
            Some("svg") => Format::Svg,
            Some("png") => Format::Png,
            _ => {
                return Err(Failure::input(format_args!(
                    "--plot {}: a picture's name ends in .svg or .png",
                    printable::path(path)
                )));
            }
        };
        Ok(Picture {
            target: Target::file(path)?,
            format,
        })
    }

    pub(crate) fn draw(self, panels: &[Panel]) -> Result<(), Failure> {
        let bytes = match self.format {
            Format::Svg => svg(panels).map(String::into_bytes),
            Format::Png => png(panels),
        };
        let bytes = bytes.map_err(|error| Failure::Machine(format!("no plot: {error}")))?;
        self.target.write(|out| out.write_all(&bytes))
    }
}

fn size(panels: &[Panel]) -> (u32, u32) {
    let columns = panels.len().clamp(1, COLUMNS);
    let rows = panels.len().div_ceil(columns).max(1);
    (PANEL.0 * columns as u32, PANEL.1 * rows as u32)
}

pub(crate) fn svg(panels: &[Panel]) -> Result<String, String> {
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, size(panels)).into_drawing_area();
    draw(&area, panels)?;
    drop(area);
    Ok(text)
}

fn png(panels: &[Panel]) -> Result<Vec<u8>, String> {
    let (width, height) = size(panels);
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&area, panels)?;
    drop(area);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer
        .write_image_data(&pixels)
        .map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, panels: &[Panel]) -> Result<(), String> {
    plot_text::register();
    let text = |error: DrawingAreaErrorKind<B::ErrorType>| error.to_string();
    area.fill(&WHITE).map_err(text)?;
    let (width, height) = size(panels);
    let grid = ((height / PANEL.1) as usize, (width / PANEL.0) as usize);
    for (area, panel) in area.split_evenly(grid).iter().zip(panels) {
        draw_panel(area, panel).map_err(text)?;
    }
    area.present().map_err(text)
}

fn draw_panel<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let curves = || panel.engine.iter().chain(&panel.memory);
    let counts = panel.engine.iter().map(|point| point.0).collect::<Vec<_>>();
    let most = counts.iter().copied().max().unwrap_or(1);
    let highest = curves().map(|point| point.1).fold(most as f64, f64::max);
    let (right, top) = (1.06 * most as f64, 1.06 * highest);
    let whole = (1..=highest as usize).collect::<Vec<_>>();
    let (plot_width, plot_height) = (f64::from(PANEL.0) - 90.0, f64::from(PANEL.1) - 110.0);
    let mut chart = ChartBuilder::on(area)
        .margin(14)
        .caption(&panel.title, font(19))
        .x_label_area_size(42)
        .y_label_area_size(48)
        .build_cartesian_2d(
            Axis {
                end: right,
                labels: apart(&counts, right, plot_width),
            },
            Axis {
                end: top,
                labels: apart(&whole, top, plot_height),
            },
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .axis_style(TEXT)
        .x_desc("threads")
        .y_desc("speed-up")
        .axis_desc_style(font(15))
        .label_style(font(13))
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .draw()?;
    let line = |curve: &Curve| {
        curve
            .iter()
            .map(|&(threads, speed_up)| (threads as f64, speed_up))
            .collect::<Vec<_>>()
    };
    let stroke = |color: RGBColor| color.stroke_width(2);
    let sample = |color: RGBColor| {
        move |(x, y)| PathElement::new([(x, y), (x + 22, y)], color.stroke_width(2))
    };
    let most = most as f64;
    chart
        .draw_series(LineSeries::new([(0.0, 0.0), (most, most)], stroke(IDEAL)))?
        .label("ideal")
        .legend(sample(IDEAL));
    for (name, curve, color) in [
        ("memory (read roofline)", &panel.memory, MEMORY),
        ("widebeam", &panel.engine, ENGINE),
    ] {
        let points = line(curve);
        chart
            .draw_series(LineSeries::new(points.clone(), stroke(color)))?
            .label(name)
            .legend(sample(color));
        let dot = |point| Circle::new(point, 4, color.filled());
        chart.draw_series(points.into_iter().map(dot))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(8)
        .legend_area_size(30)
        .label_font(font(13))
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(200, 200, 200))
        .draw()
}

/// From 0 to an end, with labels where they are wanted.
struct Axis {
    end: f64,
    labels: Vec<f64>,
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        low + (f64::from(high - low) * value / self.end).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.labels.clone()
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.end
    }
}

/// Those of some ascending numbers whose labels do not overlap on an axis that
/// is so many pixels long and ends at `end`: always the last.
fn apart(numbers: &[usize], end: f64, pixels: f64) -> Vec<f64> {
    let at = |number: usize| number as f64 / end * pixels;
    let mut kept: Vec<usize> = Vec::new();
    for &number in numbers.iter().rev() {
        if kept
            .last()
            .is_none_or(|&last| at(last) - at(number) >= LABEL)
        {
            kept.push(number);
        }
    }
    kept.iter().map(|&number| number as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made up, to look at the layout.
    fn panel(title: &str, counts: &[usize]) -> Panel {
        let curve = |serial: f64| {
            let speed_up = |&n: &usize| (n, 1.0 / (serial + (1.0 - serial) / n as f64));
            counts.iter().map(speed_up).collect()
        };
        Panel {
            title: title.to_owned(),
            engine: curve(0.08),
            memory: curve(0.05),
        }
    }

    #[test]
    fn labels_keep_apart_and_the_last_is_there() {
        assert_eq!(apart(&[1, 2], 2.12, 340.0), [2.0, 1.0]);
        let kept = apart(&(1..=64).collect::<Vec<_>>(), 68.0, 340.0);
        assert_eq!(kept[0], 64.0);
        assert!(
            kept.windows(2).all(|pair| pair[0] - pair[1] >= 6.0),
            "{kept:?}"
        );
    }

    #[test]
    fn pictures_of_few_and_many_counts_are_whole() {
        let sixteen: Vec<usize> = (1..=16).collect();
        let panels = [
            panel("two counts", &[1, 2]),
            panel("doubling to 64", &[1, 2, 4, 8, 16, 32, 64]),
            panel("sixteen counts", &sixteen),
            panel("one count", &[1]),
        ];
        let text = svg(&panels).unwrap();
        assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
        for name in ["two counts", "ideal", "memory (read roofline)", "widebeam"] {
            assert!(text.contains(name), "{name}");
        }
        let bytes = png(&panels).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), size(&panels));
        assert!(pixels.iter().any(|&part| part != 255));
        if let Some(folder) = std::env::var_os("WIDEBEAM_PLOT_SAMPLES") {
            std::fs::write(Path::new(&folder).join("layout.png"), bytes).unwrap();
            std::fs::write(Path::new(&folder).join("layout.svg"), text).unwrap();
        }
    }
}
