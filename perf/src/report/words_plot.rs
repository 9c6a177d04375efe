//! Word errors over the time of a frame: a panel for each task, a curve for each decoder, whose
//! points are its widths.

use plotters::style::RGBColor;

use super::line_plot::{BLUE, Curve, GREEN, GREY, Legend, ORANGE, PURPLE, Panel, WIDEBEAM, YAxis};
use crate::record::Entry;

const OWN: [RGBColor; 2] = [WIDEBEAM, ORANGE];
const PEERS: [RGBColor; 4] = [BLUE, GREEN, PURPLE, GREY];

pub(super) fn panels(entries: &[Entry]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for entry in entries.iter().filter(|entry| entry.suite == "words") {
        let (Some([items, frames, _]), Some(seconds), Some((wrong, of))) =
            (entry.sizes(), entry.seconds, errors(&entry.note))
        else {
            continue;
        };
        let title = format!("{}: {of} words", entry.input);
        if panels.iter().all(|panel| panel.title != title) {
            panels.push(Panel {
                title: title.clone(),
                x: "microseconds a frame",
                y: "words wrong, %",
                y_axis: YAxis::Linear,
                legend: Legend::Above,
                curves: Vec::new(),
            });
        }
        let Some(panel) = panels.iter_mut().find(|panel| panel.title == title) else {
            continue;
        };
        let point = (
            1e6 * seconds / (items * frames) as f64,
            100.0 * wrong as f64 / of as f64,
        );
        match panel
            .curves
            .iter_mut()
            .find(|curve| curve.label == entry.program)
        {
            Some(curve) => curve.points.push(point),
            None => {
                let is_own = |program: &str| program.starts_with("widebeam");
                let own = is_own(&entry.program);
                let alike = panel
                    .curves
                    .iter()
                    .filter(|curve| is_own(&curve.label) == own);
                let colours: &[RGBColor] = if own { &OWN } else { &PEERS };
                panel.curves.push(Curve {
                    label: entry.program.clone(),
                    colour: colours[alike.count() % colours.len()],
                    points: vec![point],
                });
            }
        }
    }
    for curve in panels.iter_mut().flat_map(|panel| &mut panel.curves) {
        curve.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    panels
}

/// Of `14 of 95 words wrong` the two numbers.
fn errors(note: &str) -> Option<(usize, usize)> {
    let (wrong, of) = note.strip_suffix(" words wrong")?.split_once(" of ")?;
    Some((wrong.parse().ok()?, of.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::line_plot;

    #[test]
    fn a_decoder_has_a_curve_and_a_width_a_point() {
        let entry = |input: &str, program: &str, seconds: f64, note: &str| Entry {
            suite: "words".to_owned(),
            input: input.to_owned(),
            shape: "1x100x40".to_owned(),
            program: program.to_owned(),
            seconds: Some(seconds),
            note: note.to_owned(),
            ..Entry::default()
        };
        let entries = [
            entry("speech", "other", 4e-3, "20 of 80 words wrong"),
            entry("speech", "widebeam", 2e-3, "16 of 80 words wrong"),
            entry("speech", "widebeam", 1e-3, "40 of 80 words wrong"),
            entry("speech", "another", 8e-3, "20 of 80 words wrong"),
            entry("speech", "silent", 1e-3, ""),
            entry("ocr", "other", 1e-3, "1 of 2 words wrong"),
        ];
        let panels = panels(&entries);
        let titles: Vec<_> = panels.iter().map(|panel| &panel.title[..]).collect();
        assert_eq!(titles, ["speech: 80 words", "ocr: 2 words"]);
        let [other, own, another] = &panels[0].curves[..] else {
            panic!("{panels:?}")
        };
        assert_eq!(own.points, [(10.0, 50.0), (20.0, 20.0)]);
        assert_eq!(own.colour, WIDEBEAM);
        assert_ne!(other.colour, another.colour);
        let text = line_plot::svg(&panels, 2).unwrap();
        assert!(text.contains("words wrong, %") && text.contains("ocr: 2 words"));
    }
}
