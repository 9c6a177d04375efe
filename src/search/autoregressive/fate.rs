//! What becomes of a candidate: whether it ends, and whether it goes on.

use super::candidates::Continuation;
use super::completeness::Completeness;
use super::expand::Step;
use super::finish::Finish;
use super::request::Request;
use super::tokens_so_far::TokensSoFar;
use crate::error::Error;
use crate::memory::reserve;

/// What becomes of a candidate. One that is complete may do both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fate {
    pub(super) ends: Option<Finish>,
    pub(super) goes_on: bool,
}

impl Fate {
    const GOES_ON: Fate = Fate {
        ends: None,
        goes_on: true,
    };

    const fn ends(finish: Finish) -> Fate {
        Fate {
            ends: Some(finish),
            goes_on: false,
        }
    }
}

impl Request {
    /// The fate of a candidate as far as its last tokens decide it.
    fn fate_by_last_tokens(&self, step: &Step<'_>, candidate: &Continuation) -> Fate {
        let token = candidate.token;
        if self.ending_tokens.binary_search(&token).is_err() {
            return Fate::GOES_ON;
        }
        if self.end_tokens.binary_search(&token).is_ok() {
            return Fate::ends(Finish::End);
        }
        let node = step.beams[candidate.parent as usize].node;
        let stop = self.ends.stop(step.tree, node, token);
        stop.map_or(Fate::GOES_ON, |index| Fate::ends(Finish::Stop(index)))
    }

    /// The fate of a candidate that its last tokens do not end. `tokens` are those of its
    /// parent, prompt first, if the request [`Request::reads_tokens`], and come back unchanged.
    fn fate_by_all_tokens(
        &self,
        step: &Step<'_>,
        candidate: &Continuation,
        tokens: &mut Vec<u32>,
    ) -> Fate {
        let (prompt, token) = (self.prompt.len().min(tokens.len()), candidate.token);
        if let Some(predicate) = self.ends.predicate()
            && predicate(&TokensSoFar::new(tokens, prompt), token)
        {
            return Fate::ends(Finish::Predicate);
        }
        tokens.push(token);
        let parent = candidate.parent as usize;
        let longer = TokensSoFar::new(tokens, prompt);
        let completeness = self.completeness(step.followed, (parent, token), &longer);
        tokens.pop();
        match completeness {
            Completeness::Incomplete => Fate::GOES_ON,
            Completeness::MayEnd if step.length + 1 < self.max_length => Fate {
                ends: Some(Finish::Complete),
                goes_on: true,
            },
            Completeness::MayEnd | Completeness::Complete => Fate::ends(Finish::Complete),
        }
    }
}

/// Finds the fates of candidates. Its memory is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    /// One for each of the candidates that were judged last.
    pub(super) fates: Vec<Fate>,
    /// The places of candidates, those of one parent side by side.
    by_parent: Vec<u32>,
    tokens: Vec<u32>,
}

impl Judge {
    /// At most the bytes that it takes for so many candidates of a request.
    pub(super) fn bytes_needed(request: &Request, candidates: usize) -> usize {
        let each = size_of::<Fate>() + size_of::<u32>();
        let length = request.prompt.len().saturating_add(request.max_length);
        // Where memory grows, it is doubled.
        let bytes = candidates.saturating_mul(each);
        bytes
            .saturating_add(length.saturating_mul(size_of::<u32>()))
            .saturating_mul(2)
    }

    /// Finds the fates of a step's candidates. A parent's tokens are read once, whatever the
    /// number of its candidates.
    ///
    /// # Errors
    ///
    /// If memory runs out.
    pub(super) fn judge(
        &mut self,
        step: &Step<'_>,
        candidates: &[Continuation],
    ) -> Result<(), Error> {
        self.judge_by_tokens(step, candidates)?;
        if !step.request.required.is_empty() {
            // What would end without the words neither ends nor goes on.
            for (fate, candidate) in self.fates.iter_mut().zip(candidates) {
                if fate.ends.is_some() && step.bank(candidate) > 0 {
                    fate.ends = None;
                }
            }
        }
        Ok(())
    }

    fn judge_by_tokens(
        &mut self,
        step: &Step<'_>,
        candidates: &[Continuation],
    ) -> Result<(), Error> {
        let request = step.request;
        let what = "the fates of candidates";
        self.fates.clear();
        reserve(&mut self.fates, candidates.len(), what)?;
        let fates = candidates.iter();
        self.fates
            .extend(fates.map(|candidate| request.fate_by_last_tokens(step, candidate)));
        if !request.any_token_may_end() {
            return Ok(());
        }
        self.tokens.clear();
        if !request.reads_tokens() {
            reserve(&mut self.tokens, 1, "the tokens of a hypothesis")?;
            for (fate, candidate) in self.fates.iter_mut().zip(candidates) {
                if *fate == Fate::GOES_ON {
                    *fate = request.fate_by_all_tokens(step, candidate, &mut self.tokens);
                }
            }
            return Ok(());
        }
        self.by_parent.clear();
        reserve(&mut self.by_parent, candidates.len(), what)?;
        self.by_parent.extend(0..candidates.len() as u32);
        let parent = |place: u32| candidates[place as usize].parent;
        self.by_parent
            .sort_unstable_by_key(|&place| (parent(place), place));
        let most = request.prompt.len() + step.length + 1;
        reserve(&mut self.tokens, most, "the tokens of a hypothesis")?;
        self.tokens.extend_from_slice(&request.prompt);
        let chunks = self.by_parent.chunk_by(|&a, &b| parent(a) == parent(b));
        for of_one in chunks {
            self.tokens.truncate(request.prompt.len());
            let node = step.beams[parent(of_one[0]) as usize].node;
            step.tree.tokens_into(node, &mut self.tokens);
            for &place in of_one {
                let fate = &mut self.fates[place as usize];
                if *fate == Fate::GOES_ON {
                    let candidate = &candidates[place as usize];
                    *fate = request.fate_by_all_tokens(step, candidate, &mut self.tokens);
                }
            }
        }
        Ok(())
    }
}
