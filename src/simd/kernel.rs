//! How a kernel is compiled for the instructions of a level.

use super::Simd;

/// An algorithm that can run at any level. Implementations are marked
/// `#[inline(always)]`, as is all they call: code compiles to a level's
/// instructions only where it ends up inside [`Dispatch::run`](super::Dispatch::run)'s entries.
pub(crate) trait Kernel {
    type Output;
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

/// Makes a level of x86-64 from its features: it is there if the processor has each
/// of them, and kernels are compiled with all of them. One list serves both, because
/// running a kernel with a feature that was not detected is undefined behaviour.
#[cfg(target_arch = "x86_64")]
macro_rules! features {
    ($level:ident, $entry:ident: $($feature:tt)+) => {
        impl $level {
            pub(super) fn new() -> Option<Self> {
                let there = $(is_x86_feature_detected!($feature))&&+;
                there.then_some($level(()))
            }

            #[inline(never)]
            $(#[target_feature(enable = $feature)])+
            fn $entry<K: Kernel>(self, kernel: K) -> K::Output {
                kernel.run(self)
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(super) use features;
