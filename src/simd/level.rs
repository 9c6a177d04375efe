//! Instruction-set levels: which there are, which of them this processor has, and the
//! choice among them.

use std::fmt;
use std::str::FromStr;

use super::Kernel;
use super::baseline::Baseline;
use crate::error::{Error, Kind};

#[cfg(target_arch = "x86_64")]
use super::{Simd, avx2::Avx2, avx512::Avx512};

/// An instruction-set level. Every level returns the same bits; they differ in
/// speed alone.
///
/// A search takes the best level of the processor unless it is told another,
/// by its `with_level` method or by the environment variable
/// [`Level::VARIABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Level {
    /// What the compilation target always has: SSE2 on x86-64, NEON on Arm,
    /// SIMD128 on WebAssembly where it is enabled.
    Baseline,
    /// 256-bit vectors of x86-64, with F16C.
    Avx2,
    /// 512-bit vectors of x86-64 (F, BW, DQ and VL).
    Avx512,
}

impl Level {
    /// Every level, lowest first.
    pub const ALL: &'static [Level] = &[Level::Baseline, Level::Avx2, Level::Avx512];

    /// The environment variable that forces a level: `WIDEBEAM_LEVEL`, with a
    /// name of [`Level::name`].
    pub const VARIABLE: &'static str = "WIDEBEAM_LEVEL";

    const NAMES: &'static str = "baseline, avx2 and avx512";

