//! The machine, as far as the system tells.

use std::fs;
use std::path::Path;

use serde::Serialize;
use sysinfo::{CpuRefreshKind, RefreshKind, System};
use widebeam::Level;

use crate::console::memory::Memory;

#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// The processor's name. Virtual machines shorten it: `AMD EPYC` is many models.
    pub cpu: String,
    /// What tells the models apart, on x86.
    pub family: Option<u8>,
    pub model: Option<u8>,
    pub stepping: Option<u8>,
    /// The highest instruction-set level of the engine that the processor has.
    pub best_level: &'static str,
    /// Processors that this process may use.
    pub processors: usize,
    /// Cores that they belong to, where the system tells.
    pub cores: Option<usize>,
    /// Those of the first processor.
    pub caches: Vec<Cache>,
    pub memory: Option<Memory>,
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
        let cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(cpus);
        let brand = system.cpus().first().map_or("", |cpu| cpu.brand().trim());
        let signature = signature();
        Machine {
            cpu: match brand {
                "" => format!("unknown {}", std::env::consts::ARCH),
                brand => brand.to_owned(),
            },
            family: signature.map(|[family, _, _]| family),
            model: signature.map(|[_, model, _]| model),
            stepping: signature.map(|[_, _, stepping]| stepping),
            best_level: Level::best().name(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            cores: System::physical_core_count(),
            caches: caches(Path::new("/sys/devices/system/cpu/cpu0/cache")),
            memory: Memory::detect(),
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

    /// The folder of its records, as in `amd-epyc-25-1-1-avx2-2`: name, family, model,
    /// stepping, level and processors.
    pub(crate) fn folder(&self) -> String {
        let signature = [self.family, self.model, self.stepping];
        let signature = signature.into_iter().flatten().map(|part| part.to_string());
        let signature: Vec<_> = signature.collect();
        let (level, processors) = (self.best_level, self.processors);
        let name = format!("{} {} {level} {processors}", self.cpu, signature.join(" "));
        let name = name.to_ascii_lowercase();
        let words = name.split(|c: char| !c.is_ascii_alphanumeric());
        let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
        words.join("-")
    }
}

/// Family, model and stepping.
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
fn signature() -> Option<[u8; 3]> {
    let features = raw_cpuid::CpuId::new().get_feature_info()?;
    Some([
        features.family_id(),
        features.model_id(),
        features.stepping_id(),
    ])
}

/// Arm has none: there sysinfo makes the processor's name from its part number.
#[cfg(not(any(target_arch = "x86", target_arch = "x86_64")))]
fn signature() -> Option<[u8; 3]> {
    None
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

    fn machine(cpu: &str, signature: Option<[u8; 3]>, best_level: &'static str) -> Machine {
        Machine {
            cpu: cpu.to_owned(),
            family: signature.map(|parts| parts[0]),
            model: signature.map(|parts| parts[1]),
            stepping: signature.map(|parts| parts[2]),
            best_level,
            processors: 2,
            cores: None,
            caches: Vec::new(),
            memory: None,
        }
    }

    #[test]
    fn folders_are_plain_words() {
        let xeon = machine("Intel(R) Xeon(R) @ 2.10GHz", Some([6, 85, 7]), "avx512");
        assert_eq!(xeon.folder(), "intel-r-xeon-r-2-10ghz-6-85-7-avx512-2");
        let arm = machine("Neoverse-N1", None, "baseline");
        assert_eq!(arm.folder(), "neoverse-n1-baseline-2");
    }

    #[test]
    fn models_of_one_name_have_folders_of_their_own() {
        let epycs = [
            ([25, 1, 1], "avx2"),
            ([25, 17, 1], "avx512"),
            ([25, 17, 1], "avx2"),
            ([25, 1, 2], "avx2"),
            ([23, 1, 1], "avx2"),
        ];
        let folders = epycs.map(|(parts, level)| machine("AMD EPYC", Some(parts), level).folder());
        for (at, folder) in folders.iter().enumerate() {
            assert!(!folders[..at].contains(folder), "{folders:?}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_agrees_with_what_is_detected() {
        let text = fs::read_to_string("/proc/cpuinfo").unwrap();
        let field = |name: &str| {
            let mut fields = text.lines().filter_map(|line| line.split_once(':'));
            let (_, value) = fields.find(|(field, _)| field.trim() == name)?;
            Some(value.trim().to_owned())
        };
        let machine = Machine::detect();
        for (name, detected) in [
            ("cpu family", machine.family),
            ("model", machine.model),
            ("stepping", machine.stepping),
        ] {
            assert_eq!(field(name), detected.map(|part| part.to_string()), "{name}");
        }
        if let Some(name) = field("model name") {
            assert_eq!(machine.cpu, name);
        }
    }
}
