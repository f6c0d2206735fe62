//! What a model's files say about turning hidden states into a vector.

use omg_format::{ModelFiles, SentenceTransformers};
use serde_json::Value as Json;

use super::header::Header;
use super::keys;
use crate::error::{Error, Result};
use crate::spec::{Pooling, PoolingSpec};

/// GGUF's number for a head that scores pairs.
pub(crate) const RANK: usize = 4;

/// The stated pooling; `None` for models that are not made for vectors. `Err(Unsupported)` for ways that are not known.
pub fn pooling_of(files: &ModelFiles) -> Result<Option<PoolingSpec>> {
    if let Some(modules) = files
        .folder()
        .and_then(|f| f.sentence_transformers.as_ref())
    {
        return of_modules(modules).map(Some);
    }
    let header = Header::new(files)?;
    let pooling = match header.count(keys::POOLING)? {
        None | Some(0 | RANK) => return Ok(None),
        Some(1) => Pooling::Mean,
        Some(2) => Pooling::First,
        Some(3) => Pooling::Last,
        Some(_) => return Err(header.wrong(keys::POOLING, "is not a known way")),
    };
    // GGUF does not say; llama.cpp gives all vectors the length 1.
    Ok(Some(PoolingSpec {
        pooling,
        normalize: true,
    }))
}

fn of_modules(files: &SentenceTransformers) -> Result<PoolingSpec> {
    let mut normalize = false;
    for kind in files.kinds() {
        match kind {
            "Transformer" | "Pooling" => {}
            "Normalize" => normalize = true,
            other => {
                return Err(Error::Unsupported {
                    what: format!(
                        "the module `{}` after the model",
                        other.chars().take(80).collect::<String>()
                    ),
                });
            }
        }
    }
    let pooling = match &files.pooling {
        Some(config) => of_config(config)?,
        None => Pooling::Mean,
    };
    Ok(PoolingSpec { pooling, normalize })
}

fn of_config(config: &Json) -> Result<Pooling> {
    const MODES: [(&str, &str, Pooling); 4] = [
        ("pooling_mode_mean_tokens", "mean", Pooling::Mean),
        ("pooling_mode_cls_token", "cls", Pooling::First),
        ("pooling_mode_lasttoken", "lasttoken", Pooling::Last),
        ("pooling_mode_max_tokens", "max", Pooling::Max),
    ];
    let unsupported = |what: &str| Error::Unsupported {
        what: format!(
            "the pooling `{}`",
            what.chars().take(80).collect::<String>()
        ),
    };
    if let Some(name) = config.get("pooling_mode").and_then(Json::as_str) {
        let mode = MODES.iter().find(|(_, mode, _)| *mode == name);
        return mode.map(|mode| mode.2).ok_or_else(|| unsupported(name));
    }
    let on: Vec<&String> = config
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, value)| key.starts_with("pooling_mode_") && value.as_bool() == Some(true))
        .map(|(key, _)| key)
        .collect();
    match on.as_slice() {
        [] => Ok(Pooling::Mean),
        [one] => {
            let mode = MODES.iter().find(|(key, ..)| key == one);
            mode.map(|mode| mode.2).ok_or_else(|| unsupported(one))
        }
        _ => Err(unsupported("several ways side by side")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_of_pooling_are_read() {
        let old = json!({ "word_embedding_dimension": 8, "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false });
        assert_eq!(of_config(&old).unwrap(), Pooling::First);
        assert_eq!(
            of_config(&json!({ "pooling_mode": "lasttoken" })).unwrap(),
            Pooling::Last
        );
        assert_eq!(of_config(&json!({})).unwrap(), Pooling::Mean);
    }

    #[test]
    fn ways_that_are_not_known_are_refused() {
        for config in [
            json!({ "pooling_mode": "weightedmean" }),
            json!({ "pooling_mode_mean_sqrt_len_tokens": true }),
            json!({ "pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true }),
        ] {
            assert_eq!(of_config(&config).unwrap_err().code(), "unsupported");
        }
    }
}
