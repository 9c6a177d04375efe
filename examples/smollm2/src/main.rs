//! Beam search over SmolLM2-135M: prompts in, the best answers with their
//! scores out. See the README.

mod cache;
mod check;
mod decoder;
mod measure;
mod model;
mod settings;
mod text;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{Parser, Subcommand};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokenizers::Tokenizer;
use widebeam::autoregressive::{Finish, RequestId};

use decoder::{Answer, Decoder};
use model::Model;
use settings::Settings;

#[derive(Parser)]
#[command(
    about = "Beam search over SmolLM2-135M",
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    /// The GGUF file that fetch.sh fetches
    #[arg(long, global = true, value_name = "FILE", default_value = concat!(
        env!("CARGO_MANIFEST_DIR"), "/model/SmolLM2-135M-Instruct.Q4_1.gguf"
    ))]
    model: PathBuf,

    #[command(subcommand)]
    command: Option<Command>,

    /// Questions, answered all at once
    prompts: Vec<String>,

    /// More of them, with settings of their own: a line of JSON each
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,

    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum Command {
    /// Beam 8 against greedy on 20 prompts, scores against a pass of their
    /// own, a mixed batch against each request alone
    Check,
    /// The search's share of a step, and tokens a second
    Measure,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let (model, tokenizer) = Model::load(&arguments.model)?;
    match arguments.command {
        Some(Command::Check) => check::check(&model, &tokenizer),
        Some(Command::Measure) => measure::measure(&model, &tokenizer),
        None => answer(arguments, &model, &tokenizer),
    }
}

/// A request, and what is shown of it while it runs.
struct Shown {
    prompt: String,
    settings: Settings,
    id: Option<RequestId>,
    bar: ProgressBar,
    answers: Vec<Answer>,
}

fn answer(arguments: Arguments, model: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let defaults = &arguments.settings;
    let prompts = arguments.prompts.into_iter();
    let mut requests: Vec<_> = prompts.map(|prompt| (prompt, defaults.clone())).collect();
    if let Some(file) = &arguments.requests {
        requests.extend(settings::read_requests(file, defaults)?);
    }
    if requests.is_empty() {
        bail!("nothing is asked; try: \"What is the capital of France?\"");
    }
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{spinner} {prefix:.bold} {wide_msg}")?;
    let shown = requests.into_iter().map(|(prompt, settings)| {
        let bar = bars.add(ProgressBar::no_length().with_style(style.clone()));
        bar.set_prefix(prompt.clone());
        Shown {
            prompt,
            settings,
            id: None,
            bar,
            answers: Vec::new(),
        }
    });
    let mut shown: Vec<Shown> = shown.collect();
    let mut decoder = Decoder::new(model)?;
    run(&mut decoder, &mut shown, tokenizer)?;
    bars.clear()?;
    for shown in &shown {
        print(shown, tokenizer)?;
    }
    Ok(())
}

/// Runs all requests, and shows what is settled of each.
fn run(decoder: &mut Decoder, shown: &mut [Shown], tokenizer: &Tokenizer) -> Result<()> {
    let mut stable = Vec::new();
    let mut waiting = shown.len();
    for step in 0.. {
        for shown in &mut *shown {
            if shown.id.is_none() && shown.settings.at_step <= step {
                let request = shown.settings.request(&shown.prompt, tokenizer)?;
                shown.id = Some(decoder.admit(request)?);
                waiting -= 1;
            }
        }
        if decoder.search.is_idle() {
            if waiting == 0 {
                break;
            }
            continue;
        }
        decoder.step()?;
        while let Some(&id) = decoder.search.finished().first() {
            let done = shown.iter_mut().find(|shown| shown.id == Some(id));
            let done = done.expect("it was admitted here");
            done.answers = decoder.take(id)?;
            done.bar.finish();
        }
        for shown in &*shown {
            if let Some(id) = shown.id.filter(|_| !shown.bar.is_finished()) {
                decoder.search.stable_prefix(id, &mut stable);
                let text = text::text(tokenizer, &stable)?;
                shown.bar.set_message(text.replace('\n', " "));
                shown.bar.tick();
            }
        }
    }
    Ok(())
}

fn print(shown: &Shown, tokenizer: &Tokenizer) -> Result<()> {
    println!("{}", shown.prompt);
    let nbest = shown.settings.nbest.unwrap_or(usize::MAX);
    println!("    score     log p  tokens");
    for answer in shown.answers.iter().take(nbest) {
        let Answer {
            tokens,
            ending,
            score,
            log_probability,
            finish,
        } = answer;
        let text = text::text(tokenizer, &tokens[..tokens.len() - ending])?;
        let more = match finish {
            Finish::Length => " ...",
            _ => "",
        };
        let count = tokens.len();
        println!(
            "{score:9.4} {log_probability:9.4} {count:7}  {}{more}",
            text.trim().replace('\n', "\\n")
        );
    }
    println!();
    Ok(())
}
