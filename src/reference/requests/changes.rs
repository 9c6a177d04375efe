//! Changes of rows, as the engine takes them.

use super::extended::Extended;
use super::penalty::{Penalised, Penalty};
use super::timestamps::Timestamps;
use crate::autoregressive::{
    FrequencyPenalty, PresencePenalty, RepetitionPenalty, Request, WhisperTimestamps,
};

impl Extended {
    /// Adds penalties and timestamps to a request.
    pub(super) fn change_rows(&self, mut request: Request) -> Request {
        for penalty in &self.penalties_before {
            request = penalty.engine(request, true);
        }
        if let Some(timestamps) = &self.timestamps {
            request = request.process_logits(timestamps.engine());
        }
        for penalty in &self.penalties_after {
            request = penalty.engine(request, false);
        }
        request
    }
}

impl Timestamps {
    /// The engine's processor.
    pub fn engine(&self) -> WhisperTimestamps {
        let mut timestamps = WhisperTimestamps::new(self.begin, self.end).unwrap();
        if let Some(token) = self.none {
            timestamps = timestamps.with_no_timestamps(token);
        }
        match self.max_initial {
            Some(most) => timestamps.with_maximum_first(most),
            None => timestamps,
        }
    }
}

impl Penalised {
    /// Adds it to a request of the engine, `before` the log-softmax or after it.
    fn engine(&self, request: Request, before: bool) -> Request {
        macro_rules! add {
            ($penalty:expr) => {{
                let mut penalty = $penalty.unwrap().with_exempt(self.exempt.clone());
                if self.generated_only {
                    penalty = penalty.generated_only();
                }
                match before {
                    true => request.process_logits(penalty),
                    false => request.process_log_probabilities(penalty),
                }
            }};
        }
        match self.penalty {
            Penalty::Repetition(penalty) => add!(RepetitionPenalty::new(penalty)),
            Penalty::Frequency(penalty) => add!(FrequencyPenalty::new(penalty)),
            Penalty::Presence(penalty) => add!(PresencePenalty::new(penalty)),
        }
    }
}
