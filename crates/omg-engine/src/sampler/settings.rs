use crate::error::{EngineError, Result};
use crate::types::Sampling;

/// Sampling parameters with every default filled in and every range checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Settings {
    /// 0 is greedy.
    pub(crate) temperature: f32,
    pub(crate) top_k: Option<usize>,
    pub(crate) top_p: f32,
    pub(crate) min_p: f32,
    pub(crate) typical_p: f32,
    pub(crate) repeat_penalty: f32,
    /// Tokens; `usize::MAX` is the whole context.
    pub(crate) repeat_window: usize,
    pub(crate) presence_penalty: f32,
    pub(crate) frequency_penalty: f32,
    pub(crate) mirostat: u8,
    pub(crate) mirostat_tau: f32,
    pub(crate) mirostat_eta: f32,
    pub(crate) seed: Option<u64>,
    pub(crate) logit_bias: Vec<(u32, f32)>,
}

impl Settings {
    /// `request` over the engine's defaults, which are those of Ollama. `invalid_request` names the field that is out of
    /// range.
    pub(crate) fn resolve(request: &Sampling) -> Result<Self> {
        macro_rules! pick {
            ($field:ident, $default:expr) => {
                request.$field.unwrap_or($default)
            };
        }
        let repeat_last_n = pick!(repeat_last_n, 64);
        let top_k = pick!(top_k, 40);
        let settings = Self {
            temperature: number("temperature", pick!(temperature, 0.8), 0.0, f32::MAX)?,
            top_k: (top_k > 0).then_some(top_k as usize),
            top_p: number("topP", pick!(top_p, 0.9), 0.0, 1.0)?,
            min_p: number("minP", pick!(min_p, 0.0), 0.0, 1.0)?,
            typical_p: number("typicalP", pick!(typical_p, 1.0), 0.0, 1.0)?,
            repeat_penalty: number(
                "repeatPenalty",
                pick!(repeat_penalty, 1.0),
                f32::MIN_POSITIVE,
                f32::MAX,
            )?,
            repeat_window: usize::try_from(repeat_last_n).unwrap_or(usize::MAX),
            presence_penalty: number("presencePenalty", pick!(presence_penalty, 0.0), -1e6, 1e6)?,
            frequency_penalty: number(
                "frequencyPenalty",
                pick!(frequency_penalty, 0.0),
                -1e6,
                1e6,
            )?,
            mirostat: pick!(mirostat, 0),
            mirostat_tau: number("mirostatTau", pick!(mirostat_tau, 5.0), 0.0, 1e6)?,
            mirostat_eta: number("mirostatEta", pick!(mirostat_eta, 0.1), 0.0, 1e6)?,
            seed: request.seed.map(|s| s as u64),
            logit_bias: request.logit_bias.clone().unwrap_or_default(),
        };
        if settings.mirostat > 2 {
            return Err(EngineError::InvalidRequest(format!(
                "mirostat is {}, it can be 0, 1 or 2",
                settings.mirostat
            )));
        }
        for &(token, bias) in &settings.logit_bias {
            if !bias.is_finite() {
                return Err(EngineError::InvalidRequest(format!(
                    "the logit bias of token {token} is not a number"
                )));
            }
        }
        Ok(settings)
    }
}

fn number(name: &str, value: f32, min: f32, max: f32) -> Result<f32> {
    if value.is_finite() && (min..=max).contains(&value) {
        return Ok(value);
    }
    let range = match (min, max) {
        (0.0, f32::MAX) => "0 or more".to_owned(),
        (_, f32::MAX) => "above 0".to_owned(),
        _ => format!("between {min} and {max}"),
    };
    Err(EngineError::InvalidRequest(format!(
        "{name} is {value}, it must be {range}"
    )))
}
