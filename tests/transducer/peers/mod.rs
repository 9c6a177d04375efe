//! The engine beside other decoders: replays searches that they ran over toy transducers,
//! recorded by the scripts of `perf/peers` in `tests/fixtures`.
//!
//! Where a decoder does something else on purpose, its answer differs. So each published search
//! is written out here with a switch for each such point. As published, it must give every
//! answer of the decoder; with the switches turned, every answer of the engine. So nothing else
//! differs, and each switch is shown to matter.

mod one_symbol;
mod sherpa;
mod sherpa_nemo;
mod standard;
mod torchaudio;
mod toy;
