//! Beam search with the model in the loop, sans I/O.
//!
//! The caller owns the model, its cache and its batch; the search owns the
//! hypotheses. In between go scores of shape `[rows, vocab]` in one direction,
//! and tokens to feed with the rows they continue in the other:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
//!
//! // A model of 4 tokens that likes to count: 0, 1, 2, and 3 to end.
//! let model = |last: Option<u32>| {
//!     let mut logits = [0.0f32; 4];
//!     logits[last.map_or(0, |token| token as usize + 1) % 4] = 2.0;
//!     logits
//! };
//! let mut search = AutoregressiveSearch::new(4)?;
//! let id = search.admit(Request::new(2, MaximumLength(10)).with_end_tokens([3]))?;
//! while !search.is_idle() {
//!     let feed = search.feed();
//!     // A real model reorders its cache by `feed.parents()` here.
//!     let continued = feed.tokens().iter().map(|&token| model(Some(token)));
//!     let fresh = feed.fresh().map(|(_id, _prompt)| model(None));
//!     let logits: Vec<f32> = continued.chain(fresh).flatten().collect();
//!     let rows = feed.rows();
//!     search.advance(&ScoresView::logits(&logits, [rows, 4])?)?;
//! }
//! let outcome = search.outcome(id)?.expect("it is done");
//! assert_eq!(outcome.best()?.tokens, [0, 1, 2, 3]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # A driver with a cache and a cancel
//!
//! This is what a runtime does between two steps, whatever its cache is made of. In this
//! example requests arrive one by one while others run, and one is cancelled while the
//! model works on it:
//!
//! ```
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
//!
//! const VOCAB: usize = 4;
//! /// One row of the key-value cache: here the tokens that it has seen.
//! type Row = Vec<u32>;
//! /// Runs the model on more tokens of a row; the logits of what follows.
//! fn run(row: &mut Row, tokens: &[u32]) -> [f32; VOCAB] {
//!     row.extend(tokens);
//!     std::array::from_fn(|token| (row.len() * (token + 3) % 5) as f32)
//! }
//!
//! let mut search = AutoregressiveSearch::new(VOCAB)?;
//! let mut cache: Vec<Row> = Vec::new();
//! let mut logits: Vec<f32> = Vec::new();
//! let mut waiting = vec![vec![1, 2], vec![3], vec![0]];
//! let mut first = None;
//! let mut texts = Vec::new();
//! while !(search.is_idle() && waiting.is_empty()) {
//!     if let Some(prompt) = waiting.pop() {
//!         let request = Request::new(3, MaximumLength(8)).with_prompt(prompt).with_end_tokens([0]);
//!         let id = search.admit(request)?;
//!         first.get_or_insert(id);
//!     }
//!     let feed = search.feed();
//!     // 1. Each row continues one of the step before; several may continue the
//!     //    same, and the rows of requests that are done are continued by none.
//!     if !feed.is_identity() {
//!         let parents = feed.parents().iter();
//!         cache = parents.map(|&parent| cache[parent as usize].clone()).collect();
//!     }
//!     // 2. Those rows see one more token,
//!     logits.clear();
//!     for (row, &token) in cache.iter_mut().zip(feed.tokens()) {
//!         logits.extend(run(row, &[token]));
//!     }
//!     // 3. and new requests, whose rows are the last, see their prompts.
//!     for (_id, prompt) in feed.fresh() {
//!         let mut row = Row::new();
//!         logits.extend(run(&mut row, prompt));
//!         cache.push(row);
//!     }
//!     let rows = feed.rows();
//!     // Meanwhile anybody may admit and remove: it takes effect after the step.
//!     if let (Some(id), 1) = (first, waiting.len()) {
//!         search.remove(id);
//!     }
//!     search.advance(&ScoresView::logits(&logits, [rows, VOCAB])?)?;
//!     for id in search.finished().to_vec() {
//!         let outcome = search.outcome(id)?.expect("it is done");
//!         texts.push(outcome.best()?.tokens.to_vec());
//!         search.remove(id);
//!     }
//! }
//! assert_eq!(texts.len(), 2);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! [`AutoregressiveSearch::run`] is this loop for a model that is one closure.
//!
//! # Prompts, caches and cross-attention
//!
//! What belongs to a row moves with the rows, and what belongs to a request stays with it:
//!
//! - **Prompt.** A new request has one row, for which the model reads its whole prompt, at once
//!   or in pieces; the scores are those after the last token. [`Feed::fresh`] names it. An
//!   encoder-decoder's prompt is its start token, with forced tokens such as a language.
//! - **Cache of self-attention.** Each later row continues one of the step before:
//!   [`Feed::parents`] is the map, [`Feed::is_identity`] says that nothing moves. The beams of
//!   the second step all continue the row of the prompt, whose cache they may share.
//! - **Cross-attention.** The output of the encoder, and the keys and values made of it, are the
//!   same for all rows of a request. They are kept once, by [`RequestId`], and are never
//!   reordered; [`Feed::requests`] says which rows of a step are whose, so that a kernel which
//!   wants one entry a row can gather them.
//! - **Attention to the sources**, for a coverage penalty, goes in with the scores, in the order
//!   of the rows ([`AutoregressiveSearch::advance_with`]).
//! - **The end.** When [`AutoregressiveSearch::finished`] names a request, no later row
//!   continues its rows, and what was kept for it can go. Between steps and during them,
//!   [`AutoregressiveSearch::live`] and [`AutoregressiveSearch::finished_so_far`] show what there
//!   is, and [`AutoregressiveSearch::finish`] ends a request with that.
//!
//! ```
//! use std::collections::HashMap;
//! use widebeam::ScoresView;
//! use widebeam::autoregressive::{AutoregressiveSearch, MaximumLength, Request};
//!
//! const VOCAB: usize = 6;
//! // A model that copies its source and then ends with token 0. Its cache is how far it is.
//! let logits_after = |source: &[u32], position: usize| {
//!     let mut logits = [0.0f32; VOCAB];
//!     logits[source.get(position).map_or(0, |&token| token as usize)] = 4.0;
//!     logits
//! };
//! let mut search = AutoregressiveSearch::new(VOCAB)?;
//! let (mut encoded, mut cache) = (HashMap::new(), Vec::new());
//! for source in [vec![3, 1, 4], vec![5, 2]] {
//!     let request = Request::new(2, MaximumLength(6)).with_prompt([1]).with_end_tokens([0]);
//!     encoded.insert(search.admit(request)?, source);
//! }
//! let mut found = Vec::new();
//! while !search.is_idle() {
//!     let feed = search.feed();
//!     cache = feed.parents().iter().map(|&parent| cache[parent as usize] + 1).collect();
//!     cache.extend(feed.fresh().map(|(_id, _prompt)| 0usize));
//!     let mut logits = Vec::new();
//!     for (id, rows) in feed.requests() {
//!         let source = &encoded[&id];
//!         logits.extend(cache[rows].iter().flat_map(|&position| logits_after(source, position)));
//!     }
//!     let rows = feed.rows();
//!     search.advance(&ScoresView::logits(&logits, [rows, VOCAB])?)?;
//!     for id in search.finished().to_vec() {
//!         let outcome = search.outcome(id)?.expect("it is done");
//!         found.push(outcome.best()?.tokens_without_ending().to_vec());
//!         encoded.remove(&id);
//!         search.remove(id);
//!     }
//! }
//! found.sort();
//! assert_eq!(found, [vec![3, 1, 4], vec![5, 2]]);
//! # Ok::<(), widebeam::Error>(())
//! ```
//!
//! # A step
//!
//! For each group of k beams (a request is one group unless it has diverse groups), with
//! K = (1 + max(1, end tokens)) * k and the default rules:
//!
//! ```text
//! for each row: normalise it, apply the processors, add the beam's score
//! the best K of live beams x vocabulary, in the total order, are candidates
//! those that end, of rank < k: into the pool of finished hypotheses, of size k
//! the best k that do not end: the next beams
//! at the maximum length: the beams go into the pool too
//! done if no beam is left, or the stopping rule is met
//! ```
//!
//! A stop sequence ends a hypothesis as an end token does, and its last token counts as one. So
//! do a predicate ([`Request::ends_when`]) and complete permitted sequences ([`Completeness`]),
//! which are no part of K: where they end too many of the K best, the step looks further until k
//! go on. [`Rules`] and the presets say what else a step may do with candidates.
//!
//! Candidates are ranked by score, highest first. Ties are broken by the rank of the parent,
//! then by the order of the row: log-probability descending, value read descending, token id
//! ascending. This order is total, so every answer is unique. The first step has one beam,
//! and a small vocabulary may leave fewer than k.
//!
//! The code takes shortcuts that do not change the answer: it never stores the log-softmax,
//! it copies no rows, it looks at only those groups of a row's tokens whose best one can
//! still be among the K best candidates. Beside the read of the rows a step of k beams takes
//! O(K log K), with two exceptions: [`EndRank::WithinRow`] is by definition about the best 2k
//! tokens of each of k rows, and a predicate or complete sequences may have a step look at every
//! candidate there is.
//!
//! # Promises
//!
//! A request's result depends on its settings and its rows alone: not on its
//! neighbours in the batch, the level, or the threads. An invalid score fails
//! the request it belongs to and no other. The scores of a step go to the rows that its
//! feed has shown, whatever is admitted or removed meanwhile. Once a batch has run for a while,
//! steps allocate nothing.

