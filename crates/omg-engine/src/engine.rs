use std::sync::Arc;
use std::time::Instant;

use omg_format::ModelFiles;
use omg_models::{Model, ModelSpec, spec_of};

use crate::devices::Device;
use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::generation::Generation;
use crate::grammar::Grammars;
use crate::intake::{Checks, Intake};
use crate::model::{LoadedModel, encode_for_embedding};
use crate::parameters;
use crate::plan;
use crate::scheduler::{Core, Limits, Pooling, Worker};
use crate::tokenizer::Tokenizer;
use crate::types::{GenerateRequest, LoadSpec, LoadedModelInfo, MemoryPlan, PromptSegment};

/// A text as a vector, not normalised.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Embedding {
    pub vector: Vec<f32>,
    pub prompt_tokens: usize,
}

/// A loaded model and the threads that serve it. All methods may be called from any thread; dropping it cancels what is
/// under way and waits for the threads.
pub struct Engine {
    info: LoadedModelInfo,
    tokenizer: Arc<Tokenizer>,
    serving: Option<Serving>,
}

/// Absent when only the tokenizer was asked for. `intake` comes first: it must be gone before the worker.
struct Serving {
    intake: Intake,
    worker: Arc<Worker>,
    checks: Arc<Checks>,
    pooling: Pooling,
}

/// Loads a model. `progress` hears the part done, 0 to 1, and stops the load (`cancelled`) by answering false.
///
/// Errors: `not_found`, `invalid_model_file`, `unsupported_architecture`, `unsupported_quantization`, `unsupported`,
/// `out_of_memory` with the numbers of the plan.
pub fn load(spec: &LoadSpec, progress: &mut dyn FnMut(f32) -> bool) -> Result<Engine> {
    let begin = Instant::now();
    let files = ModelFiles::open(&spec.path)?;
    let model_spec = spec_of(&files)?;
    let tokenizer = Arc::new(Tokenizer::open(&files)?.padded_to(model_spec.vocab));
    if spec.tokenizer_only {
        return Ok(tokenizer_only(tokenizer, &model_spec, begin));
    }
    let device = Device::choose(spec.device.as_deref())?;
    let plan = plan::plan_of(&files, &model_spec, spec)?;
    plan::require_fit(&plan)?;

    let trained = model_spec.context_length;
    let model_spec = model_spec.with_served_context(plan.context_length);
    let vocab = model_spec.vocab;
    let choice = device.choice(spec.threads.unwrap_or(0));
    let model = Model::load(&files, model_spec, &choice, progress)?;
    let limits = Limits {
        blocks: plan::blocks(&plan),
        block_tokens: omg_kernels::BLOCK_TOKENS,
        context_length: plan.context_length,
        max_sequences: plan::max_sequences(spec),
    };
    let kv = model.new_kv(limits.blocks)?;
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Arc::clone(&tokenizer));
    let of_core = Arc::clone(&vocabulary);
    let loaded = LoadedModel { model, kv };
    let worker = Arc::new(Worker::spawn(move || {
        Core::new(Box::new(loaded), of_core, limits)
    })?);
    let context_length = plan.context_length;
    let checks = Arc::new(Checks {
        grammars: Grammars::new(Arc::clone(&vocabulary)),
        vocabulary,
        context_length,
        model_vocabulary: vocab,
        defaults: parameters::of(&files),
    });
    let intake = Intake::spawn(Arc::clone(&checks), Arc::clone(&worker))?;
    let info = LoadedModelInfo {
        context_length: plan.context_length,
        trained_context_length: trained,
        device: device.id(),
        load_ms: begin.elapsed().as_secs_f64() * 1e3,
        memory: plan,
    };
    tracing::info!(
        device = info.device,
        load_ms = info.load_ms,
        context = info.context_length,
        sequences = limits.max_sequences,
        weights_bytes = info.memory.weights_bytes,
        kv_bytes = info.memory.kv_bytes,
        "model loaded"
    );
    Ok(Engine {
        info,
        tokenizer,
        serving: Some(Serving {
            intake,
            worker,
            checks,
            pooling: parameters::pooling(&files),
        }),
    })
}

fn tokenizer_only(tokenizer: Arc<Tokenizer>, model: &ModelSpec, begin: Instant) -> Engine {
    Engine {
        info: LoadedModelInfo {
            context_length: model.context_length,
            trained_context_length: model.context_length,
            device: "cpu".to_owned(),
            memory: MemoryPlan {
                weights_bytes: 0,
                kv_bytes_per_token: 0,
                kv_bytes: 0,
                scratch_bytes: 0,
                total_bytes: 0,
                available_bytes: crate::memory::system().available,
                context_length: model.context_length,
                fits: true,
            },
            load_ms: begin.elapsed().as_secs_f64() * 1e3,
        },
        tokenizer,
        serving: None,
    }
}

impl Engine {
    pub fn info(&self) -> &LoadedModelInfo {
        &self.info
    }

    /// Token ids of a prompt as `generate` would read it.
    pub fn tokenize(&self, prompt: &[PromptSegment]) -> Result<Vec<u32>> {
        Vocabulary::encode(&self.tokenizer, prompt)
    }

    /// Text of a token sequence. `invalid_request` for ids outside the vocabulary.
    pub fn detokenize(&self, tokens: &[u32]) -> Result<String> {
        let size = self.tokenizer.vocab_size();
        match tokens.iter().find(|&&t| t as usize >= size) {
            Some(token) => Err(EngineError::InvalidRequest(format!(
                "token {token} is outside the vocabulary of {size} tokens"
            ))),
            None => Ok(self.tokenizer.decode(tokens)),
        }
    }

    /// Starts a request. What is wrong with it is the first thing the generation reports: `context_length_exceeded`,
    /// `invalid_request`, `unsupported` when only the tokenizer was loaded, `shutting_down` after `unload`.
    pub fn generate(&self, request: GenerateRequest) -> Generation {
        match &self.serving {
            Some(serving) => serving.intake.submit(request),
            None => Generation::failed(only_tokenizer()),
        }
    }

    /// The vector of a text: the hidden states after the last norm, pooled as the model's metadata says, else of its last
    /// token. Waits for the step under way.
    pub fn embed(&self, text: &[PromptSegment]) -> Result<Embedding> {
        let serving = self.serving.as_ref().ok_or_else(only_tokenizer)?;
        let tokens = serving
            .checks
            .text(encode_for_embedding(&self.tokenizer, text)?)?;
        Ok(Embedding {
            prompt_tokens: tokens.len(),
            vector: serving.worker.embed(tokens, serving.pooling)?,
        })
    }

    /// Takes no more requests, waits for the last one and frees the weights. Idempotent.
    pub fn unload(&self) {
        if let Some(serving) = &self.serving {
            serving.intake.finish();
            serving.worker.finish();
        }
    }
}

fn only_tokenizer() -> EngineError {
    EngineError::Unsupported("only the tokenizer of this model is loaded".to_owned())
}
