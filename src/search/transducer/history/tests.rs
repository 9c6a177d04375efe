use super::*;
use crate::search::transducer::live::LivePrefix;

/// Two hypotheses that share their first two tokens: [7, 8, 1] and [7, 8, 2, 3].
struct Bed {
    history: History,
    live: LivePrefixes<()>,
    places: [u32; 2],
    emissions: [u32; 2],
}

fn bed() -> Bed {
    let mut history = History::default();
    history.reset(2).unwrap();
    let mut live = LivePrefixes::default();
    live.reserve(3).unwrap();
    let mut hypothesis = |tokens: &[u32]| {
        let (mut node, mut emission) = (0, 0);
        for (at, &token) in (0..).zip(tokens) {
            node = history.prefixes.child(node, token);
            // Alignments share nodes where they are the same.
            let shared = at < 2 && history.emissions.len() > 2;
            emission = match shared {
                true => at + 1,
                false => history.emissions.push(
                    emission,
                    Emission {
                        frame: 10 * at + 5,
                        duration: at,
                    },
                ),
            };
        }
        let place = live.insert(
            LivePrefix {
                node,
                ..LivePrefix::EMPTY
            },
            (),
        );
        live.hold(place);
        history.prefixes.set_rank(node, place);
        (place, emission)
    };
    let (first, second) = (hypothesis(&[7, 8, 1]), hypothesis(&[7, 8, 2, 3]));
    Bed {
        history,
        live,
        places: [first.0, second.0],
        emissions: [first.1, second.1],
    }
}

impl Bed {
    fn compact(&mut self) {
        let emissions = &mut self.emissions;
        self.history
            .compact(2, &mut self.live, |each| {
                emissions.iter_mut().for_each(each)
            })
            .unwrap();
    }

    /// Tokens, frames and durations of a hypothesis.
    fn read(&self, at: usize) -> [Vec<u32>; 3] {
        let node = self.live.get(self.places[at]).node;
        let length = self.history.length(node);
        let [mut tokens, mut frames, mut durations] = [(); 3].map(|()| vec![99; length]);
        self.history.read_tokens(node, &mut tokens);
        self.history
            .read_emissions(self.emissions[at], &mut frames, &mut durations);
        [tokens, frames, durations]
    }
}

#[test]
fn what_all_share_leaves_the_trees_and_can_be_taken() {
    let mut bed = bed();
    let before = [bed.read(0), bed.read(1)];
    assert_eq!(before[0], [vec![7, 8, 1], vec![5, 15, 25], vec![0, 1, 2]]);
    assert_eq!(bed.history.first_frame(bed.emissions[0]), Some(5));
    assert_eq!(bed.history.first_frame(0), None);
    bed.compact();
    assert_eq!([bed.read(0), bed.read(1)], before);
    let shared = bed.history.shared();
    let expected: [&[u32]; 3] = [&[7, 8], &[5, 15], &[0, 1]];
    assert_eq!([shared.tokens, shared.frames, shared.durations], expected);
    let node = bed.live.get(bed.places[1]).node;
    assert_eq!(
        bed.live.place_of(&bed.history.prefixes, node),
        bed.places[1]
    );
    bed.history.forget_shared(2);
    assert_eq!(bed.history.taken(), 2);
    assert_eq!(bed.read(1), [vec![2, 3], vec![25, 35], vec![2, 3]]);
    // The first frame is that of a token which was taken.
    assert_eq!(bed.history.first_frame(bed.emissions[0]), Some(5));
    // One of them ends: all that is left is shared.
    bed.live.release(bed.places[0]);
    bed.emissions[0] = NONE;
    bed.compact();
    assert_eq!(bed.history.shared().tokens, [2, 3]);
    assert_eq!(bed.history.first_frame(bed.emissions[1]), Some(5));
    bed.history.reset(2).unwrap();
    assert_eq!(
        (bed.history.taken(), bed.history.shared().tokens.len()),
        (0, 0)
    );
    assert_eq!(bed.history.first_frame(0), None);
}

#[test]
fn the_prefix_before_a_frame() {
    let mut bed = bed();
    let node = |bed: &Bed| bed.live.get(bed.places[1]).node;
    let before = |bed: &Bed, frame| bed.history.node_before(node(bed), bed.emissions[1], frame);
    assert_eq!(before(&bed, 36), Some(node(&bed)));
    let shorter = before(&bed, 35).unwrap();
    assert_eq!(bed.history.prefixes.tree().parent(node(&bed)), shorter);
    assert_eq!(before(&bed, 0), Some(0));
    let first = bed.live.get(bed.places[0]).node;
    assert!(bed.history.begins_with(node(&bed), shorter));
    assert!(!bed.history.begins_with(first, shorter));
    assert!(bed.history.begins_with(first, before(&bed, 20).unwrap()));
    bed.compact();
    // The tree begins after two tokens.
    assert_eq!(before(&bed, 20), Some(0));
    bed.live.release(bed.places[0]);
    bed.emissions[0] = NONE;
    bed.compact();
    assert_eq!((before(&bed, 36), before(&bed, 20)), (Some(0), Some(0)));
}

#[test]
fn trees_are_compacted_once_they_have_grown() {
    let mut bed = bed();
    assert!(!bed.history.has_grown());
    let most = slack(2);
    bed.history.reserve(most).unwrap();
    for token in 0..most as u32 {
        bed.history.prefixes.child(0, 100 + token);
    }
    assert!(bed.history.has_grown());
    bed.compact();
    assert!(!bed.history.has_grown());
}
