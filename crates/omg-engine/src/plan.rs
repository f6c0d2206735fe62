use omg_format::ModelFiles;
use omg_kernels::BLOCK_TOKENS;
use omg_models::{
    EncoderSpec, ModelSpec, encoder_of, kv_bytes_per_token, scratch_bytes, spec_of,
    weight_bytes_estimate,
};
use serde_json::json;

use crate::devices::{Device, available_memory};
use crate::error::{EngineError, Result};
use crate::scheduler::MAX_CHUNK;
use crate::types::{LoadSpec, MemoryPlan};

/// The context when none is asked for, where the model and the memory allow it.
const DEFAULT_CONTEXT: usize = 32_768;
/// A model that cannot have this much (or all it was trained for) does not fit.
const SMALLEST_CONTEXT: usize = 512;
const DEFAULT_SEQUENCES: usize = 4;
/// The tokenizer, the allocator's slack, the runtime.
const PROCESS_BYTES: u64 = 64 << 20;

/// What the plan is made from.
#[derive(Debug, Clone, Copy)]
struct Needs {
    weights: u64,
    kv_per_token: u64,
    scratch: u64,
    trained_context: usize,
}

/// Memory that the model would take, from its headers alone. `fits` is false, and no error, when it is too large.
pub fn plan(spec: &LoadSpec) -> Result<MemoryPlan> {
    let files = ModelFiles::open(&spec.path)?;
    match encoder_of(&files)? {
        Some(encoder) => plan_of_encoder(&files, &encoder, spec),
        None => plan_of(&files, &spec_of(&files)?, spec),
    }
}

/// Encoders keep nothing between steps, so the context costs activations only.
pub(crate) fn plan_of_encoder(
    files: &ModelFiles,
    encoder: &EncoderSpec,
    spec: &LoadSpec,
) -> Result<MemoryPlan> {
    let available = available_memory(&Device::choose(spec.device.as_deref())?)?;
    let asked = spec.context_length.filter(|&asked| asked > 0);
    let context = asked.map_or(encoder.context_length, |asked| {
        asked.min(encoder.context_length)
    });
    let weights = encoder.weight_bytes(files);
    let scratch = encoder.clone().with_served_context(context).scratch_bytes() + PROCESS_BYTES;
    Ok(MemoryPlan {
        weights_bytes: weights,
        kv_bytes_per_token: 0,
        kv_bytes: 0,
        scratch_bytes: scratch,
        total_bytes: weights + scratch,
        available_bytes: available,
        context_length: context,
        fits: weights + scratch <= available,
    })
}

pub(crate) fn max_sequences(spec: &LoadSpec) -> usize {
    spec.max_sequences.unwrap_or(DEFAULT_SEQUENCES).max(1)
}

pub(crate) fn plan_of(
    files: &ModelFiles,
    model: &ModelSpec,
    spec: &LoadSpec,
) -> Result<MemoryPlan> {
    let device = Device::choose(spec.device.as_deref())?;
    let needs = Needs {
        weights: weight_bytes_estimate(files, model),
        kv_per_token: kv_bytes_per_token(model) as u64,
        scratch: scratch_bytes(model, MAX_CHUNK + max_sequences(spec)) + PROCESS_BYTES,
        trained_context: model.context_length,
    };
    let available = available_memory(&device)?;
    Ok(divide(
        needs,
        available,
        spec.context_length,
        max_sequences(spec),
    ))
}

fn divide(needs: Needs, available: u64, asked: Option<usize>, max_sequences: usize) -> MemoryPlan {
    let block = BLOCK_TOKENS as u64;
    let per_token = needs.kv_per_token.max(1);
    let room = available.saturating_sub(needs.weights + needs.scratch);
    let fitting = room / (per_token * block) * block;
    let trained = needs.trained_context.max(1);
    let smallest = trained.min(SMALLEST_CONTEXT);
    let context = match asked.filter(|&asked| asked > 0) {
        Some(asked) => asked.min(trained),
        None => (fitting.min(DEFAULT_CONTEXT as u64) as usize).clamp(smallest, trained),
    };
    // One full context, and more for sequences beside it, as long as that takes no more than a quarter of what is left.
    let least = (context as u64).div_ceil(block) * block;
    let most = least * max_sequences as u64;
    let pool = (room / 4 / (per_token * block) * block).clamp(least, most);
    let kv = pool * needs.kv_per_token;
    let total = needs.weights + kv + needs.scratch;
    MemoryPlan {
        weights_bytes: needs.weights,
        kv_bytes_per_token: needs.kv_per_token,
        kv_bytes: kv,
        scratch_bytes: needs.scratch,
        total_bytes: total,
        available_bytes: available,
        context_length: context,
        fits: total <= available,
    }
}

