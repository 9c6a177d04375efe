//! A guide in pages. Each stands for itself; all code runs in the tests.
//!
//! | page | what it is about |
//! |---|---|
//! | [`choosing`] | which search, how wide a beam |
//! | [`coming_from`] | the calls of other tools |
//! | [`scores`] | kinds of numbers, types, shapes, results, what is refused |
//! | [`ctc_with_words`] | text from CTC, with models and lists of words |
//! | [`model_in_the_loop`] | a step of a language model, with a cache |
//! | [`transducers`] | encoder, predictor and joiner |
//! | [`streaming`] | frames as they come |
//! | [`servers`] | threads, memory, cancel |
//! | [`determinism`] | the same bits everywhere, and how |
//! | [`speed`] | near the floor |

macro_rules! pages {
    ($($name:ident),* $(,)?) => {
        $(
            #[doc = include_str!(concat!("../docs/guide/", stringify!($name), ".md"))]
            pub mod $name {}
        )*
    };
}

pages!(
    choosing,
    coming_from,
    scores,
    ctc_with_words,
    model_in_the_loop,
    transducers,
    streaming,
    servers,
    determinism,
    speed,
);
