//! The tokens of a row that reach a bar.

use crate::kernels::block::{BLOCK_GROUPS, groups_reaching, tokens_reaching};
use crate::order::{from_sortable, sortable};
use crate::scores::{Data, Row};
use crate::simd::{Kernel, Simd};

/// The least number from `least` to `most` that `reaches`, given that with a
/// number every greater one does; `None` if `most` does not.
///
/// Found by bisection of the numbers that there are, a few steps if it is next
/// to `guess`, 32 if that is worth nothing.
pub(super) fn least_reaching(
    least: f32,
    most: f32,
    guess: f32,
    reaches: impl Fn(f32) -> bool,
) -> Option<f32> {
    if most < least || !reaches(most) {
        return None;
    }
    let reaches = |key| reaches(from_sortable(key));
    let (mut low, mut high) = (sortable(least), sortable(most));
    let guess = sortable(guess).clamp(low, high);
    let near = guess.saturating_sub(2).max(low);
    if near > low && !reaches(near) {
        low = near + 1;
    }
    let near = guess.saturating_add(2).min(high);
    if near < high && reaches(near) {
        high = near;
    }
    while low < high {
        let middle = low + (high - low) / 2;
        if reaches(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Some(from_sortable(low))
}

/// Appends the groups of a row that have a token of at least `least`.
pub(super) struct GroupsReaching<'a> {
    pub(super) maxima: &'a [[f32; BLOCK_GROUPS]],
    pub(super) least: f32,
    pub(super) groups: &'a mut Vec<u32>,
}

impl Kernel for GroupsReaching<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        groups_reaching(simd, self.maxima, self.least, self.groups);
    }
}

/// Appends the tokens of one group of a row that are at least `least`.
pub(super) struct TokensReaching<'a> {
    pub(super) row: Row<'a>,
    pub(super) group: usize,
    pub(super) least: f32,
    pub(super) found: &'a mut Vec<(u32, f32)>,
}

impl Kernel for TokensReaching<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let TokensReaching {
            row,
            group,
            least,
            found,
        } = self;
        match row {
            Data::F32(row) => tokens_reaching(simd, row, group, least, found),
            Data::F16(row) => tokens_reaching(simd, row, group, least, found),
            Data::Bf16(row) => tokens_reaching(simd, row, group, least, found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_reaches_is_found_whatever_the_guess() {
        let numbers = [f32::MIN, -3.5, -1e-40, 0.0, 1e-45, 2.0, f32::MAX];
        for (i, &least) in numbers.iter().enumerate() {
            for &most in &numbers[i..] {
                for bar in numbers.into_iter().chain([f32::INFINITY]) {
                    for guess in numbers.into_iter().chain([f32::INFINITY, f32::NAN]) {
                        let found = least_reaching(least, most, guess, |x| x >= bar);
                        let expected = (bar <= most).then_some(bar.max(least));
                        assert_eq!(found, expected, "{least} {most} {bar} {guess}");
                    }
                }
            }
        }
    }
}
