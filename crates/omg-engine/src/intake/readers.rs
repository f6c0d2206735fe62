use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::EngineError;
use crate::task::Sink;
use crate::types::GenerateRequest;

/// A request that has not been read.
pub(super) struct Incoming {
    pub(super) request: GenerateRequest,
    pub(super) sink: Arc<Sink>,
    pub(super) submitted: Instant,
}

/// Threads that read requests in the order of their arrival. They come with the work and go when there is none.
pub(super) struct Readers(Arc<Shared>);

struct Shared {
    name: &'static str,
    /// Threads at once.
    most: usize,
    stack_bytes: usize,
    read: Box<dyn Fn(Incoming) + Send + Sync>,
    state: Mutex<State>,
    /// No thread is left.
    idle: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Incoming>,
    threads: usize,
    closed: bool,
}

impl Readers {
    /// `read` does not panic.
    pub(super) fn new(
        name: &'static str,
        most: usize,
        stack_bytes: usize,
        read: impl Fn(Incoming) + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(Shared {
            name,
            most,
            stack_bytes,
            read: Box::new(read),
            state: Mutex::default(),
            idle: Condvar::new(),
        }))
    }

    pub(super) fn submit(&self, incoming: Incoming) {
        let mut state = self.0.lock();
        if state.closed {
            drop(state);
            return incoming.sink.fail(EngineError::ShuttingDown);
        }
        state.waiting.push_back(incoming);
        if state.threads == self.0.most {
            return;
        }
        let shared = Arc::clone(&self.0);
        let spawned = std::thread::Builder::new()
            .name(self.0.name.to_owned())
            .stack_size(self.0.stack_bytes)
            .spawn(move || shared.read_all());
        match spawned {
            Ok(_) => state.threads += 1,
            Err(error) if state.threads == 0 => {
                let message = format!("no thread could be started for the request: {error}");
                state.refuse(&EngineError::Internal(message));
            }
            // Those that there are come to it.
            Err(_) => {}
        }
    }

    /// Refuses what waits.
    pub(super) fn abort(&self) {
        self.0.lock().refuse(&EngineError::ShuttingDown);
    }

    /// Takes no more and waits until all have been read. Idempotent.
    pub(super) fn finish(&self) {
        let mut state = self.0.lock();
        state.closed = true;
        while state.threads > 0 {
            state = self
                .0
                .idle
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn refuse(&mut self, error: &EngineError) {
        for incoming in self.waiting.drain(..) {
            incoming.sink.fail(error.clone());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read_all(&self) {
        loop {
            let mut state = self.lock();
            let Some(incoming) = state.waiting.pop_front() else {
                state.threads -= 1;
                if state.threads == 0 {
                    self.idle.notify_all();
                }
                return;
            };
            drop(state);
            // It may have been given up in the line.
            if !incoming.sink.is_cancelled() {
                (self.read)(incoming);
            }
        }
    }
}
