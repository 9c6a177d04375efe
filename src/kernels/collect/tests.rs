use half::{bf16, f16};

use super::*;
use crate::kernels::plan::{Compared, RowPath};
use crate::kernels::scan::STRIPE;
use crate::kernels::top_k::cases::{Rounded, in_order, patterns, peaks, scores, sparse_patterns};
use crate::marks;
use crate::scores::ScoreKind::{LogProbabilities, Logits, Probabilities};
use crate::simd::{Dispatch, Kernel, Level};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Panels,
    All,
}

struct Collect<'a, E> {
    way: Way,
    row: &'a [E],
    peaks: &'a [[f32; F32_LANES]],
    bound: f32,
    plan: &'a Plan,
}

impl<E: Lanes> Kernel for Collect<'_, E> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> Vec<u32> {
        let Collect {
            way,
            row,
            peaks,
            bound,
            plan,
        } = self;
        let mut survivors = Survivors::default();
        survivors.reserve(plan.capacity, "a test").unwrap();
        let (survivors, prefetcher) = (&mut survivors, &mut Prefetcher::default());
        match way {
            Way::Panels => collect_panels(simd, row, peaks, bound, plan, prefetcher, survivors),
            Way::All => collect_all(simd, row, &[], bound, plan, survivors),
        }
        let len = survivors.len();
        survivors.room()[..len].to_vec()
    }
}

/// Tokens that share a peak's vector.
fn tokens_of_a_peak(plan: &Plan) -> usize {
    match plan.path {
        RowPath::Short => unreachable!("short rows have no peaks"),
        RowPath::Quads(_) => QUAD,
        RowPath::Stripes { panel, .. } => panel * STRIPE,
    }
}

/// Collects the tokens that reach some bounds, by one way, and checks that the best k
/// are among them.
fn check<E: Lanes>(level: Level, way: Way, kind: ScoreKind, row: &[E], plan: &Plan) {
    let (k, length) = (plan.k, row.len());
    let all = in_order(kind, row);
    let peaks = &peaks(kind, row, tokens_of_a_peak(plan));
    let at = |place: usize| all.get(place).map(|&(_, value)| value);
    let bounds = [None, at(k - 1), at(2 * k), at(0)];
    for bound in bounds.map(|bound| bound.unwrap_or(plan.least)) {
        let reach = all.iter().filter(|&&(_, value)| value >= bound);
        let mut best: Vec<u32> = reach.map(|&(token, _)| token).take(k).collect();
        best.sort_unstable();
        let case = format!("{way:?} {kind:?} length {length} k {k} {bound} {level}");
        let tokens = Dispatch::new(level).unwrap().run(Collect {
            way,
            row,
            peaks,
            bound,
            plan,
        });
        assert!(tokens.len() <= plan.capacity, "{case}");
        let reach = |&token: &u32| row[token as usize].to_f32() >= bound;
        assert!(tokens.iter().all(reach), "{case}");
        assert!(tokens.windows(2).all(|pair| pair[0] < pair[1]), "{case}");
        let missing = best
            .iter()
            .find(|token| tokens.binary_search(token).is_err());
        assert_eq!(missing, None, "{case}");
    }
}

/// Checks rows in quads.
fn check_quads<E: Rounded>(
    level: Level,
    way: Way,
    kind: ScoreKind,
    lengths: &[usize],
    ks: &[usize],
) {
    for &length in lengths {
        let rows = patterns(length, 16).into_iter();
        for row in rows.chain(sparse_patterns(length)) {
            let row = &scores::<E>(kind, &row);
            for &k in ks.iter().filter(|&&k| k <= length) {
                let mut plan = Plan::top_k(k, length, kind);
                if plan.is_short() {
                    // A row of one whole quad is short, but could be read so.
                    plan.path = RowPath::Quads(Compared::Quads);
                }
                assert!(matches!(plan.path, RowPath::Quads(_)));
                check(level, way, kind, row, &plan);
            }
        }
    }
}

#[test]
fn quads_that_fill_the_list_are_cut_and_go_on() {
    for level in Level::available() {
        marks::expect("quads fill the list", || {
            check_quads::<f32>(
                level,
                Way::Panels,
                Probabilities,
                &[8191, 4160],
                &[1, 9, 64],
            );
        });
        marks::expect("quads fill the list", || {
            check_quads::<bf16>(level, Way::Panels, LogProbabilities, &[4095], &[33]);
        });
    }
}

