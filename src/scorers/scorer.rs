//! The hook through which a language model and the like take part in a search.

/// Nobody else can say that a scorer is silent:
///
/// ```compile_fail,E0326
/// struct Loud;
/// impl widebeam::scorers::Scorer for Loud {
///     type State = ();
///     fn start(&self) {}
///     fn score(&self, _: &(), token: u32) -> f64 { f64::from(token) }
///     fn advance(&self, _: &(), _: u32) {}
///     fn finish(&self, _: &()) -> f64 { 0.0 }
///     const SAYS: bool = false;
/// }
/// ```
///
/// A scorer that gives scores and no states is none, nor the other way round:
///
/// ```compile_fail,E0046
/// struct Half;
/// impl widebeam::scorers::Scorer for Half {
///     type State = u32;
///     fn start(&self) -> u32 { 0 }
///     fn score(&self, state: &u32, token: u32) -> f64 { f64::from(state + token) }
///     fn finish(&self, _: &u32) -> f64 { 0.0 }
/// }
/// ```
mod sealed {
    /// Whether a scorer says anything. Only this crate makes one, so no scorer of
    /// another crate can claim to be silent.
    #[derive(Clone, Copy, Debug)]
    #[allow(unreachable_pub)]
    pub struct Says {
        anything: bool,
    }

    impl Says {
        pub(super) const SOMETHING: Says = Says { anything: true };
        pub(super) const NOTHING: Says = Says { anything: false };

        pub(super) const fn or(self, other: Says) -> Says {
            Says {
                anything: self.anything || other.anything,
            }
        }

        pub(super) const fn anything(self) -> bool {
            self.anything
        }
    }
}

use sealed::Says;

/// Scores prefixes as they grow: a language model, a list of favoured phrases, a
/// lexicon.
///
/// What it says depends on the prefix alone, through a state that follows the
/// prefix tree. A prefix is ranked by the logarithm of its mass plus the sum of
/// its tokens' scores.
///
/// A search asks [`Scorer::score`] of every candidate, [`Scorer::max_score`] once a prefix,
/// and [`Scorer::advance`] only of the few that survive a step. All must be functions of
/// their arguments alone: each may be called again for the same prefix and token, on any
/// thread, and must then return the same.
///
/// A scorer is shared by the threads of a search and by its streams. `&S` and `Arc<S>`
/// are scorers if `S` is. So is a pair of scorers, which adds them up, and an
/// `Option` of one, which says nothing if it is `None`.
///
/// ```
/// use widebeam::scorers::Scorer;
///
/// /// Forbids a token right after itself. The state is the last token.
/// struct NoDoubles;
///
/// impl Scorer for NoDoubles {
///     type State = Option<u32>;
///
///     fn start(&self) -> Option<u32> {
///         None
///     }
///
///     fn score(&self, last: &Option<u32>, token: u32) -> f64 {
///         if *last == Some(token) { f64::NEG_INFINITY } else { 0.0 }
///     }
///
///     fn advance(&self, _last: &Option<u32>, token: u32) -> Option<u32> {
///         Some(token)
///     }
///
///     fn finish(&self, _last: &Option<u32>) -> f64 {
///         0.0
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a scorer",
    note = "two scorers take part as a pair `(a, b)`, three as `(a, (b, c))`"
)]
pub trait Scorer {
    /// What the scorer remembers of a prefix. The search keeps one for each prefix of
    /// its beam, so it should be small. Only the scorer that made a state knows what it
    /// means: given to another one, scores are unspecified, and it may panic.
    type State: Clone + Send;

    /// The state of the empty prefix.
    fn start(&self) -> Self::State;

    /// The score of `token` after a prefix. A score that is not finite forbids it.
    fn score(&self, state: &Self::State, token: u32) -> f64;

    /// The state of a prefix longer by `token`.
    fn advance(&self, state: &Self::State, token: u32) -> Self::State;

    /// The same, written over a state that is no longer needed. Large states are not copied
    /// then.
    fn advance_into(&self, state: &Self::State, token: u32, next: &mut Self::State) {
        *next = self.advance(state, token);
    }

    /// The score of the end of input after a prefix. One that is not finite
    /// drops the hypothesis.
    fn finish(&self, state: &Self::State) -> f64;

    /// An upper bound of [`Scorer::score`] over all tokens after a prefix; infinity if none is
    /// known.
    ///
    /// With a bound, a search finds every token that can matter and asks about no other, so
    /// the closer it is, the faster the search. Without one only the best tokens of a step
    /// are tried. A score above the bound may be overlooked.
    fn max_score(&self, state: &Self::State) -> f64 {
        let _ = state;
        f64::INFINITY
    }

