use omg_kernels::Pairing;

use super::header::{Header, Key, Setting, from_json, number};
use super::keys;
use crate::error::{Error, Result};
use crate::spec::{RopeFactors, RopeScaling, RopeSpec};

/// The kind of layer that a rope is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RopeLayer {
    Full,
    Windowed,
    /// With a window, in a family that stretches the rope of full layers only.
    WindowedUnscaled,
}

/// Reads the rope of the windowed or of the full layers. Both generations of `config.json` are understood: `rope_theta`
/// with `rope_scaling`, and `rope_parameters`, which may hold one table per kind of layer.
pub(crate) fn read(
    header: &Header<'_>,
    pairing: Pairing,
    head_dim: usize,
    layer: RopeLayer,
) -> Result<RopeSpec> {
    let windowed = layer != RopeLayer::Full;
    let table = Table::find(header, windowed);
    // A family whose windowed layers have a base of their own scales only its full layers.
    let window_theta = if windowed && !table.nested {
        header.number(keys::ROPE_THETA_WINDOW)?
    } else {
        None
    };
    let theta = match (window_theta, table.number(header, "rope_theta")?) {
        (Some(theta), _) | (None, Some(theta)) => theta,
        (None, None) => header.number(keys::ROPE_THETA)?.unwrap_or(10_000.0),
    };
    if theta <= 1.0 {
        return Err(header.wrong(keys::ROPE_THETA, "is not above one"));
    }
    let fraction = match table.number(header, "partial_rotary_factor")? {
        Some(fraction) => fraction,
        None => header.number(keys::ROPE_FRACTION)?.unwrap_or(1.0),
    };
    let unscaled = layer == RopeLayer::WindowedUnscaled && !table.nested;
    let scaling = match window_theta {
        Some(_) => RopeScaling::None,
        None if unscaled => RopeScaling::None,
        None if header.is_gguf() => gguf_scaling(header)?,
        None => config_scaling(header, &table, fraction)?,
    };
    let stated = match windowed {
        true => header.count(keys::ROPE_DIMS_WINDOW)?,
        false => None,
    };
    let stated = match stated {
        Some(dims) => Some(dims),
        None => header.count(keys::ROPE_DIMS)?,
    };
    let dims = match (stated, &scaling) {
        (Some(dims), _) => dims,
        (None, RopeScaling::Proportional { .. }) => head_dim,
        (None, _) => (head_dim as f64 * fraction) as usize,
    };
    if dims == 0 || dims > head_dim || dims % 2 != 0 || !(0.0..=1.0).contains(&fraction) {
        return Err(header.wrong(
            keys::ROPE_FRACTION,
            "does not turn an even part of the head",
        ));
    }
    let (theta, scaling) = match (scaling, table.number(header, "alpha")?) {
        // A base that is larger whatever is served (Hunyuan).
        (RopeScaling::Dynamic { .. }, Some(alpha)) if alpha > 0.0 => {
            let dims = dims as f64;
            (theta * alpha.powf(dims / (dims - 2.0)), RopeScaling::None)
        }
        (scaling, _) => (theta, scaling),
    };
    Ok(RopeSpec {
        pairing,
        dims,
        offset: 0,
        theta,
        scaling,
    })
}

fn gguf_scaling(header: &Header<'_>) -> Result<RopeScaling> {
    let original = header.number(keys::ROPE_ORIGINAL)?;
    let magnitude = header.number(keys::ROPE_MAGNITUDE)?.unwrap_or(1.0);
    let factor = match header.number(keys::ROPE_FACTOR)? {
        Some(factor) => Some(factor),
        None => header.number(keys::ROPE_SCALE_OLD)?,
    };
    let factor = factor.filter(|factor| *factor > 0.0).unwrap_or(1.0);
    // `mscale_all_dim` of the config.
    let all = header.number(keys::ROPE_LOG_MULTIPLIER)?.unwrap_or(0.0);
    let tensor = |name: &str| RopeFactors::Tensor(name.to_owned());
    if header.has_tensor("rope_factors_long.weight") {
        let context = header.required_count(keys::CONTEXT)?;
        return Ok(RopeScaling::LongRope {
            short: tensor("rope_factors_short.weight"),
            long: tensor("rope_factors_long.weight"),
            original: original.map_or(context, |tokens| tokens as usize),
            magnitude,
        });
    }
    if header.has_tensor("rope_freqs.weight") {
        return Ok(RopeScaling::Divisors(tensor("rope_freqs.weight")));
    }
    match header.text(keys::ROPE_TYPE)?.as_deref() {
        Some("none") => Ok(RopeScaling::None),
        None | Some("linear") if factor == 1.0 => Ok(RopeScaling::None),
        None | Some("linear") => Ok(RopeScaling::Linear { factor }),
        Some("yarn") => Ok(RopeScaling::Yarn {
            factor,
            original: positive(header, keys::ROPE_ORIGINAL, original)?,
            beta_fast: header.number(keys::ROPE_BETA_FAST)?.unwrap_or(32.0),
            beta_slow: header.number(keys::ROPE_BETA_SLOW)?.unwrap_or(1.0),
            magnitude: magnitude * yarn_magnitude(factor, 1.0) / yarn_magnitude(factor, all),
            truncate: true,
        }),
        Some(other) => Err(Error::Unsupported {
            what: format!("rope scaling of the kind `{other}`"),
        }),
    }
}

