use omg_format::ModelFiles;
use omg_kernels::BLOCK_TOKENS;
use omg_models::{Architecture, Description, Needs, Served, describe};
use serde_json::json;

use crate::devices::{Device, available_memory};
use crate::error::{EngineError, Result};
use crate::scheduler::MAX_CHUNK;
use crate::types::{DeviceShare, LoadSpec, MemoryPlan, StagePlan};

/// The context when none is asked for, where the model and the memory allow it.
const DEFAULT_CONTEXT: usize = 32_768;
/// A model that cannot have this much (or all it was trained for) does not fit.
const SMALLEST_CONTEXT: usize = 512;
const DEFAULT_SEQUENCES: usize = 4;
/// States that are kept beside those of the running sequences, at most: a few places in each of their prompts and answers.
const CHECKPOINTS_PER_SEQUENCE: usize = 8;
/// The part of what weights, running sequences and one full context leave that these may take.
const CHECKPOINT_PART: u64 = 8;
/// The tokenizer, the allocator's slack, the runtime.
const PROCESS_BYTES: u64 = 64 << 20;

/// What a plan divides among the sequences.
#[derive(Debug, Clone)]
struct Budget {
    device: String,
    available: u64,
    trained_context: usize,
    sequences: usize,
}

/// Memory that the model would take, from its headers alone. `fits` is false, and no error, when it is too large.
pub fn plan(spec: &LoadSpec) -> Result<MemoryPlan> {
    let files = ModelFiles::open(&spec.path)?;
    plan_of(&files, &describe(&files)?, spec)
}

pub(crate) fn max_sequences(spec: &LoadSpec) -> usize {
    spec.max_sequences.unwrap_or(DEFAULT_SEQUENCES).max(1)
}

/// The context that was asked for; 0 stands for none.
fn asked_context(spec: &LoadSpec) -> Option<usize> {
    spec.context_length.filter(|&asked| asked > 0)
}

pub(crate) fn plan_of(
    files: &ModelFiles,
    architecture: &Architecture,
    spec: &LoadSpec,
) -> Result<MemoryPlan> {
    let device = Device::choose(spec.device.as_deref())?;
    let trained_context = architecture.outline().context_length.max(1);
    let sequences = max_sequences(spec);
    let asked = asked_context(spec);
    let needs = architecture.needs(
        files,
        Served {
            context: asked.unwrap_or(trained_context).min(trained_context),
            step_tokens: MAX_CHUNK + sequences,
        },
    );
    let budget = Budget {
        available: available_memory(&device)?,
        device: device.id(),
        trained_context,
        sequences,
    };
    Ok(divide(&needs, &budget, asked))
}

fn divide(needs: &Needs, budget: &Budget, asked: Option<usize>) -> MemoryPlan {
    let block = BLOCK_TOKENS as u64;
    let stages = needs.stages.iter().map(|stage| StagePlan {
        name: stage.name.to_owned(),
        scratch_bytes: stage.scratch + PROCESS_BYTES,
    });
    let stages: Vec<StagePlan> = stages.collect();
    let scratch = stages.iter().map(|stage| stage.scratch_bytes).max();
    let scratch = scratch.unwrap_or(PROCESS_BYTES);
    let running = needs.per_sequence * budget.sequences as u64;
    let fixed = needs.weights + scratch + running;
    let left = budget.available.saturating_sub(fixed);
    // Tokens in whole blocks; as many as one likes where they cost nothing.
    let tokens_in = |bytes: u64| {
        let blocks = bytes.checked_div(needs.per_token * block);
        blocks.map_or(u64::MAX, |blocks| blocks * block)
    };
    let trained = budget.trained_context.max(1);
    let smallest = trained.min(SMALLEST_CONTEXT);
    let context = match asked {
        Some(asked) => asked.min(trained),
        None => (tokens_in(left).min(DEFAULT_CONTEXT as u64) as usize).clamp(smallest, trained),
    };
    // One full context, and more for sequences beside it, as long as that takes no more than a quarter of what is left.
    let least = (context as u64).div_ceil(block) * block;
    let most = least * budget.sequences as u64;
    // Checkpoints must not shorten the context.
    let spare = left.saturating_sub(least * needs.per_token);
    let checkpoints = (spare / CHECKPOINT_PART).checked_div(needs.per_sequence);
    let checkpoints = checkpoints
        .unwrap_or(0)
        .min((CHECKPOINTS_PER_SEQUENCE * budget.sequences) as u64)
        * needs.per_sequence;
    let kv = tokens_in((left - checkpoints) / 4).clamp(least, most) * needs.per_token;
    let total = fixed + checkpoints + kv;
    MemoryPlan {
        weights_bytes: needs.weights,
        kv_bytes_per_token: needs.per_token,
        kv_bytes: kv,
        state_bytes_per_sequence: needs.per_sequence,
        state_bytes: running + checkpoints,
        scratch_bytes: scratch,
        total_bytes: total,
        available_bytes: budget.available,
        context_length: context,
        fits: total <= budget.available,
        devices: vec![DeviceShare {
            device: budget.device.clone(),
            total_bytes: total,
            available_bytes: budget.available,
        }],
        stages,
    }
}

