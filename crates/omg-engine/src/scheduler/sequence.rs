use std::sync::Arc;
use std::time::Instant;

use super::answer::Answer;
use crate::cache::SequenceMemory;
use crate::error::EngineError;
use crate::grammar::Constraint;
use crate::sampler::{Sampler, Settings};
use crate::task::Sink;
use crate::types::{Event, StopReason, Timings, TokenLogprob, Usage};

/// A request that has been checked and tokenised.
pub(crate) struct Job {
    pub(crate) prompt: Vec<u32>,
    pub(crate) settings: Settings,
    pub(crate) answer: Answer,
    pub(crate) constraint: Option<Constraint>,
    pub(crate) max_tokens: Option<usize>,
    pub(crate) top_logprobs: Option<usize>,
    pub(crate) prompt_logprobs: bool,
    pub(crate) sink: Arc<Sink>,
    pub(crate) submitted: Instant,
}

/// A request inside the scheduler. Preemption takes its memory and nothing else.
pub(crate) struct Sequence {
    /// Prompt and answer.
    pub(crate) tokens: Vec<u32>,
    pub(crate) prompt_tokens: usize,
    /// The first `computed` tokens are in the memory.
    pub(crate) computed: usize,
    pub(crate) memory: SequenceMemory,
    pub(crate) sampler: Sampler,
    pub(crate) answer: Answer,
    pub(crate) constraint: Option<Constraint>,
    pub(crate) max_tokens: usize,
    pub(crate) top_logprobs: Option<usize>,
    /// Log probabilities of the prompt's tokens so far; taken when they are reported.
    pub(crate) prompt_logprobs: Option<Vec<TokenLogprob>>,
    pub(crate) completion_tokens: usize,
    cached_tokens: Option<usize>,
    started: bool,
    sink: Arc<Sink>,
    submitted: Instant,
    admitted: Option<Instant>,
    first_token: Option<Instant>,
}

impl Sequence {
    pub(crate) fn new(job: Job) -> Self {
        Self {
            prompt_tokens: job.prompt.len(),
            tokens: job.prompt,
            computed: 0,
            memory: SequenceMemory::default(),
            sampler: Sampler::new(job.settings),
            answer: job.answer,
            constraint: job.constraint,
            max_tokens: job.max_tokens.unwrap_or(usize::MAX),
            top_logprobs: job.top_logprobs,
            prompt_logprobs: job.prompt_logprobs.then(Vec::new),
            completion_tokens: 0,
            cached_tokens: None,
            started: false,
            sink: job.sink,
            submitted: job.submitted,
            admitted: None,
            first_token: None,
        }
    }

    /// Tokens that must still be computed before the next one can be drawn.
    pub(crate) fn remaining(&self) -> usize {
        self.tokens.len() - self.computed
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.sink.is_cancelled()
    }

    /// Blocks of the cache that may stand for the beginning: at least one token is computed, for its logits, and all of
    /// them when the prompt's log probabilities are asked for.
    pub(crate) fn reusable_blocks(&self, block_tokens: usize) -> usize {
        if self.prompt_logprobs.is_some() {
            return 0;
        }
        (self.tokens.len() - 1) / block_tokens
    }

    pub(crate) fn admit(&mut self, cached_tokens: usize) {
        self.computed = cached_tokens;
        self.cached_tokens.get_or_insert(cached_tokens);
        self.admitted.get_or_insert_with(Instant::now);
    }

    /// Forgets what was computed; the memory has been given back.
    pub(crate) fn reset(&mut self) {
        self.computed = 0;
        if let Some(logprobs) = &mut self.prompt_logprobs {
            logprobs.clear();
        }
    }

    /// The prompt is done. Reports it, the first time.
    pub(crate) fn start(&mut self) {
        if self.started {
            return;
        }
        self.started = true;
        self.first_token = Some(Instant::now());
        self.sink.push(Event::Start {
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens.unwrap_or(0),
            prompt_logprobs: self.prompt_logprobs.take(),
        });
    }

    pub(crate) fn emit(&self, event: Option<Event>) {
        if let Some(event) = event {
            self.sink.push(event);
        }
    }

    pub(crate) fn fail(&self, error: EngineError) {
        self.sink.fail(error);
    }

    /// Emits what is left of the text, then the end. `stop` is the stop string that ended it.
    pub(crate) fn end(&mut self, reason: StopReason, stop: Option<String>, window_full: bool) {
        // Nobody waits for the rest of a cancelled answer, which may be the beginning of a stop string.
        if stop.is_none() && self.started && reason != StopReason::Cancelled {
            let event = self.answer.finish();
            self.emit(event);
        }
        let window_full = (window_full && reason == StopReason::Length).then_some(true);
        let now = Instant::now();
        let ms = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1e3;
        let admitted = self.admitted.unwrap_or(now);
        let first = self.first_token.unwrap_or(now);
        self.sink.push(Event::End {
            reason,
            stop_sequence: stop,
            window_full,
            usage: Usage {
                prompt_tokens: self.prompt_tokens,
                cached_tokens: self.cached_tokens.unwrap_or(0),
                completion_tokens: self.completion_tokens,
            },
            timings: Timings {
                queue_ms: ms(self.submitted, admitted),
                prefill_ms: ms(admitted, first),
                decode_ms: ms(first, now),
            },
        });
    }
}
