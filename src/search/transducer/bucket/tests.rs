use super::*;
use crate::search::transducer::live::LivePrefix;

/// Prefixes at places 0, 1, 2, ... that the scorer has given these scores.
fn live(scored: &[f64]) -> LivePrefixes<()> {
    let mut live = LivePrefixes::default();
    live.reserve(scored.len()).unwrap();
    for &scored in scored {
        let prefix = LivePrefix {
            scored,
            ..LivePrefix::EMPTY
        };
        live.insert(prefix, ());
    }
    live
}

fn paths(mass: f64, source: u32) -> Paths {
    Paths {
        mass,
        best: mass,
        emission: 0,
        source,
    }
}

struct Bed {
    bucket: Bucket,
    emissions: Tree<Emission>,
}

impl Bed {
    fn new() -> Self {
        let (mut bucket, mut emissions) = (Bucket::default(), Tree::default());
        bucket.reserve(9, 9).unwrap();
        emissions.reset(9).unwrap();
        Bed { bucket, emissions }
    }

    fn arrive(&mut self, place: u32, paths: Paths, frame: u32, emits: Option<u32>) -> bool {
        let emits = emits.map(|duration| Emission { frame, duration });
        let arrival = Arrival {
            place,
            paths,
            emits,
        };
        self.bucket.arrive(arrival, frame, &mut self.emissions)
    }

    fn places(&self) -> Vec<u32> {
        self.bucket.waiting().iter().map(|w| w.place).collect()
    }
}

#[test]
fn alignments_of_a_prefix_are_one_with_their_sum_and_the_best_of_them() {
    let mut bed = Bed::new();
    assert!(bed.arrive(4, paths(-2.0, 3), 0, None));
    assert!(bed.arrive(1, paths(-1.0, 0), 0, Some(2)));
    assert!(!bed.arrive(4, paths(-2.5, 1), 0, Some(0)));
    // As good as the best one, later.
    assert!(!bed.arrive(4, paths(-2.0, 2), 0, Some(0)));
    let waiting = bed.bucket.waiting()[0];
    let sum = log_add_scalar(log_add_scalar(-2.0, -2.5), -2.0);
    assert_eq!((waiting.place, waiting.paths.mass), (4, sum));
    let Paths {
        best,
        emission,
        source,
        ..
    } = waiting.paths;
    assert_eq!((best, emission, source), (-2.0, 0, 1));
    // Only alignments that are the best of a prefix are remembered.
    assert_eq!(bed.emissions.len(), 2);
    assert!(!bed.arrive(4, paths(-1.5, 9), 0, Some(7)));
    let waiting = bed.bucket.waiting()[0];
    let emission = bed.emissions.value(waiting.paths.emission);
    assert_eq!((waiting.paths.best, emission.duration), (-1.5, 7));
}

/// A frame that is under way can be left out.
#[test]
fn what_was_there_before_a_frame_is_known() {
    let mut bed = Bed::new();
    bed.arrive(0, paths(-2.0, 1), 5, None);
    bed.arrive(1, paths(-3.0, 1), 6, None);
    for _ in 0..2 {
        bed.arrive(0, paths(-1.0, 0), 6, Some(1));
    }
    let [first, second] = [0, 1].map(|at| bed.bucket.waiting()[at]);
    assert_eq!(first.settled(6), Some(paths(-2.0, 1)));
    assert_eq!(first.settled(NO_FRAME), Some(first.paths));
    assert_eq!(
        (second.settled(6), second.settled(7)),
        (None, Some(second.paths))
    );
    let mut emissions = Vec::new();
    bed.bucket
        .each_emission(6, &mut |node| emissions.push(*node));
    assert_eq!(emissions, [1, 0, 0, NONE]);
    // After the frame nothing holds on to what was before.
    emissions.clear();
    bed.bucket
        .each_emission(NO_FRAME, &mut |node| emissions.push(*node));
    assert_eq!(emissions, [1, NONE, 0, NONE]);
}

#[test]
fn prefixes_rank_by_score_then_source_then_arrival() {
    let live = live(&[0.0, 0.5, -1.0, 0.0, 0.0]);
    let mut bed = Bed::new();
    for (place, mass, source) in [
        (3, -1.0, 2),
        (1, -1.5, 1),
        (0, -1.0, 1),
        (2, 1.0, 7),
        (4, -2.0, 0),
    ] {
        bed.arrive(place, paths(mass, source), 0, None);
    }
    // All but the first and the last have a score of -1, with these sources: 2, 1, 1.
    let mut ranking = Vec::new();
    bed.bucket.rank(&live, 9, &mut ranking).unwrap();
    let order: Vec<u32> = ranking.iter().map(|&c| candidate::numbers(c).1).collect();
    assert_eq!(order, [3, 1, 2, 0, 4]);
    let mut keys = Vec::new();
    for (beams, score) in [(1, 0.0), (2, -1.0), (4, -1.0), (5, -2.0), (6, IMPOSSIBLE)] {
        let threshold = bed.bucket.threshold(&live, beams, &mut keys).unwrap();
        assert_eq!(threshold, score, "{beams}");
    }
}

#[test]
fn what_is_cut_is_in_the_order_of_rank_and_found_again() {
    let live = live(&[0.0; 5]);
    let mut bed = Bed::new();
    for (place, mass) in [(3, -1.0), (1, -3.0), (0, -0.5), (4, -2.0), (2, -4.0)] {
        bed.arrive(place, paths(mass, 0), 0, None);
    }
    let (mut ranking, mut dropped) = (Vec::new(), Vec::new());
    bed.bucket.rank(&live, 3, &mut ranking).unwrap();
    bed.bucket.cut(&ranking, &mut dropped).unwrap();
    assert_eq!((bed.places(), dropped), (vec![0, 3, 4], vec![1, 2]));
    assert!(!bed.arrive(3, paths(-1.0, 0), 0, None));
    assert!(bed.arrive(1, paths(-1.0, 0), 0, None));
    let mut dropped = Vec::new();
    bed.bucket.retain(|place| place != 3, &mut dropped);
    assert_eq!((bed.places(), dropped), (vec![0, 4, 1], vec![3]));
    assert!(!bed.arrive(1, paths(-1.0, 0), 0, None));
    assert!(bed.arrive(3, paths(-1.0, 0), 0, None));
}
