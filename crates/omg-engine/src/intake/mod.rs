//! Where requests become jobs of the scheduler.

mod readers;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use readers::{Incoming, Readers};

use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::grammar::Grammars;
use crate::sampler::Settings;
use crate::scheduler::{Answer, Job, Worker};
use crate::task::{Sink, Task};
use crate::tokenizer::Reach;
use crate::types::{Event, GenerateRequest, PromptSegment};

/// What a request is checked against.
pub(crate) struct Checks {
    pub(crate) vocabulary: Arc<dyn Vocabulary>,
    pub(crate) context_length: usize,
    /// Rows of the embedding table.
    pub(crate) model_vocabulary: usize,
    pub(crate) grammars: Grammars,
}

/// The compiler of grammars recurses into them.
pub(crate) const GRAMMAR_STACK_BYTES: usize = 256 << 20;

/// Bytes of a prompt that are tokenised in a few milliseconds.
const QUICK_PROMPT_BYTES: usize = 64 << 10;
/// How many tokens a prompt has that is too long is counted up to so many windows, and windows of this size at least.
const COUNTED_WINDOWS: usize = 4;
const LEAST_COUNTED: usize = 32_768;
/// More of the others are read one after another: each may take a whole core.
const MOST_APART: usize = 8;

/// Checks and tokenises requests on threads of its own, so that a long prompt stops neither the caller nor the answers under
/// way. What is read in no time goes through one line, in order; a request with a grammar or a long prompt has a thread to
/// itself, so that none waits for another.
pub(crate) struct Intake {
    quick: Readers,
    apart: Readers,
}

impl Intake {
    /// The worker stays the caller's: it ends when they drop it, whatever is still being read.
    pub(crate) fn new(checks: &Arc<Checks>, worker: &Arc<Worker>) -> Self {
        let readers = |name, most, stack_bytes| {
            let (checks, worker) = (Arc::clone(checks), Arc::downgrade(worker));
            Readers::new(
                name,
                most,
                stack_bytes,
                move |incoming: Incoming| match worker.upgrade() {
                    Some(worker) => checks.read(incoming, &worker),
                    None => incoming.sink.fail(EngineError::ShuttingDown),
                },
            )
        };
        Self {
            quick: readers("omg-intake", 1, 2 << 20),
            apart: readers("omg-grammar", MOST_APART, GRAMMAR_STACK_BYTES),
        }
    }

    /// Never fails: what is wrong with the request is the first thing its task reports.
    pub(crate) fn submit(&self, request: GenerateRequest) -> Task {
        let submitted = Instant::now();
        let sink = Arc::new(Sink::unread(move || {
            Event::cancelled_unread(submitted.elapsed().as_secs_f64() * 1e3).into()
        }));
        let task = Task::new(Arc::clone(&sink));
        let readers = match is_quick(&request) {
            true => &self.quick,
            false => &self.apart,
        };
        readers.submit(Incoming {
            request,
            sink,
            submitted,
        });
        task
    }

    /// Takes no more requests and waits until the last is with the scheduler. Idempotent.
    pub(crate) fn finish(&self) {
        self.quick.finish();
        self.apart.finish();
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.quick.abort();
        self.apart.abort();
        self.finish();
    }
}

fn is_quick(request: &GenerateRequest) -> bool {
    let bytes = |segment: &PromptSegment| match segment {
        PromptSegment::Text { text, .. } => text.len(),
        PromptSegment::Tokens { tokens } => tokens.len(),
    };
    request.grammar.is_none()
        && request.prompt.iter().map(bytes).sum::<usize>() <= QUICK_PROMPT_BYTES
}

impl Checks {
    /// Hands the job to the scheduler, or tells the request what is wrong with it.
    fn read(&self, incoming: Incoming, worker: &Worker) {
        let Incoming {
            request,
            sink,
            submitted,
        } = incoming;
        let job = catch_unwind(AssertUnwindSafe(|| {
            self.job(request, Arc::clone(&sink), submitted)
        }))
        .unwrap_or_else(|_| {
            Err(EngineError::Internal(
                "the request could not be read".to_owned(),
            ))
        });
        let taken = job.and_then(|job| match sink.hand_over() {
            true => worker.generate(job),
            false => Ok(()),
        });
        if let Err(error) = taken {
            sink.fail(error);
        }
    }

    fn job(&self, request: GenerateRequest, sink: Arc<Sink>, submitted: Instant) -> Result<Job> {
        let settings = Settings::resolve(&request.sampling)?;
        let reach = Reach {
            most_tokens: COUNTED_WINDOWS * self.context_length.max(LEAST_COUNTED),
            stopped: &|| sink.is_cancelled(),
        };
        let tokens = self.vocabulary.encode(&request.prompt, &reach)?;
        if tokens.len() > reach.most_tokens {
            return Err(EngineError::PromptFarTooLong {
                read_tokens: tokens.len(),
                context_length: self.context_length,
            });
        }
        if sink.is_cancelled() {
            return Err(EngineError::RequestCancelled);
        }
        let prompt = self.prompt(tokens)?;
        // The last token of a full window may still be followed by nothing.
        let room = self.context_length
            - usize::from(request.max_tokens != Some(0)).min(self.context_length);
        if prompt.len() > room {
            return Err(EngineError::ContextLengthExceeded {
                prompt_tokens: prompt.len(),
                context_length: self.context_length,
            });
        }
        let constraint = match &request.grammar {
            // Nobody waits for the grammar of a request that was given up meanwhile.
            Some(grammar) if !sink.is_cancelled() => Some(self.grammars.compile(grammar)?),
            _ => None,
        };
        Ok(Job {
            constraint,
            answer: Answer::new(
                self.vocabulary.decoder(request.keep_special_tokens),
                request.stop,
                request.top_logprobs.is_some(),
            ),
            prompt,
            settings,
            max_tokens: request.max_tokens,
            top_logprobs: request.top_logprobs,
            prompt_logprobs: request.prompt_logprobs,
            sink,
            submitted,
        })
    }

    /// The tokens, when the model can read them.
    fn prompt(&self, tokens: Vec<u32>) -> Result<Vec<u32>> {
        let known = self.model_vocabulary.min(self.vocabulary.size());
        if let Some(token) = tokens.iter().find(|&&t| t as usize >= known) {
            return Err(EngineError::InvalidRequest(format!(
                "token {token} is outside the vocabulary of {known} tokens"
            )));
        }
        if tokens.is_empty() {
            return Err(EngineError::InvalidRequest(
                "the prompt is empty".to_owned(),
            ));
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests;
