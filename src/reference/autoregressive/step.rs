//! One step of one group.

use super::candidate::{self, Candidate};
use super::finish::Finish;
use super::group::Group;
use super::hypothesis::{Hypothesis, Live};
use super::request::Request;
use super::required;
use super::row::Processed;
use super::rules::EndRank;

/// What a walk over candidates looks at.
#[derive(Clone, Copy)]
struct Walk<'a> {
    request: &'a Request,
    parents: &'a [Live],
    rows: &'a [Processed],
    /// k, and K.
    width: usize,
    most: usize,
    /// The first candidate of the step.
    first: Option<&'a Candidate>,
}

impl Walk<'_> {
    fn extended(&self, candidate: &Candidate) -> Live {
        candidate.extend(
            &self.parents[candidate.parent],
            &self.rows[candidate.parent],
        )
    }
}

impl Group {
    /// Takes the rows of the live hypotheses, and goes on to `length` tokens. The last tokens
    /// of the next beams, even if the group is done with them.
    pub(super) fn step(
        &mut self,
        request: &Request,
        rows: &[Processed],
        length: usize,
    ) -> Vec<u32> {
        if request.is_stochastic() {
            return self.draw_sequences(request, rows, length);
        }
        let width = request.width(length);
        let most = (1 + request.ending_tokens().max(1)) * width;
        let banks: Vec<Vec<Candidate>> = match request.sampling {
            Some(sampling) => {
                vec![sampling.candidates(&self.live, rows, draws(request, rows, most))]
            }
            None if request.required.is_empty() => vec![candidate::all(&self.live, rows)],
            None => request.banks(&self.live, rows).into_values().collect(),
        };
        let parents = std::mem::take(&mut self.live);
        let walk = Walk {
            request,
            parents: &parents,
            rows,
            width,
            most,
            first: first(&banks),
        };
        let going_on = banks.iter().map(|bank| self.walk(&walk, bank)).collect();
        let mut next = required::share_out(going_on, width);
        let score = |candidate: &Candidate| candidate.score;
        next.sort_by(|a, b| score(b).partial_cmp(&score(a)).expect("no NaN"));
        self.live = next.into_iter().map(|next| walk.extended(next)).collect();
        let chosen = last_tokens(&self.live);
        self.close(request, leader(request, &banks, most), length);
        chosen
    }

    /// Goes over candidates in their order: some finish, some may be the next beams, which
    /// come back, best first.
    fn walk<'a>(&mut self, walk: &Walk<'_>, candidates: &'a [Candidate]) -> Vec<&'a Candidate> {
        let Walk {
            request,
            parents,
            rows,
            width,
            most,
            first,
        } = *walk;
        let mut going_on: Vec<&Candidate> = Vec::new();
        let rules = &request.rules;
        for (rank, candidate) in candidates.iter().enumerate() {
            let enough = rank >= most && going_on.len() >= width;
            if enough && rules.end_rank != EndRank::WithinRow {
                break;
            }
            let mut fate = request.fate(&parents[candidate.parent].tokens, candidate.token);
            if !request.is_met(&walk.extended(candidate).tokens) {
                fate.ends = None;
            }
            if let Some(finish) = fate.ends {
                let finishes = match rules.end_rank {
                    EndRank::WithinBeam => rank < width,
                    EndRank::Any => rank < most,
                    EndRank::BeforeLastBeam => going_on.len() < width,
                    EndRank::WithinRow => {
                        let ranked = rows[candidate.parent].ranked();
                        let best = &ranked[..ranked.len().min(2 * width)];
                        best.contains(&candidate.token)
                    }
                };
                self.best_ended |= first.is_some_and(|first| std::ptr::eq(first, candidate));
                if finishes {
                    self.finish(request, walk.extended(candidate), finish);
                }
            }
            // What was drawn is ranked by score in the end.
            if fate.goes_on && !enough && (going_on.len() < width || request.sampling.is_some()) {
                going_on.push(candidate);
            }
        }
        let score = |candidate: &Candidate| candidate.score;
        going_on.sort_by(|a, b| score(b).partial_cmp(&score(a)).expect("no NaN"));
        going_on
    }

    fn close(&mut self, request: &Request, leader: f64, length: usize) {
        if length == request.max_length {
            self.cut(request, leader, length);
        } else if self.is_done(request, leader, length) {
            self.stop(request);
        }
    }

    /// One step of stochastic beams: finished hypotheses and children compete by their
    /// perturbed log-probabilities.
    fn draw_sequences(&mut self, request: &Request, rows: &[Processed], length: usize) -> Vec<u32> {
        let sampling = request.sampling.expect("sequences are drawn");
        let width = request.width(length);
        let parents = std::mem::take(&mut self.live);
        let children = sampling.children(&parents, rows, width + 1);
        enum Rival {
            Finished(Hypothesis),
            Child(Candidate),
        }
        let pool = std::mem::take(&mut self.pool).into_iter();
        let children = children.into_iter().map(Rival::Child);
        let mut rivals: Vec<Rival> = pool.map(Rival::Finished).chain(children).collect();
        let perturbed = |rival: &Rival| match rival {
            Rival::Finished(found) => found.sampled.expect("it was drawn").perturbed,
            Rival::Child(child) => child.sampled.expect("it was drawn").perturbed,
        };
        rivals.sort_by(|a, b| perturbed(b).partial_cmp(&perturbed(a)).expect("no NaN"));
        for (rank, rival) in rivals.into_iter().enumerate() {
            if rank >= width {
                self.threshold = self.threshold.max(perturbed(&rival));
                continue;
            }
            match rival {
                Rival::Finished(found) => self.pool.push(found),
                Rival::Child(child) => {
                    let parent = &parents[child.parent];
                    let longer = child.extend(parent, &rows[child.parent]);
                    let fate = request.fate(&parent.tokens, child.token);
                    match fate.ends {
                        Some(finish) if !fate.goes_on => self.add(request, longer, finish),
                        _ => self.live.push(longer),
                    }
                }
            }
        }
        let chosen = last_tokens(&self.live);
        if length == request.max_length {
            for live in std::mem::take(&mut self.live) {
                self.add(request, live, Finish::Length);
            }
        }
        chosen
    }
}

fn last_tokens(live: &[Live]) -> Vec<u32> {
    let last = live.iter().filter_map(|live| live.tokens.last());
    last.copied().collect()
}

/// The first candidate of a step: in the order of draws, else the best.
fn first(banks: &[Vec<Candidate>]) -> Option<&Candidate> {
    let first = banks.iter().filter_map(|bank| bank.first());
    first.min_by(|a, b| a.order(b))
}

/// The best score among the candidates of a step; of drawn ones, among the first K.
fn leader(request: &Request, banks: &[Vec<Candidate>], most: usize) -> f64 {
    let counted = match request.sampling {
        Some(_) => most,
        None => usize::MAX,
    };
    let candidates = banks.iter().flat_map(|bank| bank.iter().take(counted));
    let scores = candidates.map(|candidate| candidate.score);
    scores.fold(f64::NEG_INFINITY, f64::max)
}

/// How many candidates to draw: more than K only if there may be too few that go on.
fn draws(request: &Request, rows: &[Processed], most: usize) -> usize {
    let any_may_end = request.ends.predicate.is_some() || !request.ends.completeness.is_empty();
    let every_rank = request.rules.end_rank == EndRank::WithinRow;
    match any_may_end || every_rank {
        true => rows.iter().map(|row| row.read.len()).sum(),
        false => most,
    }
}
