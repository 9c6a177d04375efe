//! Searches that end before they are done: on request, or at a deadline.
//!
//! ```text
//! caller's thread                    threads of the pool
//! token.cancel()  ──►  flag  ◄──  look, between rows and steps:
//!                                     if cancelled, or the deadline passed:
//!                                         note the place; start no more work
//!                      ◄──────────── the first place noted is in the error
//! ```
//!
//! Every search looks at its [`Cancellation`] between pieces of work that take microseconds:
//! rows, steps of an item, prefixes that ask a scorer. A look is a relaxed load, and a
//! [`Watch`] reads the clock at few of them. What a search of several threads has come to is
//! kept in [`Interrupted`].

mod interrupted;
mod token;
mod watch;

pub(crate) use interrupted::Interrupted;
pub use token::CancellationToken;
pub(crate) use token::{Cancellation, Interrupt};
pub(crate) use watch::Watch;
