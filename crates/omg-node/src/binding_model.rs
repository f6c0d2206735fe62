use std::sync::Arc;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue, Uint8Array, Unknown};
use napi::{Env, Result, sys};
use napi_derive::napi;
use omg_engine::{Engine, EngineError, PromptSegment, WorkRequest};

use crate::binding_task::Task;
use crate::crossing::{Answer, FromPanic, in_thread, read, read_text};

/// A loaded model.
#[napi]
pub struct Model {
    engine: Arc<Engine>,
}

impl Model {
    pub(crate) fn new(engine: Engine) -> Self {
        Self {
            engine: Arc::new(engine),
        }
    }
}

#[napi]
impl Model {
    #[napi(getter, ts_return_type = "LoadedModelInfo")]
    pub fn info(&self) -> Info {
        Info(Answer::of(Ok(self.engine.info())))
    }

    #[napi(
        ts_args_type = "prompt: PromptSegment[]",
        ts_return_type = "Promise<Outcome<number[]>>"
    )]
    pub fn tokenize<'env>(&self, env: &'env Env, prompt: Unknown<'env>) -> Result<Object<'env>> {
        let engine = Arc::clone(&self.engine);
        let prompt = read::<Vec<PromptSegment>>(env, prompt);
        in_thread(env, move || {
            Answer::of(prompt.and_then(|p| engine.tokenize(&p)))
        })
    }

    #[napi(
        ts_args_type = "tokens: number[]",
        ts_return_type = "Promise<Outcome<string>>"
    )]
    pub fn detokenize<'env>(&self, env: &'env Env, tokens: Unknown<'env>) -> Result<Object<'env>> {
        let engine = Arc::clone(&self.engine);
        let tokens = read::<Vec<u32>>(env, tokens);
        in_thread(env, move || {
            Answer::of(tokens.and_then(|t| engine.detokenize(&t)))
        })
    }

    /// Starts work. `request` is JSON text, `{ kind, request }`, so that its numbers stay as they were written; `attachments`
    /// are the bytes it refers to by index. What is wrong with it is the first thing that the task answers.
    #[napi]
    pub fn start(&self, request: String, attachments: Vec<Uint8Array>) -> Task {
        let bytes = attachments.iter().map(|bytes| bytes.to_vec()).collect();
        let request = read_text::<WorkRequest>(&request).and_then(|r| r.with_attachments(bytes));
        Task::new(match request {
            Ok(request) => self.engine.start(request),
            Err(error) => omg_engine::Task::failed(error),
        })
    }

    /// Takes no more requests, waits for the last one, frees everything. Idempotent.
    #[napi(ts_return_type = "Promise<Outcome<null>>")]
    pub fn unload<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let engine = Arc::clone(&self.engine);
        in_thread(env, move || {
            engine.unload();
            Answer::of(Ok(()))
        })
    }
}

/// The `ok` of an answer that cannot be an error.
pub struct Info(Answer);

impl ToNapiValue for Info {
    unsafe fn to_napi_value(env: sys::napi_env, info: Self) -> Result<sys::napi_value> {
        // SAFETY: `env` is the one this call was given.
        let outcome = unsafe { Answer::to_napi_value(env, info.0)? };
        Object::from_raw(env, outcome)
            .get_named_property_unchecked::<Raw>("ok")
            .map(|v| v.0)
    }
}

/// A value that is passed on as it is.
struct Raw(sys::napi_value);

impl napi::bindgen_prelude::FromNapiValue for Raw {
    unsafe fn from_napi_value(_: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        Ok(Self(value))
    }
}

/// The outcome of `load`.
pub(crate) struct Loaded(pub(crate) omg_engine::Result<Model>);

impl ToNapiValue for Loaded {
    unsafe fn to_napi_value(env: sys::napi_env, loaded: Self) -> Result<sys::napi_value> {
        match loaded.0 {
            Ok(model) => {
                let mut outcome = Object::new(&Env::from_raw(env))?;
                outcome.set("ok", model)?;
                // SAFETY: `env` is the one this call was given.
                unsafe { Object::to_napi_value(env, outcome) }
            }
            // SAFETY: as above.
            Err(error) => unsafe { Answer::to_napi_value(env, Answer::of::<()>(Err(error))) },
        }
    }
}

impl FromPanic for Loaded {
    fn from_panic(error: EngineError) -> Self {
        Self(Err(error))
    }
}
