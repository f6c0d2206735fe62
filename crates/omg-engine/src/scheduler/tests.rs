use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::mock::{BLOCK, EOG, Faults, MockModel, MockVocabulary};
use super::*;
use crate::error::EngineError;
use crate::forward::Vocabulary;
use crate::generation::{Generation, Sink};
use crate::grammar::Grammars;
use crate::sampler::Settings;
use crate::types::{Event, Grammar, GrammarSource, Sampling, StopReason, TokenLogprob, Usage};

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

fn core_with(blocks: usize, max_sequences: usize, faults: &Arc<Faults>) -> Core {
    Core::new(
        Box::new(MockModel::new(blocks, Arc::clone(faults))),
        Arc::new(MockVocabulary),
        Limits {
            blocks,
            block_tokens: BLOCK,
            context_length: CONTEXT,
            max_sequences,
        },
    )
}

fn core(blocks: usize, max_sequences: usize) -> Core {
    core_with(blocks, max_sequences, &Arc::default())
}

fn job(request: &Request) -> (Job, Generation) {
    let sink = Arc::new(Sink::default());
    let sampling = Sampling {
        temperature: Some(request.temperature),
        seed: Some(request.seed),
        repeat_penalty: request.repeat_penalty,
        ..Sampling::default()
    };
    let job = Job {
        prompt: request.prompt.clone(),
        settings: Settings::resolve(&sampling, &Sampling::default()).expect("valid settings"),
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
    (job, Generation::new(sink))
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
fn outcome(generation: &Generation) -> Result<Outcome, EngineError> {
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
                logprobs,
            } => {
                assert!(i > 0, "text comes after start");
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
            core.pool.check(&[]);
            return;
        }
        core.step();
        let tables: Vec<_> = core.running.iter().map(|s| &s.table).collect();
        core.pool.check(&tables);
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

#[test]
fn a_prefix_is_reused_and_changes_nothing() {
    let mut core = core(32, 2);
    let first = run_on(
        &mut core,
        &Request {
            max_tokens: Some(20),
            ..prompt(1..30)
        },
    );
    assert_eq!(first.usage.cached_tokens, 0);
    let request = Request {
        max_tokens: Some(20),
        ..prompt(1..35)
    };
    let second = run_on(&mut core, &request);
    assert_eq!(second.usage.cached_tokens, 28);
    same(&second, &alone(&request));
    // All of the prompt is cached now; its last token is computed all the same.
    let third = run_on(
        &mut core,
        &Request {
            max_tokens: Some(20),
            ..prompt(1..33)
        },
    );
    assert_eq!(third.usage.cached_tokens, 28);
}

#[test]
fn an_answer_is_a_prefix_of_the_next_turn() {
    let mut core = core(32, 2);
    // A seed whose answer does not end by itself.
    let request = Request {
        max_tokens: Some(16),
        temperature: 1.0,
        seed: 2,
        ..prompt(1..10)
    };
    let (job, generation) = job(&request);
    core.submit(job);
    let mut answer = Vec::new();
    while !core.is_idle() {
        if let Some(s) = core.running.first() {
            answer = s.tokens.clone();
        }
        core.step();
    }
    outcome(&generation).expect("no error");
    assert!(answer.len() > 16, "{answer:?}");
    answer.extend([1, 2, 3]);
    let next = run_on(
        &mut core,
        &Request {
            max_tokens: Some(1),
            ..prompt(answer.clone())
        },
    );
    assert!(
        next.usage.cached_tokens + 2 * BLOCK > answer.len() - 3,
        "{next:?}"
    );
}

#[test]
fn requests_are_batched() {
    let faults = Arc::new(Faults::default());
    let mut core = core_with(128, 3, &faults);
    let requests: Vec<Request> = (0..7)
        .map(|i| Request {
            max_tokens: Some(12),
            temperature: 1.0,
            seed: i,
            ..prompt(1..9 + i as u32)
        })
        .collect();
    let generations: Vec<Generation> = requests
        .iter()
        .map(|r| {
            let (job, generation) = job(r);
            core.submit(job);
            generation
        })
        .collect();
    drain(&mut core);
    assert_eq!(faults.largest_batch.load(Ordering::Relaxed), 3);
    for (request, generation) in requests.iter().zip(&generations) {
        same(&outcome(generation).expect("no error"), &alone(request));
    }
}

#[test]
fn grammars_in_a_batch_are_their_own() {
    let mut core = core(128, 4);
    let patterns = [
        Some("[A-C]{3,40}"),
        None,
        Some("(AB|CD)*"),
        Some("[a-d]{12}é"),
    ];
    let requests: Vec<Request> = (0..12)
        .map(|i| Request {
            temperature: 1.0,
            seed: i as i64,
            max_tokens: Some(30),
            logprobs: (i % 2 == 0).then_some(2),
            grammar: patterns[i % 4].map(str::to_owned),
            ..prompt(1..9 + i as u32)
        })
        .collect();
    let generations: Vec<Generation> = requests
        .iter()
        .map(|r| {
            let (job, generation) = job(r);
            core.submit(job);
            generation
        })
        .collect();
    drain(&mut core);
    for (i, (request, generation)) in requests.iter().zip(&generations).enumerate() {
        let got = outcome(generation).expect("no error");
        same(&got, &alone(request));
        let fits = match i % 4 {
            0 => got.text.chars().all(|c| ('A'..='C').contains(&c)),
            2 => got.text.replace("AB", "").replace("CD", "").len() <= 1,
            3 => {
                got.reason == StopReason::Stop
                    && got.text.ends_with('é')
                    && got.usage.completion_tokens == 14
            }
            _ => true,
        };
        assert!(fits, "{i}: {got:?}");
    }
}

#[test]
fn a_long_prompt_does_not_stop_running_answers() {
    // The mock computes faster than any time budget, so the chunk is the largest there is.
    let mut core = Core::new(
        Box::new(MockModel::new(1024, Arc::default())),
        Arc::new(MockVocabulary),
        Limits {
            blocks: 1024,
            block_tokens: BLOCK,
            context_length: 4096,
            max_sequences: 2,
        },
    );
    let (running, _running) = job(&Request {
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2])
    });
    core.submit(running);
    core.step();
    let (long, _long) = job(&prompt((0..1500).map(|i| 1 + i % 40)));
    core.submit(long);
    for _ in 0..2 {
        let before = core.running[0].completion_tokens;
        core.step();
        assert_eq!(core.running[0].completion_tokens, before + 1);
        assert!(
            core.running[1].remaining() > 0,
            "the prompt came in one piece"
        );
    }
}