    /// `baseline`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Baseline => "baseline",
            Level::Avx2 => "avx2",
            Level::Avx512 => "avx512",
        }
    }

    /// Whether this processor has the level.
    pub fn is_available(self) -> bool {
        Dispatch::new(self).is_some()
    }

    /// The levels this processor has, lowest first.
    pub fn available() -> impl Iterator<Item = Level> {
        Level::ALL
            .iter()
            .copied()
            .filter(|level| level.is_available())
    }

    /// The best level this processor has.
    pub fn best() -> Level {
        Level::available().last().unwrap_or(Level::Baseline)
    }

    /// The level that [`Level::VARIABLE`] names, or where it is unset or
    /// empty, the best.
    ///
    /// # Errors
    ///
    /// If the variable names no level, or one this processor does not have.
    pub fn from_environment() -> Result<Level, Error> {
        let Some(name) = std::env::var_os(Level::VARIABLE).filter(|name| !name.is_empty()) else {
            return Ok(Level::best());
        };
        let named = name.to_string_lossy().parse::<Level>();
        let level = named.and_then(|level| Dispatch::require(level).map(|_| level));
        level.map_err(|reason| {
            let reason = Box::new(reason.into_kind());
            let variable = Level::VARIABLE;
            Error::from(Kind::LevelFromEnvironment { variable, reason })
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Level {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let level = Level::ALL
            .iter()
            .copied()
            .find(|level| level.name() == name);
        level.ok_or_else(|| {
            Error::from(Kind::LevelUnknown {
                name: name.to_owned(),
                levels: Level::NAMES,
            })
        })
    }
}

/// A level that this processor has.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Dispatch {
    Baseline(Baseline),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

impl Dispatch {
    pub(crate) fn new(level: Level) -> Option<Self> {
        match level {
            Level::Baseline => Some(Dispatch::Baseline(Baseline)),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => Avx2::new().map(Dispatch::Avx2),
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => Avx512::new().map(Dispatch::Avx512),
            #[cfg(not(target_arch = "x86_64"))]
            Level::Avx2 | Level::Avx512 => None,
        }
    }

    pub(crate) fn require(level: Level) -> Result<Self, Error> {
        Dispatch::new(level).ok_or_else(|| {
            Error::from(Kind::LevelUnavailable {
                level: level.name(),
                best: Level::best().name(),
            })
        })
    }

    pub(crate) fn level(self) -> Level {
        match self {
            Dispatch::Baseline(_) => Level::Baseline,
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx2(_) => Level::Avx2,
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx512(_) => Level::Avx512,
        }
    }

    /// Runs a kernel compiled for this level.
    #[inline]
    pub(crate) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Dispatch::Baseline(token) => kernel.run(token),
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx2(token) => token.outlined(kernel),
            #[cfg(target_arch = "x86_64")]
            Dispatch::Avx512(token) => token.outlined(kernel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::this_program::this_program;

    /// Every test that goes through the available levels goes through these.
    #[test]
    fn all_levels_of_the_processor_are_available() {
        let expected = [Level::Baseline];
        #[cfg(target_arch = "x86_64")]
        let expected = {
            let mut expected = expected.to_vec();
            let bits = is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt");
            let avx2 = bits && is_x86_feature_detected!("avx2") && is_x86_feature_detected!("f16c");
            expected.extend(avx2.then_some(Level::Avx2));
            let avx512 = bits
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            expected.extend(avx512.then_some(Level::Avx512));
            expected
        };
        assert_eq!(Level::available().collect::<Vec<_>>(), expected);
        assert_eq!(Some(&Level::best()), expected.last());
        for &level in Level::ALL {
            assert_eq!(level.is_available(), expected.contains(&level), "{level}");
            match Dispatch::require(level) {
                Ok(dispatch) => assert_eq!(dispatch.level(), level),
                Err(error) => {
                    let text = error.to_string();
                    assert!(
                        text.contains(level.name()) && !level.is_available(),
                        "{text}"
                    );
                }
            }
        }
    }

    /// What a process with the variable set finds: its tests are this one's.
    #[test]
    fn the_environment_chooses_the_level() {
        const CHILD: &str = "WIDEBEAM_TEST_PRINTS_ITS_LEVEL";
        if std::env::var_os(CHILD).is_some() {
            match Level::from_environment() {
                Ok(level) => println!("level: {level}"),
                Err(error) => println!("error: {error}"),
            }
            return;
        }
        let found = |value: Option<&str>| {
            let mut child = this_program();
            let test = "simd::level::tests::the_environment_chooses_the_level";
            child.args([test, "--exact", "--nocapture"]).env(CHILD, "");
            match value {
                Some(value) => child.env(Level::VARIABLE, value),
                None => child.env_remove(Level::VARIABLE),
            };
            let output = String::from_utf8(child.output().unwrap().stdout).unwrap();
            let said = output.split(['\n']).find_map(|line| {
                let from = line.find("level: ").or(line.find("error: "))?;
                Some(line[from..].to_owned())
            });
            said.unwrap_or(output)
        };
        let best = format!("level: {}", Level::best());
        assert_eq!(found(None), best);
        assert_eq!(found(Some("")), best);
        for level in Level::available() {
            assert_eq!(found(Some(level.name())), format!("level: {level}"));
        }
        let unknown = found(Some("sse9"));
        assert!(
            unknown.starts_with("error: ") && unknown.contains("sse9"),
            "{unknown}"
        );
        for level in Level::ALL.iter().filter(|level| !level.is_available()) {
            let refused = found(Some(level.name()));
            assert!(
                refused.starts_with("error: ") && refused.contains(level.name()),
                "{refused}"
            );
        }
    }

    #[test]
    fn names_fill_a_width() {
        assert_eq!(
            format!("{:>7}|{:<9}|", Level::Avx2, Level::Avx512),
            "   avx2|avx512   |"
        );
    }

    #[test]
    fn names_read_back_and_the_best_level_is_available() {
        for &level in Level::ALL {
            assert_eq!(level.to_string().parse::<Level>().unwrap(), level);
        }
        assert!(Level::best().is_available());
        assert!(Level::Baseline.is_available());
        assert_eq!(
            "AVX-2".parse::<Level>().unwrap_err().to_string(),
            "\"AVX-2\" is not an instruction-set level; the levels are baseline, avx2 and avx512"
        );
    }
}
