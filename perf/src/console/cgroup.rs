//! The limits of the control groups that this process is in, from its own up to the root.

use std::fs;
use std::path::{Path, PathBuf};

/// A control group with a limit on memory, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) limit: u64,
    /// What its processes do not hold. Cached pages of files give way to an allocation, and an
    /// input that was mapped fills the group with them, so they count as free; pages of tmpfs and
    /// of the kernel, which cannot be told from them, do too.
    pub(super) free: u64,
}

/// The groups with a limit, of version 1 and version 2 of the kernel's interface. Empty where
/// there are none, or the system does not say.
pub(super) fn groups() -> Vec<Group> {
    let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (own, mounts) = (text("/proc/self/cgroup"), text("/proc/self/mountinfo"));
    of(&own, &mounts, |path| fs::read_to_string(path).ok())
}

/// How the files of a version are called.
struct Version {
    /// The type of the file system.
    system: &'static str,
    limit: &'static str,
    /// What the memory that is not the pages of files is called in `memory.stat`.
    held: &'static str,
}

const ONE: Version = Version {
    system: "cgroup",
    limit: "memory.limit_in_bytes",
    held: "total_rss",
};

const TWO: Version = Version {
    system: "cgroup2",
    limit: "memory.max",
    held: "anon",
};

/// By what `/proc/self/cgroup` and `/proc/self/mountinfo` say, and a reader of files.
fn of(own: &str, mounts: &str, read: impl Fn(&Path) -> Option<String>) -> Vec<Group> {
    let mut groups = Vec::new();
    for line in own.lines() {
        // Number, controllers, path; version 2 has the number 0 and no controllers.
        let mut fields = line.splitn(3, ':');
        let (Some(number), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let version = match (number, controllers) {
            ("0", "") => TWO,
            _ if controllers.split(',').any(|name| name == "memory") => ONE,
            _ => continue,
        };
        for (root, mounted) in mounted(mounts, &version) {
            // Of a group outside of what is mounted nothing can be seen but the root.
            let inside = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
            for ancestor in inside.ancestors() {
                let folder = mounted.join(ancestor);
                groups.extend(group(&folder, &version, &read));
            }
        }
    }
    groups
}

/// The roots of the hierarchy that are mounted, and where.
fn mounted<'a>(mounts: &'a str, version: &Version) -> impl Iterator<Item = (&'a str, PathBuf)> {
    let own = version.system;
    mounts.lines().filter_map(move |line| {
        // Fields up to a hyphen, then the type, the source and the options of the file system.
        let (place, system) = line.split_once(" - ")?;
        let mut system = system.split(' ');
        let kind = system.next()?;
        let options = system.nth(1).unwrap_or_default();
        let has_memory = kind == TWO.system || options.split(',').any(|name| name == "memory");
        let fits = kind == own && has_memory;
        let mut place = place.split(' ').skip(3);
        let (root, folder) = (place.next()?, place.next()?);
        fits.then(|| (root, PathBuf::from(folder)))
    })
}

/// The group of a folder, if it has a limit.
fn group(
    folder: &Path,
    version: &Version,
    read: &impl Fn(&Path) -> Option<String>,
) -> Option<Group> {
    // "max" is no number: there is no limit then.
    let limit: u64 = read(&folder.join(version.limit))?.trim().parse().ok()?;
    let stat = read(&folder.join("memory.stat")).unwrap_or_default();
    let held = stat.lines().find_map(|line| {
        let (name, bytes) = line.split_once(' ')?;
        (name == version.held).then(|| bytes.trim().parse::<u64>().ok())?
    });
    let free = held.map_or(limit, |held| limit.saturating_sub(held));
    Some(Group { limit, free })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The groups of files with these contents.
    fn found(own: &str, mounts: &str, files: &[(&str, &str)]) -> Vec<(u64, u64)> {
        let read = |path: &Path| {
            let file = files.iter().find(|(name, _)| Path::new(name) == path);
            file.map(|(_, text)| (*text).to_owned())
        };
        let groups = of(own, mounts, read).into_iter();
        groups.map(|group| (group.limit, group.free)).collect()
    }

    const MOUNTS: &str = "\
25 1 0:22 / /proc rw shared:1 - proc proc rw
30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate
31 1 0:27 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
32 1 0:28 /docker/7 /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
";

    #[test]
    fn each_group_from_that_of_the_process_to_the_root_counts() {
        let own = "0::/system.slice/a.service\n";
        let files = [
            ("/sys/fs/cgroup/system.slice/memory.max", "1000\n"),
            (
                "/sys/fs/cgroup/system.slice/memory.stat",
                "file 7\nanon 900\n",
            ),
            ("/sys/fs/cgroup/system.slice/a.service/memory.max", "max\n"),
            ("/sys/fs/cgroup/memory.max", "5000\n"),
            ("/sys/fs/cgroup/system.slice/b.service/memory.max", "1\n"),
        ];
        assert_eq!(found(own, MOUNTS, &files), [(1000, 100), (5000, 5000)]);
        assert_eq!(found("0::/\n", MOUNTS, &files), [(5000, 5000)]);
    }

    #[test]
    fn the_first_version_is_read_below_the_root_that_is_mounted() {
        let own = "4:cpu:/docker/7\n3:cpuset,memory:/docker/7/inner\n0::/elsewhere\n";
        let files = [
            ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "300"),
            ("/sys/fs/cgroup/memory/memory.stat", "rss 1\ntotal_rss 400"),
            ("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "200"),
            ("/sys/fs/cgroup/memory/inner/memory.stat", "total_rss 50"),
            ("/sys/fs/cgroup/cpu/memory.limit_in_bytes", "1"),
        ];
        assert_eq!(found(own, MOUNTS, &files), [(200, 150), (300, 0)]);
        // A path outside of what is mounted: the root alone.
        let own = "3:memory:/other\n";
        assert_eq!(found(own, MOUNTS, &files), [(300, 0)]);
    }

    #[test]
    fn what_says_nothing_limits_nothing() {
        for own in ["", "0::", "nonsense\n", "1:memory\n", "2:cpu:/\n"] {
            assert_eq!(found(own, MOUNTS, &[]), []);
            assert_eq!(found(own, "", &[]), []);
        }
        let odd = [("/sys/fs/cgroup/memory.max", "many")];
        assert_eq!(found("0::/\n", MOUNTS, &odd), []);
    }
}