#[test]
fn preemption_changes_nothing() {
    // Three answers of 40 tokens and more on blocks for one context.
    let mut core = core(CONTEXT / BLOCK, 3);
    let requests: Vec<Request> = (0..3)
        .map(|i| Request {
            temperature: 1.0,
            seed: 30 + i,
            repeat_penalty: Some(1.2),
            ..prompt([5, 6, i as u32 + 1])
        })
        .collect();
    let generations: Vec<Generation> = requests
        .iter()
        .map(|r| {
            let (job, generation) = job(r);
            core.submit(job);
            generation
        })
        .collect();
    let mut preempted = false;
    while !core.is_idle() {
        core.step();
        preempted |= core.waiting.iter().any(|s| s.completion_tokens > 0);
    }
    assert!(preempted, "the test preempts nobody");
    core.pool.check(&[]);
    for (request, generation) in requests.iter().zip(&generations) {
        same(&outcome(generation).expect("no error"), &alone(request));
    }
}

#[test]
fn limits_of_tokens_and_of_the_window_are_told_apart() {
    let long = |seed| Request {
        temperature: 1.0,
        seed,
        ..prompt([1, 2, 3])
    };
    let full = (0..200)
        .map(|seed| alone(&long(seed)))
        .find(|o| o.reason == StopReason::Length)
        .expect("an answer that fills the window");
    assert!(full.window_full);
    assert_eq!(full.usage.completion_tokens, CONTEXT - 3);
    let three = alone(&Request {
        max_tokens: Some(3),
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2, 3])
    });
    assert_eq!(
        (three.reason, three.window_full),
        (StopReason::Length, false)
    );
    assert_eq!(three.usage.completion_tokens, 3);
    let none = alone(&Request {
        max_tokens: Some(0),
        ..prompt([1, 2, 3])
    });
    assert_eq!((none.reason, none.text.as_str()), (StopReason::Length, ""));
    assert_eq!(
        none.usage,
        Usage {
            prompt_tokens: 3,
            cached_tokens: 0,
            completion_tokens: 0
        }
    );
}

