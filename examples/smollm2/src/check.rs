//! What must hold under a real model.

use anyhow::{Result, ensure};
use tokenizers::Tokenizer;
use widebeam::autoregressive::{
    Finish, LengthPenalty, MaximumLength, NoRepeatNgram, Normaliser, RepetitionPenalty, Request,
    Rules, Sampling, TokenTrie,
};

use crate::decoder::{Answer, Decoder, teacher_forced};
use crate::model::Model;
use crate::settings::{END, requirement};
use crate::text;

/// Questions and beginnings, one a line.
const PROMPTS: &str = include_str!("../prompts.txt");

pub fn prompts(tokenizer: &Tokenizer) -> Result<Vec<Vec<u32>>> {
    let lines = PROMPTS.lines();
    lines
        .map(|line| text::tokens(tokenizer, &text::question(line)))
        .collect()
}

fn request(prompt: &[u32], beams: usize, max_length: usize) -> Request {
    Request::new(beams, MaximumLength(max_length))
        .with_prompt(prompt)
        .with_end_tokens([END])
        .with_rules(Rules::plain().with_length_penalty(LengthPenalty::None))
}

pub fn check(model: &Model, tokenizer: &Tokenizer) -> Result<()> {
    let prompts = prompts(tokenizer)?;
    beams_against_greedy(model, tokenizer, &prompts)?;
    stopped_required_and_drawn(model, tokenizer, &prompts)?;
    mixed_against_alone(model, tokenizer, &prompts)
}

/// A full stop, as a token.
fn full_stop(tokenizer: &Tokenizer) -> Result<Vec<u32>> {
    text::tokens(tokenizer, ".")
}

/// A stop sequence ends answers, a required word is in all of them, and answers that are
/// drawn are different.
fn stopped_required_and_drawn(
    model: &Model,
    tokenizer: &Tokenizer,
    prompts: &[Vec<u32>],
) -> Result<()> {
    const WORD: &str = "very";
    const LENGTH: usize = 32;
    let stop = full_stop(tokenizer)?;
    let ask = |change: &dyn Fn(Request) -> Result<Request>| -> Result<Vec<Vec<Answer>>> {
        let requests = prompts.iter();
        let requests = requests.map(|prompt| Ok((0, change(request(prompt, 8, LENGTH))?)));
        Decoder::new(model)?.answer_all(requests.collect::<Result<Vec<_>>>()?)
    };

    let all = ask(&|request| Ok(request.with_stop_sequences([stop.clone()])))?;
    let mut stopped = 0;
    for answer in all.iter().flatten() {
        let (before, ending) = answer.tokens.split_at(answer.tokens.len() - answer.ending);
        let stops = answer.finish == Finish::Stop(0);
        ensure!(!stops || ending == stop, "an answer ends otherwise");
        ensure!(!before.ends_with(&stop), "an answer goes on behind a stop");
        stopped += usize::from(stops);
    }
    let count: usize = all.iter().map(Vec::len).sum();
    println!("stop \".\": {stopped} of {count} answers end there");

    let requirement = requirement(tokenizer, WORD)?;
    let all = ask(&|request| Ok(request.with_required_words([requirement.clone()])))?;
    let mut sum = 0.0;
    for (prompt, answers) in prompts.iter().zip(&all) {
        ensure!(!answers.is_empty(), "no answer has {WORD:?}");
        for answer in answers {
            let text = text::text(tokenizer, &answer.tokens)?;
            ensure!(text.contains(WORD), "{text:?} lacks {WORD:?}");
            let again = teacher_forced(model, prompt, &answer.tokens)?;
            ensure!(
                (again - answer.log_probability).abs() <= 1e-3,
                "a score is off"
            );
        }
        sum += answers[0].log_probability;
    }
    let count: usize = all.iter().map(Vec::len).sum();
    let mean = sum / prompts.len() as f64;
    println!("required {WORD:?}: all {count} answers have it; mean of the best {mean:.3}");

    let draw = |seed| ask(&|request| Ok(request.with_sampling(Sampling::stochastic_beams(seed))));
    let (one, again, other) = (draw(1)?, draw(1)?, draw(2)?);
    ensure!(one == again, "the same seed draws other answers");
    ensure!(one != other, "another seed draws the same answers");
    for answers in &one {
        for (place, answer) in answers.iter().enumerate() {
            let before = &answers[..place];
            let twice = before.iter().any(|other| other.tokens == answer.tokens);
            ensure!(!twice, "an answer was drawn twice");
        }
    }
    let count: usize = one.iter().map(Vec::len).sum();
    println!("drawn: {count} answers, all of a prompt different, the same for the same seed\n");
    Ok(())
}

