//! Models that keep a state per sequence and nothing per token, and pools without room.

use super::*;
use crate::scheduler::mock::RecurrentModel;

fn recurrent(blocks: usize, max_sequences: usize) -> Core {
    let model = Box::new(RecurrentModel::default());
    let limits = Limits {
        reuse: false,
        ..limits(blocks, max_sequences)
    };
    Core::new(model, Arc::new(MockVocabulary), limits)
}

fn requests() -> Vec<Request> {
    (0..6)
        .map(|seed| Request {
            max_tokens: Some(20),
            temperature: 0.9,
            seed,
            // All begin alike, and over more than a block.
            ..prompt((1..12).chain([seed as u32 + 20]))
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
fn states_are_kept_apart_and_no_beginning_is_borrowed() {
    answers(&mut recurrent(4 * CONTEXT / BLOCK, 4));
}

#[test]
fn a_sequence_that_gave_its_blocks_back_begins_again() {
    // Room for one full context and a little more, so that the younger ones have to give way.
    answers(&mut recurrent(CONTEXT / BLOCK + 2, 4));
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
