//! The shape of a tensor of scores.

use std::fmt;

use serde::Serialize;

/// Items, steps and tokens, as in `32x20x1000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Shape(pub [usize; 3]);

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [batch, time, vocab] = self.0;
        write!(f, "{batch}x{time}x{vocab}")
    }
}

impl std::str::FromStr for Shape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sizes: Option<Vec<usize>> = text.split('x').map(|size| size.parse().ok()).collect();
        match sizes.as_deref() {
            Some(&[batch, time, vocab]) if batch > 0 && time > 0 && vocab > 0 => {
                Ok(Shape([batch, time, vocab]))
            }
            _ => Err("a shape is three numbers above 0, as in 32x20x1000".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_three_positive_numbers() {
        assert_eq!("1x20x50000".parse(), Ok(Shape([1, 20, 50_000])));
        for wrong in ["", "1x2", "1x2x3x4", "1x0x3", "-1x2x3", "1 x2x3", "axbxc"] {
            assert!(wrong.parse::<Shape>().is_err(), "{wrong:?}");
        }
    }
}
