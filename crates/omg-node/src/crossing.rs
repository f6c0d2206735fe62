//! Values between Rust and JavaScript. They cross as JSON text, which keeps 64-bit sizes plain numbers, drops `undefined`
//! and gives errors that name the field.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::bindgen_prelude::{
    Float32Array, Function, JsObjectValue, JsValue, Object, ToNapiValue, Uint8Array, Unknown,
};
use napi::{Env, Result, sys};
use omg_engine::{Array, EngineError, WorkEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A JavaScript value as a Rust one; `invalid_request` says which field is wrong.
pub(crate) fn read<T: DeserializeOwned>(env: &Env, value: Unknown<'_>) -> omg_engine::Result<T> {
    let text = stringify(env, value)
        .map_err(|e| EngineError::InvalidRequest(format!("the argument is not plain data: {e}")))?;
    read_text(&text)
}

/// JSON text as a Rust value.
pub(crate) fn read_text<T: DeserializeOwned>(text: &str) -> omg_engine::Result<T> {
    serde_json::from_str(text)
        .map_err(|e| EngineError::InvalidRequest(format!("the argument is not valid: {e}")))
}

fn stringify(env: &Env, value: Unknown<'_>) -> Result<String> {
    json_function::<Unknown<'_>, Option<String>>(env, "stringify")?
        .call(value)
        .map(|text| text.unwrap_or_else(|| "null".to_owned()))
}

fn json_function<'env, Args, Returns>(
    env: &'env Env,
    name: &str,
) -> Result<Function<'env, Args, Returns>>
where
    Args: napi::bindgen_prelude::JsValuesTupleIntoVec,
    Returns: napi::bindgen_prelude::FromNapiValue,
{
    env.get_global()?
        .get_named_property::<Object<'env>>("JSON")?
        .get_named_property(name)
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome<T> {
    Ok(T),
    Error(EngineError),
}

/// An outcome on its way to JavaScript: `{ ok }` or `{ error }`, as JSON.
pub(crate) struct Answer(String);

impl Answer {
    pub(crate) fn of<T: Serialize>(result: omg_engine::Result<T>) -> Self {
        let outcome = match result {
            Ok(value) => Outcome::Ok(value),
            Err(error) => Outcome::Error(error),
        };
        Self(serde_json::to_string(&outcome).unwrap_or_else(|e| {
            let error = EngineError::Internal(format!("the answer could not be written: {e}"));
            serde_json::json!({ "error": error }).to_string()
        }))
    }
}

impl ToNapiValue for Answer {
    unsafe fn to_napi_value(raw: sys::napi_env, answer: Self) -> Result<sys::napi_value> {
        let env = Env::from_raw(raw);
        let parse = json_function::<String, Unknown<'_>>(&env, "parse")?;
        Ok(parse.call(answer.0)?.raw())
    }
}

/// Events on their way to JavaScript. Their arrays cross as they are in memory.
pub(crate) struct Batch {
    answer: Answer,
    /// The index of the event, the field, its value.
    arrays: Vec<(u32, &'static str, Array)>,
}

impl Batch {
    pub(crate) fn of(mut events: omg_engine::Result<Option<Vec<WorkEvent>>>) -> Self {
        let mut arrays = Vec::new();
        if let Ok(Some(events)) = &mut events {
            for (index, event) in (0..).zip(events) {
                arrays.extend(event.take_array().map(|(name, array)| (index, name, array)));
            }
        }
        Self {
            answer: Answer::of(events),
            arrays,
        }
    }
}

impl ToNapiValue for Batch {
    unsafe fn to_napi_value(raw: sys::napi_env, batch: Self) -> Result<sys::napi_value> {
        // SAFETY: `raw` is the environment this was called with.
        let outcome = unsafe { Answer::to_napi_value(raw, batch.answer)? };
        if !batch.arrays.is_empty() {
            let events: Object<'_> = Object::from_raw(raw, outcome).get_named_property("ok")?;
            for (index, name, array) in batch.arrays {
                let mut event: Object<'_> = events.get_element(index)?;
                match array {
                    Array::Floats(floats) => event.set(name, Float32Array::new(floats))?,
                    Array::Bytes(bytes) => event.set(name, Uint8Array::new(bytes))?,
                }
            }
        }
        Ok(outcome)
    }
}

/// What a call answers when its thread panicked.
pub(crate) trait FromPanic {
    fn from_panic(error: EngineError) -> Self;
}

impl FromPanic for Answer {
    fn from_panic(error: EngineError) -> Self {
        Self::of::<()>(Err(error))
    }
}

/// A promise for what `work` returns on a thread of its own, so that neither JavaScript nor the few threads that Node
/// keeps for files wait for it.
pub(crate) fn in_thread<'env, T>(
    env: &'env Env,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Object<'env>>
where
    T: ToNapiValue + FromPanic + Send + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let run = move || {
        let answer = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
            T::from_panic(EngineError::Internal(
                "the engine failed while it answered this call".to_owned(),
            ))
        });
        deferred.resolve(move |_| Ok(answer));
    };
    std::thread::Builder::new()
        .name("omg-call".to_owned())
        .spawn(run)
        .map_err(|e| napi::Error::from_reason(format!("no thread could be started: {e}")))?;
    Ok(promise)
}
