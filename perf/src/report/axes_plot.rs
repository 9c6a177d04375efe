//! The time of one search over the number of tokens, of beams and of items, beside that of
//! others, and how near it is to reading at each number of tokens.

use plotters::style::RGBColor;

use super::line_plot::{BLUE, Curve, GREEN, GREY, Legend, PURPLE, Panel, WIDEBEAM, YAxis};
use crate::record::Entry;

const PROGRAMS: [(&str, &str, RGBColor); 5] = [
    ("PyTorch, the snippet", "PyTorch, the snippet", PURPLE),
    ("NumPy argpartition", "NumPy argpartition", GREEN),
    ("PyTorch, best formulation", "PyTorch, best", BLUE),
    ("widebeam", "widebeam", WIDEBEAM),
    ("roofline", "reading the scores", GREY),
];

/// Items, steps, tokens and beams of an input.
type Sizes = [usize; 4];
const ITEMS: usize = 0;
const TOKENS: usize = 2;
const BEAMS: usize = 3;

pub(super) fn panels(entries: &[Entry]) -> Vec<Panel> {
    let measured: Vec<(Sizes, &Entry)> = entries
        .iter()
        .filter(|entry| entry.suite == "axes")
        .filter_map(|entry| {
            let [items, steps, tokens] = entry.sizes()?;
            Some(([items, steps, tokens, entry.beams?], entry))
        })
        .collect();
    let mut panels: Vec<Panel> = [
        (TOKENS, "tokens of the vocabulary"),
        (BEAMS, "beams"),
        (ITEMS, "items of the batch"),
    ]
    .into_iter()
    .filter_map(|(axis, x)| over(&measured, axis, x))
    .collect();
    panels.extend(fraction(&measured));
    panels
}

/// The inputs that differ from most others in the size of one axis alone.
fn along<'a>(measured: &[(Sizes, &'a Entry)], axis: usize) -> Vec<(Sizes, &'a Entry)> {
    let others = |mut sizes: Sizes| {
        sizes[axis] = 0;
        sizes
    };
    let alike = |of: Sizes| {
        let alike = measured
            .iter()
            .filter(move |(sizes, _)| others(*sizes) == others(of));
        let mut found: Vec<_> = alike.copied().collect();
        found.sort_by_key(|(sizes, _)| sizes[axis]);
        found
    };
    let all = measured.iter().map(|&(sizes, _)| alike(sizes));
    all.max_by_key(Vec::len).unwrap_or_default()
}

fn curve(found: &[(Sizes, &Entry)], axis: usize, program: &str) -> Vec<(f64, f64)> {
    let of = found.iter().filter(|(_, entry)| entry.program == program);
    of.filter_map(|(sizes, entry)| Some((sizes[axis] as f64, entry.seconds?)))
        .collect()
}

fn over(measured: &[(Sizes, &Entry)], axis: usize, x: &'static str) -> Option<Panel> {
    let found = along(measured, axis);
    let (sizes, _) = found.first()?;
    let said = [(ITEMS, "items"), (TOKENS, "tokens"), (BEAMS, "beams")];
    let fixed = said.into_iter().filter(|(of, _)| *of != axis);
    let fixed: Vec<_> = fixed
        .map(|(of, name)| format!("{} {name}", sizes[of]))
        .collect();
    let curves = PROGRAMS.into_iter().filter_map(|(program, label, colour)| {
        let points = curve(&found, axis, program);
        (!points.is_empty()).then(|| Curve {
            label: label.to_owned(),
            colour,
            points: points
                .into_iter()
                .map(|(x, seconds)| (x, 1e3 * seconds))
                .collect(),
        })
    });
    Some(Panel {
        title: format!("{}, {} steps", fixed.join(", "), sizes[1]),
        x,
        y: "ms for all items",
        y_axis: YAxis::Logarithmic,
        legend: Legend::Above,
        curves: curves.collect(),
    })
}

/// The time of a read over that of a search.
fn fraction(measured: &[(Sizes, &Entry)]) -> Option<Panel> {
    let found = along(measured, TOKENS);
    let searched = curve(&found, TOKENS, "widebeam");
    let read = curve(&found, TOKENS, "roofline");
    let share = |&(tokens, seconds): &(f64, f64)| {
        let (_, read) = read.iter().find(|(of, _)| *of == tokens)?;
        Some((tokens, 100.0 * read / seconds))
    };
    let points: Vec<_> = searched.iter().filter_map(share).collect();
    (!points.is_empty()).then(|| Panel {
        title: "how near to the speed of reading".to_owned(),
        x: "tokens of the vocabulary",
        y: "% of the read roofline",
        y_axis: YAxis::Linear,
        legend: Legend::Left,
        curves: vec![Curve {
            label: "widebeam".to_owned(),
            colour: WIDEBEAM,
            points,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::line_plot;

    #[test]
    fn each_axis_has_the_inputs_that_differ_in_it_alone() {
        let entry = |shape: &str, beams: usize, program: &str, seconds: f64| Entry {
            suite: "axes".to_owned(),
            shape: shape.to_owned(),
            beams: Some(beams),
            program: program.to_owned(),
            seconds: Some(seconds),
            ..Entry::default()
        };
        let entries = [
            entry("4x2x100", 8, "widebeam", 1e-3),
            entry("4x2x100", 8, "roofline", 0.5e-3),
            entry("4x2x50", 8, "widebeam", 0.5e-3),
            entry("4x2x200", 8, "widebeam", 2e-3),
            entry("4x2x200", 8, "roofline", 1.5e-3),
            entry("4x2x100", 1, "widebeam", 0.75e-3),
            entry("8x2x100", 8, "widebeam", 3e-3),
            entry("8x2x100", 8, "NumPy argpartition", 9e-3),
        ];
        let panels = panels(&entries);
        let points = |panel: usize, label: &str| {
            let mut curves = panels[panel].curves.iter();
            let curve = curves.find(|curve| curve.label == label);
            curve.map(|curve| curve.points.clone())
        };
        assert_eq!(panels.len(), 4);
        assert_eq!(
            points(0, "widebeam").unwrap(),
            [(50.0, 0.5), (100.0, 1.0), (200.0, 2.0)]
        );
        assert_eq!(points(1, "widebeam").unwrap(), [(1.0, 0.75), (8.0, 1.0)]);
        assert_eq!(points(2, "widebeam").unwrap(), [(4.0, 1.0), (8.0, 3.0)]);
        assert_eq!(points(2, "NumPy argpartition").unwrap(), [(8.0, 9.0)]);
        assert_eq!(points(0, "NumPy argpartition"), None);
        assert_eq!(
            points(3, "widebeam").unwrap(),
            [(100.0, 50.0), (200.0, 75.0)]
        );
        assert_eq!(panels[1].title, "4 items, 100 tokens, 2 steps");
        let text = line_plot::svg(&panels, 2).unwrap();
        for name in ["beams", "NumPy argpartition", "% of the read roofline"] {
            assert!(text.contains(name), "{name}");
        }
        assert!(super::panels(&[]).is_empty());
    }
}
