//! Cancellation, failures and the life of the worker.

use omg_models::Batch;

use super::*;
use crate::forward::Forward;
use crate::task::Cancel;

#[test]
fn cancelling_frees_the_blocks_within_a_step() {
    let mut core = core(64, 2);
    let requests = [prompt([1, 2, 3]), prompt([4, 5]), prompt([6])];
    let generations: Vec<Task> = requests
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
    core.cache.check(&[]);
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
    let generations: Vec<Task> = requests
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
    let generation = Task::new(Arc::clone(&sink));
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
    let mean = core
        .embed(&tokens, false, &Cancel::default())
        .expect("an embedding");
    let again = core
        .embed(&tokens, false, &Cancel::default())
        .expect("an embedding");
    assert_eq!(mean, again);
    assert_eq!(mean[1], 1.0);
    assert_ne!(
        mean,
        core.embed(&tokens, true, &Cancel::default())
            .expect("an embedding")
    );
    // As long as the whole pool: everybody else steps back.
    core.embed(&[1; CONTEXT], false, &Cancel::default())
        .expect("an embedding");
    drain(&mut core);
    same(&outcome(&generation).expect("no error"), &alone(&request));
}

/// Whose caller leaves while the first chunk is computed.
struct LeftAlone {
    model: MockModel,
    cancel: Cancel,
    calls: Arc<Faults>,
}

impl Forward for LeftAlone {
    fn vocab_size(&self) -> usize {
        self.model.vocab_size()
    }

    fn forward(&mut self, batch: &Batch<'_>) -> crate::error::Result<Vec<f32>> {
        self.model.forward(batch)
    }

    fn copy_state(&mut self, copy: crate::cache::StateCopy) -> crate::error::Result<()> {
        self.model.copy_state(copy)
    }

    fn hidden(&mut self, batch: &Batch<'_>) -> crate::error::Result<Vec<f32>> {
        self.calls.calls.fetch_add(1, Ordering::Relaxed);
        self.cancel.cancel();
        self.model.hidden(batch)
    }
}

#[test]
fn an_embedding_that_nobody_waits_for_ends_with_its_chunk() {
    let blocks = 4 * MAX_CHUNK / BLOCK;
    let (cancel, calls) = (Cancel::default(), Arc::new(Faults::default()));
    let forward = LeftAlone {
        model: MockModel::new(blocks, Arc::default()),
        cancel: cancel.clone(),
        calls: Arc::clone(&calls),
    };
    let limits = Limits {
        context_length: 4 * MAX_CHUNK,
        ..limits(blocks, 1)
    };
    let mut core = Core::new(Box::new(forward), Arc::new(MockVocabulary), limits);
    let error = core.embed(&[1; 3 * MAX_CHUNK], true, &cancel).unwrap_err();
    assert_eq!(error.code(), "cancelled");
    assert_eq!(calls.calls.load(Ordering::Relaxed), 1);
    assert_eq!(core.cache.available(), blocks);
    // One that was given up in the line is not begun.
    assert!(core.embed(&[1; 3], true, &cancel).is_err());
    assert_eq!(calls.calls.load(Ordering::Relaxed), 1);
}