#[test]
fn an_end_token_stops_and_is_not_text() {
    let ended = (0..50)
        .map(|seed| {
            alone(&Request {
                temperature: 1.0,
                seed,
                ..prompt([9, 8])
            })
        })
        .find(|o| o.reason == StopReason::Stop)
        .expect("an answer that ends");
    assert!(!ended.text.contains("<end>"));
    assert_eq!(ended.usage.completion_tokens, ended.text_tokens + 1);
}

#[test]
fn a_stop_string_cuts_across_tokens() {
    let request = Request {
        max_tokens: Some(30),
        temperature: 1.0,
        seed: 2,
        logprobs: Some(0),
        ..prompt([1, 2, 3])
    };
    let whole = alone(&request);
    let at = whole.text.char_indices().nth(8).expect("a long answer").0;
    let stop: String = whole.text[at..].chars().take(3).collect();
    let cut = alone(&Request {
        stop: vec![stop.clone(), "never".to_owned()],
        ..request
    });
    let first = whole.text.find(&stop).expect("it is there");
    assert_eq!(cut.text, whole.text[..first]);
    assert_eq!((cut.reason, cut.stop), (StopReason::Stop, Some(stop)));
    assert_eq!(cut.text_tokens, cut.logprobs.len());
    assert!(cut.usage.completion_tokens > cut.text_tokens);
    assert_eq!(cut.logprobs[..], whole.logprobs[..cut.logprobs.len()]);
}

#[test]
fn logprobs_cover_every_token() {
    let request = Request {
        max_tokens: Some(10),
        temperature: 1.0,
        seed: 2,
        logprobs: Some(3),
        prompt_logprobs: true,
        ..prompt(1..40)
    };
    let out = alone(&request);
    assert_eq!(out.logprobs.len(), out.text_tokens);
    assert!(
        out.logprobs
            .iter()
            .all(|l| l.top.len() == 3 && l.logprob <= l.top[0].logprob)
    );
    // The padding columns of the mock, which have the largest logits, are no alternatives.
    assert!(
        out.logprobs
            .iter()
            .flat_map(|l| &l.top)
            .all(|t| (t.token_id as usize) < mock::VOCAB)
    );
    let echo = out.prompt_logprobs.expect("asked for");
    assert_eq!(
        echo.iter().map(|l| l.token_id).collect::<Vec<_>>(),
        (1..40).collect::<Vec<_>>()
    );
    assert_eq!(echo[0].logprob, 0.0);
    assert!(
        echo[1..]
            .iter()
            .all(|l| l.logprob < 0.0 && l.top.len() == 3)
    );
}

#[test]
fn cancelling_frees_the_blocks_within_a_step() {
    let mut core = core(64, 2);
    let requests = [prompt([1, 2, 3]), prompt([4, 5]), prompt([6])];
    let generations: Vec<Generation> = requests
        .iter()
        .map(|r| {
            let (job, generation) = job(&Request {
                temperature: 1.0,
                seed: 2,
                ..r.clone()
            });
            core.submit(job);
            generation
        })
        .collect();
    core.step();
    core.step();
    for generation in &generations {
        generation.cancel();
        generation.cancel();
    }
    core.step();
    assert!(core.is_idle());
    core.pool.check(&[]);
    let outcomes: Vec<_> = generations
        .iter()
        .map(|g| outcome(g).expect("no error"))
        .collect();
    assert!(outcomes.iter().all(|o| o.reason == StopReason::Cancelled));
    // The third never ran.
    assert_eq!(outcomes[2].usage.completion_tokens, 0);
    assert!(outcomes[0].usage.completion_tokens > 0);
}

