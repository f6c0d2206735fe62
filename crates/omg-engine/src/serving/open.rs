use std::sync::Arc;

use omg_format::ModelFiles;
use omg_kernels::BLOCK_TOKENS;
use omg_models::{Architecture, DecoderModel, DeviceChoice, Encoder, Model};

use super::Serving;
use super::decoder::DecoderServing;
use super::encoder::EncoderServing;
use crate::error::Result;
use crate::forward::Vocabulary;
use crate::grammar::Grammars;
use crate::intake::{Checks, Intake};
use crate::model::LoadedModel;
use crate::plan;
use crate::scheduler::{Core, Limits, Worker};
use crate::tokenizer::Tokenizer;
use crate::types::MemoryPlan;

/// With what a model is loaded.
pub(crate) struct Loading<'a> {
    pub(crate) files: &'a ModelFiles,
    pub(crate) plan: &'a MemoryPlan,
    pub(crate) sequences: usize,
    pub(crate) device: DeviceChoice,
    pub(crate) tokenizer: &'a Arc<Tokenizer>,
    pub(crate) progress: &'a mut dyn FnMut(f32) -> bool,
}

/// Loads the weights and starts what serves them.
pub(crate) fn open(architecture: Architecture, loading: Loading<'_>) -> Result<Box<dyn Serving>> {
    match architecture {
        Architecture::Decoder(model) => open_decoder(*model, loading),
        Architecture::Encoder(spec) => {
            let spec = spec.with_served_context(loading.plan.context_length);
            let encoder = Encoder::load(loading.files, spec, &loading.device, loading.progress)?;
            let tokenizer = Arc::clone(loading.tokenizer);
            Ok(Box::new(EncoderServing::new(encoder, tokenizer)))
        }
    }
}

fn open_decoder(model: DecoderModel, loading: Loading<'_>) -> Result<Box<dyn Serving>> {
    let Loading {
        files,
        plan,
        sequences,
        device,
        tokenizer,
        progress,
    } = loading;
    let DecoderModel { spec, pooling } = model;
    let model_vocabulary = spec.vocab;
    let spec = spec.with_served_context(plan.context_length);
    let model = Model::load(files, spec, &device, progress)?;
    let limits = Limits {
        blocks: plan::blocks(plan, sequences),
        block_tokens: BLOCK_TOKENS,
        context_length: plan.context_length,
        max_sequences: sequences,
        states: plan::states(plan),
        reuse: true,
    };
    let kv = model.new_cache(limits.blocks, limits.states.unwrap_or(0))?;
    let vocabulary: Arc<dyn Vocabulary> = Arc::new(Arc::clone(tokenizer));
    let of_core = Arc::clone(&vocabulary);
    let loaded = LoadedModel { model, kv };
    let worker = Arc::new(Worker::spawn(move || {
        Core::new(Box::new(loaded), of_core, limits)
    })?);
    let checks = Arc::new(Checks {
        grammars: Grammars::new(Arc::clone(&vocabulary)),
        vocabulary,
        context_length: plan.context_length,
        model_vocabulary,
    });
    Ok(Box::new(DecoderServing {
        intake: Intake::new(&checks, &worker),
        worker,
        checks,
        tokenizer: Arc::clone(tokenizer),
        pooling,
    }))
}
