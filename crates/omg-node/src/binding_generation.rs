use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use napi::bindgen_prelude::{Object, ToNapiValue};
use napi::{Env, Result, sys};
use napi_derive::napi;
use omg_engine::EngineError;

use crate::binding_model::class_outcome;
use crate::crossing::Answer;

/// One request under way. Collecting it as garbage cancels the request.
#[napi]
pub struct Generation {
    inner: Arc<omg_engine::Generation>,
    waiting: Arc<AtomicBool>,
}

impl Generation {
    pub(crate) fn new(generation: omg_engine::Generation) -> Self {
        Self {
            inner: Arc::new(generation),
            waiting: Arc::default(),
        }
    }
}

#[napi]
impl Generation {
    /// The events since the last call, as soon as there are any; null after the end event. No thread waits meanwhile: the
    /// scheduler settles the promise. One call at a time.
    #[napi(ts_return_type = "Promise<Outcome<GenerateEvent[] | null>>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (deferred, promise) = env.create_deferred()?;
        if self.waiting.swap(true, Ordering::AcqRel) {
            let error = EngineError::InvalidRequest(
                "next() was called before the last call had answered".to_owned(),
            );
            let answer = Answer::of::<()>(Err(error));
            deferred.resolve(Box::new(move |_| Ok(answer)) as Resolver);
            return Ok(promise);
        }
        let inner = Arc::clone(&self.inner);
        let waiting = Arc::clone(&self.waiting);
        self.inner.on_ready(move || {
            deferred.resolve(Box::new(move |_| {
                // Read here and not when woken: what came meanwhile goes along.
                waiting.store(false, Ordering::Release);
                Ok(Answer::of(inner.try_next()))
            }) as Resolver);
        });
        Ok(promise)
    }

    /// The request ends with the reason `cancelled` within one step. Idempotent.
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancel();
    }
}

type Resolver = Box<dyn FnOnce(Env) -> Result<Answer> + Send>;

/// The outcome of `generate`.
pub struct Started(pub(crate) omg_engine::Result<Generation>);

impl ToNapiValue for Started {
    unsafe fn to_napi_value(env: sys::napi_env, started: Self) -> Result<sys::napi_value> {
        // SAFETY: `env` is the one this call was given.
        unsafe { class_outcome(env, started.0) }
    }
}