#[test]
fn dropping_a_generation_cancels_it() {
    let mut core = core(64, 2);
    let (job, generation) = job(&prompt([1, 2, 3]));
    core.submit(job);
    drop(generation);
    core.step();
    assert!(core.is_idle());
}

#[test]
fn numbers_that_are_not_finite_fail_the_request() {
    let faults = Arc::new(Faults::default());
    let mut core = core_with(16, 1, &faults);
    faults.nan_in.store(3, Ordering::Relaxed);
    let (job, generation) = job(&Request {
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2, 3])
    });
    core.submit(job);
    drain(&mut core);
    assert!(matches!(outcome(&generation), Err(EngineError::NotFinite)));
}

fn worker(faults: &Arc<Faults>) -> Worker {
    let faults = Arc::clone(faults);
    Worker::spawn(move || core_with(64, 2, &faults)).expect("a thread")
}

#[test]
fn an_error_and_a_panic_fail_their_requests_and_the_engine_lives() {
    let faults = Arc::new(Faults::default());
    let worker = worker(&faults);
    let request = Request {
        max_tokens: Some(10),
        temperature: 1.0,
        seed: 2,
        ..prompt(1..20)
    };
    for fault in [&faults.panic_in, &faults.error_in] {
        fault.store(2, Ordering::Relaxed);
        let (job, generation) = job(&request);
        worker.generate(job).expect("it runs");
        let error = outcome(&generation).expect_err("the fault");
        assert_eq!(error.code(), "internal");
        // The same request is served afterwards, and from no doubtful cache.
        let (job, generation) = self::job(&request);
        worker.generate(job).expect("it runs");
        same(&outcome(&generation).expect("no error"), &alone(&request));
    }
}

#[test]
fn finishing_waits_for_the_last_answer() {
    let worker = worker(&Arc::default());
    let requests: Vec<Request> = (0..5)
        .map(|i| Request {
            max_tokens: Some(30),
            temperature: 1.0,
            seed: i,
            ..prompt([1, 2, 3])
        })
        .collect();
    let generations: Vec<Generation> = requests
        .iter()
        .map(|r| {
            let (job, generation) = job(r);
            worker.generate(job).expect("it runs");
            generation
        })
        .collect();
    worker.finish();
    worker.finish();
    for (request, generation) in requests.iter().zip(&generations) {
        same(&outcome(generation).expect("no error"), &alone(request));
    }
    let (job, _generation) = job(&requests[0]);
    assert!(matches!(
        worker.generate(job),
        Err(EngineError::ShuttingDown)
    ));
}

#[test]
fn dropping_the_worker_ends_its_requests() {
    let worker = worker(&Arc::default());
    let (job, generation) = job(&Request {
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2, 3])
    });
    worker.generate(job).expect("it runs");
    drop(worker);
    outcome(&generation).expect("an end");
}

#[test]
fn a_waker_is_called_once_there_is_something() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sink = Arc::new(Sink::default());
    let generation = Generation::new(Arc::clone(&sink));
    let wake = sender.clone();
    generation.on_ready(move || wake.send(1).expect("listening"));
    assert!(receiver.try_recv().is_err());
    assert_eq!(generation.try_next().expect("no error"), Some(Vec::new()));
    sink.fail(EngineError::ShuttingDown);
    assert_eq!(receiver.recv_timeout(Duration::from_secs(5)), Ok(1));
    generation.on_ready(move || sender.send(2).expect("listening"));
    assert_eq!(receiver.recv_timeout(Duration::from_secs(5)), Ok(2));
    assert!(generation.try_next().is_err());
    assert!(matches!(generation.try_next(), Ok(None)));
}

