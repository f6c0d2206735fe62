use std::sync::Arc;

use napi::bindgen_prelude::{JsObjectValue, Object, ToNapiValue, Unknown};
use napi::{Env, Result, sys};
use napi_derive::napi;
use omg_engine::{EmbedRequest, Engine, EngineError, GenerateRequest, PromptSegment, ScoreRequest};

use crate::binding_generation::{Generation, Started};
use crate::binding_text_task::{EmbedTask, ScoreTask};
use crate::crossing::{Answer, FromPanic, in_thread, read};

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

    /// Prepares vectors of texts; nothing runs before `result`.
    #[napi(ts_args_type = "request: EmbedRequest")]
    pub fn embed(&self, env: &Env, request: Unknown<'_>) -> EmbedTask {
        EmbedTask::new(&self.engine, read::<EmbedRequest>(env, request))
    }

    /// Prepares scores of documents; nothing runs before `result`.
    #[napi(ts_args_type = "request: ScoreRequest")]
    pub fn score(&self, env: &Env, request: Unknown<'_>) -> ScoreTask {
        ScoreTask::new(&self.engine, read::<ScoreRequest>(env, request))
    }

    /// Starts a request; what is wrong with its values is what `next` answers first.
    #[napi(
        ts_args_type = "request: GenerateRequest",
        ts_return_type = "Outcome<Generation>"
    )]
    pub fn generate(&self, env: &Env, request: Unknown<'_>) -> Started {
        let request = read::<GenerateRequest>(env, request);
        Started(request.map(|r| Generation::new(self.engine.generate(r))))
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
        // SAFETY: `env` is the one this call was given.
        unsafe { class_outcome(env, loaded.0) }
    }
}

impl FromPanic for Loaded {
    fn from_panic(error: EngineError) -> Self {
        Self(Err(error))
    }
}

/// `{ ok: instance }` or `{ error }`.
///
/// # Safety
/// `env` must be the environment of the JavaScript thread this runs on.
pub(crate) unsafe fn class_outcome<T: ToNapiValue>(
    env: sys::napi_env,
    result: omg_engine::Result<T>,
) -> Result<sys::napi_value> {
    match result {
        Ok(instance) => {
            let mut outcome = Object::new(&Env::from_raw(env))?;
            outcome.set("ok", instance)?;
            // SAFETY: as promised by the caller.
            unsafe { Object::to_napi_value(env, outcome) }
        }
        // SAFETY: as promised by the caller.
        Err(error) => unsafe { Answer::to_napi_value(env, Answer::of::<()>(Err(error))) },
    }
}
