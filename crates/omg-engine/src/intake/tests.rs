use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::*;
use crate::forward::TokenDecoder;
use crate::scheduler::mock::{BLOCK, MockModel, MockVocabulary};
use crate::scheduler::{Core, Limits};
use crate::tokenizer::Reach;
use crate::types::{Event, Grammar, GrammarSource, StopReason, WorkEvent};

const CONTEXT: usize = 64;

struct Held {
    on: AtomicBool,
    /// Prompts that were begun.
    reads: AtomicUsize,
}

/// Reads long prompts for as long as it is held up.
struct Stuck(Arc<Held>);

impl Vocabulary for Stuck {
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

    fn encode(&self, prompt: &[PromptSegment], reach: &Reach<'_>) -> Result<Vec<u32>> {
        let long = |segment: &PromptSegment| match segment {
            PromptSegment::Text { text, .. } => text.len() > QUICK_PROMPT_BYTES,
            PromptSegment::Tokens { .. } => false,
        };
        self.0.reads.fetch_add(1, Ordering::AcqRel);
        while prompt.iter().any(long) && self.0.on.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(1));
        }
        MockVocabulary.encode(prompt, reach)
    }

    fn decoder(&self, keep_special: bool) -> Box<dyn TokenDecoder> {
        MockVocabulary.decoder(keep_special)
    }
}

fn intake() -> (Intake, Arc<Worker>, Arc<Held>) {
    let held = Arc::new(Held {
        on: AtomicBool::new(true),
        reads: AtomicUsize::new(0),
    });
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Stuck(Arc::clone(&held)));
    let limits = Limits {
        blocks: 4 * CONTEXT / BLOCK,
        block_tokens: BLOCK,
        context_length: CONTEXT,
        max_sequences: 4,
        states: None,
        reuse: true,
    };
    let of_core = Arc::clone(&vocabulary);
    let worker = Worker::spawn(move || {
        let model = MockModel::new(limits.blocks, Arc::default());
        Core::new(Box::new(model), of_core, limits)
    });
    let checks = Checks {
        grammars: Grammars::new(Arc::clone(&vocabulary)),
        context_length: CONTEXT,
        model_vocabulary: vocabulary.size(),
        vocabulary,
    };
    let worker = Arc::new(worker.expect("a thread"));
    (Intake::new(&Arc::new(checks), &worker), worker, held)
}

fn request(text: String) -> GenerateRequest {
    GenerateRequest {
        prompt: vec![PromptSegment::Text {
            text,
            parse_special: false,
        }],
        max_tokens: Some(3),
        ..GenerateRequest::default()
    }
}

fn stuck() -> GenerateRequest {
    request("A".repeat(QUICK_PROMPT_BYTES + 1))
}

fn reason(task: &Task) -> Result<StopReason> {
    match task.last()? {
        Some(WorkEvent::Generate(Event::End { reason, .. })) => Ok(reason),
        other => panic!("{other:?} came last"),
    }
}

#[test]
fn what_takes_long_holds_up_nobody() {
    let (intake, _worker, held) = intake();
    let long: Vec<Task> = (0..MOST_APART - 1)
        .map(|_| intake.submit(stuck()))
        .collect();
    for _ in 0..3 {
        let plain = intake.submit(request("ABC".to_owned()));
        assert_ne!(reason(&plain).expect("an answer"), StopReason::Cancelled);
        let constrained = intake.submit(GenerateRequest {
            grammar: Some(Grammar {
                source: GrammarSource::Regex {
                    pattern: "AB*".to_owned(),
                },
                after: None,
            }),
            ..request("ABC".to_owned())
        });
        assert_ne!(
            reason(&constrained).expect("an answer"),
            StopReason::Cancelled
        );
    }
    held.on.store(false, Ordering::Release);
    for generation in &long {
        let error = reason(generation).expect_err("too long for the window");
        assert_eq!(error.code(), "context_length_exceeded");
    }
}

#[test]
fn who_leaves_is_not_waited_for() {
    let (intake, _worker, held) = intake();
    // More than there are threads: some are being read, others wait.
    let long: Vec<Task> = (0..2 * MOST_APART)
        .map(|_| intake.submit(stuck()))
        .collect();
    for generation in &long {
        generation.cancel();
        assert_eq!(reason(generation).expect("an end"), StopReason::Cancelled);
    }
    held.on.store(false, Ordering::Release);
    intake.finish();
    let late = intake.submit(request("ABC".to_owned()));
    assert_eq!(reason(&late).expect_err("an end").code(), "shutting_down");
}

#[test]
fn what_waits_is_refused_when_the_engine_goes() {
    let (intake, _worker, held) = intake();
    let long: Vec<Task> = (0..2 * MOST_APART)
        .map(|_| intake.submit(stuck()))
        .collect();
    std::thread::scope(|scope| {
        scope.spawn(move || drop(intake));
        let refused = |generation: &&Task| {
            reason(generation).is_err_and(|error| error.code() == "shutting_down")
        };
        // The last came when all threads were busy.
        assert!(refused(&&long[2 * MOST_APART - 1]));
        held.on.store(false, Ordering::Release);
    });
}

#[test]
fn prompts_of_those_who_left_are_not_read() {
    let (intake, _worker, held) = intake();
    let long: Vec<Task> = (0..MOST_APART).map(|_| intake.submit(stuck())).collect();
    let left: Vec<Task> = (0..50).map(|_| intake.submit(stuck())).collect();
    for generation in &left {
        generation.cancel();
    }
    held.on.store(false, Ordering::Release);
    for generation in &long {
        assert_eq!(
            reason(generation).expect_err("too long").code(),
            "context_length_exceeded"
        );
    }
    intake.finish();
    assert_eq!(held.reads.load(Ordering::Acquire), MOST_APART);
}
