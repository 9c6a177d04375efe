//! Which array of a file holds what.

use widebeam_perf::console::failure::Failure;

use super::Reading;
use super::array::{Array, Dtype};

/// The array that holds the steps in use of each item, whatever else there is.
const LENGTHS: &str = "lengths";

/// What the names of other arrays of them end in, in capitals or not.
const ENDINGS: [&str; 2] = ["lengths", "lens"];

type Named = (String, Array);

/// Where the steps in use of each item are.
#[derive(Clone, Copy, Debug, Default)]
pub enum LengthsFrom<'a> {
    /// In the file, if it has an array `lengths`, or the only one that can be meant.
    #[default]
    Own,
    /// In the array of this name.
    Array(&'a str),
    /// Not in the file.
    Elsewhere,
}

/// The array of that name, or the only one that can be scores.
pub(crate) fn choose_scores<'a>(
    arrays: &'a [Named],
    name: Option<&str>,
) -> Result<&'a Named, Failure> {
    if let Some(name) = name {
        return find(arrays, name);
    }
    let mut scores = arrays.iter().filter(|(_, array)| array.is_score_like());
    match (scores.next(), scores.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Failure::Input(format!(
            "no float array of rank 2 or 3; {}",
            held(arrays)
        ))),
        (Some(_), Some(_)) => Err(Failure::Input(format!(
            "more than one float array of rank 2 or 3: choose one with --array; {}",
            held(arrays)
        ))),
    }
}

/// The array of the steps in use of each item of `scores`, if there is one.
///
/// # Errors
///
/// If the array that is asked for is not there, or several can be meant: to decode padding
/// gives wrong answers that look right.
pub(crate) fn choose_lengths<'a>(
    arrays: &'a [Named],
    scores: &Array,
    reading: Reading<'_>,
) -> Result<Option<&'a Named>, Failure> {
    match reading.lengths {
        LengthsFrom::Elsewhere => return Ok(None),
        LengthsFrom::Array(name) => return find(arrays, name).map(Some),
        LengthsFrom::Own => {}
    }
    if let Ok(lengths) = find(arrays, LENGTHS) {
        return Ok(Some(lengths));
    }
    let Some([batch, ..]) = reading.axes.shape(&scores.shape) else {
        return Ok(None);
    };
    let can_be_meant = |(name, array): &&Named| {
        let name = name.to_ascii_lowercase();
        let integers = matches!(array.dtype, Dtype::Signed(_) | Dtype::Unsigned(_));
        integers && array.shape == [batch] && ENDINGS.iter().any(|ending| name.ends_with(ending))
    };
    let found: Vec<&Named> = arrays.iter().filter(can_be_meant).collect();
    match found[..] {
        [] => Ok(None),
        [only] => Ok(Some(only)),
        _ => {
            let names: Vec<_> = found.iter().map(|(name, _)| format!("{name:?}")).collect();
            Err(Failure::Input(format!(
                "the steps in use could be those of any of the arrays {}: choose one with --lengths-array",
                names.join(", ")
            )))
        }
    }
}

/// Whether an array of this name was only found by its ending.
pub(crate) fn is_guess(name: &str, reading: Reading<'_>) -> bool {
    matches!(reading.lengths, LengthsFrom::Own) && name != LENGTHS
}

fn find<'a>(arrays: &'a [Named], name: &str) -> Result<&'a Named, Failure> {
    let found = arrays.iter().find(|(other, _)| other == name);
    found.ok_or_else(|| Failure::Input(format!("no array {name:?}; {}", held(arrays))))
}

