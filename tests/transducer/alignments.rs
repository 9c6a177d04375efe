//! Every alignment of an utterance, one by one.

use std::collections::HashMap;

use widebeam::reference::transducer::Topology;

use crate::cases::Case;

/// The frames and the durations of the tokens of an alignment.
type Path = (Vec<u32>, Vec<u32>);

/// What leads to one sequence of tokens. Masses are probabilities, not logarithms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Labelling {
    pub(crate) mass: f64,
    /// That of the alignments that the forward algorithm of Xu et al. has: blanks have
    /// durations, and the last symbol is a blank that ends with the last frame.
    pub(crate) published: f64,
    /// The log-probability of the best alignment that has its tokens at a path.
    pub(crate) paths: HashMap<Path, f64>,
}

impl Labelling {
    /// The log-probability of the best alignment.
    pub(crate) fn best(&self) -> f64 {
        let best = self.paths.values().copied();
        best.fold(f64::NEG_INFINITY, f64::max)
    }
}

#[derive(Clone, Default)]
struct Partial {
    tokens: Vec<u32>,
    path: Path,
    score: f64,
    /// Whether the forward algorithm of Xu et al. has all of it so far.
    published: bool,
    ends_in_blank: bool,
}

/// All labellings that any alignment leads to.
pub(crate) fn all(case: &Case) -> HashMap<Vec<u32>, Labelling> {
    let mut found = HashMap::new();
    let start = Partial {
        published: true,
        ..Partial::default()
    };
    go_on(case, 0, 0, start, &mut found);
    found
}

/// Ends an alignment, or goes on with every symbol.
fn go_on(
    case: &Case,
    frame: usize,
    emitted: usize,
    partial: Partial,
    found: &mut HashMap<Vec<u32>, Labelling>,
) {
    if partial.score == f64::NEG_INFINITY {
        return;
    }
    if frame >= case.frames {
        let labelling = found.entry(partial.tokens).or_default();
        let mass = partial.score.exp();
        labelling.mass += mass;
        if partial.published && partial.ends_in_blank && frame == case.frames {
            labelling.published += mass;
        }
        let best = labelling
            .paths
            .entry(partial.path)
            .or_insert(f64::NEG_INFINITY);
        *best = best.max(partial.score);
        return;
    }
    let (tokens, durations) = case.log_probabilities(frame, &partial.tokens);
    let durations: Vec<(usize, f64)> = match &case.topology {
        Topology::Tdt { durations: of, .. } => {
            let of = of.iter().map(|&duration| duration as usize);
            of.zip(durations).collect()
        }
        // Of tokens; the blank leaves the frame in any case.
        Topology::Standard { .. } => vec![(0, 0.0)],
        Topology::OneSymbol => vec![(1, 0.0)],
    };
    for (token, score) in (0..).zip(tokens) {
        for &(duration, duration_score) in &durations {
            let mut next = partial.clone();
            next.score += score + duration_score;
            next.ends_in_blank = token == case.blank;
            if token == case.blank {
                next.published &= duration > 0;
                go_on(case, frame + duration.max(1), 0, next, found);
            } else if emitted < case.max_symbols() {
                next.tokens.push(token);
                next.path.0.push(frame as u32);
                if matches!(case.topology, Topology::Tdt { .. }) {
                    next.path.1.push(duration as u32);
                }
                let emitted = if duration == 0 { emitted + 1 } else { 0 };
                go_on(case, frame + duration, emitted, next, found);
            }
        }
    }
}
