use omg_format::{Array, Format, ModelFiles, Value};
use serde_json::Value as Json;

use crate::error::{Error, Result};

/// One setting under its two names: the GGUF key without the architecture's prefix, and the keys of `config.json` of
/// which the first present one counts. Empty where a format has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Key {
    pub(crate) gguf: &'static str,
    pub(crate) config: &'static [&'static str],
}

/// A model's header, GGUF metadata or `config.json`, read through one set of keys.
/// Getters give `Ok(None)` for what is absent or null and `InvalidKey` for what has the wrong type.
pub(crate) struct Header<'a> {
    files: &'a ModelFiles,
    source: Source<'a>,
    defaults: &'static [(Key, f64)],
}

enum Source<'a> {
    Gguf { prefix: String },
    Config { root: &'a Json, text: &'a Json },
}

/// A value of either format, as far as families care.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Setting {
    Number(f64),
    Flag(bool),
    Text(String),
    List(Vec<Setting>),
    /// A nested object of `config.json`; GGUF has none.
    Table(Json),
}

impl<'a> Header<'a> {
    /// `Err(MissingKey)` when the files do not say which architecture they hold.
    pub(crate) fn new(files: &'a ModelFiles) -> Result<Self> {
        let source = match files.format() {
            Format::Gguf => {
                let key = "general.architecture";
                let name = files.metadata().str(key)?.ok_or_else(|| missing(key))?;
                Source::Gguf {
                    prefix: name.to_owned(),
                }
            }
            Format::Safetensors => {
                let root = files.config().ok_or_else(|| missing("config.json"))?;
                let nested = root.get("text_config").filter(|text| text.is_object());
                Source::Config {
                    root,
                    text: nested.unwrap_or(root),
                }
            }
        };
        Ok(Self {
            files,
            source,
            defaults: &[],
        })
    }

    /// From now on numbers that the header leaves out have these values.
    pub(crate) fn with_defaults(self, defaults: &'static [(Key, f64)]) -> Self {
        Self { defaults, ..self }
    }