/// The best of 8 beams is at least as likely as what greedy decoding finds,
/// and the scores are those of a pass over the whole sequence.
fn beams_against_greedy(model: &Model, tokenizer: &Tokenizer, prompts: &[Vec<u32>]) -> Result<()> {
    const LENGTH: usize = 32;
    let all = |beams| -> Result<Vec<Vec<Answer>>> {
        let requests = prompts.iter();
        let requests = requests.map(|prompt| (0, request(prompt, beams, LENGTH)));
        Decoder::new(model)?.answer_all(requests.collect())
    };
    let (greedy, wide) = (all(1)?, all(8)?);
    println!("  greedy   beam 8    gain  recomputed to  answer of beam 8");
    let (mut worse, mut worst, mut sums) = (0, 0.0f64, [0.0; 2]);
    for ((prompt, greedy), wide) in prompts.iter().zip(&greedy).zip(&wide) {
        let best = |answers: &[Answer]| -> Result<(Answer, f64)> {
            ensure!(!answers.is_empty(), "no answer");
            let mut error = 0.0f64;
            for answer in answers {
                let again = teacher_forced(model, prompt, &answer.tokens)?;
                error = error.max((again - answer.log_probability).abs());
            }
            Ok((answers[0].clone(), error))
        };
        let ((greedy, one), (wide, two)) = (best(greedy)?, best(wide)?);
        let (a, b) = (greedy.log_probability, wide.log_probability);
        worse += usize::from(b < a);
        worst = worst.max(one).max(two);
        sums = [sums[0] + a, sums[1] + b];
        let text = text::text(tokenizer, &wide.tokens)?.replace('\n', "\\n");
        let text: String = text.chars().take(60).collect();
        println!(
            "{a:8.3} {b:8.3} {:7.3} {:14.1e}  {text}",
            b - a,
            one.max(two)
        );
    }
    let count = prompts.len() as f64;
    println!(
        "mean     {:8.3} {:8.3}; beam 8 is below greedy on {worse} of {count} prompts; scores \
         are recomputed to {worst:.1e}\n",
        sums[0] / count,
        sums[1] / count
    );
    ensure!(worse == 0, "greedy found what 8 beams did not");
    ensure!(worst <= 1e-3, "a score is {worst} off");
    Ok(())
}

/// Requests with settings of all kinds, some admitted late: each gives what it
/// gives alone, to the bit.
fn mixed_against_alone(model: &Model, tokenizer: &Tokenizer, prompts: &[Vec<u32>]) -> Result<()> {
    let permitted = [" Paris", " Lyon", " Marseille, in the south"];
    let permitted = permitted.map(|line| text::tokens(tokenizer, line));
    let permitted = permitted.into_iter().collect::<Result<Vec<_>>>()?;
    let requests = vec![
        (0, request(&prompts[0], 1, 24)),
        (0, request(&prompts[1], 8, 24)),
        (
            0,
            request(&prompts[2], 6, 20)
                .with_diverse_groups(3, 1.5)
                .with_rules(Rules::gnmt(0.6)),
        ),
        (
            3,
            request(&prompts[3], 3, 24).process_log_probabilities(NoRepeatNgram::new(2)?),
        ),
        (
            5,
            request(&prompts[0], 4, 12)
                .with_constraint(TokenTrie::new(&permitted), Normaliser::WholeRow),
        ),
        (
            9,
            request(&prompts[1], 5, 16)
                .with_rules(Rules::plain())
                .process_logits(RepetitionPenalty::new(1.3)?),
        ),
        (
            2,
            request(&prompts[4], 6, 20).with_stop_sequences([full_stop(tokenizer)?]),
        ),
        (
            4,
            request(&prompts[2], 6, 20).with_required_words([requirement(tokenizer, "deep|wide")?]),
        ),
        (
            6,
            request(&prompts[5], 8, 16).with_sampling(Sampling::stochastic_beams(7)),
        ),
    ];
    let together = Decoder::new(model)?.answer_all(requests.clone())?;
    let mut hypotheses = 0;
    for (index, ((_, request), together)) in requests.into_iter().zip(together).enumerate() {
        let alone = Decoder::new(model)?.answer_all(vec![(0, request)])?;
        ensure!(!together.is_empty(), "request {index} found nothing");
        ensure!(
            alone[0] == together,
            "request {index} finds other answers in a batch: {together:?}\nalone: {:?}",
            alone[0]
        );
        hypotheses += together.len();
    }
    println!("9 mixed requests in one batch: {hypotheses} answers, each the same bits alone");
    Ok(())
}
