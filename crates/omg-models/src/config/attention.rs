use omg_kernels::Mask;

use super::family::{Bias, LayerReader, RopeLayers};
use super::keys;
use super::rope::{self, RopeLayer};
use crate::error::Result;
use crate::spec::{AttentionBias, AttentionSpec, KeysValues, QkNorm, RopeSpec};
use crate::weights::Role;

/// The attention of a layer.
pub(crate) fn attention(reader: &LayerReader<'_>, layer: usize) -> Result<AttentionSpec> {
    let LayerReader { header, family, .. } = reader;
    let heads = header.count_per_layer(keys::HEADS, reader.count)?;
    let heads = heads.ok_or_else(|| header.wrong(keys::HEADS, "is missing"))?[layer];
    let kv_heads = header.count_per_layer(keys::KV_HEADS, reader.count)?;
    let kv_heads = kv_heads.map_or(heads, |all| all[layer]);
    let windowed = reader.windows[layer].is_some();
    let of_full = match !windowed && header.flag(keys::VALUES_ARE_KEYS)?.unwrap_or(false) {
        true => header.count(keys::KV_HEADS_FULL)?,
        false => None,
    };
    let kv_heads = of_full.unwrap_or(kv_heads);
    if heads == 0 || kv_heads == 0 || heads % kv_heads != 0 {
        return Err(header.wrong(keys::KV_HEADS, "does not divide the number of heads"));
    }
    let own_dim = match windowed {
        true => header.count(keys::KEY_DIM_WINDOW)?,
        false => header.count(keys::KEY_DIM_FULL)?,
    };
    let stated = header.count(keys::KEY_DIM)?;
    let key_dim = own_dim.or(stated).unwrap_or(reader.hidden / heads);
    let value_dim = match own_dim == stated || own_dim.is_none() {
        true => header.count(keys::VALUE_DIM)?.unwrap_or(key_dim),
        false => key_dim,
    };
    if key_dim == 0 || value_dim == 0 || heads.saturating_mul(key_dim.max(value_dim)) > 1 << 24 {
        return Err(header.wrong(keys::KEY_DIM, "gives heads of an impossible size"));
    }
    Ok(AttentionSpec {
        heads,
        kv_heads,
        key_dim,
        value_dim,
        bias: biases(reader, layer),
        qk_norm: family.qk_norm.map(|scope| QkNorm {
            scope,
            after_rope: family.qk_norm_after_rope,
            norm: reader.norm,
        }),
        value_norm: None,
        rope: layer_rope(reader, layer, key_dim)?,
        scale: header
            .float(keys::ATTENTION_SCALE)?
            .unwrap_or((key_dim as f32).sqrt().recip()),
        temperature: None,
        softcap: header
            .float(keys::ATTENTION_SOFTCAP)?
            .filter(|cap| *cap > 0.0),
        mask: reader.windows[layer].map_or(Mask::Causal, Mask::Window),
        sinks: reader.has_weight(Role::Sinks, layer),
        slopes: None,
        gate: None,
        keys_values: KeysValues::Projected,
    })
}

fn layer_rope(reader: &LayerReader<'_>, layer: usize, key_dim: usize) -> Result<Option<RopeSpec>> {
    let LayerReader { header, family, .. } = reader;
    let windowed = reader.windows[layer].is_some();
    let by_family = match family.rope_layers {
        RopeLayers::Every => true,
        RopeLayers::None => false,
        RopeLayers::Windowed => windowed || reader.windows.iter().all(Option::is_none),
        RopeLayers::AllBut(n) => !(layer + 1).is_multiple_of(n),
    };
    // A list of 1 for layers with rope.
    let listed = header.count_per_layer(keys::ROPE_LAYERS, reader.count)?;
    if !listed.map_or(by_family, |all| all[layer] != 0) {
        return Ok(None);
    }
    let pairing = match header.is_gguf() {
        true => family.gguf_pairing,
        false => family.config_pairing,
    };
    let kind = match (windowed, family.rope_scaled_in_windows) {
        (false, _) => RopeLayer::Full,
        (true, true) => RopeLayer::Windowed,
        (true, false) => RopeLayer::WindowedUnscaled,
    };
    rope::read(header, pairing, key_dim, kind).map(Some)
}

fn biases(reader: &LayerReader<'_>, layer: usize) -> AttentionBias {
    let stored = |role| reader.has_bias(role, layer);
    let fused = stored(Role::QueryKeyValue) || reader.family.qkv_bias == Bias::Required;
    AttentionBias {
        query: fused || stored(Role::Query),
        key: fused || stored(Role::Key),
        value: fused || stored(Role::Value),
        output: stored(Role::AttentionOutput),
    }
}
