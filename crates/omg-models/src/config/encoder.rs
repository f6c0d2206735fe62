use omg_kernels::{Activation, Mask, Pairing};

use super::counts::{activation, layer_count, vocab};
use super::header::{Header, Key};
use super::rope::{self, RopeLayer};
use super::{keys, pooling};
use crate::error::{Error, Result};
use crate::spec::{
    AttentionBias, AttentionSpec, EncoderOutput, EncoderSpec, FeedForward, GatedSpec, Halves,
    KeysValues, LayerNorms, LayerSpec, LearnedPositions, Mixer, NormKind, NormPlacement, NormSpec,
    PlainSpec, Pooling, PoolingSpec,
};
use crate::weights::{Name, Role, TensorNames};

/// One row of the table of encoder families.
pub(crate) struct EncoderFamily {
    pub(crate) name: &'static str,
    /// `general.architecture` of its GGUF files.
    pub(crate) gguf: &'static [&'static str],
    /// `architectures` of its `config.json`.
    pub(crate) architectures: &'static [&'static str],
    pub(crate) names: &'static [Name],
    /// Positions turn queries and keys; otherwise they are a table of vectors.
    pub(crate) rope: bool,
    /// `config.json` checkpoints: the first token has the row after the padding token's.
    pub(crate) positions_after_padding: bool,
    /// The activation of a gate; `None`: the feed-forward half has no gate.
    pub(crate) gate: Option<Activation>,
    /// What a classifier's output reads.
    pub(crate) classifier_dense: Role,
    /// What headers may leave out.
    pub(crate) defaults: &'static [(Key, f64)],
}

/// BERT's block, which families are compared with.
pub(crate) const POST_NORM: EncoderFamily = EncoderFamily {
    name: "",
    gguf: &[],
    architectures: &[],
    names: &[],
    rope: false,
    positions_after_padding: false,
    gate: None,
    classifier_dense: Role::Pooler,
    defaults: &[],
};

/// Builds the spec that a family's columns and a header describe; `architecture` is what the files call theirs.
pub(crate) fn encoder_spec(
    header: &Header<'_>,
    family: &EncoderFamily,
    architecture: &str,
) -> Result<EncoderSpec> {
    if header
        .text(keys::POSITION_KIND)?
        .is_some_and(|kind| kind != "absolute" && kind != "rotary")
    {
        return Err(Error::Unsupported {
            what: "relative positions in an encoder".to_owned(),
        });
    }
    let names = TensorNames::find(header.files(), family.names, &[])?;
    let eps = header
        .float(keys::LAYER_NORM_EPS)?
        .filter(|eps| (0.0..1.0).contains(eps));
    let norm = NormSpec {
        kind: NormKind::Layer,
        eps: eps.ok_or_else(|| header.wrong(keys::LAYER_NORM_EPS, "is not a small number"))?,
        weight: true,
        bias: true,
        plus_one: false,
    };
    let positions = positions(header, family, &names)?;
    let layers = (0..layer_count(header)?)
        .map(|layer| {
            Ok(LayerSpec {
                mixers: vec![Mixer::Attention(attention(header, family, &names, layer)?)],
                feed_forward: Some(feed_forward(header, family, &names, layer)?),
                norms: LayerNorms::placed(NormPlacement::PostResidual, norm),
                halves: Halves::Sequential,
                per_layer: None,
                residual_scale: 1.0,
                output_scale: false,
            })
        })
        .collect::<Result<_>>()?;
    Ok(EncoderSpec {
        architecture: family.name,
        hidden: header.required_count(keys::HIDDEN)?,
        vocab: vocab(header, &names)?,
        context_length: context_length(header, positions)?,
        positions,
        token_types: rows_of(header, &names, Role::TokenTypes).unwrap_or(0),
        embedding_norm: norm,
        layers,
        output: output(header, family, &names, architecture)?,
        names,
    })
}

fn rows_of(header: &Header<'_>, names: &TensorNames, role: Role) -> Option<usize> {
    let tensor = header.files().tensor(&names.weight(role, 0))?;
    tensor.shape.first().copied()
}

fn positions(
    header: &Header<'_>,
    family: &EncoderFamily,
    names: &TensorNames,
) -> Result<Option<LearnedPositions>> {
    if family.rope {
        return Ok(None);
    }
    let rows = rows_of(header, names, Role::Positions).ok_or_else(|| Error::MissingTensor {
        name: names.weight(Role::Positions, 0),
    })?;
    let first = match family.positions_after_padding && !header.is_gguf() {
        true => header.count(keys::PADDING_TOKEN)?.unwrap_or(0) + 1,
        false => 0,
    };
    if first >= rows {
        return Err(header.wrong(keys::PADDING_TOKEN, "leaves no positions"));
    }
    Ok(Some(LearnedPositions { rows, first }))
}