#[test]
fn embeddings_do_not_disturb_answers() {
    let mut core = core(CONTEXT / BLOCK, 2);
    let request = Request {
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2, 3])
    };
    let (job, generation) = job(&request);
    core.submit(job);
    core.step();
    let tokens: Vec<u32> = (1..40).collect();
    let mean = core.embed(&tokens, false).expect("an embedding");
    let again = core.embed(&tokens, false).expect("an embedding");
    assert_eq!(mean, again);
    assert_eq!(mean[1], 1.0);
    assert_ne!(mean, core.embed(&tokens, true).expect("an embedding"));
    // As long as the whole pool: everybody else steps back.
    core.embed(&[1; CONTEXT], false).expect("an embedding");
    drain(&mut core);
    same(&outcome(&generation).expect("no error"), &alone(&request));
}

fn any_request() -> impl Strategy<Value = Request> {
    // Few families of prompts, so that prefixes are shared.
    let prompt = (0u32..3, 1usize..50).prop_map(|(family, n)| {
        (0..n as u32)
            .map(|i| 1 + (i * (family + 1)) % 30)
            .collect::<Vec<u32>>()
    });
    (
        prompt,
        proptest::option::of(0usize..40),
        prop_oneof![Just(0.0f32), Just(1.0)],
        0i64..1000,
        prop_oneof![Just(vec![]), Just(vec!["A".to_owned(), "BC".to_owned()])],
        prop_oneof![Just(None), Just(Some(2usize))],
        any::<bool>(),
        prop_oneof![
            3 => Just(None),
            1 => Just(Some("([A-F]|éß){5,60}".to_owned())),
            1 => Just(Some("(AB|C)*D".to_owned()))
        ],
    )
        .prop_map(
            |(prompt, max_tokens, temperature, seed, stop, logprobs, echo, grammar)| Request {
                prompt,
                max_tokens,
                temperature,
                seed,
                stop,
                logprobs,
                prompt_logprobs: echo && logprobs.is_some(),
                repeat_penalty: Some(1.1),
                grammar,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever comes when, on however few blocks, and whoever gives up: every request ends once, says what it says alone,
    /// and no block is lost.
    #[test]
    fn every_schedule_gives_the_same_answers(
        requests in proptest::collection::vec((any_request(), 0usize..30, proptest::option::weighted(0.2, 0usize..40)), 1..8),
        blocks in CONTEXT / BLOCK..40,
        max_sequences in 1usize..5,
    ) {
        let mut core = core(blocks, max_sequences);
        let mut jobs: Vec<_> = requests
            .iter()
            .map(|(request, arrival, cancel)| {
                let (job, generation) = job(request);
                (Some(job), generation, *arrival, *cancel)
            })
            .collect();
        for step in 0..5_000 {
            for (job, generation, arrival, cancel) in &mut jobs {
                if step >= *arrival && let Some(job) = job.take() {
                    core.submit(job);
                }
                if cancel.is_some_and(|c| step == *arrival + c) {
                    generation.cancel();
                }
            }
            core.step();
            let tables: Vec<_> = core.running.iter().map(|s| &s.table).collect();
            core.pool.check(&tables);
            if core.is_idle() && jobs.iter().all(|j| j.0.is_none()) {
                break;
            }
        }
        prop_assert!(core.is_idle(), "no progress");
        core.pool.check(&[]);
        for ((request, _, _), (_, generation, _, _)) in requests.iter().zip(&jobs) {
            let got = outcome(generation).expect("no error");
            if got.reason == StopReason::Cancelled {
                let whole = alone(request);
                prop_assert!(whole.text.starts_with(&got.text), "{} {}", whole.text, got.text);
            } else {
                same(&got, &alone(request));
            }
        }
    }
}

#[test]
fn the_mock_ends_on_its_end_token() {
    assert!(MockVocabulary.is_eog(EOG) && !MockVocabulary.is_eog(1));
}
