use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::generation::{Generation, Sink};
use crate::grammar::Grammars;
use crate::sampler::Settings;
use crate::scheduler::{Answer, Job, Worker};
use crate::types::{GenerateRequest, Sampling};

struct Incoming {
    request: GenerateRequest,
    sink: Arc<Sink>,
    submitted: Instant,
}

/// What a request is checked against.
pub(crate) struct Checks {
    pub(crate) vocabulary: Arc<dyn Vocabulary>,
    pub(crate) context_length: usize,
    /// Rows of the embedding table.
    pub(crate) model_vocabulary: usize,
    /// The model's own sampling parameters.
    pub(crate) defaults: Sampling,
    pub(crate) grammars: Grammars,
}

/// The compiler of grammars recurses into them.
pub(crate) const GRAMMAR_STACK_BYTES: usize = 256 << 20;

/// Checks and tokenises requests on threads of its own, in order, so that a long prompt stops neither the caller nor the
/// answers under way. Requests with a grammar have their own line, for a grammar can take long to compile.
pub(crate) struct Intake {
    plain: Line,
    constrained: Line,
    abort: Arc<AtomicBool>,
}

struct Line {
    incoming: Mutex<Option<Sender<Incoming>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Intake {
    pub(crate) fn spawn(checks: Arc<Checks>, worker: Arc<Worker>) -> Result<Self> {
        let abort = Arc::new(AtomicBool::new(false));
        let line = |name: &str, stack: Option<usize>| {
            Line::spawn(
                name,
                stack,
                Arc::clone(&checks),
                Arc::clone(&worker),
                Arc::clone(&abort),
            )
        };
        Ok(Self {
            plain: line("omg-intake", None)?,
            constrained: line("omg-grammar", Some(GRAMMAR_STACK_BYTES))?,
            abort,
        })
    }

    /// Never fails: what is wrong with the request is the first thing its generation reports.
    pub(crate) fn submit(&self, request: GenerateRequest) -> Generation {
        let sink = Arc::new(Sink::default());
        let generation = Generation::new(Arc::clone(&sink));
        let line = match request.grammar {
            Some(_) => &self.constrained,
            None => &self.plain,
        };
        line.send(Incoming {
            request,
            sink,
            submitted: Instant::now(),
        });
        generation
    }

    /// Takes no more requests and waits until the last is with the scheduler. Idempotent.
    pub(crate) fn finish(&self) {
        self.plain.finish();
        self.constrained.finish();
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.abort.store(true, Ordering::Release);
        self.finish();
    }
}

impl Line {
    fn spawn(
        name: &str,
        stack: Option<usize>,
        checks: Arc<Checks>,
        worker: Arc<Worker>,
        abort: Arc<AtomicBool>,
    ) -> Result<Self> {
        let (sender, receiver) = channel();
        let builder = std::thread::Builder::new().name(name.to_owned());
        let thread = match stack {
            Some(bytes) => builder.stack_size(bytes),
            None => builder,
        }
        .spawn(move || run(&checks, &worker, &receiver, &abort))
        .map_err(|e| EngineError::Internal(format!("the intake's thread did not start: {e}")))?;
        Ok(Self {
            incoming: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    fn send(&self, incoming: Incoming) {
        let sink = Arc::clone(&incoming.sink);
        let sender = self.incoming.lock().unwrap_or_else(PoisonError::into_inner);
        if sender.as_ref().is_none_or(|s| s.send(incoming).is_err()) {
            sink.fail(EngineError::ShuttingDown);
        }
    }

    fn finish(&self) {
        drop(
            self.incoming
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // The thread catches the panics of its requests; it has nothing else to say.
            let _ = thread.join();
        }
    }
}

fn run(checks: &Checks, worker: &Worker, incoming: &Receiver<Incoming>, abort: &AtomicBool) {
    while let Ok(Incoming {
        request,
        sink,
        submitted,
    }) = incoming.recv()
    {
        if abort.load(Ordering::Acquire) {
            sink.fail(EngineError::ShuttingDown);
            continue;
        }
        let job = catch_unwind(AssertUnwindSafe(|| {
            checks.job(request, Arc::clone(&sink), submitted)
        }))
        .unwrap_or_else(|_| {
            Err(EngineError::Internal(
                "the request could not be read".to_owned(),
            ))
        });
        if let Err(error) = job.and_then(|job| worker.generate(job)) {
            sink.fail(error);
        }
    }
}

impl Checks {
    fn job(&self, request: GenerateRequest, sink: Arc<Sink>, submitted: Instant) -> Result<Job> {
        let settings = Settings::resolve(&request.sampling, &self.defaults)?;
        let prompt = self.prompt(self.vocabulary.encode(&request.prompt)?)?;
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
            // Nobody waits for a grammar of a request that was given up in the line.
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