fn config_scaling(header: &Header<'_>, table: &Table, fraction: f64) -> Result<RopeScaling> {
    let kind = table.text("rope_type").or_else(|| table.text("type"));
    let value = |name: &str| table.number(header, name);
    let required = |name: &str| positive(header, keys::ROPE_TABLE, value(name)?);
    // Phi-3 keeps the length outside the table; where nobody gives it, it is the model's own.
    let original = || -> Result<f64> {
        let outside = header.number(keys::ROPE_ORIGINAL)?;
        let found = match outside {
            Some(tokens) => Some(tokens),
            None => value("original_max_position_embeddings")?,
        };
        match found {
            Some(_) => positive(header, keys::ROPE_ORIGINAL, found),
            None => positive(header, keys::CONTEXT, header.number(keys::CONTEXT)?),
        }
    };
    match kind.as_deref() {
        None | Some("default") => Ok(RopeScaling::None),
        Some("linear") => Ok(RopeScaling::Linear {
            factor: required("factor")?,
        }),
        Some("proportional") => Ok(RopeScaling::Proportional { part: fraction }),
        Some("dynamic") => Ok(RopeScaling::Dynamic {
            factor: value("factor")?
                .filter(|factor| *factor > 0.0)
                .unwrap_or(1.0),
            original: positive(header, keys::CONTEXT, header.number(keys::CONTEXT)?)?,
        }),
        Some("llama3") => Ok(RopeScaling::Llama3 {
            factor: required("factor")?,
            low: required("low_freq_factor")?,
            high: required("high_freq_factor")?,
            original: original()?,
        }),
        Some("yarn") => {
            let factor = required("factor")?;
            let magnitude = match (
                value("attention_factor")?,
                value("mscale")?,
                value("mscale_all_dim")?,
            ) {
                (Some(magnitude), ..) => magnitude,
                (None, Some(scale), Some(all)) if scale != 0.0 && all != 0.0 => {
                    yarn_magnitude(factor, scale) / yarn_magnitude(factor, all)
                }
                _ => yarn_magnitude(factor, 1.0),
            };
            Ok(RopeScaling::Yarn {
                factor,
                original: original()?,
                beta_fast: value("beta_fast")?.unwrap_or(32.0),
                beta_slow: value("beta_slow")?.unwrap_or(1.0),
                magnitude,
                truncate: table.flag("truncate").unwrap_or(true),
            })
        }
        // `su` is what the first Phi-3 files called it.
        Some("longrope" | "su") => {
            let original = original()?;
            let factor = match value("factor")? {
                Some(factor) => factor,
                None => positive(header, keys::CONTEXT, header.number(keys::CONTEXT)?)? / original,
            };
            let magnitude = match value("attention_factor")? {
                Some(magnitude) => magnitude,
                None if factor <= 1.0 => 1.0,
                None => (1.0 + factor.ln() / original.ln()).sqrt(),
            };
            Ok(RopeScaling::LongRope {
                short: table.factors(header, "short_factor")?,
                long: table.factors(header, "long_factor")?,
                original: original as usize,
                magnitude,
            })
        }
        Some(other) => Err(Error::Unsupported {
            what: format!("rope scaling of the kind `{other}`"),
        }),
    }
}

fn yarn_magnitude(factor: f64, scale: f64) -> f64 {
    if factor <= 1.0 {
        1.0
    } else {
        0.1 * scale * factor.ln() + 1.0
    }
}

fn positive(header: &Header<'_>, key: Key, value: Option<f64>) -> Result<f64> {
    value
        .filter(|value| *value > 0.0)
        .ok_or_else(|| header.wrong(key, "lacks a positive number"))
}

/// `rope_parameters` or `rope_scaling` of a `config.json`; empty for GGUF.
struct Table {
    entries: serde_json::Value,
    /// The header had one table for each kind of layer.
    nested: bool,
}

impl Table {
    fn find(header: &Header<'_>, windowed: bool) -> Self {
        let Some(Setting::Table(table)) = header.get(keys::ROPE_TABLE) else {
            return Self {
                entries: serde_json::Value::Null,
                nested: false,
            };
        };
        let kind = if windowed {
            "sliding_attention"
        } else {
            "full_attention"
        };
        match table.get(kind) {
            Some(inner) => Self {
                entries: inner.clone(),
                nested: true,
            },
            None => Self {
                entries: table,
                nested: false,
            },
        }
    }

    fn get(&self, name: &str) -> Option<Setting> {
        self.entries.get(name).and_then(from_json)
    }

    fn number(&self, header: &Header<'_>, name: &str) -> Result<Option<f64>> {
        let wrong = || {
            header.wrong(
                keys::ROPE_TABLE,
                "holds something else where a number is needed",
            )
        };
        self.get(name)
            .map(|setting| number(&setting).ok_or_else(wrong))
            .transpose()
    }

    fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some(Setting::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(Setting::Flag(flag)) => Some(flag),
            _ => None,
        }
    }

    fn factors(&self, header: &Header<'_>, name: &str) -> Result<RopeFactors> {
        let numbers = match self.get(name) {
            Some(Setting::List(items)) => items
                .iter()
                .map(|item| number(item).map(|v| v as f32))
                .collect(),
            _ => None,
        };
        let numbers: Option<Vec<f32>> = numbers;
        numbers.map(RopeFactors::Listed).ok_or_else(|| {
            header.wrong(
                keys::ROPE_TABLE,
                "lacks a list of numbers for long or short contexts",
            )
        })
    }
}

/// A number of the rope table of full layers, such as Mistral's temperature, which has no place of its own.
pub(crate) fn table_number(header: &Header<'_>, name: &str) -> Result<Option<f64>> {
    Table::find(header, false).number(header, name)
}
