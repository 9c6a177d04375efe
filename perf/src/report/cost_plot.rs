//! The cost of the best k of a row over k: a panel for each length of a row.

use std::collections::BTreeMap;

use super::line_plot::{BLUE, Curve, GREY, Legend, Panel, WIDEBEAM, YAxis, extremes};
use crate::record::Entry;

/// What a sweep measured, by the tokens of a row and the program: microseconds a row, by k.
type Costs = BTreeMap<usize, BTreeMap<String, Vec<(f64, f64)>>>;

const PROGRAMS: [(&str, &str, plotters::style::RGBColor); 3] = [
    ("widebeam", "widebeam", WIDEBEAM),
    ("heap", "heap of the design", BLUE),
    ("sort", "sort of the row", GREY),
];

pub(super) fn panels(entries: &[Entry]) -> Vec<Panel> {
    let mut costs = Costs::new();
    for entry in entries.iter().filter(|entry| entry.suite == "sweep") {
        let (Some([_, rows, tokens]), Some(k), Some(seconds)) =
            (entry.sizes(), entry.beams, entry.seconds)
        else {
            continue;
        };
        let programs = costs.entry(tokens).or_default();
        let cost = programs.entry(entry.program.clone()).or_default();
        cost.push((k as f64, 1e6 * seconds / rows as f64));
    }
    costs
        .into_iter()
        .map(|(tokens, programs)| panel(tokens, &programs))
        .collect()
}

fn panel(tokens: usize, programs: &BTreeMap<String, Vec<(f64, f64)>>) -> Panel {
    let (least, most) = extremes(programs.values().flatten().map(|point| point.0));
    let curve = |(program, label, colour): (&str, &str, _)| {
        let points = programs.get(program)?;
        Some(Curve {
            label: label.to_owned(),
            colour,
            points: match points[..] {
                // A sort costs the same for every k.
                [(_, cost)] => vec![(least, cost), (most, cost)],
                _ => points.clone(),
            },
        })
    };
    Panel {
        title: format!("rows of {tokens} tokens"),
        x: "k",
        y: "microseconds a row",
        y_axis: YAxis::Logarithmic,
        legend: Legend::Left,
        curves: PROGRAMS.into_iter().filter_map(curve).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::line_plot;

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
        assert_eq!(panels[0].curves[0].points, [(8.0, 2.0), (64.0, 16.0)]);
        assert_eq!(panels[0].curves[1].points, [(8.0, 128.0), (512.0, 128.0)]);
        let text = line_plot::svg(&panels, 3).unwrap();
        for name in [
            "rows of 512 tokens",
            "rows of 1024 tokens",
            "sort of the row",
        ] {
            assert!(text.contains(name), "{name}");
        }
    }
}