fn held(arrays: &[Named]) -> String {
    if arrays.is_empty() {
        return "the file holds no array".to_owned();
    }
    let list: Vec<_> = arrays
        .iter()
        .map(|(name, array)| format!("{name:?} ({} {:?})", array.dtype, array.shape))
        .collect();
    format!("the file holds {}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::Axes;
    use std::fmt::Debug;

    fn arrays(all: &[(&str, Dtype, &[usize])]) -> Vec<Named> {
        let named = all.iter().map(|(name, dtype, shape)| {
            let array = Array {
                dtype: dtype.clone(),
                big_endian: false,
                fortran: false,
                shape: shape.to_vec(),
                range: 0..0,
            };
            ((*name).to_owned(), array)
        });
        named.collect()
    }

    #[track_caller]
    fn said<T: Debug>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Input(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_only_array_that_can_be_scores_or_the_one_that_is_named() {
        let (scores, more) = (
            ("p", Dtype::F16, &[2, 2, 2][..]),
            ("q", Dtype::F32, &[2, 2][..]),
        );
        let beside = [
            ("lengths", Dtype::Signed(8), &[2][..]),
            ("x", Dtype::F32, &[2]),
        ];
        let one = arrays(&[beside[0].clone(), scores.clone(), beside[1].clone()]);
        assert_eq!(choose_scores(&one, None).unwrap().0, "p");
        assert_eq!(choose_scores(&one, Some("x")).unwrap().0, "x");
        let held = "the file holds \"lengths\" (int64 [2]), \"p\" (float16 [2, 2, 2]), \"x\" (float32 [2])";
        assert_eq!(
            said(choose_scores(&one, Some("y"))),
            format!("no array \"y\"; {held}")
        );
        assert_eq!(
            said(choose_scores(&arrays(&beside), None)),
            "no float array of rank 2 or 3; the file holds \"lengths\" (int64 [2]), \"x\" (float32 [2])"
        );
        assert_eq!(
            said(choose_scores(&[], None)),
            "no float array of rank 2 or 3; the file holds no array"
        );
        assert_eq!(
            said(choose_scores(&arrays(&[scores, more]), None)),
            "more than one float array of rank 2 or 3: choose one with --array; \
             the file holds \"p\" (float16 [2, 2, 2]), \"q\" (float32 [2, 2])"
        );
    }

    const I64: Dtype = Dtype::Signed(8);

    /// The array of lengths beside scores of shape [3, 4, 5].
    fn lengths(
        beside: &[(&str, Dtype, &[usize])],
        lengths: LengthsFrom<'_>,
        axes: Axes,
    ) -> Result<Option<String>, Failure> {
        let mut all = arrays(beside);
        all.extend(arrays(&[("p", Dtype::F32, &[3, 4, 5])]));
        let reading = Reading {
            lengths,
            axes,
            ..Reading::default()
        };
        let (_, scores) = choose_scores(&all, Some("p")).unwrap();
        choose_lengths(&all, scores, reading).map(|found| found.map(|(name, _)| name.clone()))
    }

    #[track_caller]
    fn check(beside: &[(&str, Dtype, &[usize])], expected: Option<&str>) {
        let found = lengths(beside, LengthsFrom::Own, Axes::BatchTimeVocab).unwrap();
        assert_eq!(found.as_deref(), expected);
    }

    #[test]
    fn lengths_are_found_by_the_ending_of_their_name() {
        for name in [
            "logit_lengths",
            "x_lens",
            "lens",
            "outputLengths",
            "LENGTHS",
        ] {
            check(&[(name, Dtype::Unsigned(2), &[3])], Some(name));
        }
        for name in ["length", "lengths_of_text", "len", "l"] {
            check(&[(name, I64, &[3])], None);
        }
        check(&[("x_lens", I64, &[4])], None);
        check(&[("x_lens", I64, &[3, 1])], None);
        check(&[("x_lens", I64, &[])], None);
        check(&[("x_lens", Dtype::F32, &[3])], None);
        // In the other order of the axes there are four items.
        let found = lengths(
            &[("x_lens", I64, &[4]), ("y_lens", I64, &[3])],
            LengthsFrom::Own,
            Axes::TimeBatchVocab,
        );
        assert_eq!(found.unwrap().as_deref(), Some("x_lens"));
    }

    #[test]
    fn the_array_lengths_goes_before_others_whatever_it_holds() {
        check(
            &[("x_lens", I64, &[3]), ("lengths", Dtype::F32, &[9])],
            Some("lengths"),
        );
    }

    #[test]
    fn of_several_none_is_taken() {
        let two = [
            ("x_lens", I64, &[3][..]),
            ("y_lengths", Dtype::Signed(4), &[3]),
        ];
        let own = lengths(&two, LengthsFrom::Own, Axes::BatchTimeVocab);
        assert_eq!(
            said(own),
            "the steps in use could be those of any of the arrays \"x_lens\", \"y_lengths\": \
             choose one with --lengths-array"
        );
        for name in ["x_lens", "p"] {
            let named = lengths(&two, LengthsFrom::Array(name), Axes::BatchTimeVocab);
            assert_eq!(named.unwrap().as_deref(), Some(name));
        }
        let gone = lengths(&two, LengthsFrom::Array("z"), Axes::BatchTimeVocab);
        assert_eq!(
            said(gone),
            "no array \"z\"; the file holds \"x_lens\" (int64 [3]), \"y_lengths\" (int32 [3]), \
             \"p\" (float32 [3, 4, 5])"
        );
        let elsewhere = lengths(&two, LengthsFrom::Elsewhere, Axes::BatchTimeVocab);
        assert_eq!(elsewhere.unwrap(), None);
    }
}
