use std::sync::Arc;
use std::time::Instant;

use omg_format::ModelFiles;
use omg_models::{Encoder, EncoderSpec, Model, encoder_of, pooling_of, spec_of};

use crate::devices::Device;
use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::grammar::Grammars;
use crate::intake::{Checks, Intake};
use crate::model::LoadedModel;
use crate::plan;
use crate::scheduler::{Core, Limits, Worker};
use crate::serving::{DecoderServing, EncoderServing, Serving, TokenizerOnly};
use crate::task::Task;
use crate::tokenizer::{Reach, Tokenizer};
use crate::types::{LoadSpec, LoadedModelInfo, MemoryPlan, PromptSegment, WorkRequest};

/// A loaded model and the threads that serve it. All methods may be called from any thread; dropping it cancels what is
/// under way and waits for the threads.
pub struct Engine {
    info: LoadedModelInfo,
    tokenizer: Arc<Tokenizer>,
    serving: Box<dyn Serving>,
}

/// Loads a model. `progress` hears the part done, 0 to 1, and stops the load (`cancelled`) by answering false.
///
/// Errors: `not_found`, `invalid_model_file`, `unsupported_architecture`, `unsupported_quantization`, `unsupported`,
/// `out_of_memory` with the numbers of the plan.
pub fn load(spec: &LoadSpec, progress: &mut dyn FnMut(f32) -> bool) -> Result<Engine> {
    let begin = Instant::now();
    let files = ModelFiles::open(&spec.path)?;
    if let Some(encoder) = encoder_of(&files)? {
        return load_encoder(&files, encoder, spec, progress, begin);
    }
    let model_spec = spec_of(&files)?;
    let pooling = pooling_of(&files)?;
    let tokenizer = Arc::new(Tokenizer::open(&files)?.padded_to(model_spec.vocab));
    if spec.tokenizer_only {
        return Ok(tokenizer_only(tokenizer, model_spec.context_length, begin));
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
    });
    let intake = Intake::new(&checks, &worker);
    let info = info_of(plan, trained, &device, begin);
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
        tokenizer: Arc::clone(&tokenizer),
        serving: Box::new(DecoderServing {
            intake,
            worker,
            checks,
            tokenizer,
            pooling,
        }),
    })
}

fn info_of(plan: MemoryPlan, trained: usize, device: &Device, begin: Instant) -> LoadedModelInfo {
    LoadedModelInfo {
        context_length: plan.context_length,
        trained_context_length: trained,
        device: device.id(),
        load_ms: begin.elapsed().as_secs_f64() * 1e3,
        memory: plan,
    }
}

fn load_encoder(
    files: &ModelFiles,
    encoder: EncoderSpec,
    spec: &LoadSpec,
    progress: &mut dyn FnMut(f32) -> bool,
    begin: Instant,
) -> Result<Engine> {
    let tokenizer = Arc::new(Tokenizer::open(files)?);
    let trained = encoder.context_length;
    if spec.tokenizer_only {
        return Ok(tokenizer_only(tokenizer, trained, begin));
    }
    let device = Device::choose(spec.device.as_deref())?;
    let plan = plan::plan_of_encoder(files, &encoder, spec)?;
    plan::require_fit(&plan)?;
    let encoder = encoder.with_served_context(plan.context_length);
    let choice = device.choice(spec.threads.unwrap_or(0));
    let encoder = Encoder::load(files, encoder, &choice, progress)?;
    let info = info_of(plan, trained, &device, begin);
    tracing::info!(
        device = info.device,
        load_ms = info.load_ms,
        context = info.context_length,
        weights_bytes = info.memory.weights_bytes,
        "encoder loaded"
    );
    Ok(Engine {
        info,
        tokenizer: Arc::clone(&tokenizer),
        serving: Box::new(EncoderServing::new(encoder, tokenizer)),
    })
}

fn tokenizer_only(tokenizer: Arc<Tokenizer>, context_length: usize, begin: Instant) -> Engine {
    Engine {
        info: LoadedModelInfo {
            context_length,
            trained_context_length: context_length,
            device: "cpu".to_owned(),
            memory: MemoryPlan {
                weights_bytes: 0,
                kv_bytes_per_token: 0,
                kv_bytes: 0,
                scratch_bytes: 0,
                total_bytes: 0,
                available_bytes: crate::memory::system().available,
                context_length,
                fits: true,
            },
            load_ms: begin.elapsed().as_secs_f64() * 1e3,
        },
        tokenizer,
        serving: Box::new(TokenizerOnly),
    }
}

impl Engine {
    pub fn info(&self) -> &LoadedModelInfo {
        &self.info
    }

    /// Token ids of a prompt as `generate` would read it.
    pub fn tokenize(&self, prompt: &[PromptSegment]) -> Result<Vec<u32>> {
        Vocabulary::encode(&self.tokenizer, prompt, &Reach::ALL)
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

    /// Starts work of any kind. What is wrong with the request is the first thing its task reports: `context_length_exceeded`
    /// (of a list of texts with the number of the text), `invalid_request`, `unsupported` for work that the model is not made
    /// for, `shutting_down` after `unload`.
    pub fn start(&self, request: WorkRequest) -> Task {
        self.serving.start(request)
    }

    /// Takes no more requests, waits for the last one and frees the weights. Idempotent.
    pub fn unload(&self) {
        self.serving.unload();
    }
}
