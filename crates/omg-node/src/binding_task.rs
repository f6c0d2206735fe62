use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use omg_engine::EngineError;

use crate::crossing::Batch;

/// Work in flight. Collecting it as garbage cancels the work.
#[napi]
pub struct Task {
    inner: Arc<omg_engine::Task>,
    waiting: Arc<AtomicBool>,
}

impl Task {
    pub(crate) fn new(task: omg_engine::Task) -> Self {
        Self {
            inner: Arc::new(task),
            waiting: Arc::default(),
        }
    }
}

#[napi]
impl Task {
    /// The events since the last call, as soon as there are any; null after the last. No thread waits meanwhile: whoever makes
    /// the events settles the promise. One call at a time.
    #[napi(ts_return_type = "Promise<Outcome<WorkEvent[] | null>>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred()?;
        if self.waiting.swap(true, Ordering::AcqRel) {
            let batch = Batch::of(Err(EngineError::InvalidRequest(
                "next() was called before the last call had answered".to_owned(),
            )));
            deferred.resolve(Box::new(move |_| Ok(batch)) as Resolver);
            return Ok(promise);
        }
        let inner = Arc::clone(&self.inner);
        let waiting = Arc::clone(&self.waiting);
        self.inner.on_ready(move || {
            deferred.resolve(Box::new(move |_| {
                // Read here and not when woken: events that arrived in between go along.
                waiting.store(false, Ordering::Release);
                Ok(Batch::of(inner.try_next()))
            }) as Resolver);
        });
        Ok(promise)
    }

    /// The work ends within one step: text with the reason `cancelled`, the rest with the error of that name. Idempotent.
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancel();
    }
}

type Resolver = Box<dyn FnOnce(Env) -> Result<Batch> + Send>;