/// Blocks of the pool that a plan has room for.
pub(crate) fn blocks(plan: &MemoryPlan) -> usize {
    (plan.kv_bytes / plan.kv_bytes_per_token.max(1)) as usize / BLOCK_TOKENS
}

/// `out_of_memory` with the numbers when the plan does not fit.
pub(crate) fn require_fit(plan: &MemoryPlan) -> Result<()> {
    if plan.fits {
        return Ok(());
    }
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let room = plan
        .available_bytes
        .saturating_sub(plan.weights_bytes + plan.scratch_bytes);
    let fitting = room.checked_div(plan.kv_bytes_per_token).unwrap_or(0);
    let hint = if fitting >= SMALLEST_CONTEXT as u64 {
        format!("a context of {fitting} tokens fits")
    } else {
        "free some memory, or choose a smaller model or quantisation".to_owned()
    };
    Err(EngineError::OutOfMemory {
        message: format!(
            "the model needs {:.2} GiB ({:.2} weights, {:.2} for a context of {} tokens) and {:.2} GiB are available",
            gib(plan.total_bytes),
            gib(plan.weights_bytes),
            gib(plan.kv_bytes),
            plan.context_length,
            gib(plan.available_bytes),
        ),
        hint,
        detail: json!({
            "totalBytes": plan.total_bytes,
            "weightsBytes": plan.weights_bytes,
            "kvBytes": plan.kv_bytes,
            "scratchBytes": plan.scratch_bytes,
            "availableBytes": plan.available_bytes,
            "contextLength": plan.context_length,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        weights: 1_000_000,
        kv_per_token: 100,
        scratch: 50_000,
        trained_context: 100_000,
    };

    #[test]
    fn the_default_context_is_the_least_of_its_bounds() {
        let context = |available| divide(NEEDS, available, None, 4).context_length;
        assert_eq!(context(1 << 40), DEFAULT_CONTEXT);
        assert_eq!(context(1_050_000 + 100 * 3_200 + 99), 3_200);
        let short = Needs {
            trained_context: 700,
            ..NEEDS
        };
        assert_eq!(divide(short, 1 << 40, None, 4).context_length, 700);
    }

    #[test]
    fn an_asked_context_is_kept_up_to_the_trained_one() {
        let plan = divide(NEEDS, 1 << 40, Some(64_000), 1);
        assert_eq!(
            (plan.context_length, plan.kv_bytes, plan.fits),
            (64_000, 6_400_000, true)
        );
        assert_eq!(
            divide(NEEDS, 1 << 40, Some(200_000), 1).context_length,
            100_000
        );
        let tight = divide(NEEDS, 2_000_000, Some(64_000), 4);
        assert!(!tight.fits);
        let error = require_fit(&tight).expect_err("too large");
        assert_eq!(error.code(), "out_of_memory");
        assert!(
            error.hint().expect("a hint").contains("9500 tokens"),
            "{error:?}"
        );
        assert_eq!(
            error.detail().expect("numbers")["availableBytes"],
            2_000_000
        );
    }

    #[test]
    fn nothing_fits_into_too_little() {
        let plan = divide(NEEDS, 900_000, None, 4);
        assert_eq!((plan.fits, plan.context_length), (false, SMALLEST_CONTEXT));
        assert!(require_fit(&plan).is_err());
    }

    #[test]
    fn the_pool_has_room_for_more_sequences_where_memory_is_plenty() {
        let plan = divide(NEEDS, 1 << 40, Some(1_000), 4);
        assert_eq!(blocks(&plan), 4 * 32);
        assert_eq!(plan.kv_bytes, 4 * 1_024 * 100);
        let tight = divide(NEEDS, 1_050_000 + 100 * 1_024, Some(1_000), 4);
        assert!(tight.fits);
        assert_eq!(blocks(&tight), 32);
    }
}
