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
use crate::types::{Event, GenerateRequest, Sampling, StopReason, Timings, Usage};

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
        // Reading the prompts of those who have left would let the next one wait for nothing.
        if sink.is_cancelled() {
            sink.push(ended_in_line(submitted));
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

/// The end of a request that was given up before it was looked at.
fn ended_in_line(submitted: Instant) -> Event {
    Event::End {
        reason: StopReason::Cancelled,
        stop_sequence: None,
        window_full: None,
        usage: Usage::default(),
        timings: Timings {
            queue_ms: submitted.elapsed().as_secs_f64() * 1e3,
            ..Timings::default()
        },
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::sync::mpsc::SyncSender;

    use super::*;
    use crate::forward::TokenDecoder;
    use crate::scheduler::mock::{BLOCK, MockModel, MockVocabulary};
    use crate::scheduler::{Core, Limits};
    use crate::types::PromptSegment;

    /// Says that it reads a prompt and waits until it may go on.
    struct SlowReader {
        reads: AtomicUsize,
        reading: SyncSender<()>,
        go_on: Mutex<Receiver<()>>,
    }

    impl Vocabulary for SlowReader {
        fn size(&self) -> usize {
            MockVocabulary.size()
        }
        fn is_eog(&self, token: u32) -> bool {
            MockVocabulary.is_eog(token)
        }
        fn is_special(&self, token: u32) -> bool {
            MockVocabulary.is_special(token)
        }
        fn token_bytes(&self, token: u32) -> Vec<u8> {
            MockVocabulary.token_bytes(token)
        }
        fn encode(&self, prompt: &[PromptSegment]) -> Result<Vec<u32>> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            self.reading.send(()).unwrap();
            self.go_on.lock().unwrap().recv().unwrap();
            MockVocabulary.encode(prompt)
        }
        fn decoder(&self, keep_special: bool) -> Box<dyn TokenDecoder> {
            MockVocabulary.decoder(keep_special)
        }
    }

    fn all(generation: &Generation) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(more) = generation.next().unwrap() {
            events.extend(more);
        }
        events
    }

    #[test]
    fn prompts_of_those_who_left_are_not_read() {
        let (reading, is_reading) = std::sync::mpsc::sync_channel(8);
        let (may_go_on, go_on) = channel();
        let vocabulary = Arc::new(SlowReader {
            reads: AtomicUsize::new(0),
            reading,
            go_on: Mutex::new(go_on),
        });
        let limits = Limits {
            blocks: 16,
            block_tokens: BLOCK,
            context_length: 64,
            max_sequences: 4,
        };
        let worker = Worker::spawn(move || {
            let model = MockModel::new(16, Arc::default());
            Core::new(Box::new(model), Arc::new(MockVocabulary), limits)
        });
        let checks = Checks {
            vocabulary: Arc::clone(&vocabulary) as Arc<dyn Vocabulary>,
            context_length: 64,
            model_vocabulary: MockVocabulary.size(),
            defaults: Sampling::default(),
            grammars: Grammars::new(Arc::new(MockVocabulary)),
        };
        let intake = Intake::spawn(Arc::new(checks), Arc::new(worker.unwrap())).unwrap();
        let ask = || {
            let request = serde_json::json!({
                "prompt": [{ "kind": "text", "text": "ABC", "parseSpecial": false }],
                "sampling": {}, "stop": [], "maxTokens": 1,
            });
            intake.submit(serde_json::from_value(request).unwrap())
        };

        let first = ask();
        is_reading.recv().unwrap();
        let left: Vec<Generation> = (0..50).map(|_| ask()).collect();
        let next = ask();
        for generation in &left {
            generation.cancel();
        }
        may_go_on.send(()).unwrap();
        is_reading.recv().unwrap();
        may_go_on.send(()).unwrap();

        for generation in [&first, &next] {
            assert!(matches!(
                all(generation).last(),
                Some(Event::End { reason, .. }) if *reason != StopReason::Cancelled
            ));
        }
        for generation in &left {
            assert!(matches!(
                all(generation)[..],
                [Event::End {
                    reason: StopReason::Cancelled,
                    ..
                }]
            ));
        }
        assert_eq!(vocabulary.reads.load(Ordering::SeqCst), 2);
    }
}
