//! Prefixes, batches and preemption: who shares a step, and that it changes nothing.

use super::*;

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
    let generations: Vec<Task> = requests
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
    let generations: Vec<Task> = requests
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
            context_length: 4096,
            ..limits(1024, 2)
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
    let generations: Vec<Task> = requests
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
    core.cache.check(&[]);
    for (request, generation) in requests.iter().zip(&generations) {
        same(&outcome(generation).expect("no error"), &alone(request));
    }
}