    /// Which tokens may follow a prefix: a token may if bit `token % 64` is set. By default,
    /// all may.
    ///
    /// A hint: a search need not ask [`Scorer::score`] of a token that may not follow, which
    /// must be forbidden.
    fn may_follow(&self, state: &Self::State) -> u64 {
        let _ = state;
        u64::MAX
    }

    // A search without a scorer prunes by bounds that a scorer would break. The type
    // cannot be named outside of this crate, so nobody else can set this.
    #[doc(hidden)]
    const SAYS: Says = Says::SOMETHING;
}

/// Whether scorers of a type say anything: all do, but for [`Unscored`] and what is
/// made of nothing else.
pub(crate) const fn scores<S: Scorer>() -> bool {
    S::SAYS.anything()
}

/// No scorer: hypotheses are ranked by their mass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unscored;

impl Scorer for Unscored {
    type State = ();

    fn start(&self) {}

    fn score(&self, _: &(), _: u32) -> f64 {
        0.0
    }

    fn advance(&self, _: &(), _: u32) {}

    fn finish(&self, _: &()) -> f64 {
        0.0
    }

    fn max_score(&self, _: &()) -> f64 {
        0.0
    }

    const SAYS: Says = Says::NOTHING;
}

macro_rules! delegate {
    ($type:ty) => {
        impl<S: Scorer> Scorer for $type {
            type State = S::State;

            fn start(&self) -> S::State {
                S::start(self)
            }

            fn score(&self, state: &S::State, token: u32) -> f64 {
                S::score(self, state, token)
            }

            fn advance(&self, state: &S::State, token: u32) -> S::State {
                S::advance(self, state, token)
            }

            fn advance_into(&self, state: &S::State, token: u32, next: &mut S::State) {
                S::advance_into(self, state, token, next);
            }

            fn finish(&self, state: &S::State) -> f64 {
                S::finish(self, state)
            }

            fn max_score(&self, state: &S::State) -> f64 {
                S::max_score(self, state)
            }

            fn may_follow(&self, state: &S::State) -> u64 {
                S::may_follow(self, state)
            }

            const SAYS: Says = S::SAYS;
        }
    };
}
delegate!(&S);
delegate!(std::sync::Arc<S>);

impl<A: Scorer, B: Scorer> Scorer for (A, B) {
    type State = (A::State, B::State);

    fn start(&self) -> Self::State {
        (self.0.start(), self.1.start())
    }

    fn score(&self, state: &Self::State, token: u32) -> f64 {
        self.0.score(&state.0, token) + self.1.score(&state.1, token)
    }

    fn advance(&self, state: &Self::State, token: u32) -> Self::State {
        (
            self.0.advance(&state.0, token),
            self.1.advance(&state.1, token),
        )
    }

    fn advance_into(&self, state: &Self::State, token: u32, next: &mut Self::State) {
        self.0.advance_into(&state.0, token, &mut next.0);
        self.1.advance_into(&state.1, token, &mut next.1);
    }

    fn finish(&self, state: &Self::State) -> f64 {
        self.0.finish(&state.0) + self.1.finish(&state.1)
    }

    fn max_score(&self, state: &Self::State) -> f64 {
        self.0.max_score(&state.0) + self.1.max_score(&state.1)
    }

    fn may_follow(&self, state: &Self::State) -> u64 {
        self.0.may_follow(&state.0) & self.1.may_follow(&state.1)
    }

    const SAYS: Says = A::SAYS.or(B::SAYS);
}

impl<S: Scorer> Scorer for Option<S> {
    type State = Option<S::State>;

    fn start(&self) -> Self::State {
        self.as_ref().map(S::start)
    }

    fn score(&self, state: &Self::State, token: u32) -> f64 {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.score(state, token),
            _ => 0.0,
        }
    }

    fn advance(&self, state: &Self::State, token: u32) -> Self::State {
        let (scorer, state) = (self.as_ref()?, state.as_ref()?);
        Some(scorer.advance(state, token))
    }

    fn advance_into(&self, state: &Self::State, token: u32, next: &mut Self::State) {
        match (self, state, next) {
            (Some(scorer), Some(state), Some(next)) => scorer.advance_into(state, token, next),
            (_, _, next) => *next = self.advance(state, token),
        }
    }

    fn finish(&self, state: &Self::State) -> f64 {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.finish(state),
            _ => 0.0,
        }
    }

    fn max_score(&self, state: &Self::State) -> f64 {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.max_score(state),
            _ => 0.0,
        }
    }

    fn may_follow(&self, state: &Self::State) -> u64 {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.may_follow(state),
            _ => u64::MAX,
        }
    }

    const SAYS: Says = S::SAYS;
}
