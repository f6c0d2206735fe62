//! Models that keep a state per sequence and nothing per token, and pools without room.

use std::sync::atomic::AtomicUsize;

use super::*;
use crate::scheduler::mock::RecurrentModel;
use crate::task::Cancel;

/// A core whose model has `states` slots, and how many tokens it has computed.
fn recurrent(blocks: usize, max_sequences: usize, states: usize) -> (Core, Arc<AtomicUsize>) {
    let computed = Arc::new(AtomicUsize::new(0));
    let model = Box::new(RecurrentModel::new(states, Arc::clone(&computed)));
    let limits = Limits {
        states: Some(states),
        ..limits(blocks, max_sequences)
    };
    (Core::new(model, Arc::new(MockVocabulary), limits), computed)
}

fn requests() -> Vec<Request> {
    (0..6)
        .map(|seed| Request {
            max_tokens: Some(20),
            temperature: 0.9,
            seed,
            // All begin alike, and over several blocks.
            ..prompt((1..22).chain([seed as u32 + 20]))
        })
        .collect()
}

fn answers(core: &mut Core) {
    let requests = requests();
    let started: Vec<_> = requests.iter().map(job).collect();
    let generations: Vec<_> = started
        .into_iter()
        .map(|(job, generation)| {
            core.submit(job);
            generation
        })
        .collect();
    drain(core);
    for (request, generation) in requests.iter().zip(&generations) {
        same(&outcome(generation).expect("no error"), &alone(request));
    }
}

#[test]
fn states_are_kept_apart_with_and_without_room_for_checkpoints() {
    for states in [4, 5, 7, 40] {
        answers(&mut recurrent(4 * CONTEXT / BLOCK, 4, states).0);
    }
}

#[test]
fn a_sequence_that_gave_its_blocks_back_goes_on_from_its_last_checkpoint() {
    // Room for one full context and a little more, so that the younger ones have to give way.
    for states in [4, 6, 20] {
        answers(&mut recurrent(CONTEXT / BLOCK + 2, 4, states).0);
    }
}

#[test]
fn fewer_states_than_sequences_make_the_others_wait() {
    answers(&mut recurrent(4 * CONTEXT / BLOCK, 4, 2).0);
}

#[test]
fn a_beginning_is_computed_once_up_to_its_last_checkpoint() {
    let (mut core, computed) = recurrent(8 * CONTEXT / BLOCK, 2, 12);
    let count = |core: &mut Core, request: &Request| {
        let before = computed.load(Ordering::Relaxed);
        let outcome = run_on(core, request);
        same(&outcome, &alone(request));
        let now = computed.load(Ordering::Relaxed) - before;
        (outcome.usage.cached_tokens, now)
    };
    let one = |tokens: std::ops::Range<u32>| Request {
        max_tokens: Some(1),
        ..prompt(tokens)
    };
    // 30 tokens: checkpoints after 16 and after the last full block, 28.
    assert_eq!(count(&mut core, &one(1..31)), (0, 30));
    assert_eq!(count(&mut core, &one(1..31)), (28, 2));
    // Another end goes on from what they have in common.
    let other = Request {
        max_tokens: Some(1),
        ..prompt((1..27).chain(5..9))
    };
    assert_eq!(count(&mut core, &other), (16, 14));
    // A conversation goes on after its answer, which passed the borders of blocks.
    let long = Request {
        max_tokens: Some(12),
        temperature: 0.0,
        ..prompt(1..21)
    };
    let (job, generation) = job(&long);
    core.submit(job);
    let mut tokens = Vec::new();
    while !core.is_idle() {
        core.step();
        if let Some(running) = core.running.first() {
            tokens.clone_from(&running.tokens);
        }
    }
    drop(generation);
    assert!(tokens.len() > 24, "{tokens:?}");
    let border = tokens.len() / BLOCK * BLOCK;
    let next = Request {
        max_tokens: Some(1),
        ..prompt(tokens.iter().copied().chain([1, 2]))
    };
    let (cached, _) = count(&mut core, &next);
    assert_eq!(cached, border);
}

#[test]
fn an_embedding_takes_the_state_of_a_checkpoint_or_of_the_youngest() {
    let tokens: Vec<u32> = (1..19).collect();
    let vector = |core: &mut Core| core.embed(&tokens, true, &Cancel::default()).unwrap();
    let expected = vector(&mut recurrent(64, 1, 1).0);
    for states in [2, 3] {
        let (mut core, _) = recurrent(64, 2, states);
        let requests = requests();
        let started: Vec<_> = requests[..2].iter().map(job).collect();
        let (jobs, generations): (Vec<_>, Vec<_>) = started.into_iter().unzip();
        jobs.into_iter().for_each(|job| core.submit(job));
        core.step();
        core.step();
        assert_eq!(vector(&mut core), expected);
        drain(&mut core);
        for (request, generation) in requests.iter().zip(&generations) {
            same(&outcome(generation).unwrap(), &alone(request));
        }
    }
}

#[test]
fn a_request_that_the_whole_pool_cannot_hold_fails_and_others_go_on() {
    for blocks in [0, 2] {
        let mut core = core(blocks, 2);
        let (too_long, generation) = job(&prompt(1..12));
        core.submit(too_long);
        drain(&mut core);
        let error = outcome_error(&generation);
        assert_eq!(error.code(), "context_length_exceeded");
        if blocks > 0 {
            let short = Request {
                max_tokens: Some(2),
                ..prompt([1, 2])
            };
            same(&run_on(&mut core, &short), &alone(&short));
        }
    }
}

fn outcome_error(generation: &Task) -> EngineError {
    loop {
        match generation.next() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the request has ended well"),
            Err(error) => return error,
        }
    }
}
