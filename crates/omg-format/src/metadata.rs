use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::value::{Array, Strings, Value};

/// The key-value pairs of a GGUF file in file order; empty for safetensors folders. Getters give `Ok(None)` for an absent
/// key and `Err(Metadata)` for one of another type or range.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    entries: Vec<(String, Value)>,
    index: HashMap<String, usize>,
}

impl Metadata {
    /// False when the key is taken: the first value stays.
    pub fn insert(&mut self, key: String, value: Value) -> bool {
        if self.index.contains_key(&key) {
            return false;
        }
        self.index.insert(key.clone(), self.entries.len());
        self.entries.push((key, value));
        true
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.entries
            .iter()
            .map(|(key, value)| (key.as_str(), value))
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.index.get(key).map(|index| &self.entries[*index].1)
    }

    pub fn contains(&self, key: &str) -> bool {
        self.index.contains_key(key)
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match convert(value) {
                Some(converted) => Ok(Some(converted)),
                None => Err(problem(key, format!("is not {wanted}"))),
            },
        }
    }

    pub fn u32(&self, key: &str) -> Result<Option<u32>> {
        self.typed(key, "an unsigned 32-bit number", |v| {
            u32::try_from(v.as_i128()?).ok()
        })
    }

    pub fn u64(&self, key: &str) -> Result<Option<u64>> {
        self.typed(key, "an unsigned number", |v| {
            u64::try_from(v.as_i128()?).ok()
        })
    }

    pub fn i64(&self, key: &str) -> Result<Option<i64>> {
        self.typed(key, "a whole number", |v| i64::try_from(v.as_i128()?).ok())
    }

    /// An unsigned 32-bit number as `usize`.
    pub fn usize(&self, key: &str) -> Result<Option<usize>> {
        Ok(self.u32(key)?.map(|v| v as usize))
    }

    /// Finite; a NaN or an infinity is an error.
    pub fn f32(&self, key: &str) -> Result<Option<f32>> {
        self.typed(key, "a finite number", |v| {
            Some(v.as_f64()? as f32).filter(|f| f.is_finite())
        })
    }

    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "a boolean", Value::as_bool)
    }

    pub fn str(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a string", Value::as_str)
    }

    pub fn array(&self, key: &str) -> Result<Option<&Array>> {
        self.typed(key, "an array", Value::as_array)
    }

    pub fn strings(&self, key: &str) -> Result<Option<&Strings>> {
        self.typed(key, "an array of strings", |v| match v {
            Value::Array(Array::String(strings)) => Some(strings),
            _ => None,
        })
    }

    pub fn f32s(&self, key: &str) -> Result<Option<Vec<f32>>> {
        self.typed(key, "an array of numbers", |v| match v {
            Value::Array(Array::F32(items)) => Some(items.clone()),
            Value::Array(array) => (0..array.len())
                .map(|i| array.get(i)?.as_f64().map(|f| f as f32))
                .collect(),
            _ => None,
        })
    }

    pub fn u32s(&self, key: &str) -> Result<Option<Vec<u32>>> {
        self.typed(key, "an array of unsigned 32-bit numbers", |v| match v {
            Value::Array(Array::U32(items)) => Some(items.clone()),
            Value::Array(array) => (0..array.len())
                .map(|i| u32::try_from(array.get(i)?.as_i128()?).ok())
                .collect(),
            _ => None,
        })
    }

    pub fn i32s(&self, key: &str) -> Result<Option<Vec<i32>>> {
        self.typed(key, "an array of 32-bit numbers", |v| match v {
            Value::Array(Array::I32(items)) => Some(items.clone()),
            Value::Array(array) => (0..array.len())
                .map(|i| i32::try_from(array.get(i)?.as_i128()?).ok())
                .collect(),
            _ => None,
        })
    }

    /// One value per layer: an array gives its first `layers` elements (shorter ones are an error), a scalar is repeated.
    pub fn u32_per_layer(&self, key: &str, layers: usize) -> Result<Option<Vec<u32>>> {
        match self.get(key) {
            Some(Value::Array(_)) => first(key, self.u32s(key)?, layers),
            _ => Ok(self.u32(key)?.map(|v| vec![v; layers])),
        }
    }

    /// As `u32_per_layer`.
    pub fn f32_per_layer(&self, key: &str, layers: usize) -> Result<Option<Vec<f32>>> {
        match self.get(key) {
            Some(Value::Array(_)) => first(key, self.f32s(key)?, layers),
            _ => Ok(self.f32(key)?.map(|v| vec![v; layers])),
        }
    }

    /// As `u32_per_layer`, for arrays of booleans or of 0 and 1.
    pub fn bool_per_layer(&self, key: &str, layers: usize) -> Result<Option<Vec<bool>>> {
        match self.get(key) {
            Some(Value::Array(_)) => {
                let items = self.typed(key, "an array of booleans", |v| {
                    let array = v.as_array()?;
                    (0..array.len())
                        .map(|i| array.get(i)?.as_bool())
                        .collect::<Option<Vec<bool>>>()
                })?;
                first(key, items, layers)
            }
            _ => Ok(self.bool(key)?.map(|v| vec![v; layers])),
        }
    }

    pub fn require_u32(&self, key: &str) -> Result<u32> {
        self.u32(key)?.ok_or_else(|| missing(key))
    }

    pub fn require_usize(&self, key: &str) -> Result<usize> {
        self.usize(key)?.ok_or_else(|| missing(key))
    }

    pub fn require_f32(&self, key: &str) -> Result<f32> {
        self.f32(key)?.ok_or_else(|| missing(key))
    }

    pub fn require_str(&self, key: &str) -> Result<&str> {
        self.str(key)?.ok_or_else(|| missing(key))
    }
}

fn first<T>(key: &str, items: Option<Vec<T>>, layers: usize) -> Result<Option<Vec<T>>> {
    let Some(mut items) = items else {
        return Ok(None);
    };
    if items.len() < layers {
        return Err(problem(
            key,
            format!("has {} elements for {layers} layers", items.len()),
        ));
    }
    items.truncate(layers);
    Ok(Some(items))
}

pub(crate) fn missing(key: &str) -> Error {
    problem(key, "is missing".to_owned())
}

fn problem(key: &str, problem: String) -> Error {
    Error::Metadata {
        key: key.to_owned(),
        problem,
    }
}
