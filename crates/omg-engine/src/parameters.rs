//! What the files of a model say about how to run it.

use omg_format::ModelFiles;
use serde_json::Value as Json;

use crate::types::Sampling;

/// The sampling parameters the model was published with: `generation_config.json`, or `general.sampling.*` of a GGUF file.
/// Values of a wrong type count as absent, for they are advice.
pub(crate) fn of(files: &ModelFiles) -> Sampling {
    if let Some(config) = files.folder().and_then(|f| f.generation_config.as_ref()) {
        return of_generation_config(config);
    }
    let metadata = files.metadata();
    let float = |key: &str| {
        metadata
            .f32(&format!("general.sampling.{key}"))
            .ok()
            .flatten()
    };
    let int = |key: &str| {
        metadata
            .i64(&format!("general.sampling.{key}"))
            .ok()
            .flatten()
    };
    Sampling {
        temperature: float("temp").filter(|t| *t >= 0.0),
        top_k: int("top_k"),
        top_p: float("top_p").filter(probability),
        min_p: float("min_p").filter(probability),
        repeat_penalty: float("penalty_repeat").filter(|p| *p > 0.0),
        repeat_last_n: int("penalty_last_n"),
        mirostat: int("mirostat")
            .and_then(|m| u8::try_from(m).ok())
            .filter(|m| *m <= 2),
        mirostat_tau: float("mirostat_tau").filter(|t| *t >= 0.0),
        mirostat_eta: float("mirostat_eta").filter(|e| *e >= 0.0),
        ..Sampling::default()
    }
}

fn of_generation_config(config: &Json) -> Sampling {
    let float = |key: &str| config.get(key).and_then(Json::as_f64).map(|v| v as f32);
    // `do_sample: false` beside a temperature is transformers' way to say greedy.
    let greedy = config.get("do_sample") == Some(&Json::Bool(false));
    Sampling {
        temperature: if greedy {
            Some(0.0)
        } else {
            float("temperature").filter(|t| t.is_finite() && *t >= 0.0)
        },
        top_k: config.get("top_k").and_then(Json::as_i64),
        top_p: float("top_p").filter(probability),
        min_p: float("min_p").filter(probability),
        typical_p: float("typical_p").filter(probability),
        repeat_penalty: float("repetition_penalty").filter(|p| p.is_finite() && *p > 0.0),
        ..Sampling::default()
    }
}

fn probability(p: &f32) -> bool {
    (0.0..=1.0).contains(p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn generation_config_becomes_sampling() {
        let got = of_generation_config(&json!({
            "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95, "repetition_penalty": 1.05, "min_p": "x"
        }));
        let want = Sampling {
            temperature: Some(0.6),
            top_k: Some(20),
            top_p: Some(0.95),
            repeat_penalty: Some(1.05),
            ..Sampling::default()
        };
        assert_eq!(got, want);
        assert_eq!(
            of_generation_config(&json!({ "do_sample": false })).temperature,
            Some(0.0)
        );
        assert_eq!(of_generation_config(&json!({})), Sampling::default());
    }
}
