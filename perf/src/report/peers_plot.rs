//! How many times as long as widebeam other programs take, as a picture: a panel for each
//! search, a line for each program, a dot for each input.

use plotters::coord::Shift;
use plotters::prelude::*;

use super::line_plot::{BLUE as PEER, WIDEBEAM};
use super::newest::Machine;
use super::picture;
use crate::scaling::plot_text;

/// One program: its name, and its time over widebeam's on each input.
#[derive(Debug, PartialEq)]
struct Line {
    program: String,
    times: Vec<f64>,
}

/// The programs that were measured beside a search, the fastest first.
#[derive(Debug)]
pub(super) struct Panel {
    search: &'static str,
    lines: Vec<Line>,
}

/// Pixels: of a panel's width, of a line, of what stands above and below the lines.
const WIDTH: u32 = 860;
const LINE: u32 = 24;
const AROUND: u32 = 108;
/// Room for the names of programs.
const NAMES: u32 = 330;

const SEARCHES: [(&str, &str); 4] = [
    ("independent", "independent positions"),
    ("autoregressive", "a step with the model in the loop"),
    ("ctc", "CTC"),
    ("transducer", "transducer"),
];

/// What was measured beside peers on a machine.
pub(super) fn panels(machine: &Machine) -> Vec<Panel> {
    let panel = |(name, search)| {
        let mut lines: Vec<Line> = Vec::new();
        for group in machine.groups("peers", name) {
            let Some(own) = group.seconds("widebeam") else {
                continue;
            };
            for row in group.rows.iter().filter(|row| row.program != "widebeam") {
                let Some(seconds) = row.seconds else {
                    continue;
                };
                let program = match row.note.starts_with("no search") {
                    true => format!("{} (no search)", row.program),
                    false => row.program.clone(),
                };
                match lines.iter_mut().find(|line| line.program == program) {
                    Some(line) => line.times.push(seconds / own),
                    None => lines.push(Line {
                        program,
                        times: vec![seconds / own],
                    }),
                }
            }
        }
        lines.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
        (!lines.is_empty()).then_some(Panel { search, lines })
    };
    SEARCHES.into_iter().filter_map(panel).collect()
}

/// The logarithm of the geometric mean of a line's dots.
fn middle(line: &Line) -> f64 {
    let logs = line.times.iter().map(|time| time.ln());
    logs.sum::<f64>() / line.times.len() as f64
}

pub(super) fn svg(panels: &[Panel]) -> Result<String, String> {
    let height = |panel: &Panel| AROUND + LINE * panel.lines.len() as u32;
    let size = (WIDTH, panels.iter().map(height).sum());
    picture::svg(size, |area| {
        let mut below = area.clone();
        for panel in panels {
            let (own, rest) = below.split_vertically(height(panel));
            draw(&own, panel)?;
            below = rest;
        }
        Ok(())
    })
}

fn draw<B: DrawingBackend>(
    area: &DrawingArea<B, Shift>,
    panel: &Panel,
) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
    let times = || panel.lines.iter().flat_map(|line| &line.times).copied();
    let least = times().fold(1.0, f64::min);
    let most = times().fold(1.0, f64::max);
    let count = panel.lines.len();
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(24)
        .caption(panel.search, plot_text::font(19))
        .x_label_area_size(42)
        .y_label_area_size(NAMES)
        .build_cartesian_2d(
            (0.7 * least..1.5 * most).log_scale(),
            -0.6..count as f64 - 0.4,
        )?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(RGBColor(228, 228, 228))
        .disable_y_mesh()
        .y_labels(0)
        .x_desc("times as long as widebeam")
        .axis_desc_style(plot_text::font(15))
        .label_style(plot_text::font(13))
        .x_label_formatter(&|x| format!("{x}"))
        .draw()?;
    let ends = [(1.0, -0.6), (1.0, count as f64 - 0.4)];
    chart.draw_series(LineSeries::new(ends, WIDEBEAM.stroke_width(2)))?;
    for (place, line) in panel.lines.iter().enumerate() {
        // The fastest stands on top.
        let y = (count - 1 - place) as f64;
        let dots = line.times.iter().map(|&time| (time, y));
        chart.draw_series(dots.map(|dot| Circle::new(dot, 5, PEER.mix(0.6).filled())))?;
        let (left, at) = chart.backend_coord(&(0.7 * least, y));
        let (own_left, own_top) = area.get_base_pixel();
        let name = Text::new(
            line.program.clone(),
            (left - own_left - NAMES as i32 + 4, at - own_top - 7),
            plot_text::font(13),
        );
        area.draw(&name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Entry;

    #[test]
    fn each_program_has_a_line_and_each_input_a_dot() {
        let entry = |search: &str, shape: &str, program: &str, seconds: Option<f64>| Entry {
            suite: "peers".to_owned(),
            search: search.to_owned(),
            shape: shape.to_owned(),
            program: program.to_owned(),
            seconds,
            ..Entry::default()
        };
        let machine = Machine {
            folder: "some".to_owned(),
            entries: vec![
                entry("ctc", "1x2x3", "widebeam", Some(2.0)),
                entry("ctc", "1x2x3", "slow", Some(200.0)),
                Entry {
                    note: "no search: the largest".to_owned(),
                    ..entry("ctc", "1x2x3", "roofline", Some(1.0))
                },
                entry("ctc", "1x2x4", "widebeam", Some(4.0)),
                entry("ctc", "1x2x4", "slow", Some(40.0)),
                entry("ctc", "1x2x4", "none", None),
                // There is nothing to compare it with.
                entry("independent", "1x2x3", "slow", Some(1.0)),
            ],
        };
        let panels = panels(&machine);
        let [ctc] = &panels[..] else {
            panic!("{panels:?}")
        };
        let line = |program: &str, times: &[f64]| Line {
            program: program.to_owned(),
            times: times.to_vec(),
        };
        let expected = [
            line("roofline (no search)", &[0.5]),
            line("slow", &[100.0, 10.0]),
        ];
        assert_eq!((ctc.search, &ctc.lines[..]), ("CTC", &expected[..]));
        let text = svg(&panels).unwrap();
        for name in ["roofline", "slow", "times as long as widebeam"] {
            assert!(text.contains(name), "{name}");
        }
        assert_eq!(text.matches("<circle").count(), 3);
    }
}
