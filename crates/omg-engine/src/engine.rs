use std::sync::Arc;
use std::time::Instant;

use omg_format::ModelFiles;
use omg_models::{Description, describe};

use crate::devices::Device;
use crate::error::{EngineError, Result};
use crate::forward::Vocabulary;
use crate::plan;
use crate::serving::{self, Loading, Serving, TokenizerOnly};
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
    let architecture = describe(&files)?;
    let outline = architecture.outline();
    let trained = outline.context_length;
    let tokenizer = Arc::new(Tokenizer::open(&files)?.padded_to(outline.vocab));
    if spec.tokenizer_only {
        return Ok(tokenizer_only(tokenizer, trained, begin));
    }
    let device = Device::choose(spec.device.as_deref())?;
    let plan = plan::plan_of(&files, &architecture, spec)?;
    plan::require_fit(&plan)?;
    let sequences = plan::max_sequences(spec);
    let serving = serving::open(
        architecture,
        Loading {
            files: &files,
            plan: &plan,
            sequences,
            device: device.choice(spec.threads.unwrap_or(0)),
            tokenizer: &tokenizer,
            progress,
        },
    )?;
    let info = info_of(plan, trained, &device, begin);
    tracing::info!(
        device = info.device,
        load_ms = info.load_ms,
        context = info.context_length,
        sequences,
        weights_bytes = info.memory.weights_bytes,
        kv_bytes = info.memory.kv_bytes,
        "model loaded"
    );
    Ok(Engine {
        info,
        tokenizer,
        serving,
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
                state_bytes_per_sequence: 0,
                state_bytes: 0,
                scratch_bytes: 0,
                total_bytes: 0,
                available_bytes: crate::memory::system().available,
                context_length,
                fits: true,
                devices: Vec::new(),
                stages: Vec::new(),
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