/// What the positions allow, and what sentence-transformers is told to cut texts at.
fn context_length(header: &Header<'_>, positions: Option<LearnedPositions>) -> Result<usize> {
    let stated = match positions {
        Some(table) => table.rows - table.first,
        None => header.required_count(keys::CONTEXT)?,
    };
    let Some(folder) = header.files().folder() else {
        return Ok(stated);
    };
    let own = folder
        .sentence_transformers
        .as_ref()
        .and_then(|files| files.transformer.as_ref()?.get("max_seq_length")?.as_u64());
    // Tokenizers without a limit have a number far beyond 64 bits here, which is none.
    let tokenizer = || {
        let config = folder.tokenizer_config.as_ref()?;
        config.get("model_max_length")?.as_u64()
    };
    let cut = own.or_else(tokenizer).filter(|tokens| *tokens > 0);
    Ok(cut.map_or(stated, |tokens| tokens.min(stated as u64) as usize))
}

fn attention(
    header: &Header<'_>,
    family: &EncoderFamily,
    names: &TensorNames,
    layer: usize,
) -> Result<AttentionSpec> {
    let hidden = header.required_count(keys::HIDDEN)?;
    let heads = header.required_count(keys::HEADS)?;
    if hidden % heads != 0 || hidden > 1 << 24 {
        return Err(header.wrong(keys::HEADS, "does not divide the width of the model"));
    }
    let dim = hidden / heads;
    let stored = |role| header.has_tensor(&names.bias(role, layer));
    let fused = stored(Role::QueryKeyValue);
    let rope = family
        .rope
        .then(|| rope::read(header, Pairing::HalfSplit, dim, RopeLayer::Full))
        .transpose()?;
    Ok(AttentionSpec {
        heads,
        kv_heads: heads,
        key_dim: dim,
        value_dim: dim,
        bias: AttentionBias {
            query: fused || stored(Role::Query),
            key: fused || stored(Role::Key),
            value: fused || stored(Role::Value),
            output: stored(Role::AttentionOutput),
        },
        qk_norm: None,
        value_norm: None,
        rope,
        scale: (dim as f32).sqrt().recip(),
        temperature: None,
        softcap: None,
        mask: Mask::Full,
        sinks: false,
        slopes: None,
        gate: None,
        keys_values: KeysValues::Projected,
    })
}

fn feed_forward(
    header: &Header<'_>,
    family: &EncoderFamily,
    names: &TensorNames,
    layer: usize,
) -> Result<FeedForward> {
    let width = header.required_count(keys::FEED_FORWARD)?;
    let stored = |role| header.has_tensor(&names.bias(role, layer));
    let (up_bias, down_bias) = (stored(Role::Up), stored(Role::Down));
    Ok(match family.gate {
        Some(activation) => FeedForward::Gated(GatedSpec {
            width,
            activation,
            gate_bias: stored(Role::Gate),
            up_bias,
            down_bias,
        }),
        None => FeedForward::Plain(PlainSpec {
            width,
            activation: activation(header, Activation::GeluErf)?,
            up_bias,
            down_bias,
        }),
    })
}

fn output(
    header: &Header<'_>,
    family: &EncoderFamily,
    names: &TensorNames,
    architecture: &str,
) -> Result<EncoderOutput> {
    let scores = if header.is_gguf() {
        header.count(keys::POOLING)? == Some(pooling::RANK)
    } else {
        architecture.ends_with("ForSequenceClassification")
    };
    if !scores {
        let stated = pooling::pooling_of(header.files())?;
        // As sentence-transformers does with a folder that says nothing.
        return Ok(EncoderOutput::Vector(stated.unwrap_or(PoolingSpec {
            pooling: Pooling::Mean,
            normalize: header.is_gguf(),
        })));
    }
    let labels =
        rows_of(header, names, Role::ClassifierOutput).ok_or_else(|| Error::MissingTensor {
            name: names.weight(Role::ClassifierOutput, 0),
        })?;
    let dense = rows_of(header, names, family.classifier_dense).map(|_| family.classifier_dense);
    if dense.is_none() && !header.is_gguf() {
        return Err(Error::MissingTensor {
            name: names.weight(family.classifier_dense, 0),
        });
    }
    Ok(EncoderOutput::Labels { dense, labels })
}
