//! The settings of a request, from the dictionary that the package fills.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use widebeam::autoregressive::{
    Constraint, FrequencyPenalty, MaximumLength, MinimumLength, NoRepeatNgram, Normaliser,
    PresencePenalty, RepetitionPenalty, Request, Requirement, Sampling, Suppress, TokenMask,
    TokenTrie,
};

use super::ends_when::{self, Raised};
use super::rules::Rules;
use crate::error;
use crate::settings::extract;

/// The search itself.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Basic {
    prompt: Vec<u32>,
    beams: i64,
    max_length: i64,
    end_tokens: Vec<u32>,
    stop_sequences: Vec<Vec<u32>>,
    ends_when: Option<Py<PyAny>>,
    rules: Option<Py<Rules>>,
    n_best: Option<usize>,
    widths: Option<Vec<usize>>,
    own_scores: bool,
}

/// What changes or forbids continuations.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Processed {
    min_length: Option<usize>,
    repetition_penalty: Option<f64>,
    frequency_penalty: Option<f64>,
    presence_penalty: Option<f64>,
    no_repeat_ngram: Option<usize>,
    suppress: Option<Vec<u32>>,
    permitted: Option<Vec<u32>>,
    sequences: Option<Vec<Vec<u32>>>,
    required: Vec<Vec<Vec<u32>>>,
}

/// What makes the hypotheses differ.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Varied {
    groups: Option<(usize, f64)>,
    sampling: Option<String>,
    seed: Option<u64>,
    temperature: Option<f64>,
}

/// The request of these settings. What its functions raise goes to `raised`.
pub(super) fn request(settings: &Bound<'_, PyDict>, raised: &Raised) -> PyResult<Request> {
    let py = settings.py();
    let basic: Basic = extract(settings)?;
    let request = processed(
        varied(basic_request(py, basic, raised)?, settings)?,
        extract(settings)?,
    );
    request.map_err(|error| error::exception(py, &error))
}

fn basic_request(py: Python<'_>, basic: Basic, raised: &Raised) -> PyResult<Request> {
    let count = |name: &str, value: i64| {
        usize::try_from(value)
            .map_err(|_| error::refusal(py, format!("{name} is {value}: it must be 0 or more")))
    };
    let beams = count("the beam width", basic.beams)?;
    let length = MaximumLength(count("the maximum length", basic.max_length)?);
    let mut request = Request::new(beams, length)
        .with_prompt(basic.prompt)
        .with_end_tokens(basic.end_tokens)
        .with_stop_sequences(basic.stop_sequences);
    if let Some(rules) = basic.rules {
        request = request.with_rules(rules.get().rules);
    }
    if let Some(function) = basic.ends_when {
        request = request.ends_when(ends_when::predicate(function, raised.clone()));
    }
    if let Some(n_best) = basic.n_best {
        request = request.with_n_best(n_best);
    }
    if let Some(widths) = basic.widths {
        request = request.with_widths(widths);
    }
    Ok(match basic.own_scores {
        true => request.with_own_scores(),
        false => request,
    })
}

fn varied(request: Request, settings: &Bound<'_, PyDict>) -> PyResult<Request> {
    let py = settings.py();
    let varied: Varied = extract(settings)?;
    let request = match varied.groups {
        Some((groups, penalty)) => request.with_diverse_groups(groups, penalty),
        None => request,
    };
    let Some(method) = varied.sampling else {
        if varied.seed.is_some() || varied.temperature.is_some() {
            let said = "seed and temperature need sampling";
            return Err(error::refusal(py, said));
        }
        return Ok(request);
    };
    let seed = varied.seed.unwrap_or(0);
    let sampling = match &*method {
        "stochastic-beams" => Sampling::stochastic_beams(seed),
        "beam-sampling" => Sampling::beam_sampling(seed),
        _ => {
            let said = format!(
                "sampling={method:?}: it must be \"stochastic-beams\" or \"beam-sampling\""
            );
            return Err(error::refusal(py, said));
        }
    };
    let sampling = sampling.with_temperature(varied.temperature.unwrap_or(1.0));
    let sampling = sampling.map_err(|error| error::exception(py, &error))?;
    Ok(request.with_sampling(sampling))
}

/// The processors act after the log-softmax, as those of transformers do.
fn processed(mut request: Request, processed: Processed) -> Result<Request, widebeam::Error> {
    if let Some(least) = processed.min_length {
        request = request.process_log_probabilities(MinimumLength(least));
    }
    if let Some(penalty) = processed.repetition_penalty {
        request = request.process_log_probabilities(RepetitionPenalty::new(penalty)?);
    }
    if let Some(penalty) = processed.frequency_penalty {
        request = request.process_log_probabilities(FrequencyPenalty::new(penalty)?);
    }
    if let Some(penalty) = processed.presence_penalty {
        request = request.process_log_probabilities(PresencePenalty::new(penalty)?);
    }
    if let Some(length) = processed.no_repeat_ngram {
        request = request.process_log_probabilities(NoRepeatNgram::new(length)?);
    }
    if let Some(tokens) = processed.suppress {
        request = request.process_log_probabilities(Suppress(tokens));
    }
    let permitted = processed
        .permitted
        .map(|tokens| Constraint::from(TokenMask::from_iter(tokens)));
    let sequences = processed
        .sequences
        .map(|sequences| Constraint::from(TokenTrie::new(sequences)));
    for constraint in permitted.into_iter().chain(sequences) {
        request = request.with_constraint(constraint, Normaliser::WholeRow);
    }
    let required = processed.required.into_iter().map(Requirement::any_of);
    let required = required.collect::<Result<Vec<_>, _>>()?;
    Ok(request.with_required_words(required))
}
