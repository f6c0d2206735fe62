//! What a request brings: events that come in time, or an error, and how it is given up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::{EngineError, Result};
use crate::types::WorkEvent;

type Waker = Box<dyn FnOnce() + Send>;

/// Asks work to end between two steps, with the error `cancelled`. Clones ask the same work.
#[derive(Debug, Default, Clone)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    pub(crate) fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn check(&self) -> Result<()> {
        match self.is_cancelled() {
            true => Err(EngineError::RequestCancelled),
            false => Ok(()),
        }
    }
}

#[derive(Default)]
struct State {
    events: Vec<WorkEvent>,
    error: Option<EngineError>,
    /// Nothing more will come.
    closed: bool,
    /// As long as nobody has begun with the request: what ends it when it is cancelled.
    unread: Option<Box<dyn FnOnce() -> WorkEvent + Send>>,
    waker: Option<Waker>,
}

/// Where the events of one request wait to be fetched.
#[derive(Default)]
pub(crate) struct Sink {
    state: Mutex<State>,
    ready: Condvar,
    cancel: Cancel,
}

impl Sink {
    /// For a request that must be read first: until `hand_over` cancelling ends it at once with the event of `end`, whatever its
    /// reading is busy with.
    pub(crate) fn unread(end: impl FnOnce() -> WorkEvent + Send + 'static) -> Self {
        let sink = Self::default();
        sink.lock().unread = Some(Box::new(end));
        sink
    }

    /// The request has been read and the scheduler will end it; false when it has ended already.
    pub(crate) fn hand_over(&self) -> bool {
        let mut state = self.lock();
        state.unread = None;
        !state.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    pub(crate) fn cancel(&self) {
        self.cancel.cancel();
        let mut state = self.lock();
        if !state.closed
            && let Some(end) = state.unread.take()
        {
            state.events.push(end());
            state.closed = true;
            self.wake(state);
        }
    }

    /// Events join those that nobody has fetched yet where they can, so a slow reader costs no more than what it is sent.
    pub(crate) fn push(&self, event: impl Into<WorkEvent>) {
        let event = event.into();
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.closed = event.is_last();
        let rest = match state.events.last_mut() {
            Some(last) => last.join(event),
            None => Some(event),
        };
        state.events.extend(rest);
        self.wake(state);
    }

    /// Ends the stream with an error in place of an end event.
    pub(crate) fn fail(&self, error: EngineError) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.error = Some(error);
        state.closed = true;
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.ready.notify_all();
        if let Some(waker) = waker {
            waker();
        }
    }
}

/// Work in flight. Dropping it cancels the work.
pub struct Task {
    sink: Arc<Sink>,
}

impl Task {
    pub(crate) fn new(sink: Arc<Sink>) -> Self {
        Self { sink }
    }

    /// One that has ended before it began.
    pub fn failed(error: EngineError) -> Self {
        let sink = Arc::new(Sink::default());
        sink.fail(error);
        Self { sink }
    }

    /// Work that answers once, on a thread of its own.
    pub(crate) fn once<E: Into<WorkEvent>>(
        work: impl FnOnce(&Cancel) -> Result<E> + Send + 'static,
    ) -> Self {
        let sink = Arc::new(Sink::default());
        let of_thread = Arc::clone(&sink);
        let run = move || {
            let answer = catch_unwind(AssertUnwindSafe(|| work(&of_thread.cancel)));
            match answer.unwrap_or_else(|_| Err(panicked())) {
                Ok(event) => of_thread.push(event),
                Err(error) => of_thread.fail(error),
            }
        };
        let spawned = std::thread::Builder::new()
            .name("omg-work".to_owned())
            .spawn(run);
        if let Err(error) = spawned {
            let message = format!("no thread could be started for the request: {error}");
            sink.fail(EngineError::Internal(message));
        }
        Self { sink }
    }

    /// Waits for the events since the last call. `None` after the last event has been handed out; an error comes once, in
    /// its place.
    pub fn next(&self) -> Result<Option<Vec<WorkEvent>>> {
        let mut state = self.sink.lock();
        while state.events.is_empty() && !state.closed {
            state = self
                .sink
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        take(&mut state)
    }

    /// Like `next`, without waiting: `Ok(Some(vec![]))` when there is nothing yet.
    pub fn try_next(&self) -> Result<Option<Vec<WorkEvent>>> {
        let mut state = self.sink.lock();
        if state.events.is_empty() && !state.closed {
            return Ok(Some(Vec::new()));
        }
        take(&mut state)
    }

    /// Calls `waker` once, from any thread, as soon as `try_next` has something to say; at once if it has already. A
    /// second waker takes the place of the first.
    pub fn on_ready(&self, waker: impl FnOnce() + Send + 'static) {
        let mut state = self.sink.lock();
        if state.events.is_empty() && !state.closed {
            state.waker = Some(Box::new(waker));
        } else {
            drop(state);
            waker();
        }
    }

    /// Waits for the last event and drops those before it.
    pub fn last(&self) -> Result<Option<WorkEvent>> {
        let mut last = None;
        while let Some(events) = self.next()? {
            last = events.into_iter().next_back().or(last);
        }
        Ok(last)
    }

    /// The work ends within one step, text with an end event that says `cancelled`, the rest with the error of that name.
    /// Idempotent; too late is no error.
    pub fn cancel(&self) {
        self.sink.cancel();
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.sink.cancel();
    }
}

fn take(state: &mut State) -> Result<Option<Vec<WorkEvent>>> {
    if !state.events.is_empty() {
        return Ok(Some(std::mem::take(&mut state.events)));
    }
    match state.error.take() {
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// What a request hears whose computation panicked.
pub(crate) fn panicked() -> EngineError {
    EngineError::Internal("the engine failed while it computed this request".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Scores;

    #[test]
    fn work_that_answers_once_ends_with_its_answer() {
        let task = Task::once(|_| Ok(Scores::default()));
        assert!(matches!(task.next(), Ok(Some(events)) if events.len() == 1));
        assert!(matches!(task.next(), Ok(None)));
    }

    #[test]
    fn work_that_panics_fails_and_ends_nothing_else() {
        let task = Task::once(|cancel| -> Result<Scores> {
            cancel.check()?;
            panic!("in the middle of it")
        });
        assert_eq!(task.last().expect_err("it failed").code(), "internal");
        assert!(matches!(task.next(), Ok(None)));
    }

    #[test]
    fn dropping_a_task_cancels_its_work() {
        let (sender, receiver) = std::sync::mpsc::channel();
        drop(Task::once(move |cancel| -> Result<Scores> {
            while !cancel.is_cancelled() {
                std::thread::yield_now();
            }
            sender.send(()).expect("somebody listens");
            cancel.check().map(|()| Scores::default())
        }));
        receiver.recv().expect("the work has ended");
    }
}
