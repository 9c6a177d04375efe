//! How much an item needs, by its shape alone.

/// How the beam of an item grows, by its shape.
pub(super) struct Growth {
    /// How wide it can become, which is how wide it can be at the end.
    pub(super) beam: usize,
    /// The hypotheses of all steps.
    pub(super) nodes: usize,
}

impl Growth {
    /// In `steps` steps with rows of `width` tokens.
    pub(super) fn of(beams: usize, width: usize, steps: usize) -> Self {
        let (mut beam, mut nodes) = (1usize, 0usize);
        if width == 1 {
            mark!("a beam of a single sequence");
            return Growth { beam, nodes: steps };
        }
        for step in 0..steps {
            beam = beam.saturating_mul(width).min(beams);
            nodes = nodes.saturating_add(beam);
            if beam == beams {
                // From here on the beam is full.
                nodes = nodes.saturating_add((steps - step - 1).saturating_mul(beams));
                break;
            }
        }
        Growth { beam, nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;

    /// How a beam grows, step by step.
    fn grown(beams: usize, width: usize, steps: usize) -> (usize, usize) {
        let (mut beam, mut nodes) = (1usize, 0);
        for _ in 0..steps {
            beam = (beam * width).min(beams);
            nodes += beam;
        }
        (beam, nodes)
    }

    #[test]
    fn a_beam_grows_by_the_width_of_the_rows_until_it_is_full() {
        for beams in 1..20 {
            for width in 1..=beams {
                for steps in 0..9 {
                    let Growth { beam, nodes } = Growth::of(beams, width, steps);
                    let expected = grown(beams, width, steps);
                    assert_eq!((beam, nodes), expected, "{beams} {width} {steps}");
                }
            }
        }
        // Nobody waits for a long way of one sequence, or of a full beam.
        let long = marks::expect("a beam of a single sequence", || {
            Growth::of(9, 1, usize::MAX)
        });
        assert_eq!((long.beam, long.nodes), (1, usize::MAX));
        let full = Growth::of(9, 3, usize::MAX);
        assert_eq!((full.beam, full.nodes), (9, usize::MAX));
    }
}
