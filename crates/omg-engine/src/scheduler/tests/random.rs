//! Whatever is asked in whatever order: each answer is the one that it would be alone.

use super::*;

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
            let memories: Vec<_> = core.running.iter().map(|s| &s.memory).collect();
            core.cache.check(&memories);
            if core.is_idle() && jobs.iter().all(|j| j.0.is_none()) {
                break;
            }
        }
        prop_assert!(core.is_idle(), "no progress");
        core.cache.check(&[]);
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