/// Blocks of the pool that a plan has room for. Blocks that hold nothing cost nothing: each of `sequences` can have a full
/// context of them.
pub(crate) fn blocks(plan: &MemoryPlan, sequences: usize) -> usize {
    match plan.kv_bytes.checked_div(plan.kv_bytes_per_token) {
        Some(tokens) => tokens as usize / BLOCK_TOKENS,
        None => plan.context_length.div_ceil(BLOCK_TOKENS) * sequences,
    }
}

/// Slots for the states of recurrent mixers that a plan has room for; `None` for a model that keeps no states.
pub(crate) fn states(plan: &MemoryPlan) -> Option<usize> {
    let slots = plan
        .state_bytes
        .checked_div(plan.state_bytes_per_sequence)?;
    Some(slots as usize)
}

/// `out_of_memory` with the numbers when the plan does not fit.
pub(crate) fn require_fit(plan: &MemoryPlan) -> Result<()> {
    if plan.fits {
        return Ok(());
    }
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let room = plan
        .available_bytes
        .saturating_sub(plan.total_bytes - plan.kv_bytes);
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
            "stateBytesPerSequence": plan.state_bytes_per_sequence,
            "stateBytes": plan.state_bytes,
            "scratchBytes": plan.scratch_bytes,
            "availableBytes": plan.available_bytes,
            "contextLength": plan.context_length,
        }),
    })
}

#[cfg(test)]
mod tests {
    use omg_models::Stage;

    use super::*;

    const TRAINED: usize = 100_000;

    fn needs() -> Needs {
        Needs {
            weights: 1_000_000,
            per_token: 100,
            per_sequence: 0,
            stages: vec![Stage {
                name: "generate",
                scratch: 50_000,
            }],
        }
    }

    /// The memory of the process itself comes on top.
    fn budget(available: u64, sequences: usize) -> Budget {
        Budget {
            device: "cpu".to_owned(),
            available: available + PROCESS_BYTES,
            trained_context: TRAINED,
            sequences,
        }
    }

    fn divided(available: u64, asked: Option<usize>, sequences: usize) -> MemoryPlan {
        divide(&needs(), &budget(available, sequences), asked)
    }

    #[test]
    fn the_default_context_is_the_least_of_its_bounds() {
        let context = |available| divided(available, None, 4).context_length;
        assert_eq!(context(1 << 40), DEFAULT_CONTEXT);
        assert_eq!(context(1_050_000 + 100 * 3_200 + 99), 3_200);
        let short = Budget {
            trained_context: 700,
            ..budget(1 << 40, 4)
        };
        assert_eq!(divide(&needs(), &short, None).context_length, 700);
    }

