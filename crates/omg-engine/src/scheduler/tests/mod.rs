mod answers;
mod batching;
mod ending;
mod random;
mod recurrent;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::mock::{BLOCK, EOG, Faults, MockModel, MockVocabulary};
use super::*;
use crate::error::EngineError;
use crate::forward::Vocabulary;
use crate::grammar::Grammars;
use crate::sampler::Settings;
use crate::task::{Sink, Task};
use crate::types::{
    Event, Grammar, GrammarSource, Sampling, StopReason, TokenLogprob, Usage, WorkEvent,
};

const CONTEXT: usize = 64;

#[derive(Debug, Clone, Default)]
struct Request {
    prompt: Vec<u32>,
    max_tokens: Option<usize>,
    temperature: f32,
    seed: i64,
    stop: Vec<String>,
    logprobs: Option<usize>,
    prompt_logprobs: bool,
    repeat_penalty: Option<f32>,
    /// A regular expression.
    grammar: Option<String>,
}

fn prompt(tokens: impl IntoIterator<Item = u32>) -> Request {
    Request {
        prompt: tokens.into_iter().collect(),
        ..Request::default()
    }
}

/// Beginnings are shared.
fn limits(blocks: usize, max_sequences: usize) -> Limits {
    Limits {
        blocks,
        block_tokens: BLOCK,
        context_length: CONTEXT,
        max_sequences,
        states: None,
        reuse: true,
    }
}

fn core_with(blocks: usize, max_sequences: usize, faults: &Arc<Faults>) -> Core {
    let model = MockModel::new(blocks, Arc::clone(faults));
    let limits = limits(blocks, max_sequences);
    Core::new(Box::new(model), Arc::new(MockVocabulary), limits)
}

fn core(blocks: usize, max_sequences: usize) -> Core {
    core_with(blocks, max_sequences, &Arc::default())
}

fn job(request: &Request) -> (Job, Task) {
    let sink = Arc::new(Sink::default());
    let sampling = Sampling {
        temperature: Some(request.temperature),
        seed: Some(request.seed),
        repeat_penalty: request.repeat_penalty,
        ..Sampling::default()
    };
    let job = Job {
        prompt: request.prompt.clone(),
        settings: Settings::resolve(&sampling).expect("valid settings"),
        answer: Answer::new(
            MockVocabulary.decoder(false),
            request.stop.clone(),
            request.logprobs.is_some(),
        ),
        constraint: request.grammar.as_ref().map(|pattern| {
            let source = GrammarSource::Regex {
                pattern: pattern.clone(),
            };
            Grammars::new(Arc::new(MockVocabulary))
                .compile(&Grammar {
                    source,
                    after: None,
                })
                .expect("a grammar")
        }),
        max_tokens: request.max_tokens,
        top_logprobs: request.logprobs,
        prompt_logprobs: request.prompt_logprobs,
        sink: Arc::clone(&sink),
        submitted: Instant::now(),
    };
    (job, Task::new(sink))
}

/// What came out of one request.
#[derive(Debug, Clone, PartialEq)]
struct Outcome {
    text: String,
    text_tokens: usize,
    logprobs: Vec<TokenLogprob>,
    prompt_logprobs: Option<Vec<TokenLogprob>>,
    reason: StopReason,
    stop: Option<String>,
    window_full: bool,
    usage: Usage,
}

/// Reads a request to its end and checks the order of its events.
fn outcome(generation: &Task) -> Result<Outcome, EngineError> {
    let mut events = Vec::new();
    while let Some(batch) = generation.next()? {
        assert!(!batch.is_empty());
        events.extend(batch);
    }
    let mut out = Outcome {
        text: String::new(),
        text_tokens: 0,
        logprobs: Vec::new(),
        prompt_logprobs: None,
        reason: StopReason::Stop,
        stop: None,
        window_full: false,
        usage: Usage::default(),
    };
    let last = events.len() - 1;
    for (i, event) in events.into_iter().enumerate() {
        let WorkEvent::Generate(event) = event else {
            panic!("{event:?} is no text");
        };
        match event {
            Event::Start {
                prompt_logprobs, ..
            } => {
                assert_eq!(i, 0, "start comes first");
                out.prompt_logprobs = prompt_logprobs;
            }
            Event::Text {
                text,
                tokens,
                lengths,
                logprobs,
            } => {
                assert!(i > 0, "text comes after start");
                assert_eq!(lengths.len(), tokens);
                assert!(lengths.iter().sum::<usize>() <= text.encode_utf16().count());
                out.text += &text;
                out.text_tokens += tokens;
                out.logprobs.extend(logprobs.unwrap_or_default());
            }
            Event::End {
                reason,
                stop_sequence,
                window_full,
                usage,
                ..
            } => {
                assert_eq!(i, last, "the end comes last and once");
                out.reason = reason;
                out.stop = stop_sequence;
                out.window_full = window_full == Some(true);
                out.usage = usage;
            }
        }
    }
    assert!(generation.next()?.is_none());
    Ok(out)
}

fn drain(core: &mut Core) {
    for _ in 0..10_000 {
        if core.is_idle() {
            core.cache.check(&[]);
            return;
        }
        core.step();
        let memories: Vec<_> = core.running.iter().map(|s| &s.memory).collect();
        core.cache.check(&memories);
    }
    panic!("the scheduler makes no progress");
}

fn run_on(core: &mut Core, request: &Request) -> Outcome {
    let (job, generation) = job(request);
    core.submit(job);
    drain(core);
    outcome(&generation).expect("no error")
}

fn alone(request: &Request) -> Outcome {
    run_on(&mut core(CONTEXT / BLOCK, 1), request)
}

/// The cache may differ, what is said may not.
fn same(a: &Outcome, b: &Outcome) {
    let cached = |o: &Outcome| Outcome {
        usage: Usage {
            cached_tokens: 0,
            ..o.usage
        },
        ..o.clone()
    };
    assert_eq!(cached(a), cached(b));
}
