//! BERT and what was trained from it: MiniLM, e5, bge, gte, arctic-embed, and the cross-encoders of MS MARCO.

use crate::config::{EncoderFamily, POST_NORM, keys};
use crate::weights::{Name, Role};

pub(crate) const NAMES: &[Name] = &[
    (Role::Embedding, "token_embd", "embeddings.word_embeddings"),
    (
        Role::Query,
        "blk.{}.attn_q",
        "encoder.layer.{}.attention.self.query",
    ),
    (
        Role::Key,
        "blk.{}.attn_k",
        "encoder.layer.{}.attention.self.key",
    ),
    (
        Role::Value,
        "blk.{}.attn_v",
        "encoder.layer.{}.attention.self.value",
    ),
    (
        Role::AttentionOutput,
        "blk.{}.attn_output",
        "encoder.layer.{}.attention.output.dense",
    ),
    (
        Role::AfterMixerNorm,
        "blk.{}.attn_output_norm",
        "encoder.layer.{}.attention.output.LayerNorm",
    ),
    (
        Role::Up,
        "blk.{}.ffn_up",
        "encoder.layer.{}.intermediate.dense",
    ),
    (
        Role::Down,
        "blk.{}.ffn_down",
        "encoder.layer.{}.output.dense",
    ),
    (
        Role::AfterFeedForwardNorm,
        "blk.{}.layer_output_norm",
        "encoder.layer.{}.output.LayerNorm",
    ),
];

pub(crate) const FAMILY: EncoderFamily = EncoderFamily {
    name: "bert",
    gguf: &["bert"],
    architectures: &[
        "BertModel",
        "BertForMaskedLM",
        "BertForPreTraining",
        "BertForSequenceClassification",
    ],
    names: NAMES,
    defaults: &[(keys::LAYER_NORM_EPS, 1e-12)],
    ..POST_NORM
};
