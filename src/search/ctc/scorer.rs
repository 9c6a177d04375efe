//! The hook through which a language model and the like take part.

/// Scores prefixes as they grow: a language model, a list of favoured words, a
/// lexicon.
///
/// What it says depends on the prefix alone, through a state that follows the
/// prefix tree. A prefix is ranked by the logarithm of its mass plus the sum of
/// its tokens' scores.
///
/// A scorer is shared by the threads of a search, and `&S` and `Arc<S>` are
/// scorers where `S` is. So is a pair of scorers, which adds them up, and an
/// `Option` of one, which says nothing where there is none.
pub trait Scorer {
    /// What the scorer remembers of a prefix.
    type State: Clone + Send;

    /// Whether there is anything to ask; only [`Unscored`] says no.
    const SCORES: bool = true;

    /// The state of the empty prefix.
    fn start(&self) -> Self::State;

    /// The score of `token` after a prefix, and the state of the longer prefix.
    ///
    /// A score that is not finite forbids the extension. May be asked more than
    /// once for one prefix, and must then say the same.
    fn extend(&self, state: &Self::State, token: u32) -> (f64, Self::State);

    /// The score of the end of input after a prefix; one that is not finite
    /// drops the hypothesis.
    fn finish(&self, state: &Self::State) -> f64;
}

/// No scorer: hypotheses are ranked by their mass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unscored;

impl Scorer for Unscored {
    type State = ();

    const SCORES: bool = false;

    fn start(&self) {}

    fn extend(&self, _: &(), _: u32) -> (f64, ()) {
        (0.0, ())
    }

    fn finish(&self, _: &()) -> f64 {
        0.0
    }
}

macro_rules! delegate {
    ($type:ty) => {
        impl<S: Scorer> Scorer for $type {
            type State = S::State;

            const SCORES: bool = S::SCORES;

            fn start(&self) -> S::State {
                S::start(self)
            }

            fn extend(&self, state: &S::State, token: u32) -> (f64, S::State) {
                S::extend(self, state, token)
            }

            fn finish(&self, state: &S::State) -> f64 {
                S::finish(self, state)
            }
        }
    };
}
delegate!(&S);
delegate!(std::sync::Arc<S>);

impl<A: Scorer, B: Scorer> Scorer for (A, B) {
    type State = (A::State, B::State);

    const SCORES: bool = A::SCORES || B::SCORES;

    fn start(&self) -> Self::State {
        (self.0.start(), self.1.start())
    }

    fn extend(&self, state: &Self::State, token: u32) -> (f64, Self::State) {
        let (a, a_state) = self.0.extend(&state.0, token);
        let (b, b_state) = self.1.extend(&state.1, token);
        (a + b, (a_state, b_state))
    }

    fn finish(&self, state: &Self::State) -> f64 {
        self.0.finish(&state.0) + self.1.finish(&state.1)
    }
}

impl<S: Scorer> Scorer for Option<S> {
    type State = Option<S::State>;

    fn start(&self) -> Self::State {
        self.as_ref().map(S::start)
    }

    fn extend(&self, state: &Self::State, token: u32) -> (f64, Self::State) {
        match (self, state) {
            (Some(scorer), Some(state)) => {
                let (score, state) = scorer.extend(state, token);
                (score, Some(state))
            }
            _ => (0.0, None),
        }
    }

    fn finish(&self, state: &Self::State) -> f64 {
        match (self, state) {
            (Some(scorer), Some(state)) => scorer.finish(state),
            _ => 0.0,
        }
    }
}
