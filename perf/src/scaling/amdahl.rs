//! The serial share of a program (Amdahl, "Validity of the single processor
//! approach to achieving large scale computing capabilities", 1967).

/// The part s of one thread's time that more threads do not shorten: the times
/// are fitted by T(n) = a + b / n, least squares over all counts, and
/// s = a / (a + b).
///
/// # Errors
///
/// If no serial share can explain the times.
pub(super) fn serial_share(times: &[(usize, f64)]) -> Result<f64, &'static str> {
    let count = times.len() as f64;
    let inverse = |&(threads, _): &(usize, f64)| 1.0 / threads as f64;
    let x_mean = times.iter().map(inverse).sum::<f64>() / count;
    let y_mean = times.iter().map(|time| time.1).sum::<f64>() / count;
    let (mut xx, mut xy) = (0.0, 0.0);
    for time in times {
        let x = inverse(time) - x_mean;
        xx += x * x;
        xy += x * (time.1 - y_mean);
    }
    if xx == 0.0 {
        return Err("no fit: one count of threads");
    }
    let b = xy / xx;
    let a = y_mean - b * x_mean;
    if b <= 0.0 {
        return Err("no fit: no faster with threads");
    }
    if a < 0.0 {
        return Err("no fit: faster than linear");
    }
    Ok(a / (a + b))
}

#[cfg(test)]
mod tests {
    use super::serial_share;

    #[test]
    fn the_share_that_made_the_times_is_found() {
        for share in [0.0, 0.1, 0.5, 0.9] {
            let time = |n: usize| (n, 3.0 * (share + (1.0 - share) / n as f64));
            let times: Vec<_> = [1, 2, 3, 4, 8, 16].map(time).into();
            let found = serial_share(&times).unwrap_or(0.0);
            assert!((found - share).abs() < 1e-12, "{share}: {found}");
        }
    }

    #[test]
    fn what_cannot_be_fitted_says_why() {
        let refused = |times: &[(usize, f64)], why| {
            assert_eq!(serial_share(times), Err(why), "{times:?}");
        };
        refused(&[(1, 2.0)], "no fit: one count of threads");
        refused(&[(1, 2.0), (2, 2.5)], "no fit: no faster with threads");
        refused(&[(1, 2.0), (2, 0.5)], "no fit: faster than linear");
    }
}