    #[test]
    fn an_asked_context_is_kept_up_to_the_trained_one() {
        let plan = divided(1 << 40, Some(64_000), 1);
        assert_eq!(
            (plan.context_length, plan.kv_bytes, plan.fits),
            (64_000, 6_400_000, true)
        );
        assert_eq!(divided(1 << 40, Some(200_000), 1).context_length, TRAINED);
        let tight = divided(2_000_000, Some(64_000), 4);
        assert!(!tight.fits);
        let error = require_fit(&tight).expect_err("too large");
        assert_eq!(error.code(), "out_of_memory");
        assert!(
            error.hint().expect("a hint").contains("9500 tokens"),
            "{error:?}"
        );
        assert_eq!(
            error.detail().expect("numbers")["availableBytes"],
            2_000_000 + PROCESS_BYTES
        );
    }

    #[test]
    fn nothing_fits_into_too_little() {
        let plan = divided(900_000, None, 4);
        assert_eq!((plan.fits, plan.context_length), (false, SMALLEST_CONTEXT));
        assert!(require_fit(&plan).is_err());
    }

    #[test]
    fn the_pool_has_room_for_more_sequences_where_memory_is_plenty() {
        let plan = divided(1 << 40, Some(1_000), 4);
        assert_eq!(blocks(&plan, 4), 4 * 32);
        assert_eq!(plan.kv_bytes, 4 * 1_024 * 100);
        let tight = divided(1_050_000 + 100 * 1_024, Some(1_000), 4);
        assert!(tight.fits);
        assert_eq!(blocks(&tight, 4), 32);
    }

    #[test]
    fn state_is_counted_for_every_sequence_and_tokens_may_cost_nothing() {
        let recurrent = Needs {
            per_token: 0,
            per_sequence: 10_000,
            ..needs()
        };
        let plan = divide(&recurrent, &budget(1_090_000, 4), None);
        assert_eq!(
            (plan.total_bytes, plan.kv_bytes, plan.fits),
            (1_090_000 + PROCESS_BYTES, 0, true)
        );
        assert_eq!(
            (plan.state_bytes_per_sequence, states(&plan)),
            (10_000, Some(4))
        );
        assert_eq!(plan.context_length, DEFAULT_CONTEXT);
        // Every sequence can have its whole context at once.
        assert_eq!(blocks(&plan, 4), 4 * DEFAULT_CONTEXT / BLOCK_TOKENS);
        assert!(!divide(&recurrent, &budget(1_089_999, 4), None).fits);
        assert_eq!(plan.devices[0].total_bytes, plan.total_bytes);
        let hybrid = Needs {
            per_sequence: 10_000,
            ..needs()
        };
        let room = 1_090_000 + 100 * 3_200;
        assert_eq!(
            divide(&hybrid, &budget(room, 4), None).context_length,
            3_200
        );
    }

    #[test]
    fn checkpoints_take_a_part_of_what_is_left() {
        let recurrent = Needs {
            per_sequence: 10_000,
            ..needs()
        };
        // Beside four running ones and a context of 3200 bytes an eighth of what is left; then as many as are of use.
        for (left, slots) in [(79_999, 4), (80_000, 5), (400_000, 9), (1 << 40, 4 + 4 * 8)] {
            let plan = divide(&recurrent, &budget(1_090_000 + 3_200 + left, 4), Some(32));
            assert_eq!(states(&plan), Some(slots), "{left}");
            assert_eq!(plan.state_bytes, slots as u64 * 10_000);
            let counted = plan.weights_bytes + plan.kv_bytes + plan.state_bytes;
            assert_eq!(plan.total_bytes, counted + plan.scratch_bytes);
        }
        assert_eq!(states(&divided(1 << 40, None, 4)), None);
    }

    #[test]
    fn stages_follow_each_other_so_the_largest_counts() {
        let staged = Needs {
            stages: [("encode", 70_000), ("decode", 20_000)]
                .map(|(name, scratch)| Stage { name, scratch })
                .to_vec(),
            ..needs()
        };
        let plan = divide(&staged, &budget(1 << 40, 1), Some(32));
        assert_eq!(plan.scratch_bytes, 70_000 + PROCESS_BYTES);
        assert_eq!(plan.stages.len(), 2);
    }
}
