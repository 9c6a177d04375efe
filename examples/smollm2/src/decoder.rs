//! The search and the model put together: all rows of all requests in one
//! batch, step by step.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use widebeam::ScoresView;
use widebeam::autoregressive::{AutoregressiveSearch, Finish, Request, RequestId};

use crate::cache::{Cache, Node, ROOT};
use crate::model::Model;

pub struct Decoder<'a> {
    model: &'a Model,
    pub search: AutoregressiveSearch,
    cache: Cache,
    /// The node of each row that was scored last.
    rows: Vec<Node>,
    /// The last tokens of prompts, held for later ones that begin alike. A
    /// server would let go of the oldest.
    prompts: Vec<Node>,
    /// Whether a prompt's known beginning is taken from the cache.
    pub reuses_prefixes: bool,
    logits: Vec<f32>,
    pub times: Times,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub steps: usize,
    /// Rows that the model computed, those of prompts included.
    pub rows: usize,
    pub model: Duration,
    pub search: Duration,
    /// Keeping the tree of the cache.
    pub cache: Duration,
}

/// An answer to a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub tokens: Vec<u32>,
    /// How many of them, at the end, ended it.
    pub ending: usize,
    pub log_probability: f64,
    pub score: f64,
    pub finish: Finish,
}

impl<'a> Decoder<'a> {
    pub fn new(model: &'a Model) -> Result<Self> {
        Ok(Decoder {
            search: AutoregressiveSearch::new(model.vocab())?,
            cache: model.cache(),
            model,
            rows: Vec::new(),
            prompts: Vec::new(),
            reuses_prefixes: true,
            logits: Vec::new(),
            times: Times::default(),
        })
    }

    pub fn admit(&mut self, request: Request) -> Result<RequestId> {
        Ok(self.search.admit(request)?)
    }

    /// One token for every running request. The requests that it ends are
    /// those of `self.search.finished()`.
    pub fn step(&mut self) -> Result<()> {
        let start = Instant::now();
        let feed = self.search.feed();
        let cache = &mut self.cache;
        // A beam is a node of the tree: to reorder the cache is to take other
        // nodes.
        let continued = feed.tokens().iter().zip(feed.parents());
        let mut rows: Vec<Node> = continued
            .map(|(&token, &parent)| cache.hold(self.rows[parent as usize], token))
            .collect();
        let mut nodes = rows.clone();
        let mut wanted: Vec<usize> = (0..rows.len()).collect();
        for (_id, prompt) in feed.fresh() {
            let mut node = ROOT;
            for (i, &token) in prompt.iter().enumerate() {
                let known = self.reuses_prefixes && cache.find(node, token).is_some();
                let next = cache.hold(node, token);
                // The child holds it now.
                cache.release(node);
                node = next;
                if !known || i + 1 == prompt.len() {
                    nodes.push(node);
                }
            }
            wanted.push(nodes.len() - 1);
            rows.push(node);
            if self.reuses_prefixes {
                cache.hold_again(node);
                self.prompts.push(node);
            }
        }
        for node in std::mem::replace(&mut self.rows, rows) {
            cache.release(node);
        }
        let planned = Instant::now();
        self.model.run(cache, &nodes, &wanted, &mut self.logits)?;
        let scored = Instant::now();
        let shape = [self.rows.len(), self.model.vocab()];
        let scores = ScoresView::logits(&self.logits, shape)?;
        self.search.advance(&scores)?;
        self.times.steps += 1;
        self.times.rows += nodes.len();
        self.times.cache += planned - start;
        self.times.model += scored - planned;
        self.times.search += scored.elapsed();
        Ok(())
    }

    /// The answers to a request that is done, best first, which is then
    /// forgotten.
    pub fn take(&mut self, id: RequestId) -> Result<Vec<Answer>> {
        let outcome = self.search.outcome(id)?;
        let outcome = outcome.context("the request is not done")?;
        let answers = outcome.hypotheses().map(|found| Answer {
            tokens: found.tokens.to_vec(),
            ending: found.ending,
            log_probability: found.log_probability,
            score: found.score,
            finish: found.finish,
        });
        let answers = answers.collect();
        self.search.remove(id);
        Ok(answers)
    }

    /// Runs requests to their ends, each admitted before the step that stands
    /// beside it; their answers, in order.
    pub fn answer_all(&mut self, requests: Vec<(usize, Request)>) -> Result<Vec<Vec<Answer>>> {
        let mut ids: Vec<Option<RequestId>> = vec![None; requests.len()];
        let mut answers: Vec<Vec<Answer>> = vec![Vec::new(); requests.len()];
        let mut waiting: Vec<Option<(usize, Request)>> = requests.into_iter().map(Some).collect();
        for step in 0.. {
            for (place, id) in waiting.iter_mut().zip(&mut ids) {
                if let Some((_, request)) = place.take_if(|(at, _)| *at <= step) {
                    *id = Some(self.admit(request)?);
                }
            }
            if self.search.is_idle() {
                if waiting.iter().all(Option::is_none) {
                    break;
                }
                continue;
            }
            self.step()?;
            while let Some(&id) = self.search.finished().first() {
                let place = ids.iter().position(|&own| own == Some(id));
                answers[place.expect("it was admitted here")] = self.take(id)?;
            }
        }
        Ok(answers)
    }
}

/// The log-probability of `tokens` after `prompt`, from one pass over all of
/// them with a cache of its own.
pub fn teacher_forced(model: &Model, prompt: &[u32], tokens: &[u32]) -> Result<f64> {
    let mut cache = model.cache();
    let (mut node, mut nodes) = (ROOT, Vec::new());
    for &token in prompt.iter().chain(tokens) {
        node = cache.hold(node, token);
        nodes.push(node);
    }
    let wanted: Vec<usize> = (prompt.len() - 1..nodes.len() - 1).collect();
    let mut logits = Vec::new();
    model.run(&mut cache, &nodes, &wanted, &mut logits)?;
    let rows = logits.chunks(model.vocab()).zip(tokens);
    let logs = rows.map(|(row, &token)| {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = row.iter().map(|&x| f64::from(x - max).exp()).sum();
        f64::from(row[token as usize] - max) - sum.ln()
    });
    Ok(logs.sum())
}
