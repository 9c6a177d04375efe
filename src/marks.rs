//! Marks on branches that random inputs rarely take. A test that aims at such a
//! branch says so by [`expect`], and fails when its inputs no longer get there.
//!
//! `mark!("what happens here")` compiles to nothing outside the unit tests. Marks
//! are counted for each thread: what a search does is counted where it runs in
//! [`on_this_thread`].

use std::cell::RefCell;
use std::collections::BTreeMap;

thread_local! {
    static COUNTS: RefCell<BTreeMap<&'static str, u64>> = const { RefCell::new(BTreeMap::new()) };
}

/// Counts that this thread came past a mark.
pub(crate) fn hit(name: &'static str) {
    COUNTS.with_borrow_mut(|counts| *counts.entry(name).or_default() += 1);
}

/// How often this thread came past a mark while `run` ran.
pub(crate) fn count<R>(name: &str, run: impl FnOnce() -> R) -> (R, u64) {
    let so_far = || COUNTS.with_borrow(|counts| counts.get(name).copied().unwrap_or(0));
    let before = so_far();
    let result = run();
    (result, so_far() - before)
}

/// Runs a test that is there for the sake of one branch.
///
/// # Panics
///
/// If this thread did not come past the mark.
pub(crate) fn expect<R>(name: &str, run: impl FnOnce() -> R) -> R {
    let (result, count) = count(name, run);
    assert!(count > 0, "nothing came to {name:?}");
    result
}

/// Runs what would spread over threads on this one alone.
pub(crate) fn on_this_thread<R>(run: impl FnOnce() -> R + Send) -> R
where
    R: Send,
{
    // A thread is in one pool for as long as it lives, so this is another one, whose
    // counts are brought back.
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(1)
                .use_current_thread()
                .build()
                .expect("a pool of one thread");
            let result = pool.install(run);
            (result, COUNTS.take())
        });
        let (result, counts) = match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        COUNTS.with_borrow_mut(|own| {
            for (name, count) in counts {
                *own.entry(name).or_default() += count;
            }
        });
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    #[test]
    fn marks_are_counted_where_they_are_passed() {
        let passes = |times: u64| (0..times).for_each(|_| hit("a test of marks"));
        assert_eq!(count("a test of marks", || passes(3)).1, 3);
        assert_eq!(count("a test of marks", || passes(0)).1, 0);
        let inside = || on_this_thread(|| passes(2));
        assert_eq!(count("a test of marks", inside).1, 2);
    }

    #[test]
    #[should_panic(expected = "nothing came to \"nowhere\"")]
    fn a_branch_that_is_not_reached_fails_its_test() {
        expect("nowhere", || ());
    }

    /// The literals that follow upon `before`.
    fn names(text: &str, before: &str) -> Vec<String> {
        let after = text.split(before).skip(1);
        after
            .filter_map(|rest| rest.trim_start().strip_prefix('"'))
            .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
            .collect()
    }

    fn read(folder: &Path, text: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, text);
            } else if !path.ends_with("marks.rs") {
                text.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn every_mark_is_aimed_at_by_a_test() {
        let mut text = String::new();
        read(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut text,
        );
        let marks = names(&text, "mark!(");
        let aims = names(&text, "marks::expect(");
        for mark in &marks {
            assert!(aims.contains(mark), "no test aims at {mark:?}");
            let places = marks.iter().filter(|&other| other == mark).count();
            assert_eq!(places, 1, "places marked {mark:?}");
        }
        for name in aims.iter().chain(&names(&text, "marks::count(")) {
            assert!(marks.contains(name), "no branch is marked {name:?}");
        }
    }
}
