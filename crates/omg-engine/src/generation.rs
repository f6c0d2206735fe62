use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::{EngineError, Result};
use crate::types::{Event, StopReason, Timings, Usage};

type Waker = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct State {
    events: Vec<Event>,
    error: Option<EngineError>,
    /// Nothing more will come.
    closed: bool,
    /// Since when it has waited, as long as nobody but the intake has the request.
    unread_since: Option<Instant>,
    waker: Option<Waker>,
}

/// Where the scheduler leaves the events of one request.
#[derive(Default)]
pub(crate) struct Sink {
    state: Mutex<State>,
    ready: Condvar,
    cancelled: AtomicBool,
}

impl Sink {
    /// For a request that must be read first: until `hand_over` cancelling ends it at once, whatever its reading is busy with.
    pub(crate) fn unread(submitted: Instant) -> Self {
        let sink = Self::default();
        sink.lock().unread_since = Some(submitted);
        sink
    }

    /// The request has been read and the scheduler will end it; false when it has ended already.
    pub(crate) fn hand_over(&self) -> bool {
        let mut state = self.lock();
        state.unread_since = None;
        !state.closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        let mut state = self.lock();
        if let Some(submitted) = state.unread_since
            && !state.closed
        {
            state.events.push(Event::End {
                reason: StopReason::Cancelled,
                stop_sequence: None,
                window_full: None,
                usage: Usage::default(),
                timings: Timings {
                    queue_ms: submitted.elapsed().as_secs_f64() * 1e3,
                    ..Timings::default()
                },
            });
            state.closed = true;
            self.wake(state);
        }
    }

    /// Text joins text that nobody has fetched yet, so a slow reader costs no more than the text itself.
    pub(crate) fn push(&self, event: Event) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        let closes = matches!(event, Event::End { .. });
        match (state.events.last_mut(), event) {
            (
                Some(Event::Text {
                    text,
                    tokens,
                    lengths,
                    logprobs,
                }),
                Event::Text {
                    text: more,
                    tokens: n,
                    lengths: more_lengths,
                    logprobs: further,
                },
            ) => {
                // What stands in front of the further tokens was brought by the last one before them.
                if let Some(last) = lengths.last_mut() {
                    *last += more.encode_utf16().count() - more_lengths.iter().sum::<usize>();
                }
                lengths.extend(more_lengths);
                text.push_str(&more);
                *tokens += n;
                if let (Some(all), Some(further)) = (logprobs, further) {
                    all.extend(further);
                }
            }
            (_, event) => state.events.push(event),
        }
        state.closed = closes;
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

/// One request under way. Dropping it cancels the request.
pub struct Generation {
    sink: Arc<Sink>,
}

impl Generation {
    pub(crate) fn new(sink: Arc<Sink>) -> Self {
        Self { sink }
    }

    /// One that has ended before it began.
    pub(crate) fn failed(error: EngineError) -> Self {
        let sink = Arc::new(Sink::default());
        sink.fail(error);
        Self { sink }
    }

    /// Waits for the events since the last call. `None` after the end event has been handed out; an error comes once, in
    /// place of the end event.
    pub fn next(&self) -> Result<Option<Vec<Event>>> {
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
    pub fn try_next(&self) -> Result<Option<Vec<Event>>> {
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

    /// The request ends with `cancelled` within one step. Idempotent; too late is no error.
    pub fn cancel(&self) {
        self.sink.cancel();
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        self.sink.cancel();
    }
}

fn take(state: &mut State) -> Result<Option<Vec<Event>>> {
    if !state.events.is_empty() {
        return Ok(Some(std::mem::take(&mut state.events)));
    }
    match state.error.take() {
        Some(error) => Err(error),
        None => Ok(None),
    }
}
