//! Mamba-2, also Codestral Mamba: state space models alone, without attention and feed-forward halves.

use crate::config::{BASE, Family, LayerReader, keys, mamba2};
use crate::error::Result;
use crate::spec::{Halves, LayerNorms, LayerSpec, Mixer, NormPlacement};
use crate::weights::{Name, Role, Transform};

pub(crate) const FAMILY: Family = Family {
    name: "mamba2",
    gguf: &["mamba2"],
    architectures: &["Mamba2ForCausalLM"],
    defaults: &[
        (keys::RMS_EPS, 1e-5),
        // There is no longest context; this is what converters write.
        (keys::CONTEXT, 1_048_576.0),
        (keys::STATE_TAPS, 4.0),
        (keys::STATE_GROUPS, 8.0),
        (keys::STATE_SIZE, 128.0),
    ],
    names: NAMES,
    transforms: &[(Role::StateRate, Transform::NegExp)],
    layer,
    ..BASE
};

#[rustfmt::skip]
const NAMES: &[Name] = &[
    (Role::Embedding, "token_embd", "embeddings"),
    (Role::FinalNorm, "output_norm", "norm_f"),
    (Role::MixerNorm, "blk.{}.attn_norm", "layers.{}.norm"),
    (Role::StateInput, "blk.{}.ssm_in", "layers.{}.mixer.in_proj"),
    (Role::StateConvolution, "blk.{}.ssm_conv1d", "layers.{}.mixer.conv1d"),
    (Role::StateStepBias, "blk.{}.ssm_dt.bias=", "layers.{}.mixer.dt_bias="),
    (Role::StateRate, "blk.{}.ssm_a=", "layers.{}.mixer.A_log="),
    (Role::StateSkip, "blk.{}.ssm_d=", "layers.{}.mixer.D="),
    (Role::StateNorm, "blk.{}.ssm_norm", "layers.{}.mixer.norm"),
    (Role::StateOutput, "blk.{}.ssm_out", "layers.{}.mixer.out_proj"),
];

fn layer(reader: &LayerReader<'_>, index: usize) -> Result<LayerSpec> {
    let norms = LayerNorms::placed(NormPlacement::Pre, reader.norm);
    Ok(LayerSpec {
        mixers: vec![Mixer::Mamba2(mamba2(reader, index)?)],
        feed_forward: None,
        norms: LayerNorms {
            before_feed_forward: None,
            ..norms
        },
        halves: Halves::Sequential,
        per_layer: None,
        residual_scale: 1.0,
        output_scale: false,
    })
}
