//! The machine, as far as the system tells.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Serialize;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Machine {
    /// The processor's model.
    pub cpu: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// Cores that they belong to, where the system tells.
    pub cores: Option<usize>,
    /// Those of the first processor.
    pub caches: Vec<Cache>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cache {
    /// As in `L1d`.
    pub name: String,
    pub kilobytes: usize,
    /// Processors that share it.
    pub shared_by: usize,
}

impl Machine {
    pub(crate) fn detect() -> Self {
        Machine {
            cpu: model().unwrap_or_else(|| format!("unknown {}", std::env::consts::ARCH)),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            cores: cores(),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
        }
    }

    /// As in `L1d 32K, L2 512K`.
    pub(crate) fn caches(&self) -> String {
        let caches = self.caches.iter();
        let named: Vec<_> = caches
            .map(|cache| format!("{} {}K", cache.name, cache.kilobytes))
            .collect();
        named.join(", ")
    }

    /// The folder of its records, as in `amd-epyc-7763-16`.
    pub(crate) fn folder(&self) -> String {
        let name = format!("{} {}", self.cpu, self.processors).to_ascii_lowercase();
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        words.join("-")
    }
}

fn model() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |line: &str| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == "model name").then(|| value.trim().to_owned())
    };
    text.lines().find_map(field)
}

/// Distinct pairs of socket and core.
fn cores() -> Option<usize> {
    let mut cores = BTreeSet::new();
    for entry in fs::read_dir("/sys/devices/system/cpu").ok()? {
        let topology = entry.ok()?.path().join("topology");
        let number = |name| {
            let text = fs::read_to_string(topology.join(name)).ok()?;
            text.trim().parse::<u32>().ok()
        };
        if let Some(core) = number("physical_package_id").zip(number("core_id")) {
            cores.insert(core);
        }
    }
    (!cores.is_empty()).then_some(cores.len())
}

/// Those that hold data, smallest first.
fn caches(folder: &Path) -> Vec<Cache> {
    let cache = |index: usize| {
        let folder = folder.join(format!("index{index}"));
        let read = |name| fs::read_to_string(folder.join(name)).ok();
        let (level, kind) = (read("level")?, read("type")?);
        let suffix = match kind.trim() {
            "Data" => "d",
            "Unified" => "",
            _ => return None,
        };
        Some(Cache {
            name: format!("L{}{suffix}", level.trim()),
            kilobytes: read("size")?.trim().strip_suffix('K')?.parse().ok()?,
            shared_by: count(read("shared_cpu_list")?.trim()),
        })
    };
    (0..16).filter_map(cache).collect()
}

/// How many numbers a list like `0-3,8` names.
fn count(list: &str) -> usize {
    let range = |range: &str| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
        last.checked_sub(first).map(|more| more + 1)
    };
    list.split(',').filter_map(range).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_processors_are_counted() {
        assert_eq!(count("0"), 1);
        assert_eq!(count("0-3,8"), 5);
        assert_eq!(count(""), 0);
    }

    #[test]
    fn folders_are_plain_words() {
        let machine = Machine {
            cpu: "Intel(R) Xeon(R) @ 2.10GHz".to_owned(),
            processors: 4,
            cores: None,
            caches: Vec::new(),
        };
        assert_eq!(machine.folder(), "intel-r-xeon-r-2-10ghz-4");
    }
}
