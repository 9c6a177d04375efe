//! Where the time goes.

use anyhow::Result;
use tokenizers::Tokenizer;
use widebeam::autoregressive::{MaximumLength, Request};

use crate::check;
use crate::decoder::{Decoder, Times};
use crate::model::Model;

const LENGTH: MaximumLength = MaximumLength(32);
const ROUNDS: usize = 3;

pub fn measure(model: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let prompts = check::prompts(tokenizer)?;
    println!("beams  ms/step   model  search   cache  search's share  tokens/s");
    for beams in [1, 4, 16, 64] {
        // The prompt's step is not like the others: it is left out.
        let times = median(|| {
            let mut decoder = Decoder::new(model)?;
            decoder.admit(Request::new(beams, LENGTH).with_prompt(&*prompts[0]))?;
            decoder.step()?;
            decoder.times = Times::default();
            while !decoder.search.is_idle() {
                decoder.step()?;
            }
            Ok(decoder.times)
        })?;
        let steps = times.steps as f64;
        let milliseconds = |time: std::time::Duration| time.as_secs_f64() * 1e3 / steps;
        let all = total(&times);
        println!(
            "{beams:5} {:8.2} {:7.2} {:7.3} {:7.3} {:14.2}% {:9.0}",
            all * 1e3 / steps,
            milliseconds(times.model),
            milliseconds(times.search),
            milliseconds(times.cache),
            times.search.as_secs_f64() / all * 100.0,
            times.rows as f64 / all,
        );
    }

    println!(
        "\n20 prompts at once, 1 beam, {} tokens: beginnings they share",
        LENGTH.0
    );
    println!("             rows computed  seconds  tokens/s");
    for reuses in [false, true] {
        let times = median(|| {
            let mut decoder = Decoder::new(model)?;
            decoder.reuses_prefixes = reuses;
            let requests = prompts.iter();
            let requests =
                requests.map(|prompt| (0, Request::new(1, LENGTH).with_prompt(&**prompt)));
            decoder.answer_all(requests.collect())?;
            Ok(decoder.times)
        })?;
        let all = total(&times);
        println!(
            "{:12} {:13} {all:8.2} {:9.0}",
            if reuses { "taken once" } else { "taken anew" },
            times.rows,
            (prompts.len() * LENGTH.0) as f64 / all,
        );
    }
    Ok(())
}

fn total(times: &Times) -> f64 {
    (times.model + times.search + times.cache).as_secs_f64()
}

/// The run of median length.
fn median(run: impl Fn() -> Result<Times>) -> Result<Times> {
    let mut runs = (0..ROUNDS).map(|_| run()).collect::<Result<Vec<_>>>()?;
    runs.sort_by(|a, b| total(a).total_cmp(&total(b)));
    Ok(runs[ROUNDS / 2])
}
