//! nomic-embed-text v1 and v1.5: BERT with rope, SwiGLU and no biases in its projections.

use omg_kernels::Activation;

use crate::config::{EncoderFamily, POST_NORM, keys};
use crate::weights::{Name, Role};

const NAMES: &[Name] = &[
    (Role::Embedding, "token_embd", "embeddings.word_embeddings"),
    (Role::EmbeddingNorm, "token_embd_norm", "emb_ln"),
    (
        Role::QueryKeyValue,
        "blk.{}.attn_qkv",
        "encoder.layers.{}.attn.Wqkv",
    ),
    (
        Role::AttentionOutput,
        "blk.{}.attn_output",
        "encoder.layers.{}.attn.out_proj",
    ),
    (
        Role::AfterMixerNorm,
        "blk.{}.attn_output_norm",
        "encoder.layers.{}.norm1",
    ),
    (Role::Up, "blk.{}.ffn_up", "encoder.layers.{}.mlp.fc11"),
    (Role::Gate, "blk.{}.ffn_gate", "encoder.layers.{}.mlp.fc12"),
    (Role::Down, "blk.{}.ffn_down", "encoder.layers.{}.mlp.fc2"),
    (
        Role::AfterFeedForwardNorm,
        "blk.{}.layer_output_norm",
        "encoder.layers.{}.norm2",
    ),
];

pub(crate) const FAMILY: EncoderFamily = EncoderFamily {
    name: "nomic-bert",
    gguf: &["nomic-bert"],
    architectures: &["NomicBertModel"],
    names: NAMES,
    rope: true,
    gate: Some(Activation::Silu),
    defaults: &[(keys::LAYER_NORM_EPS, 1e-12), (keys::ROPE_THETA, 1000.0)],
    ..POST_NORM
};