/// A word has 64 quads, of which four are compared together. Rows end within a vector of
/// a quad, or at its end.
#[test]
fn quads_at_the_end_of_a_word_or_of_the_row() {
    for level in Level::available() {
        for quads in [1, 2, 3, 4, 5, 63, 64, 65, 127] {
            let lengths = [0, 1, 2, 15, 16, 17, 49, 63].map(|rest| quads * QUAD + rest);
            check_quads::<f32>(level, Way::Panels, Probabilities, &lengths, &[1, 16, 17]);
            check_quads::<f16>(level, Way::Panels, LogProbabilities, &lengths[..4], &[9]);
            check_quads::<bf16>(level, Way::Panels, Probabilities, &lengths[4..], &[16]);
        }
    }
}

#[test]
fn whole_rows_that_fill_the_list_are_cut_and_go_on() {
    let lengths = [65, 66, 127, 128, 129, 200];
    for level in Level::available() {
        marks::expect("quads fill the list", || {
            check_quads::<f32>(level, Way::All, Probabilities, &[1024, 5000], &[1, 16, 65]);
        });
        marks::expect("quads fill the list", || {
            check_quads::<f16>(level, Way::All, LogProbabilities, &[1023], &[17]);
        });
        check_quads::<bf16>(level, Way::All, Probabilities, &lengths, &[1, 16, 64]);
    }
}

#[test]
fn panels_that_fill_the_list_are_cut_and_go_on() {
    fn check_panels<E: Rounded>(level: Level, kind: ScoreKind) {
        for (length, k) in [
            (1, 1),
            (127, 20),
            (128, 128),
            (129, 100),
            (1000, 7),
            (9000, 64),
        ] {
            let rows = patterns(length, k).into_iter();
            for row in rows.chain(sparse_patterns(length)) {
                let plan = Plan::threshold(k, length, kind);
                check(level, Way::Panels, kind, &scores::<E>(kind, &row), &plan);
            }
        }
    }
    for level in Level::available() {
        for kind in [Probabilities, LogProbabilities, Logits] {
            marks::expect("quads fill the list", || check_panels::<f32>(level, kind));
            marks::expect("quads fill the list", || check_panels::<f16>(level, kind));
        }
    }
}

/// 64 panels are compared together; the last of a row may be cut short by stripes
/// and by tokens.
#[test]
fn panels_at_the_end_of_a_row_of_many() {
    for (stripes, k) in [(63, 3), (64, 3), (65, 3), (257, 70), (64, 200)] {
        for length in [stripes * STRIPE - 1, stripes * STRIPE, stripes * STRIPE + 1] {
            let plan = Plan::threshold(k, length, Probabilities);
            for row in sparse_patterns(length) {
                for level in Level::available() {
                    check(level, Way::Panels, Probabilities, &row, &plan);
                }
            }
        }
    }
}

/// Rows of which more than four tokens of a quad reach the bound.
#[test]
fn quads_with_many_tokens() {
    for level in Level::available() {
        marks::expect("more numbers than are written at once", || {
            check_quads::<f32>(level, Way::Panels, Probabilities, &[8191], &[8, 33]);
        });
        marks::expect("more numbers than are written at once", || {
            check_quads::<f16>(level, Way::All, LogProbabilities, &[1000], &[20]);
        });
    }
}

struct Push<'a> {
    list: &'a mut [u32],
    bits: u64,
}

impl Kernel for Push<'_> {
    type Output = usize;

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) -> usize {
        push(simd, self.list, 3, self.bits, 100)
    }
}

#[test]
fn numbers_of_bits_are_written_behind_a_list() {
    let bits = [
        0,
        1,
        1 << 63,
        0b1011,
        0x8000_0000_0000_0001,
        0xff,
        0x1ff,
        0x1f0_0000_0000,
        u64::MAX,
    ];
    for bits in bits {
        let expected: Vec<u32> = (0..64).filter(|i| bits >> i & 1 == 1).collect();
        for level in Level::available() {
            let mut list = [7; 64 + 3];
            let list = &mut list;
            let len = Dispatch::new(level).unwrap().run(Push { list, bits });
            assert_eq!(len, 3 + expected.len());
            assert_eq!(list[..3], [7; 3]);
            let found = list[3..len].iter().map(|number| number - 100);
            assert!(found.eq(expected.iter().copied()), "{level} {bits:x}");
        }
    }
}
