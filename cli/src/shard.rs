//! The part of the inputs that one of several jobs decodes.

use std::str::FromStr;

use widebeam_perf::console::args::whole;

/// The I-th of N shards. Inputs are dealt to the shards in turn, in the order of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 0.
    index: u32,
    count: u32,
}

impl Shard {
    /// Whether it has the input at this place of the list, from 0.
    pub(crate) fn has(self, place: usize) -> bool {
        place % self.count as usize == self.index as usize
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((index, count)) = text.split_once('/') else {
            return Err("it must be I/N, as in 3/8 for the third of eight".to_owned());
        };
        let number = |part: &str, name| {
            let number = whole::<u32>(part).map_err(|said| format!("{name} is {part:?}: {said}"));
            number.and_then(|number| match number {
                0 => Err(format!("{name} is 0: it counts from 1")),
                more => Ok(more),
            })
        };
        let (index, count) = (number(index, "I")?, number(count, "N")?);
        if index > count {
            return Err(format!("I is {index}, more than N, which is {count}"));
        }
        Ok(Shard {
            index: index - 1,
            count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_input_is_in_one_shard() {
        for count in 1..=7 {
            let shards: Vec<Shard> = (1..=count)
                .map(|index| format!("{index}/{count}").parse().unwrap())
                .collect();
            for place in 0..50 {
                let having: Vec<_> = shards.iter().filter(|shard| shard.has(place)).collect();
                assert_eq!(having, [&shards[place % count]]);
            }
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        for (text, said) in [
            ("3", "I/N"),
            ("", "I/N"),
            ("0/3", "I is 0"),
            ("1/0", "N is 0"),
            ("4/3", "I is 4, more than N, which is 3"),
            ("a/3", "I is \"a\""),
            ("1/", "N is \"\""),
            ("1/2/3", "N is \"2/3\""),
            ("-1/3", "I is \"-1\""),
            ("1/4294967296", "the most is 4294967295"),
        ] {
            let error = text.parse::<Shard>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