    pub(crate) fn files(&self) -> &'a ModelFiles {
        self.files
    }

    pub(crate) fn is_gguf(&self) -> bool {
        matches!(self.source, Source::Gguf { .. })
    }

    /// The name by which a family is found: `general.architecture`, or the first of `architectures`.
    pub(crate) fn architecture(&self) -> Result<String> {
        match &self.source {
            Source::Gguf { prefix } => Ok(prefix.clone()),
            Source::Config { root, .. } => {
                let first = root
                    .get("architectures")
                    .and_then(|names| names.get(0))
                    .and_then(Json::as_str);
                first
                    .map(str::to_owned)
                    .ok_or_else(|| missing("architectures"))
            }
        }
    }

    /// Whether `architecture` is among a family's names for a file of this kind.
    pub(crate) fn is_of(&self, architecture: &str, gguf: &[&str], architectures: &[&str]) -> bool {
        let names = if self.is_gguf() { gguf } else { architectures };
        names.contains(&architecture)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Setting> {
        let stored = match &self.source {
            Source::Gguf { prefix } if !key.gguf.is_empty() => self
                .files
                .metadata()
                .get(&format!("{prefix}.{}", key.gguf))
                .and_then(from_gguf),
            Source::Gguf { .. } => None,
            Source::Config { text, .. } => {
                let stored = key.config.iter().filter_map(|name| text.get(name));
                let mut stored = stored.peekable();
                // What is null was left out on purpose, so it is not what the family has by default.
                let absent = stored.peek().is_none();
                let value = stored.find_map(from_json);
                if value.is_none() && !absent {
                    return None;
                }
                value
            }
        };
        stored.or_else(|| {
            let default = self.defaults.iter().find(|(name, _)| *name == key)?;
            Some(Setting::Number(default.1))
        })
    }

    pub(crate) fn number(&self, key: Key) -> Result<Option<f64>> {
        self.get(key)
            .map(|setting| number(&setting).ok_or_else(|| self.wrong(key, "is not a number")))
            .transpose()
    }

    pub(crate) fn float(&self, key: Key) -> Result<Option<f32>> {
        Ok(self.number(key)?.map(|value| value as f32))
    }

    /// A count: whole, not negative, and small enough that products of a few of them cannot overflow.
    pub(crate) fn count(&self, key: Key) -> Result<Option<usize>> {
        self.number(key)?
            .map(|value| self.to_count(key, value))
            .transpose()
    }

    pub(crate) fn required_count(&self, key: Key) -> Result<usize> {
        match self.count(key)? {
            Some(0) => Err(self.wrong(key, "is zero")),
            Some(value) => Ok(value),
            None => Err(missing(&self.name(key))),
        }
    }

    /// One count per layer; a single number stands for all.
    pub(crate) fn count_per_layer(&self, key: Key, layers: usize) -> Result<Option<Vec<usize>>> {
        match self.get(key) {
            Some(Setting::List(items)) if items.len() >= layers => {
                let counts = items[..layers].iter().map(|item| match number(item) {
                    Some(value) => self.to_count(key, value),
                    None => Err(self.wrong(key, "is not a list of numbers")),
                });
                counts.collect::<Result<Vec<_>>>().map(Some)
            }
            Some(Setting::List(_)) => Err(self.wrong(key, "is shorter than the number of layers")),
            _ => Ok(self.count(key)?.map(|value| vec![value; layers])),
        }
    }

    pub(crate) fn flag(&self, key: Key) -> Result<Option<bool>> {
        match self.get(key) {
            None => Ok(None),
            Some(Setting::Flag(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(key, "is not true or false")),
        }
    }

    pub(crate) fn text(&self, key: Key) -> Result<Option<String>> {
        match self.get(key) {
            None => Ok(None),
            Some(Setting::Text(value)) => Ok(Some(value)),
            Some(_) => Err(self.wrong(key, "is not a text")),
        }
    }

    pub(crate) fn has_tensor(&self, name: &str) -> bool {
        self.files.tensor(name).is_some()
    }

    pub(crate) fn wrong(&self, key: Key, reason: &str) -> Error {
        Error::InvalidKey {
            key: self.name(key),
            reason: reason.to_owned(),
        }
    }

    fn to_count(&self, key: Key, value: f64) -> Result<usize> {
        const LIMIT: f64 = (1u32 << 30) as f64;
        if value.fract() != 0.0 || !(0.0..=LIMIT).contains(&value) {
            return Err(self.wrong(key, "is not a count"));
        }
        Ok(value as usize)
    }

    fn name(&self, key: Key) -> String {
        match &self.source {
            Source::Gguf { prefix } => format!("{prefix}.{}", key.gguf),
            Source::Config { .. } => key.config.first().copied().unwrap_or(key.gguf).to_owned(),
        }
    }
}

pub(crate) fn number(setting: &Setting) -> Option<f64> {
    match setting {
        Setting::Number(value) if value.is_finite() => Some(*value),
        _ => None,
    }
}

fn missing(key: &str) -> Error {
    Error::MissingKey {
        key: key.to_owned(),
    }
}

fn from_gguf(value: &Value) -> Option<Setting> {
    Some(match value {
        Value::Bool(flag) => Setting::Flag(*flag),
        Value::String(text) => Setting::Text(text.clone()),
        Value::Array(items) => Setting::List(list(items)),
        other => Setting::Number(other.as_f64()?),
    })
}

fn list(items: &Array) -> Vec<Setting> {
    (0..items.len())
        .filter_map(|index| from_gguf(&items.get(index)?))
        .collect()
}

pub(crate) fn from_json(value: &Json) -> Option<Setting> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(flag) => Setting::Flag(*flag),
        Json::Number(number) => Setting::Number(number.as_f64()?),
        Json::String(text) => Setting::Text(text.clone()),
        Json::Array(items) => Setting::List(items.iter().filter_map(from_json).collect()),
        Json::Object(_) => Setting::Table(value.clone()),
    })
}
