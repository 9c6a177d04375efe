//! The fields of a line: the log-probability, n words, and perhaps a back-off. Only spaces
//! and tabs separate, because other white space may be a word of a character model.

use super::DEAD_END;

/// The fields not yet read.
pub(super) struct Fields<'a> {
    line: &'a str,
    rest: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Fields { line, rest: line }
    }

    /// The next field; an empty one after the last.
    #[inline]
    fn next(&mut self) -> &'a str {
        let separates = |byte: &u8| matches!(byte, b' ' | b'\t');
        let bytes = self.rest.as_bytes();
        let start = bytes.iter().take_while(|&byte| separates(byte)).count();
        let length = bytes[start..]
            .iter()
            .take_while(|&byte| !separates(byte))
            .count();
        // Both are beside an ASCII character, and so between two characters.
        let field = &self.rest[start..start + length];
        self.rest = &self.rest[start + length..];
        field
    }

    pub(super) fn probability(&mut self) -> Result<f32, String> {
        let field = self.next();
        match number(field) {
            Some(probability) if probability > 0.0 => {
                Err(format!("the log-probability {probability} is above 0"))
            }
            Some(probability) => Ok(probability),
            None => Err(format!("{field:?} is not a number")),
        }
    }

    /// The word in a place of an n-gram.
    pub(super) fn word(&mut self, place: usize, n: usize) -> Result<&'a str, String> {
        match self.next() {
            "" => Err(format!("{n} words should stand here, not {place}")),
            word => Ok(word),
        }
    }

    /// The back-off of an n-gram. One that is 0 has a minus, until a longer n-gram is found
    /// that begins with it.
    pub(super) fn backoff(&mut self, n: usize) -> Result<f32, String> {
        let field = self.next();
        if field.is_empty() {
            return Ok(DEAD_END);
        }
        let backoff = number(field).filter(|backoff| backoff.is_finite());
        let backoff = backoff.ok_or_else(|| format!("{field:?} is not a number"))?;
        if !self.next().is_empty() {
            return Err(format!("{:?} is longer than a {n}-gram", self.line));
        }
        Ok(if backoff == 0.0 { DEAD_END } else { backoff })
    }
}

/// A number, or an infinity.
#[inline]
fn number(field: &str) -> Option<f32> {
    short_decimal(field.as_bytes()).or_else(|| {
        let number: f32 = field.parse().ok()?;
        (!number.is_nan()).then_some(number)
    })
}

/// A number of few digits. Both its digits and the power of ten are f32, so one division
/// rounds it right (Clinger 1990).
#[inline]
fn short_decimal(field: &[u8]) -> Option<f32> {
    const POWERS: [f32; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];
    let (sign, digits) = match field {
        [b'-', digits @ ..] => (-1.0, digits),
        digits => (1.0, digits),
    };
    if digits.len() > 9 {
        return None;
    }
    let (mut value, mut point) = (0u32, None);
    for (place, &byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => value = 10 * value + u32::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(place),
            _ => return None,
        }
    }
    let decimals = point.map_or(0, |point| digits.len() - 1 - point);
    let any = digits.len() > usize::from(point.is_some());
    (any && value <= 1 << 24).then(|| sign * (value as f32 / POWERS[decimals]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_standard_library() {
        let bits = |number: Option<f32>| number.map(f32::to_bits);
        let mut seed = 1u64;
        for _ in 0..200_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let digits = format!("{}", (seed >> 33) % 10u64.pow(1 + (seed >> 20 & 7) as u32));
            let point = (seed >> 8) as usize % (digits.len() + 1);
            let sign = ["-", ""][(seed >> 7 & 1) as usize];
            let text = format!("{sign}{}.{}", &digits[..point], &digits[point..]);
            assert_eq!(bits(number(&text)), bits(text.parse().ok()), "{text}");
        }
        for text in [
            "-0",
            "0",
            "7",
            "-99",
            "-1.0000001",
            "1e-3",
            "-inf",
            "16777216",
            "16777217",
        ] {
            assert_eq!(bits(number(text)), bits(text.parse().ok()), "{text}");
        }
        for text in ["", "-", ".", "-.", "--1", "1.2.3", "nan", "x", "1x"] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }
}
