//! Constraints with a state that follows each hypothesis.

use std::sync::Arc;

use super::completeness::Completeness;
use super::mask::TokenMask;
use crate::error::Error;
use crate::memory::{boxed, reserve};

/// Says which tokens may follow a hypothesis, by a state that follows it: a grammar, an
/// automaton, a stack. Nothing is read again that has been read.
///
/// [`Constraint::stateful`](super::Constraint::stateful) makes a constraint of it. Each live
/// hypothesis has a state. All methods must be functions of their arguments alone.
///
/// ```
/// use widebeam::autoregressive::{
///     Completeness, Constraint, MaximumLength, Normaliser, Request, StatefulConstraint,
///     TokenMask,
/// };
///
/// /// Brackets, of which each that is opened is closed. The state is the depth.
/// struct Brackets {
///     open: u32,
///     close: u32,
/// }
///
/// impl StatefulConstraint for Brackets {
///     type State = usize;
///
///     fn start(&self, _prompt: &[u32]) -> usize {
///         0
///     }
///
///     fn permit(&self, depth: &usize, mask: &mut TokenMask) {
///         mask.insert(self.open);
///         if *depth > 0 {
///             mask.insert(self.close);
///         }
///     }
///
///     fn advance(&self, depth: &usize, token: u32) -> usize {
///         if token == self.open { depth + 1 } else { depth.saturating_sub(1) }
///     }
///
///     fn completeness(&self, depth: &usize) -> Option<Completeness> {
///         Some(match depth {
///             0 => Completeness::MayEnd,
///             _ => Completeness::Incomplete,
///         })
///     }
/// }
///
/// let brackets = Constraint::stateful(Brackets { open: 5, close: 6 });
/// let request = Request::new(4, MaximumLength(16)).with_constraint(brackets, Normaliser::WholeRow);
/// # assert_eq!(request.beams(), 4);
/// ```
pub trait StatefulConstraint: Send + Sync {
    /// What is remembered of a hypothesis. The search keeps one for each beam, so it should be
    /// small.
    type State: Clone + Send + Sync;

    /// The state before the first generated token.
    fn start(&self, prompt: &[u32]) -> Self::State;

    /// Puts the tokens that may come next into an empty mask. It is called once for each live
    /// hypothesis of a step. Tokens beyond the vocabulary do not matter.
    fn permit(&self, state: &Self::State, mask: &mut TokenMask);

    /// The state of a hypothesis longer by `token`. It is called once for each live hypothesis
    /// of a step.
    fn advance(&self, state: &Self::State, token: u32) -> Self::State;

    /// The same, written over a state that is no longer needed. Large states are not copied
    /// then.
    fn advance_into(&self, state: &Self::State, token: u32, next: &mut Self::State) {
        *next = self.advance(state, token);
    }

    /// Whether the generated tokens are a whole permitted sequence, `None` if the constraint does
    /// not know: then the others of the request decide. It matters where the request has no
    /// end tokens, whether or not it has stop sequences, and is then asked of each candidate that
    /// a step looks at, and once of another starting state when the request is admitted.
    fn completeness(&self, state: &Self::State) -> Option<Completeness> {
        let _ = state;
        None
    }

    /// [`StatefulConstraint::completeness`] of a hypothesis longer by `token`, for constraints
    /// that can say it without a state.
    fn completeness_after(&self, state: &Self::State, token: u32) -> Option<Completeness> {
        self.completeness(&self.advance(state, token))
    }

    /// Whether the constraint makes sense for a vocabulary; asked once, when its request is
    /// admitted.
    ///
    /// # Errors
    ///
    /// If it names a token beyond the vocabulary, say: a sentence as
    /// [`Error::invalid_setting`].
    fn check(&self, vocab: usize) -> Result<(), Error> {
        let _ = vocab;
        Ok(())
    }
}

/// A stateful constraint whose type is not known.
pub(super) trait AnyStateful: Send + Sync {
    fn check(&self, vocab: usize) -> Result<(), Error>;

    /// What it says of no generated token.
    fn completeness_of_nothing(&self, prompt: &[u32]) -> Option<Completeness>;

    /// States for the beams of a group: one, before the first token.
    fn begin(self: Arc<Self>, prompt: &[u32]) -> Result<Box<dyn States>, Error>;
}

/// One state for each beam of a group.
pub(super) trait States: Send + Sync {
    /// Makes room for the states of so many beams.
    fn reserve(&mut self, beams: usize) -> Result<(), Error>;

    /// Puts the tokens that may follow a beam into an empty mask.
    fn permit(&self, beam: usize, mask: &mut TokenMask);

    fn completeness_after(&self, beam: usize, token: u32) -> Option<Completeness>;

    /// Goes on to the next beams: the parent of each among those before, and its token. There
    /// is room for them.
    fn advance(&mut self, beams: &mut dyn Iterator<Item = (usize, u32)>);

    fn copy(&self) -> Box<dyn States>;
}

impl<C: StatefulConstraint + 'static> AnyStateful for C {
    fn check(&self, vocab: usize) -> Result<(), Error> {
        StatefulConstraint::check(self, vocab)
    }

    fn completeness_of_nothing(&self, prompt: &[u32]) -> Option<Completeness> {
        self.completeness(&self.start(prompt))
    }

    fn begin(self: Arc<Self>, prompt: &[u32]) -> Result<Box<dyn States>, Error> {
        let mut states = StatesOf {
            current: Vec::new(),
            next: Vec::new(),
            constraint: self,
        };
        states.reserve(1)?;
        states.current.push(states.constraint.start(prompt));
        let states: Box<dyn States> = boxed(states, WHAT)?;
        Ok(states)
    }
}

struct StatesOf<C: StatefulConstraint> {
    constraint: Arc<C>,
    /// Those of the beams, and behind them some that are no longer needed.
    current: Vec<C::State>,
    /// States to be written over.
    next: Vec<C::State>,
}

const WHAT: &str = "the states of a constraint";

impl<C: StatefulConstraint> StatesOf<C> {
    fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        for states in [&mut self.current, &mut self.next] {
            let more = beams.saturating_sub(states.len());
            reserve(states, more, WHAT)?;
        }
        Ok(())
    }
}

/// In an array of one, as [`boxed`] puts them on the heap.
impl<C: StatefulConstraint + 'static> States for [StatesOf<C>; 1] {
    fn reserve(&mut self, beams: usize) -> Result<(), Error> {
        self[0].reserve(beams)
    }

    fn permit(&self, beam: usize, mask: &mut TokenMask) {
        let [states] = self;
        states.constraint.permit(&states.current[beam], mask);
    }

    fn completeness_after(&self, beam: usize, token: u32) -> Option<Completeness> {
        let [states] = self;
        let state = &states.current[beam];
        states.constraint.completeness_after(state, token)
    }

    fn advance(&mut self, beams: &mut dyn Iterator<Item = (usize, u32)>) {
        let [states] = self;
        for (index, (parent, token)) in beams.enumerate() {
            let state = &states.current[parent];
            match states.next.get_mut(index) {
                Some(next) => states.constraint.advance_into(state, token, next),
                None => states.next.push(states.constraint.advance(state, token)),
            }
        }
        std::mem::swap(&mut states.current, &mut states.next);
    }

    fn copy(&self) -> Box<dyn States> {
        let [states] = self;
        let with_room = |states: &Vec<C::State>| {
            let mut copy = Vec::with_capacity(states.capacity());
            copy.extend_from_slice(states);
            copy
        };
        Box::new([StatesOf {
            constraint: Arc::clone(&states.constraint),
            current: with_room(&states.current),
            next: with_room(&states.next),
        }])
    }
}
