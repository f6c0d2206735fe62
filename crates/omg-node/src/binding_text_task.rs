use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::Object;
use napi::{Env, Result};
use napi_derive::napi;
use omg_engine::{Cancel, EmbedRequest, Engine, EngineError, ReadText, ScoreRequest};
use serde::Serialize;

use crate::crossing::{Answer, AnswerWith, in_thread};

/// A request that answers once.
struct Task<T> {
    engine: Arc<Engine>,
    cancel: Arc<Cancel>,
    /// Taken by the first `result`.
    request: Mutex<Option<omg_engine::Result<T>>>,
}

impl<T> Task<T> {
    fn new(engine: &Arc<Engine>, request: omg_engine::Result<T>) -> Self {
        Self {
            engine: Arc::clone(engine),
            cancel: Arc::default(),
            request: Mutex::new(Some(request)),
        }
    }

    fn take(&self) -> omg_engine::Result<T> {
        let mut request = self.request.lock().unwrap_or_else(PoisonError::into_inner);
        request.take().unwrap_or_else(|| {
            Err(EngineError::InvalidRequest(
                "result() was called before".to_owned(),
            ))
        })
    }
}

/// Vectors under way.
#[napi]
pub struct EmbedTask(Task<EmbedRequest>);

/// Scores under way.
#[napi]
pub struct ScoreTask(Task<ScoreRequest>);

#[derive(Serialize)]
struct Read {
    dimensions: usize,
    texts: Vec<ReadText>,
}

impl EmbedTask {
    pub(crate) fn new(engine: &Arc<Engine>, request: omg_engine::Result<EmbedRequest>) -> Self {
        Self(Task::new(engine, request))
    }
}

#[napi]
impl EmbedTask {
    /// The vectors one after another, with how each text was read. Once.
    #[napi(
        ts_return_type = "Promise<Outcome<{ dimensions: number; vectors: Float32Array; texts: ReadText[] }>>"
    )]
    pub fn result<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (engine, cancel) = (Arc::clone(&self.0.engine), Arc::clone(&self.0.cancel));
        let request = self.0.take();
        in_thread(env, move || {
            let (plain, floats) = match request.and_then(|r| engine.embed(&r, &cancel)) {
                Ok(embeddings) => (
                    Ok(Read {
                        dimensions: embeddings.dimensions,
                        texts: embeddings.texts,
                    }),
                    embeddings.vectors,
                ),
                Err(error) => (Err(error), Vec::new()),
            };
            AnswerWith {
                plain,
                name: "vectors",
                floats,
            }
        })
    }

    /// Ends the work after the step under way, with the error `cancelled`. Idempotent.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }
}

impl ScoreTask {
    pub(crate) fn new(engine: &Arc<Engine>, request: omg_engine::Result<ScoreRequest>) -> Self {
        Self(Task::new(engine, request))
    }
}

#[napi]
impl ScoreTask {
    /// One score per document, with how each was read. Once.
    #[napi(ts_return_type = "Promise<Outcome<{ scores: number[]; texts: ReadText[] }>>")]
    pub fn result<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let (engine, cancel) = (Arc::clone(&self.0.engine), Arc::clone(&self.0.cancel));
        let request = self.0.take();
        in_thread(env, move || {
            Answer::of(request.and_then(|r| engine.score(&r, &cancel)))
        })
    }

    /// As `EmbedTask.cancel`.
    #[napi]
    pub fn cancel(&self) {
        self.0.cancel.cancel();
    }
}