mod advance;
mod banks;
mod candidates;
mod collect;
mod completeness;
mod completion;
mod constraint;
mod coverage;
mod ends;
mod expand;
mod fate;
mod feed;
mod finish;
mod followed;
mod given;
mod group;
mod length_penalty;
mod look;
mod mask;
mod normaliser;
mod outcome;
mod own_scores;
mod pool;
mod presets;
mod processors;
mod request;
mod required;
mod results;
mod rules;
mod run;
mod sampled_step;
mod sampling;
mod scan;
mod search;
mod slot;
mod stateful;
mod step_rows;
mod stopping;
#[cfg(test)]
mod tests;
mod tokens_so_far;
mod tree;
mod trie;
mod walk;

pub use crate::request_id::RequestId;
pub use completeness::Completeness;
pub use completion::{Completion, CompletionDetails, CompletionNBest, OwnedCompletion};
pub use constraint::{Constraint, Normaliser};
pub use feed::Feed;
pub use finish::Finish;
pub use length_penalty::{CountedLength, LengthPenalty};
pub use mask::TokenMask;
pub use outcome::{Ended, Outcome};
pub use presets::{CTranslate2Options, EarlyStopping};
pub use processors::{
    Earliest, ForcedFirst, ForcedLast, ForcedScore, FrequencyPenalty, LogitsProcessor,
    MinimumLength, NoRepeatNgram, PresencePenalty, ProcessorFn, RepetitionPenalty, RowScores,
    Suppress, WhisperTimestamps, processor_fn,
};
pub use request::{MaximumLength, Request};
pub use required::Requirement;
pub use rules::{AtMaximum, EndRank, PoolSize, Rules, WhenFull};
pub use run::ModelResult;
pub use sampling::{Sampled, Sampling, SamplingMethod};
pub use search::AutoregressiveSearch;
pub use stateful::StatefulConstraint;
pub use stopping::{Leader, Stopping};
pub use tokens_so_far::TokensSoFar;
pub use trie::TokenTrie;
