//! The variables of a render: JSON text to values, with every digit and the order of keys kept.

use std::fmt;
use std::sync::Arc;

use jiter::JsonValue;
use minijinja::Value;
use minijinja::value::{Object, ObjectRepr};

/// Reads a JSON object. Of a repeated key the last value counts, as in Python.
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    match JsonValue::parse(text.as_bytes(), false) {
        Ok(value @ JsonValue::Object(_)) => Ok(value_of(&value)),
        Ok(_) => Err("it is something else".to_owned()),
        Err(error) => Err(error.description(text.as_bytes())),
    }
}

fn value_of(value: &JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::from(()),
        JsonValue::Bool(b) => Value::from(*b),
        JsonValue::Int(i) => Value::from(*i),
        JsonValue::BigInt(big) => match i128::try_from(big) {
            Ok(i) => Value::from(i),
            Err(_) => Value::from_object(LongInteger(big.to_string())),
        },
        JsonValue::Float(f) => Value::from(*f),
        JsonValue::Str(s) => Value::from(s.as_ref()),
        JsonValue::Array(items) => items.iter().map(value_of).collect(),
        JsonValue::Object(members) => Value::from_pairs(
            members
                .iter()
                .map(|(key, value)| (key.as_ref(), value_of(value))),
        ),
    }
}

/// An integer beyond 128 bits. Templates only write such numbers.
#[derive(Debug)]
pub(crate) struct LongInteger(String);

impl Object for LongInteger {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl LongInteger {
    pub(crate) fn digits(&self) -> &str {
        &self.0
    }
}
