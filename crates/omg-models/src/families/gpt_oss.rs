//! gpt-oss: a score per head without a value, every other layer windowed, experts with biases and a clamped SwiGLU.

use omg_kernels::Activation;

use crate::config::{BASE, Family, Header, Routing, Windows, keys};
use crate::error::Result;
use crate::spec::{ExpertLayout, FeedForward, ModelSpec, RopeScaling, Score};
use crate::weights::Role;

const fn swiglu(limit: f32) -> Activation {
    Activation::ClampedSwiglu {
        alpha: 1.702,
        limit,
    }
}

pub(crate) const FAMILY: Family = Family {
    name: "gpt-oss",
    gguf: &["gpt-oss"],
    architectures: &["GptOssForCausalLM"],
    windows: Windows::Pattern(2),
    routing: Some(Routing {
        score: Score::SoftmaxOfChosen,
        renormalise: false,
        activation: Some(swiglu(7.0)),
        layout: ExpertLayout {
            transposed: true,
            interleaved: true,
        },
        ..Routing::SOFTMAX
    }),
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        (keys::ROPE_THETA, 150_000.0),
        (keys::CONTEXT, 131_072.0),
        (keys::KV_HEADS, 8.0),
        (keys::KEY_DIM, 64.0),
        (keys::VALUE_DIM, 64.0),
        (keys::EXPERTS_USED, 4.0),
    ],
    names: &[
        (
            Role::FeedForwardNorm,
            "blk.{}.post_attention_norm",
            "layers.{}.post_attention_layernorm",
        ),
        ROUTER,
    ],
    adjust,
    ..BASE
};

const ROUTER: crate::weights::Name = (Role::Router, "blk.{}.ffn_gate_inp", "layers.{}.mlp.router");

/// The files of Ollama's own converter, with other names and without the kind of the rope.
pub(crate) const OLLAMA: Family = Family {
    name: "gptoss",
    gguf: &["gptoss"],
    architectures: &[],
    names: &[
        (
            Role::AttentionOutput,
            "blk.{}.attn_out",
            "layers.{}.self_attn.o_proj",
        ),
        (
            Role::Sinks,
            "blk.{}.attn_sinks=",
            "layers.{}.self_attn.sinks=",
        ),
        ROUTER,
    ],
    ..FAMILY
};

fn adjust(header: &Header<'_>, spec: &mut ModelSpec) -> Result<()> {
    for (_, attention) in spec.attention_mut() {
        let Some(rope) = &mut attention.rope else {
            continue;
        };
        match &mut rope.scaling {
            // GGUF files have no key for it.
            RopeScaling::Yarn { truncate, .. } if header.is_gguf() => *truncate = false,
            RopeScaling::Linear { factor } => {
                let factor = *factor;
                rope.scaling = RopeScaling::Yarn {
                    factor,
                    original: header.number(keys::ROPE_ORIGINAL)?.unwrap_or(4096.0),
                    beta_fast: 32.0,
                    beta_slow: 1.0,
                    magnitude: 0.1 * factor.ln() + 1.0,
                    truncate: false,
                };
            }
            _ => {}
        }
    }
    let limit = header.float(keys::SWIGLU_LIMIT)?;
    for layer in &mut spec.layers {
        if let (Some(FeedForward::Experts(experts)), Some(limit)) = (&mut layer.feed_forward, limit)
        {
            experts.activation = swiglu(limit);
        }
    }
    Ok(())
}
