//! The newest of what a record holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::console::failure::Failure;
use crate::console::printable;
use crate::record::{self, Entry};

/// The newest measurements on one machine.
#[derive(Debug)]
pub(super) struct Machine {
    /// Its folder in the record.
    pub(super) folder: String,
    pub(super) entries: Vec<Entry>,
}

/// One input, and all programs that were measured on it in turn.
#[derive(Debug)]
pub(super) struct Group<'a> {
    /// What all of them have in common stands in the first.
    pub(super) rows: Vec<&'a Entry>,
}

/// Reads the machines of a record, in the order of their folders. Of each suite
/// the newest day counts, and of each of its inputs the newest session.
pub(super) fn read(record: &Path) -> Result<Vec<Machine>, Failure> {
    let mut machines = Vec::new();
    for folder in list(record)? {
        if !folder.is_dir() {
            continue;
        }
        let mut entries: Vec<Entry> = Vec::new();
        let is_csv = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "csv");
        // The newest day first.
        for path in list(&folder)?.into_iter().filter(is_csv).rev() {
            let day = record::read(&path)?;
            let known: Vec<String> = entries.iter().map(|entry| entry.suite.clone()).collect();
            let new = |entry: &Entry| !known.contains(&entry.suite);
            entries.extend(newest_sessions(day.into_iter().filter(new).collect()));
        }
        let name = folder.file_name().unwrap_or_default();
        machines.push(Machine {
            folder: name.to_string_lossy().into_owned(),
            entries,
        });
    }
    Ok(machines)
}

/// What lies in a folder, by name.
fn list(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let entries = fs::read_dir(folder)?;
        let mut paths: Vec<_> = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        paths.sort();
        Ok(paths)
    };
    read().map_err(|error| Failure::reading(&error).about(printable::path(folder)))
}

fn newest_sessions(entries: Vec<Entry>) -> Vec<Entry> {
    let is_newest = |entry: &&Entry| {
        let mut same = entries.iter().filter(|other| key(other) == key(entry));
        same.all(|other| other.session <= entry.session)
    };
    entries.iter().filter(is_newest).cloned().collect()
}

/// What tells one input from another.
fn key(
    entry: &Entry,
) -> (
    &str,
    &str,
    &str,
    &str,
    Option<usize>,
    &str,
    &str,
    Option<usize>,
) {
    // More threads are another input where they are what is compared.
    let scaling = matches!(entry.suite.as_str(), "strong" | "weak");
    (
        &entry.suite,
        &entry.search,
        &entry.input,
        &entry.shape,
        entry.beams,
        &entry.scores,
        &entry.dtype,
        entry.threads.filter(|_| scaling),
    )
}

impl Machine {
    /// The inputs of a suite and search, in the order they were measured.
    pub(super) fn groups(&self, suite: &str, search: &str) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for entry in &self.entries {
            if entry.suite != suite || entry.search != search {
                continue;
            }
            match groups
                .iter_mut()
                .find(|group| key(group.first()) == key(entry))
            {
                Some(group) => group.rows.push(entry),
                None => groups.push(Group { rows: vec![entry] }),
            }
        }
        groups
    }
}

impl<'a> Group<'a> {
    pub(super) fn first(&self) -> &'a Entry {
        self.rows[0]
    }

    /// What was measured of a program.
    pub(super) fn row(&self, program: &str) -> Option<&'a Entry> {
        self.rows.iter().copied().find(|row| row.program == program)
    }

    /// The time of a program, if it was measured.
    pub(super) fn seconds(&self, program: &str) -> Option<f64> {
        self.row(program)?.seconds
    }

    /// How many times the time of the first program is that of the second.
    pub(super) fn ratio(&self, one: &str, other: &str) -> Option<f64> {
        Some(self.seconds(one)? / self.seconds(other)?)
    }

    /// Whether both are about the same scores.
    pub(super) fn same_input(&self, other: &Group<'_>) -> bool {
        let of = |group: &Group<'a>| {
            let (_, search, input, shape, beams, scores, dtype, _) = key(group.first());
            (search, input, shape, beams, scores, dtype)
        };
        let (_, search, input, shape, beams, scores, dtype, _) = key(other.first());
        of(self) == (search, input, shape, beams, scores, dtype)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_session_replaces_an_earlier_one_input_by_input() {
        let entry = |session: &str, shape: &str, program: &str| Entry {
            session: session.to_owned(),
            suite: "bench".to_owned(),
            shape: shape.to_owned(),
            program: program.to_owned(),
            ..Entry::default()
        };
        let (a, b) = (entry("1", "x", "roofline"), entry("1", "y", "roofline"));
        let (c, d) = (entry("2", "x", "roofline"), entry("2", "x", "widebeam"));
        let kept = newest_sessions(vec![a, b.clone(), c.clone(), d.clone()]);
        assert_eq!(kept, [b, c, d]);
    }
}
