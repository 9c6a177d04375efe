//! The trace event format of Chrome, which chrome://tracing and
//! ui.perfetto.dev open: a JSON array of events.

use serde::Serialize;

use super::span::Run;

/// An event; times are in microseconds.
#[derive(Debug, Serialize)]
pub(super) struct Event {
    name: &'static str,
    /// `X`: complete, with its duration. `M`: the name of a process or thread.
    ph: &'static str,
    ts: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    dur: Option<f64>,
    /// A profiled run.
    pid: usize,
    tid: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    args: Option<Name>,
}

#[derive(Debug, Serialize)]
struct Name {
    name: String,
}

/// A process for each run, one after the other, and in it a line for each
/// thread. What lies between the phases of a thread is called `wait`.
pub(super) fn events(runs: &[Run]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut offset = 0;
    for (pid, run) in runs.iter().enumerate() {
        events.push(named("process_name", pid, 0, run.case.clone()));
        for (tid, spans) in run.threads.iter().enumerate() {
            events.push(named("thread_name", pid, tid, format!("thread {tid}")));
            let mut complete = |name, start: u64, end: u64| {
                events.push(Event {
                    name,
                    ph: "X",
                    ts: (offset + start) as f64 / 1e3,
                    dur: Some((end - start) as f64 / 1e3),
                    pid,
                    tid,
                    args: None,
                });
            };
            let mut idle_since = 0;
            for span in spans {
                complete(span.phase.name(), span.start, span.end);
                if !span.is_nested {
                    if span.start > idle_since {
                        complete("wait", idle_since, span.start);
                    }
                    idle_since = span.end;
                }
            }
            if run.end > idle_since {
                complete("wait", idle_since, run.end);
            }
        }
        offset += run.end;
    }
    events
}

fn named(what: &'static str, pid: usize, tid: usize, name: String) -> Event {
    Event {
        name: what,
        ph: "M",
        ts: 0.0,
        dur: None,
        pid,
        tid,
        args: Some(Name { name }),
    }
}
